/** Expressions that say which devices will do (upstream `k8s.io/dynamic-resource-allocation/cel`). */
import type { Device, DeviceSelector } from '@kubets/api/types/resource-v1';

/** What an expression may look at: `device.driver`, `device.attributes`, `device.capacity`. */
export interface SelectableDevice {
  readonly driver: string;
  readonly device: Readonly<Device>;
}

/** Whether the device will do. Throws when the expression cannot be evaluated for it. */
export type DeviceMatcher = (device: SelectableDevice) => boolean;

/** Makes a matcher of a CEL expression. Throws when it is none. */
export type SelectorCompiler = (expression: string) => DeviceMatcher;

/** There is no evaluator of CEL expressions: whoever needs one is told so, instead of being given any device. */
export const refuseExpressions: SelectorCompiler = (expression) => {
  throw new Error(
    `CEL selectors are not supported: ${JSON.stringify(expression)} cannot be evaluated; without selectors, any device of the class will do`,
  );
};

/** Compiles all selectors of a list; a device must match all of them. Throws as the compiler does. */
export function compileSelectors(
  selectors: readonly Readonly<DeviceSelector>[] | undefined,
  compiler: SelectorCompiler,
): readonly DeviceMatcher[] {
  return (selectors ?? []).map(({ cel }) => {
    if (cel === undefined) throw new Error('CEL expression empty, unsupported type of device selector');
    return compiler(cel.expression);
  });
}
