/** Whether one rule allows one request (`pkg/apis/rbac/v1/evaluation_helpers.go`, `plugin/pkg/auth/authorizer/rbac/rbac.go` RuleAllows). */
import type { AuthorizationAttributes } from '../authorizer.ts';
import type { PolicyRule } from './types.ts';

const hasOrAll = (values: readonly string[] | undefined, wanted: string): boolean =>
  values !== undefined && (values.includes(wanted) || values.includes('*'));

/** `pods`, or `pods/log` for a subresource. */
export function combinedResource(attributes: Pick<AuthorizationAttributes, 'resource' | 'subresource'>): string {
  return attributes.subresource === '' ? attributes.resource : `${attributes.resource}/${attributes.subresource}`;
}

function resourceMatches(rule: PolicyRule, combined: string, subresource: string): boolean {
  if (hasOrAll(rule.resources, combined)) return true;
  return subresource !== '' && (rule.resources?.includes(`*/${subresource}`) ?? false);
}

/** An empty or absent list of names stands for all names. */
export function resourceNameMatches(rule: PolicyRule, name: string): boolean {
  return rule.resourceNames === undefined || rule.resourceNames.length === 0 || rule.resourceNames.includes(name);
}

/** `*`, the very path, or a prefix that ends in `*`. */
export function nonResourceUrlMatches(pattern: string, path: string): boolean {
  if (pattern === '*' || pattern === path) return true;
  return pattern.endsWith('*') && path.startsWith(pattern.replace(/\*+$/, ''));
}

/** Straight from the definition; the authorizer's index gives the same answers faster. */
export function ruleAllows(attributes: AuthorizationAttributes, rule: PolicyRule): boolean {
  if (!hasOrAll(rule.verbs, attributes.verb)) return false;
  if (!attributes.isResourceRequest) {
    return rule.nonResourceURLs?.some((url) => nonResourceUrlMatches(url, attributes.path)) ?? false;
  }
  return (
    hasOrAll(rule.apiGroups, attributes.group) &&
    resourceMatches(rule, combinedResource(attributes), attributes.subresource) &&
    resourceNameMatches(rule, attributes.name)
  );
}
