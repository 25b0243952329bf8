/** When an Indexed Job has succeeded before all indexes have (upstream `pkg/controller/job/success_policy.go`). */
import type { SuccessPolicy, SuccessPolicyRule } from '@kubets/api/types/batch-v1';
import { countCommon, countIndexes, parseIntervals, type Intervals } from './intervals.ts';

/** The message of the condition SuccessCriteriaMet when a rule is met (`matchSuccessPolicy`). */
export function successPolicyMet(
  policy: Readonly<SuccessPolicy> | undefined,
  completions: number,
  succeeded: Intervals,
): string | undefined {
  if (policy === undefined || succeeded.length === 0) return undefined;
  const index = policy.rules.findIndex((rule) => isMet(rule, completions, succeeded));
  return index < 0 ? undefined : `Matched rules at index ${index}`;
}

function isMet(rule: Readonly<SuccessPolicyRule>, completions: number, succeeded: Intervals): boolean {
  const { succeededIndexes, succeededCount } = rule;
  if (succeededIndexes === undefined) {
    return succeededCount !== undefined && countIndexes(succeeded) >= succeededCount;
  }
  const required = parseIntervals(succeededIndexes, completions);
  if (required.length === 0) return false;
  const common = countCommon(required, succeeded);
  return common === countIndexes(required) || (succeededCount !== undefined && common >= succeededCount);
}
