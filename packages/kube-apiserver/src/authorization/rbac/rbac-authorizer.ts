/** Decides by roles and bindings (`plugin/pkg/auth/authorizer/rbac/rbac.go`). */
import type { UserInfo } from '../../server/types.ts';
import type {
  AuthorizationAttributes,
  Authorizer,
  Decision,
  NonResourceRule,
  ResourceRule,
  RulesOf,
} from '../authorizer.ts';
import { combinedResource } from './rule-matching.ts';
import type { BoundRole, RbacIndex } from './rbac-index.ts';
import { groupKey, userKey } from './subjects.ts';
import { rbacGroup, type PolicyRule, type RoleRef } from './types.ts';

/** All rules that hold for a user in a namespace, and the references that lead nowhere. */
export interface ResolvedRules {
  readonly rules: readonly PolicyRule[];
  readonly errors: readonly string[];
}

const noOpinion: Decision = { decision: 'no-opinion', reason: '' };

/** `clusterrole.rbac.authorization.k8s.io "x" not found`. */
export function missingRoleText(ref: RoleRef): string {
  if (ref.kind !== 'ClusterRole' && ref.kind !== 'Role') {
    return `unsupported role reference kind: ${JSON.stringify(ref.kind)}`;
  }
  return `${ref.kind.toLowerCase()}.${rbacGroup} ${JSON.stringify(ref.name)} not found`;
}

/** One message as it is, several as `[a, b]` (`utilerrors.NewAggregate`); repeated ones once. */
export function aggregateErrors(messages: readonly string[]): string {
  const unique = [...new Set(messages)];
  return unique.length === 1 ? (unique[0] ?? '') : `[${unique.join(', ')}]`;
}

/** Synchronous, from memory. Never denies: what it does not allow, another authorizer may. */
export class RbacAuthorizer implements Authorizer {
  readonly #index: RbacIndex;

  constructor(index: RbacIndex) {
    this.#index = index;
  }

  authorize(attributes: AuthorizationAttributes): Decision {
    const combined = combinedResource(attributes);
    const errors: string[] = [];
    const allowed = this.#firstAllowing(attributes, combined, errors);
    if (allowed !== undefined) return { decision: 'allow', reason: allowed.allowReason };
    return errors.length === 0 ? noOpinion : { decision: 'no-opinion', reason: `RBAC: ${aggregateErrors(errors)}` };
  }

  #firstAllowing(attributes: AuthorizationAttributes, combined: string, errors: string[]): BoundRole | undefined {
    const { user, namespace } = attributes;
    const check = (bound: readonly BoundRole[]): BoundRole | undefined => {
      for (const one of bound) {
        const rules = this.#index.rulesOf(one.roleRef, one.namespace);
        if (rules === undefined) errors.push(missingRoleText(one.roleRef));
        else if (rules.allows(attributes, combined)) return one;
      }
      return undefined;
    };
    return this.#visit(user, namespace, check);
  }

  /** Cluster bindings first, then those of the namespace; stops at the first answer. */
  #visit<T>(user: UserInfo, namespace: string, check: (bound: readonly BoundRole[]) => T | undefined): T | undefined {
    const own = userKey(user.name);
    let found = check(this.#index.clusterBindingsOf(own));
    for (let i = 0; found === undefined && i < user.groups.length; i++) {
      found = check(this.#index.clusterBindingsOf(groupKey(user.groups[i] ?? '')));
    }
    if (found !== undefined || namespace === '') return found;
    found = check(this.#index.bindingsOf(namespace, own));
    for (let i = 0; found === undefined && i < user.groups.length; i++) {
      found = check(this.#index.bindingsOf(namespace, groupKey(user.groups[i] ?? '')));
    }
    return found;
  }

  /** Rules of all bindings of the user, each binding's once (`pkg/registry/rbac/validation/rule.go` RulesFor). */
  resolve(user: UserInfo, namespace: string): ResolvedRules {
    const rules: PolicyRule[] = [];
    const errors: string[] = [];
    const seen = new Set<string>();
    this.#visit(user, namespace, (bound) => {
      for (const one of bound) {
        if (seen.has(one.bindingKey)) continue;
        seen.add(one.bindingKey);
        const role = this.#index.rulesOf(one.roleRef, one.namespace);
        if (role === undefined) errors.push(missingRoleText(one.roleRef));
        else rules.push(...role.rules);
      }
      return undefined;
    });
    return { rules, errors };
  }

  /** The rules behind one reference; `undefined` when the role is missing. */
  referencedRules(ref: RoleRef, namespace: string): readonly PolicyRule[] | undefined {
    return this.#index.rulesOf(ref, namespace)?.rules;
  }

  rulesFor(user: UserInfo, namespace: string): RulesOf {
    const { rules, errors } = this.resolve(user, namespace);
    const resourceRules: ResourceRule[] = [];
    const nonResourceRules: NonResourceRule[] = [];
    for (const rule of rules) {
      if ((rule.resources?.length ?? 0) > 0) resourceRules.push(toResourceRule(rule));
      if ((rule.nonResourceURLs?.length ?? 0) > 0) {
        nonResourceRules.push({ verbs: rule.verbs, nonResourceURLs: rule.nonResourceURLs ?? [] });
      }
    }
    return {
      resourceRules,
      nonResourceRules,
      incomplete: false,
      evaluationError: errors.length === 0 ? '' : aggregateErrors(errors),
    };
  }
}

function toResourceRule(rule: PolicyRule): ResourceRule {
  return {
    verbs: rule.verbs,
    apiGroups: rule.apiGroups ?? [],
    resources: rule.resources ?? [],
    resourceNames: rule.resourceNames ?? [],
  };
}
