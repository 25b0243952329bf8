/** Failure, success and replacement policies of Jobs (`pkg/apis/batch/validation/validation.go`). */
import { omitValue } from '@kubets/apimachinery/field';
import type {
  JobSpec,
  PodFailurePolicyOnExitCodesRequirement,
  PodFailurePolicyOnPodConditionsPattern,
  PodFailurePolicyRule,
  SuccessPolicyRule,
} from '../../generated/types/batch-v1.ts';
import type { ErrorList } from '../../core/validation/pod-error-list.ts';
import { qualifiedName } from '../../core/validation/pod-names.ts';
import { checkNotNegative } from '../../core/validation/template-counts.ts';
import { countIndexes, indexesError, parseIndexes } from './job-indexes.ts';

const maxRules = 20;
const maxExitCodes = 255;
const maxConditions = 20;
const maxSucceededIndexes = 64 * 1024;
const actions = ['Count', 'FailIndex', 'FailJob', 'Ignore'];
const operators = ['In', 'NotIn'];
const conditionStatuses = ['False', 'True', 'Unknown'];

/** As Go prints a list of strings with `%q`. */
const quoted = (values: readonly string[]): string => `[${values.map((value) => JSON.stringify(value)).join(' ')}]`;

function checkListed(
  errors: ErrorList,
  value: string | undefined,
  { path, allowed }: { path: string; allowed: readonly string[] },
): void {
  if (!value) errors.required(path, `valid values: ${quoted(allowed)}`);
  else if (!allowed.includes(value)) errors.notSupported(path, value, allowed);
}

function checkCodes(errors: ErrorList, requirement: PodFailurePolicyOnExitCodesRequirement, path: string): void {
  const { operator } = requirement;
  // Go writes an empty list as null.
  const values = (requirement.values as number[] | null | undefined) ?? [];
  if (values.length === 0) errors.invalid(path, values, 'at least one value is required');
  else if (values.length > maxExitCodes) errors.tooMany(path, values.length, maxExitCodes);
  values.forEach((code, i) => {
    if (operator === 'In' && code === 0) errors.invalid(`${path}[${i}]`, code, 'must not be 0 for the In operator');
    if (values.indexOf(code) < i) errors.duplicate(`${path}[${i}]`, code);
  });
  if (values.some((code, i) => i > 0 && (values[i - 1] as number) > code)) {
    errors.invalid(path, values, 'must be ordered');
  }
}

function checkExitCodes(
  errors: ErrorList,
  requirement: PodFailurePolicyOnExitCodesRequirement,
  { path, containers }: { path: string; containers: ReadonlySet<string> },
): void {
  const { operator, containerName } = requirement;
  checkListed(errors, operator, { path: `${path}.operator`, allowed: operators });
  if (containerName !== undefined && !containers.has(containerName)) {
    const detail = 'must be one of the container or initContainer names in the pod template';
    errors.invalid(`${path}.containerName`, containerName, detail);
  }
  checkCodes(errors, requirement, `${path}.values`);
}

function checkConditions(
  errors: ErrorList,
  patterns: readonly PodFailurePolicyOnPodConditionsPattern[],
  path: string,
): void {
  if (patterns.length > maxConditions) errors.tooMany(path, patterns.length, maxConditions);
  patterns.forEach(({ type, status }, i) => {
    errors.eachInvalid(`${path}[${i}].type`, type, qualifiedName(type));
    checkListed(errors, status, { path: `${path}[${i}].status`, allowed: conditionStatuses });
  });
}

interface RuleContext {
  readonly path: string;
  readonly spec: JobSpec;
  readonly containers: ReadonlySet<string>;
}

function checkFailureRule(
  errors: ErrorList,
  rule: PodFailurePolicyRule,
  { path, spec, containers }: RuleContext,
): void {
  const { action, onExitCodes, onPodConditions = [] } = rule;
  if (action === 'FailIndex') {
    if (spec.backoffLimitPerIndex === undefined) {
      errors.invalid(`${path}.action`, action, 'requires the backoffLimitPerIndex to be set');
    }
  } else checkListed(errors, action, { path: `${path}.action`, allowed: actions });
  if (onExitCodes) checkExitCodes(errors, onExitCodes, { path: `${path}.onExitCodes`, containers });
  if (onPodConditions.length > 0) checkConditions(errors, onPodConditions, `${path}.onPodConditions`);
  if (onExitCodes && onPodConditions.length > 0) {
    errors.invalid(path, omitValue, 'specifying both OnExitCodes and OnPodConditions is not supported');
  }
  if (!onExitCodes && onPodConditions.length === 0) {
    errors.invalid(path, omitValue, 'specifying one of OnExitCodes and OnPodConditions is required');
  }
}

export function checkFailurePolicy(errors: ErrorList, spec: JobSpec, path: string): void {
  const rules = spec.podFailurePolicy?.rules ?? [];
  const template = spec.template?.spec;
  const names = [...(template?.containers ?? []), ...(template?.initContainers ?? [])].map(({ name }) => name);
  const containers = new Set(names);
  if (rules.length > maxRules) errors.tooMany(`${path}.rules`, rules.length, maxRules);
  rules.forEach((rule, i) => checkFailureRule(errors, rule, { path: `${path}.rules[${i}]`, spec, containers }));
}

function checkSuccessRule(
  errors: ErrorList,
  rule: SuccessPolicyRule,
  { path, completions }: { path: string; completions: number },
): void {
  const { succeededCount: count, succeededIndexes: indexes } = rule;
  if (count === undefined && indexes === undefined) {
    errors.required(path, 'at least one of succeededCount or succeededIndexes must be specified');
  }
  let total = 0;
  if (indexes !== undefined) {
    const at = `${path}.succeededIndexes`;
    if (indexes.length > maxSucceededIndexes) errors.tooLong(at, maxSucceededIndexes);
    const wrong = indexesError(indexes, completions);
    if (wrong === undefined) total = countIndexes(parseIndexes(indexes, completions));
    else errors.invalid(at, indexes, `error parsing succeededIndexes: ${wrong}`);
  }
  if (count === undefined) return;
  const at = `${path}.succeededCount`;
  checkNotNegative(errors, count, at);
  if (count > completions) {
    errors.invalid(at, count, `must be less than or equal to ${completions} (the number of specified completions)`);
  }
  if (indexes !== undefined && count > total) {
    const detail = `must be less than or equal to ${total} (the number of indexes in the specified succeededIndexes field)`;
    errors.invalid(at, count, detail);
  }
}

export function checkSuccessPolicy(errors: ErrorList, spec: JobSpec, path: string): void {
  const policy = spec.successPolicy;
  if (!policy) return;
  if (spec.completionMode !== 'Indexed') return errors.invalid(path, policy, 'requires indexed completion mode');
  const rules = policy.rules ?? [];
  if (rules.length === 0) {
    errors.required(`${path}.rules`, 'at least one rules must be specified when the successPolicy is specified');
  }
  if (rules.length > maxRules) errors.tooMany(`${path}.rules`, rules.length, maxRules);
  const completions = spec.completions ?? 0;
  rules.forEach((rule, i) => checkSuccessRule(errors, rule, { path: `${path}.rules[${i}]`, completions }));
}

export function checkReplacementPolicy(errors: ErrorList, spec: JobSpec, path: string): void {
  const policy = spec.podReplacementPolicy;
  if (policy === undefined) return;
  const allowed = spec.podFailurePolicy ? ['Failed'] : ['Failed', 'TerminatingOrFailed'];
  if (!allowed.includes(policy)) errors.notSupported(path, policy, allowed);
}
