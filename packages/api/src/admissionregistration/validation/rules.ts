/** Which requests a webhook or a policy is for (`pkg/apis/admissionregistration/validation/validation.go`, `validateRule`). */
import { validatePathSegmentName } from '@kubets/apimachinery/names';
import type { ErrorList } from '../../core/validation/pod-error-list.ts';
import type {
  NamedRuleWithOperations,
  Rule,
  RuleWithOperations,
} from '../../generated/types/admissionregistration-v1.ts';

const scopes = ['*', 'Cluster', 'Namespaced'];
const operations = ['*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE'];

/** A whole resource and a whole subresource cover what is named beside them. */
function checkCovered(errors: ErrorList, resources: readonly string[], path: string): void {
  const [wholeResources, wholeSubresources] = [new Set<string>(), new Set<string>()];
  for (const [i, text] of resources.entries()) {
    const slash = text.indexOf('/');
    if (slash < 0) continue;
    const [resource, subresource] = [text.slice(0, slash), text.slice(slash + 1)];
    if (wholeResources.has(resource)) {
      errors.invalid(`${path}[${i}]`, text, `if '${resource}/*' is present, must not specify ${text}`);
    }
    if (wholeSubresources.has(subresource)) {
      errors.invalid(`${path}[${i}]`, text, `if '*/${subresource}' is present, must not specify ${text}`);
    }
    if (subresource === '*') wholeResources.add(resource);
    if (resource === '*') wholeSubresources.add(subresource);
  }
}

function checkResources(errors: ErrorList, resources: readonly string[], path: string): void {
  if (resources.length === 0) errors.required(path);
  resources.forEach((text, i) => text === '' && errors.required(`${path}[${i}]`));
  checkCovered(errors, resources, path);
  if (resources.length > 1 && resources.includes('*/*')) {
    errors.invalid(path, resources, "if '*/*' is present, must not specify other resources");
  }
  // As upstream, the last resource without a subresource decides.
  const plain = resources.findLast((text) => text !== '' && !text.includes('/'));
  if (resources.includes('*') && plain !== undefined && plain !== '*') {
    const detail = "if '*' is present, must not specify other resources without subresources";
    errors.invalid(path, resources, detail);
  }
}

function checkAlone(
  errors: ErrorList,
  list: readonly string[],
  { path, others }: { path: string; others: string },
): void {
  if (list.length === 0) errors.required(path);
  if (list.length > 1 && list.includes('*')) {
    errors.invalid(path, list, `if '*' is present, must not specify other ${others}`);
  }
}

function checkRule(errors: ErrorList, rule: Rule, path: string): void {
  const { apiGroups, apiVersions, resources, scope } = rule;
  checkAlone(errors, apiGroups ?? [], { path: `${path}.apiGroups`, others: 'API groups' });
  checkAlone(errors, apiVersions ?? [], { path: `${path}.apiVersions`, others: 'API versions' });
  (apiVersions ?? []).forEach((version, i) => version === '' && errors.required(`${path}.apiVersions[${i}]`));
  checkResources(errors, resources ?? [], `${path}.resources`);
  if (scope !== undefined && !scopes.includes(scope)) errors.notSupported(`${path}.scope`, scope, scopes);
}

export function checkRuleWithOperations(errors: ErrorList, rule: RuleWithOperations, path: string): void {
  const list = rule.operations ?? [];
  checkAlone(errors, list, { path: `${path}.operations`, others: 'operations' });
  for (const [i, operation] of list.entries()) {
    if (!operations.includes(operation)) errors.notSupported(`${path}.operations[${i}]`, operation, operations);
  }
  checkRule(errors, rule, path);
}

export function checkNamedRule(errors: ErrorList, rule: NamedRuleWithOperations, path: string): void {
  const seen = new Set<string>();
  for (const [i, name] of (rule.resourceNames ?? []).entries()) {
    errors.eachInvalid(`${path}.resourceNames[${i}]`, name, validatePathSegmentName(name, false));
    if (seen.has(name)) errors.duplicate(`${path}.resourceNames[${i}]`, name);
    seen.add(name);
  }
  checkRuleWithOperations(errors, rule, path);
}
