/** PodDisruptionBudgets (`pkg/apis/policy/validation/validation.go`). */
import { Path, type FieldError } from '@kubets/apimachinery/field';
import { validateLabelSelector } from '@kubets/apimachinery/label-selector';
import { validateConditions } from '@kubets/apimachinery/validation-conditions';
import type { PodDisruptionBudget, PodDisruptionBudgetSpec } from '../../generated/types/policy-v1.ts';
import { ErrorList } from '../../core/validation/pod-error-list.ts';
import { checkAtMost100Percent, checkCounts, checkIntOrPercent } from '../../core/validation/template-counts.ts';

const evictionPolicies = ['AlwaysAllow', 'IfHealthyBudget'];

function checkSpec(errors: ErrorList, spec: PodDisruptionBudgetSpec, allowInvalidValues: boolean): void {
  const { minAvailable, maxUnavailable, selector, unhealthyPodEvictionPolicy: policy } = spec;
  if (minAvailable !== undefined && maxUnavailable !== undefined) {
    errors.invalid('spec', spec, 'minAvailable and maxUnavailable cannot be both set');
  }
  for (const [name, value] of Object.entries({ minAvailable, maxUnavailable })) {
    if (value === undefined) continue;
    checkIntOrPercent(errors, value, `spec.${name}`);
    checkAtMost100Percent(errors, value, `spec.${name}`);
  }
  if (selector) errors.add(validateLabelSelector(selector, Path.of('spec.selector'), { allowInvalidValues }));
  if (policy !== undefined && !evictionPolicies.includes(policy)) {
    errors.notSupported('spec.unhealthyPodEvictionPolicy', policy, evictionPolicies);
  }
}

/** Create and update; an update may keep a selector with values that no label can have. */
export function validatePodDisruptionBudget(
  object: PodDisruptionBudget,
  old?: Readonly<PodDisruptionBudget>,
): FieldError[] {
  const errors = new ErrorList();
  const selector = old?.spec?.selector;
  const strict = selector === undefined ? [] : validateLabelSelector(selector, Path.of('spec.selector'));
  checkSpec(errors, object.spec ?? {}, strict.length > 0);
  return errors.errors;
}

export function validatePodDisruptionBudgetStatus(object: PodDisruptionBudget): FieldError[] {
  const errors = new ErrorList();
  const { conditions = [], disruptionsAllowed, currentHealthy, desiredHealthy, expectedPods } = object.status ?? {};
  errors.add(validateConditions(conditions, Path.of('status.conditions')));
  checkCounts(errors, { disruptionsAllowed, currentHealthy, desiredHealthy, expectedPods }, 'status');
  return errors.errors;
}
