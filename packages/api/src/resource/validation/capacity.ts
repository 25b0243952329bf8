/** How much of a device's capacity a request may take (`pkg/apis/resource/validation/validation.go`, `validateRequestPolicy`). */
import { parseQuantity, type Quantity } from '@kubets/apimachinery/quantity';
import type { ErrorList } from '../../core/validation/pod-error-list.ts';
import type {
  CapacityRequestPolicy,
  CapacityRequestPolicyRange,
  DeviceCapacity,
} from '../../generated/types/resource-v1.ts';
import { checkList } from './lists.ts';

const maxValues = 10;

interface Amounts {
  readonly path: string;
  readonly preset: Quantity;
  readonly max: Quantity;
}

/** In ascending order, none twice, none above the capacity, the default among them. */
function checkValues(errors: ErrorList, texts: readonly string[], { path, preset, max }: Amounts): void {
  const values = texts.map((text) => parseQuantity(text));
  for (const [i, value] of values.entries()) {
    const before = values[i - 1];
    if (before !== undefined && before.compare(value) > 0) {
      errors.invalid(`${path}[${i}]`, value.toString(), 'values must be sorted in ascending order');
    }
  }
  checkList(errors, values, {
    path,
    max: maxValues,
    check: (all, value, at) => {
      if (value.compare(max) > 0) all.invalid(at, value.toString(), `option is larger than capacity value: ${max}`);
    },
    key: (value) => String(value.value()),
  });
  if (!values.some((value) => value.compare(preset) === 0)) {
    errors.invalid(path, preset.toString(), 'default value is not valid according to the requestPolicy');
  }
}

function checkBounds(errors: ErrorList, min: Quantity, top: Quantity | undefined, amounts: Amounts): void {
  const { path, preset, max } = amounts;
  if (min.compare(max) > 0) errors.invalid(`${path}.min`, min.toString(), `min is larger than capacity value: ${max}`);
  if (preset.compare(min) < 0) errors.invalid(`${path}.default`, preset.toString(), `default is less than min: ${min}`);
  if (top === undefined) return;
  if (min.compare(top) > 0) errors.invalid(`${path}.max`, min.toString(), `min is larger than max: ${top}`);
  if (top.compare(max) > 0) errors.invalid(`${path}.max`, top.toString(), `max is larger than capacity value: ${max}`);
  if (preset.compare(top) > 0) errors.invalid(`${path}.default`, preset.toString(), `default is more than max: ${top}`);
}

/** `default` and `max` are whole steps away from `min`. */
function checkSteps(
  errors: ErrorList,
  { min, step, values }: { min: Quantity; step: Quantity; values: readonly Quantity[] },
  { path, max }: Amounts,
): void {
  if (step.sign() <= 0) {
    errors.invalid(`${path}.step`, step.toString(), 'must be greater than zero');
    return;
  }
  const first = min.add(step);
  if (first.compare(max) > 0) {
    errors.invalid(`${path}.step`, step.toString(), `one step ${first} is larger than capacity value: ${max}`);
  }
  for (const value of values) {
    const distance = value.sub(min).scaledValue(0);
    if (distance % step.scaledValue(0) === 0n) continue;
    const detail = `value is not a multiple of a given step (${step}) from (${min})`;
    errors.invalid(`${path}.step`, value.toString(), detail);
  }
}

function checkRange(errors: ErrorList, range: CapacityRequestPolicyRange, amounts: Amounts): void {
  const { path, preset } = amounts;
  if (!range.min) {
    errors.required(`${path}.min`, 'required when validRange is defined');
    return;
  }
  const min = parseQuantity(range.min);
  const top = range.max ? parseQuantity(range.max) : undefined;
  checkBounds(errors, min, top, amounts);
  if (!range.step) return;
  const values = top === undefined ? [preset] : [preset, top];
  checkSteps(errors, { min, step: parseQuantity(range.step), values }, amounts);
}

function checkPolicy(errors: ErrorList, policy: CapacityRequestPolicy, max: Quantity, path: string): void {
  const { validValues = [], validRange } = policy;
  if (validValues.length > 0 && validRange !== undefined) {
    const rule = 'exactly one policy can be specified';
    errors.forbidden(path, `${rule}, cannot specify "validValues" and "validRange" at the same time`);
    return;
  }
  const kind = validValues.length > 0 ? 'validValues' : 'validRange';
  if (kind === 'validRange' && validRange === undefined) return;
  // Absent pointers may be null here and below.
  const preset = policy.default ?? undefined;
  if (preset === undefined) {
    errors.required(`${path}.default`, `required when ${kind} is defined`);
    return;
  }
  const amounts: Amounts = { path: `${path}.${kind}`, preset: parseQuantity(preset), max };
  if (validRange === undefined) checkValues(errors, validValues, amounts);
  else checkRange(errors, validRange, amounts);
}

/** Only a device that several claims share has rules for its parts. */
export function checkCapacity(
  errors: ErrorList,
  capacity: DeviceCapacity,
  { path, shared }: { path: string; shared: boolean },
): void {
  const { requestPolicy, value } = capacity;
  if (requestPolicy === undefined) return;
  if (shared) checkPolicy(errors, requestPolicy, parseQuantity(value), `${path}.requestPolicy`);
  else errors.forbidden(`${path}.requestPolicy`, 'allowMultipleAllocations must be true');
}
