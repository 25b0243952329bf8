/** Which flow schema a request belongs to (`apiserver/pkg/util/flowcontrol/rule.go`). */
import type { RequestInfo, UserInfo } from '../server/types.ts';
import type { FlowSchemaSpec, NonResourceRule, ResourceRule, RulesWithSubjects, Subject } from './config.ts';

const serviceAccountPrefix = 'system:serviceaccount:';

function matchesSubject(subject: Subject, user: UserInfo): boolean {
  switch (subject.kind) {
    case 'User':
      return subject.user?.name === '*' || subject.user?.name === user.name;
    case 'Group':
      return subject.group?.name === '*' || user.groups.includes(subject.group?.name ?? '');
    case 'ServiceAccount':
      return matchesServiceAccount(subject.serviceAccount, user.name);
    default:
      return false;
  }
}

function matchesServiceAccount(account: Subject['serviceAccount'], username: string): boolean {
  if (account === undefined || !username.startsWith(serviceAccountPrefix)) return false;
  const [namespace, name] = username.slice(serviceAccountPrefix.length).split(':');
  return namespace === account.namespace && (account.name === '*' || account.name === name);
}

const has = (list: readonly string[] | undefined, value: string): boolean =>
  list !== undefined && (list.includes(value) || list.includes('*'));

function matchesResource(rule: ResourceRule, info: RequestInfo): boolean {
  if (!has(rule.verbs, info.verb) || !has(rule.apiGroups, info.group)) return false;
  const resource = info.subresource === '' ? info.resource : `${info.resource}/${info.subresource}`;
  if (!has(rule.resources, resource)) return false;
  return info.namespace === '' ? rule.clusterScope === true : has(rule.namespaces, info.namespace);
}

function matchesPath(pattern: string, path: string): boolean {
  return pattern === path || pattern === '*' || (pattern.endsWith('*') && path.startsWith(pattern.slice(0, -1)));
}

function matchesNonResource(rule: NonResourceRule, info: RequestInfo): boolean {
  return has(rule.verbs, info.verb) && rule.nonResourceURLs.some((pattern) => matchesPath(pattern, info.path));
}

function matchesRules(rules: RulesWithSubjects, info: RequestInfo, user: UserInfo): boolean {
  if (!rules.subjects.some((subject) => matchesSubject(subject, user))) return false;
  return info.isResourceRequest
    ? (rules.resourceRules ?? []).some((rule) => matchesResource(rule, info))
    : (rules.nonResourceRules ?? []).some((rule) => matchesNonResource(rule, info));
}

export function matchesSchema(spec: FlowSchemaSpec, info: RequestInfo, user: UserInfo): boolean {
  for (const rules of spec.rules ?? []) if (matchesRules(rules, info, user)) return true;
  return false;
}

/** What tells the flows of one schema apart. */
export function distinguisherOf(spec: FlowSchemaSpec, info: RequestInfo, user: UserInfo): string {
  const type = spec.distinguisherMethod?.type;
  if (type === 'ByUser') return user.name;
  return type === 'ByNamespace' ? info.namespace : '';
}
