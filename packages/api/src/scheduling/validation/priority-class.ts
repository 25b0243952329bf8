/** PriorityClasses (`pkg/apis/scheduling/validation/validation.go`, `pkg/apis/scheduling/v1/helpers.go`). */
import type { FieldError } from '@kubets/apimachinery/field';
import { ErrorList } from '../../core/validation/pod-error-list.ts';
import type { PriorityClass } from '../../generated/types/scheduling-v1.ts';

const systemPrefix = 'system-';
const highestUserPriority = 1_000_000_000;
/** The classes that every cluster has. */
const systemClasses: Readonly<Record<string, number>> = {
  'system-node-critical': 2_000_001_000,
  'system-cluster-critical': 2_000_000_000,
};
const policies = ['PreemptLowerPriority', 'Never'];

/** Why a class with a system name is not the one it claims to be. */
function systemComplaint(name: string, object: PriorityClass): string | undefined {
  const value = Object.hasOwn(systemClasses, name) ? systemClasses[name] : undefined;
  if (value === undefined) return `${name} is not a known system priority class`;
  if (value !== (object.value ?? 0)) return `value of ${name} PriorityClass must be ${value}`;
  if (object.globalDefault === true) return `globalDefault of ${name} PriorityClass must be false`;
  return undefined;
}

export function validatePriorityClass(object: PriorityClass): FieldError[] {
  const errors = new ErrorList();
  const { name = '' } = object.metadata;
  const policy: string | undefined = object.preemptionPolicy;
  if (name.startsWith(systemPrefix)) {
    const complaint = systemComplaint(name, object);
    const reserved = `priority class names with '${systemPrefix}' prefix are reserved for system use only`;
    if (complaint !== undefined) errors.forbidden('metadata.name', `${reserved}. error: ${complaint}`);
  } else if ((object.value ?? 0) > highestUserPriority) {
    errors.forbidden('value', `maximum allowed value of a user defined priority is ${highestUserPriority}`);
  }
  if (policy === '') errors.required('preemptionPolicy');
  else if (policy !== undefined && !policies.includes(policy)) {
    errors.notSupported('preemptionPolicy', policy, policies);
  }
  return errors.errors;
}

/** Value and preemption policy stay: pods carry copies of them. Nothing else is checked again. */
export function validatePriorityClassUpdate(object: PriorityClass, old: Readonly<PriorityClass>): FieldError[] {
  const errors = new ErrorList();
  if ((object.value ?? 0) !== (old.value ?? 0)) errors.forbidden('value', 'may not be changed in an update.');
  if (object.preemptionPolicy !== old.preemptionPolicy) {
    errors.invalid('preemptionPolicy', object.preemptionPolicy ?? null, 'field is immutable');
  }
  return errors.errors;
}
