/** FlowSchemas (`pkg/apis/flowcontrol/validation/validation.go`, `ValidateFlowSchema`). */
import type { FieldError } from '@kubets/apimachinery/field';
import { isDNS1123Label, isDNS1123Subdomain } from '@kubets/apimachinery/names';
import { semanticEqual } from '@kubets/apimachinery/validation-meta';
import { ErrorList } from '../../core/validation/pod-error-list.ts';
import type {
  FlowSchema,
  FlowSchemaSpec,
  NonResourcePolicyRule,
  PolicyRulesWithSubjects,
  ResourcePolicyRule,
} from '../../generated/types/flowcontrol-v1.ts';
import { checkFlowSubject } from './flow-subject.ts';
import { mandatorySpec } from './mandatory.ts';

const maxPrecedence = 10_000;
const distinguishers = ['ByNamespace', 'ByUser'];
const verbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'proxy', 'update', 'watch'];
const namespaceRule = "each member of this list must be '*' or a DNS-1123 label; ";

function checkVerbs(errors: ErrorList, list: readonly string[], path: string): void {
  if (list.length === 0) errors.required(path, 'verbs must contain at least one value');
  else if (list.includes('*')) {
    if (list.length > 1) errors.invalid(path, list, "if '*' is present, must not specify other verbs");
  } else if (!list.every((verb) => verbs.includes(verb))) errors.notSupported(path, list, verbs);
}

/** A list that is the wildcard alone, or names without it. */
function checkNames(
  errors: ErrorList,
  list: readonly string[],
  { path, none, others }: { path: string; none: string; others: string },
): void {
  if (list.length === 0) errors.required(path, none);
  else if (list.length > 1 && list.includes('*')) {
    errors.invalid(path, list, `if '*' is present, must not specify other ${others}`);
  }
}

function checkNamespaces(errors: ErrorList, rule: ResourcePolicyRule, path: string): void {
  const { clusterScope = false } = rule;
  const namespaces = rule.namespaces ?? [];
  if (namespaces.length === 0 && !clusterScope) {
    errors.required(path, 'resource rules that are not cluster scoped must supply at least one namespace');
  } else if (namespaces.includes('*')) {
    if (namespaces.length > 1) {
      errors.invalid(path, namespaces, "if '*' is present, must not specify other namespaces");
    }
  } else {
    for (const [i, name] of namespaces.entries()) {
      errors.eachInvalid(
        `${path}[${i}]`,
        name,
        isDNS1123Label(name).map((message) => namespaceRule + message),
      );
    }
  }
}

function checkResourceRule(errors: ErrorList, rule: ResourcePolicyRule, path: string): void {
  checkVerbs(errors, rule.verbs ?? [], `${path}.verbs`);
  checkNames(errors, rule.apiGroups ?? [], {
    path: `${path}.apiGroups`,
    none: 'resource rules must supply at least one api group',
    others: 'api groups',
  });
  checkNames(errors, rule.resources ?? [], {
    path: `${path}.resources`,
    none: 'resource rules must supply at least one resource',
    others: 'resources',
  });
  checkNamespaces(errors, rule, `${path}.namespaces`);
}

/** The complaint about a path of {@link NonResourcePolicyRule}; a `*` may only stand behind the last slash. */
function urlComplaint(url: string): string | undefined {
  if (url === '') return 'must not be empty';
  if (url === '/') return undefined;
  if (!url.startsWith('/')) return 'must start with slash';
  if (url.includes(' ')) return 'must not contain white-space';
  if (url.includes('//')) return 'must not contain double slash';
  const star = url.indexOf('*');
  if (star >= 0 && (star !== url.length - 1 || !url.endsWith('/*'))) return 'wildcard can only do suffix matching';
  return undefined;
}

function checkNonResourceRule(errors: ErrorList, rule: NonResourcePolicyRule, path: string): void {
  checkVerbs(errors, rule.verbs ?? [], `${path}.verbs`);
  const urls = rule.nonResourceURLs ?? [];
  const others = 'non-resource URLs';
  const none = 'nonResourceURLs must contain at least one value';
  checkNames(errors, urls, { path: `${path}.nonResourceURLs`, none, others });
  if (urls.includes('*')) return;
  for (const [i, url] of urls.entries()) {
    const complaint = urlComplaint(url);
    if (complaint !== undefined) errors.invalid(`${path}.nonResourceURLs[${i}]`, url, complaint);
  }
}

function checkRule(errors: ErrorList, rule: PolicyRulesWithSubjects, path: string): void {
  // The zero value of a required list is null.
  const subjects = rule.subjects ?? [];
  const { resourceRules = [], nonResourceRules = [] } = rule;
  if (subjects.length === 0) errors.required(`${path}.subjects`, 'subjects must contain at least one value');
  subjects.forEach((subject, i) => checkFlowSubject(errors, subject, `${path}.subjects[${i}]`));
  if (resourceRules.length === 0 && nonResourceRules.length === 0) {
    errors.required(path, 'at least one of resourceRules and nonResourceRules has to be non-empty');
  }
  resourceRules.forEach((item, i) => checkResourceRule(errors, item, `${path}.resourceRules[${i}]`));
  nonResourceRules.forEach((item, i) => checkNonResourceRule(errors, item, `${path}.nonResourceRules[${i}]`));
}

function checkSpec(errors: ErrorList, name: string, spec: FlowSchemaSpec): void {
  const { matchingPrecedence = 0, distinguisherMethod, rules = [] } = spec;
  const path = 'spec.matchingPrecedence';
  if (matchingPrecedence <= 0) errors.invalid(path, matchingPrecedence, 'must be a positive value');
  if (matchingPrecedence > maxPrecedence) {
    errors.invalid(path, matchingPrecedence, `must not be greater than ${maxPrecedence}`);
  }
  if (matchingPrecedence === 1 && name !== 'exempt') {
    errors.invalid(path, matchingPrecedence, "only the schema named 'exempt' may have matchingPrecedence 1");
  }
  if (distinguisherMethod !== undefined && !distinguishers.includes(distinguisherMethod.type)) {
    errors.notSupported('spec.distinguisherMethod.type', distinguisherMethod, distinguishers);
  }
  const level = spec.priorityLevelConfiguration?.name ?? '';
  if (level === '') errors.required('spec.priorityLevelConfiguration.name', 'must reference a priority level');
  else errors.eachInvalid('spec.priorityLevelConfiguration.name', level, isDNS1123Subdomain(level));
  rules.forEach((rule, i) => checkRule(errors, rule, `spec.rules[${i}]`));
}

/** Conditions have types, each once; nothing else is asked of them here. */
export function checkFlowConditions(
  errors: ErrorList,
  conditions: readonly { readonly type?: string }[] | undefined,
): void {
  const seen = new Set<string>();
  for (const [i, { type = '' }] of (conditions ?? []).entries()) {
    const path = `status.conditions[${i}].type`;
    if (seen.has(type)) errors.duplicate(path, type);
    seen.add(type);
    if (type === '') errors.required(path, 'must not be empty');
  }
}

/** Create and update. The built-in schemas `exempt` and `catch-all` cannot be changed. */
export function validateFlowSchema(object: FlowSchema): FieldError[] {
  const errors = new ErrorList();
  const { name = '' } = object.metadata;
  const spec = object.spec ?? ({} as FlowSchemaSpec);
  checkSpec(errors, name, spec);
  const fixed = mandatorySpec('FlowSchema', name);
  if (fixed !== undefined && !semanticEqual(spec, fixed)) {
    errors.invalid('spec', spec, `spec of '${name}' must equal the fixed value`);
  }
  checkFlowConditions(errors, object.status?.conditions);
  return errors.errors;
}

export function validateFlowSchemaStatus(object: FlowSchema): FieldError[] {
  const errors = new ErrorList();
  checkFlowConditions(errors, object.status?.conditions);
  return errors.errors;
}
