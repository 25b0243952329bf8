/** The authorizer port (`apiserver/pkg/authorization/authorizer/interfaces.go`). */
import type { UserInfo } from '../server/types.ts';

export interface AuthorizationAttributes {
  readonly user: UserInfo;
  readonly verb: string;
  readonly isResourceRequest: boolean;
  /** For non-resource requests. */
  readonly path: string;
  readonly namespace: string;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
  readonly name: string;
  /** Raw selectors of list, watch and deletecollection, for authorizers that care (KEP-4601). */
  readonly fieldSelector?: string;
  readonly labelSelector?: string;
}

export interface Decision {
  readonly decision: 'allow' | 'deny' | 'no-opinion';
  /** Why, for logs, reviews and the 403's message. */
  readonly reason: string;
}

/** RBAC and Node decide from memory, synchronously; a webhook may take its time. */
export interface Authorizer {
  authorize(attributes: AuthorizationAttributes): Decision | Promise<Decision>;
  /** For SelfSubjectRulesReview; absent when the authorizer cannot enumerate. */
  rulesFor?(user: UserInfo, namespace: string): RulesOf;
}

export interface ResourceRule {
  readonly verbs: readonly string[];
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames: readonly string[];
}

export interface NonResourceRule {
  readonly verbs: readonly string[];
  readonly nonResourceURLs: readonly string[];
}

export interface RulesOf {
  readonly resourceRules: readonly ResourceRule[];
  readonly nonResourceRules: readonly NonResourceRule[];
  readonly incomplete: boolean;
  readonly evaluationError: string;
}
