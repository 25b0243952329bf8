/** Cluster roles that are made of others (`pkg/controller/clusterroleaggregation/clusterroleaggregation_controller.go`). Pure. */
import type { ApiObject } from '@kubets/apimachinery/meta';
import { compileLabelSelector, type LabelSelector } from '@kubets/apimachinery/label-selector';

/** As far as aggregation is concerned. */
export interface AggregableRule {
  verbs: string[];
  apiGroups?: string[];
  resources?: string[];
  resourceNames?: string[];
  nonResourceURLs?: string[];
}

/** A ClusterRole, of whatever declaration. */
export interface AggregableRole extends Pick<ApiObject, 'metadata'> {
  rules?: AggregableRule[] | null;
  aggregationRule?: { clusterRoleSelectors?: LabelSelector[] };
}

const ruleKey = (rule: AggregableRule): string =>
  JSON.stringify([
    rule.verbs,
    rule.apiGroups ?? [],
    rule.resources ?? [],
    rule.resourceNames ?? [],
    rule.nonResourceURLs ?? [],
  ]);

/** The rules of all roles that the selectors choose, by name, repeats left out; itself excepted. */
export function aggregatedRules(
  role: Readonly<AggregableRole>,
  all: readonly Readonly<AggregableRole>[],
): AggregableRule[] {
  const byName = all.toSorted((a, b) => ((a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1));
  const rules: AggregableRule[] = [];
  const seen = new Set<string>();
  for (const selector of role.aggregationRule?.clusterRoleSelectors ?? []) {
    const compiled = compileLabelSelector(selector);
    for (const other of byName) {
      if (other.metadata.name === role.metadata.name || !compiled.matches(other.metadata.labels ?? {})) continue;
      for (const rule of other.rules ?? []) {
        const key = ruleKey(rule);
        if (seen.has(key)) continue;
        seen.add(key);
        rules.push(rule);
      }
    }
  }
  return rules;
}

/** Whether two lists say the same in the same order; lists that are absent are empty. */
export function sameRules(
  a: readonly AggregableRule[] | null | undefined,
  b: readonly AggregableRule[] | null | undefined,
): boolean {
  if ((a?.length ?? 0) !== (b?.length ?? 0)) return false;
  return (a ?? []).every((rule, i) => {
    const other = b?.[i];
    return other !== undefined && ruleKey(rule) === ruleKey(other);
  });
}
