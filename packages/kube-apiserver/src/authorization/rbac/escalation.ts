/**
 * Nobody grants what they do not hold (`pkg/registry/rbac/{role,clusterrole,rolebinding,clusterrolebinding}/policybased/storage.go`,
 * `pkg/registry/rbac/escalation_check.go`).
 *
 * Upstream wraps the storage; here it is an admission plugin that is always on and refuses in the
 * validating phase, so an object that is also invalid is refused as invalid first.
 */
import { newForbidden, newNotFound } from '@kubets/apimachinery/status';
import type { AdmissionAttributes, AdmissionPlugin } from '../../admission/plugin.ts';
import type { Authorizer } from '../authorizer.ts';
import { systemPrivilegedGroup } from '../privileged-groups.ts';
import { semanticEqual } from '../../registry/generic/semantic-equal.ts';
import { covers } from './covers.ts';
import { aggregateErrors, missingRoleText, type RbacAuthorizer } from './rbac-authorizer.ts';
import { compactRules, quotedList, ruleText } from './rule-text.ts';
import { rbacGroup, type BindingObject, type PolicyRule, type RoleObject, type RoleRef } from './types.ts';

export interface EscalationCheckDeps {
  /** Resolves what the user holds, whatever authorizers are on. */
  readonly rbac: RbacAuthorizer;
  /** All authorizers together: asked for the verbs `escalate` and `bind`. */
  readonly authorizer: Authorizer;
}

const fullAuthority: readonly PolicyRule[] = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
  { verbs: ['*'], nonResourceURLs: ['*'] },
];

const roleResources = new Set(['roles', 'clusterroles']);
const bindingResources = new Set(['rolebindings', 'clusterrolebindings']);

/** Part of every admission chain while RBAC decides; not among the plugins users can switch. */
export function rbacEscalationCheck(deps: EscalationCheckDeps): AdmissionPlugin {
  return {
    name: 'RBACEscalationCheck',
    handles: (operation) => operation === 'CREATE' || operation === 'UPDATE',
    validate(attributes) {
      const { resource, subresource, user } = attributes;
      if (resource.group !== rbacGroup || subresource !== '') return undefined;
      if (user.groups.includes(systemPrivilegedGroup)) return undefined;
      if (roleResources.has(resource.resource)) return checkRole(deps, attributes);
      if (bindingResources.has(resource.resource)) return checkBinding(deps, attributes);
      return undefined;
    },
  };
}

async function checkRole(deps: EscalationCheckDeps, attributes: AdmissionAttributes): Promise<void> {
  const role = attributes.object as RoleObject;
  const old = attributes.oldObject as RoleObject | undefined;
  if (
    old !== undefined &&
    semanticEqual(role.rules, old.rules) &&
    semanticEqual(role.aggregationRule, old.aggregationRule)
  ) {
    return;
  }
  if (
    await authorized(deps, attributes, {
      verb: 'escalate',
      resource: attributes.resource.resource,
      name: attributes.name,
    })
  ) {
    return;
  }
  confirmNoEscalation(deps, attributes, role.rules ?? []);
  if (role.aggregationRule === undefined && old?.aggregationRule === undefined) return;
  const held = deps.rbac.resolve(attributes.user, attributes.namespace);
  if (!covers(held.rules, fullAuthority).covered) {
    throw refuse(attributes, 'must have cluster-admin privileges to use an aggregationRule');
  }
}

async function checkBinding(deps: EscalationCheckDeps, attributes: AdmissionAttributes): Promise<void> {
  const binding = attributes.object as BindingObject;
  const old = attributes.oldObject as BindingObject | undefined;
  if (
    old !== undefined &&
    semanticEqual(binding.roleRef, old.roleRef) &&
    semanticEqual(binding.subjects, old.subjects)
  ) {
    return;
  }
  const { roleRef } = binding;
  const resource = roleRef.kind === 'ClusterRole' ? 'clusterroles' : 'roles';
  if (await authorized(deps, attributes, { verb: 'bind', resource, name: roleRef.name })) return;
  confirmNoEscalation(deps, attributes, referencedRules(deps, roleRef, attributes.namespace));
}

function referencedRules(deps: EscalationCheckDeps, roleRef: RoleRef, namespace: string): readonly PolicyRule[] {
  const rules = deps.rbac.referencedRules(roleRef, namespace);
  if (rules !== undefined) return rules;
  if (roleRef.kind !== 'ClusterRole' && roleRef.kind !== 'Role') throw new Error(missingRoleText(roleRef));
  throw newNotFound({ group: rbacGroup, resource: roleRef.kind.toLowerCase() }, roleRef.name);
}

async function authorized(
  deps: EscalationCheckDeps,
  attributes: AdmissionAttributes,
  target: { verb: string; resource: string; name: string },
): Promise<boolean> {
  const { decision } = await deps.authorizer.authorize({
    ...target,
    user: attributes.user,
    isResourceRequest: true,
    path: '',
    namespace: attributes.namespace,
    group: rbacGroup,
    version: '*',
    subresource: '',
  });
  return decision === 'allow';
}

function confirmNoEscalation(
  deps: EscalationCheckDeps,
  attributes: AdmissionAttributes,
  rules: readonly PolicyRule[],
): void {
  const { user, namespace } = attributes;
  const held = deps.rbac.resolve(user, namespace);
  const { covered, missing } = covers(held.rules, rules);
  if (covered) return;
  const lines = [...new Set(compactRules(missing).map(ruleText))].toSorted();
  const head = `user ${JSON.stringify(user.name)} (groups=${quotedList(user.groups)}) is attempting to grant RBAC permissions not currently held:`;
  const unresolved = held.errors.length === 0 ? '' : `; resolution errors: [${aggregateErrors(held.errors)}]`;
  throw refuse(attributes, `${head}\n${lines.join('\n')}${unresolved}`);
}

function refuse(attributes: AdmissionAttributes, why: string): Error {
  return newForbidden({ group: rbacGroup, resource: attributes.resource.resource }, attributes.name, why);
}
