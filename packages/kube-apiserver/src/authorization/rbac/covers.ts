/**
 * Whether some rules grant at least what others grant, and what is missing
 * (`component-helpers/auth/rbac/validation/policy_comparator.go` Covers).
 */
import { nonResourceUrlMatches } from './rule-matching.ts';
import type { PolicyRule } from './types.ts';

export interface CoverResult {
  readonly covered: boolean;
  /** Atoms (one group, resource, verb, name each) that nobody covers, in the order of the asking rules. */
  readonly missing: readonly PolicyRule[];
}

/** Do `owner` rules cover all `wanted` ones? Each atom has to be covered by one single rule. */
export function covers(owner: readonly PolicyRule[], wanted: readonly PolicyRule[]): CoverResult {
  const missing = wanted.flatMap(breakdown).filter((atom) => !owner.some((rule) => ruleCovers(rule, atom)));
  return { covered: missing.length === 0, missing };
}

/** One rule as rules of one verb, group, resource and name each. */
export function breakdown(rule: PolicyRule): PolicyRule[] {
  const atoms: PolicyRule[] = [];
  for (const group of rule.apiGroups ?? []) {
    for (const resource of rule.resources ?? []) {
      for (const verb of rule.verbs)
        atoms.push(...resourceAtoms(rule, { apiGroups: [group], resources: [resource], verbs: [verb] }));
    }
  }
  for (const url of rule.nonResourceURLs ?? []) {
    for (const verb of rule.verbs) atoms.push({ nonResourceURLs: [url], verbs: [verb] });
  }
  return atoms;
}

function resourceAtoms(rule: PolicyRule, atom: PolicyRule): PolicyRule[] {
  const names = rule.resourceNames ?? [];
  return names.length === 0 ? [atom] : names.map((name) => ({ ...atom, resourceNames: [name] }));
}

type List = readonly string[] | undefined;

const includesAll = (have: List, wanted: List): boolean =>
  (wanted ?? []).every((value) => have?.includes(value) ?? false);
const starOrAll = (have: List, wanted: List): boolean => (have?.includes('*') ?? false) || includesAll(have, wanted);

function resourcesCover(have: List, wanted: List): boolean {
  if (starOrAll(have, wanted)) return true;
  return (wanted ?? []).every((resource) => {
    if (have?.includes(resource)) return true;
    const slash = resource.indexOf('/');
    return slash >= 0 && (have?.includes(`*/${resource.slice(slash + 1)}`) ?? false);
  });
}

function urlsCover(have: List, wanted: List): boolean {
  return (wanted ?? []).every((url) => have?.some((pattern) => nonResourceUrlMatches(pattern, url)) ?? false);
}

function namesCover(have: List, wanted: List): boolean {
  const unrestricted = (have?.length ?? 0) === 0;
  if ((wanted?.length ?? 0) === 0) return unrestricted;
  return unrestricted || includesAll(have, wanted);
}

function ruleCovers(owner: PolicyRule, atom: PolicyRule): boolean {
  return (
    starOrAll(owner.verbs, atom.verbs) &&
    starOrAll(owner.apiGroups, atom.apiGroups) &&
    resourcesCover(owner.resources, atom.resources) &&
    urlsCover(owner.nonResourceURLs, atom.nonResourceURLs) &&
    namesCover(owner.resourceNames, atom.resourceNames)
  );
}
