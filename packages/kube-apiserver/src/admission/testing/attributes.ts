/** Admission attributes and runs of plugins, for tests. */
import type { ApiObject } from '@kubets/apimachinery/meta';
import type { AdmissionAttributes, AdmissionPlugin } from '../plugin.ts';

export interface TestAttributes extends AdmissionAttributes {
  readonly warnings: string[];
  readonly annotations: Record<string, string>;
}

type Over = Partial<Omit<AdmissionAttributes, 'object' | 'oldObject' | 'resource' | 'kind'>> & {
  group?: string;
  kind?: string;
  old?: object;
};

/** `attributes('pods', pod, { old })`: an update when there is an old object, a creation otherwise. */
export function attributes(resource: string, object: object | undefined, over: Over = {}): TestAttributes {
  const { group = '', kind = '', old, ...rest } = over;
  const metadata = (object as ApiObject | undefined)?.metadata ?? (old as ApiObject | undefined)?.metadata;
  const warnings: string[] = [];
  const annotations: Record<string, string> = {};
  return {
    operation: old === undefined ? 'CREATE' : 'UPDATE',
    resource: { group, version: 'v1', resource },
    subresource: '',
    kind: { group, version: 'v1', kind },
    namespace: metadata?.namespace ?? '',
    name: metadata?.name ?? '',
    object: object as ApiObject | undefined,
    oldObject: old as ApiObject | undefined,
    options: {},
    dryRun: false,
    user: { name: 'jane', groups: ['system:authenticated'] },
    warn: (text) => void warnings.push(text),
    annotate: (key, value) => {
      annotations[key] = value;
    },
    warnings,
    annotations,
    ...rest,
  };
}

/** Both phases of one plugin; '' when it lets the request pass, else the error's text. */
export async function verdict(plugin: AdmissionPlugin, given: AdmissionAttributes): Promise<string> {
  if (!plugin.handles(given.operation)) return '';
  try {
    await plugin.admit?.(given);
    await plugin.validate?.(given);
    return '';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
