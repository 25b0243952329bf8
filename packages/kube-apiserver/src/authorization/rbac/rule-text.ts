/** Rules in error messages (`pkg/apis/rbac/v1/helpers.go` CompactString; `pkg/registry/rbac/validation/policy_compact.go`). */
import type { PolicyRule } from './types.ts';

/** A list of strings as Go's `%q` writes it: `["a" "b"]`. */
export function quotedList(values: readonly string[]): string {
  return `[${values.map((value) => JSON.stringify(value)).join(' ')}]`;
}

/** `{APIGroups:["apps"], Resources:["pods"], Verbs:["get" "list"]}`. */
export function ruleText(rule: PolicyRule): string {
  const parts: [string, readonly string[] | undefined][] = [
    ['APIGroups', rule.apiGroups],
    ['Resources', rule.resources],
    ['NonResourceURLs', rule.nonResourceURLs],
    ['ResourceNames', rule.resourceNames],
    ['Verbs', rule.verbs],
  ];
  const shown = parts.filter(([, values]) => (values?.length ?? 0) > 0);
  return `{${shown.map(([label, values]) => `${label}:${quotedList(values ?? [])}`).join(', ')}}`;
}

function simpleKey(rule: PolicyRule): string | undefined {
  const names = rule.resourceNames ?? [];
  const simple =
    (rule.nonResourceURLs ?? []).length === 0 && rule.apiGroups?.length === 1 && rule.resources?.length === 1;
  return simple && names.length < 2 ? JSON.stringify([rule.apiGroups, rule.resources, names]) : undefined;
}

/** Joins the verbs of rules that name the same single group, resource and name. */
export function compactRules(rules: readonly PolicyRule[]): PolicyRule[] {
  const simple = new Map<string, PolicyRule>();
  const compacted: PolicyRule[] = [];
  for (const rule of rules) {
    const key = simpleKey(rule);
    const known = key === undefined ? undefined : simple.get(key);
    if (known !== undefined) {
      known.verbs = [...known.verbs, ...rule.verbs];
      continue;
    }
    const copy = { ...rule };
    if (key !== undefined) simple.set(key, copy);
    compacted.push(copy);
  }
  return compacted;
}
