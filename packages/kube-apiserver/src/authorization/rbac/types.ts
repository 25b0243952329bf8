/** The RBAC kinds as the caches hold them (`rbac.authorization.k8s.io/v1`). */
import type { ApiObject } from '@kubets/apimachinery/meta';

export interface PolicyRule {
  verbs: string[];
  apiGroups?: string[];
  resources?: string[];
  resourceNames?: string[];
  nonResourceURLs?: string[];
}

export interface Subject {
  kind: string;
  apiGroup?: string;
  name: string;
  namespace?: string;
}

export interface RoleRef {
  apiGroup: string;
  kind: string;
  name: string;
}

export interface LabelSelectorRequirement {
  key: string;
  operator: string;
  values?: string[];
}

export interface LabelSelector {
  matchLabels?: Record<string, string>;
  matchExpressions?: LabelSelectorRequirement[];
}

export interface AggregationRule {
  clusterRoleSelectors?: LabelSelector[];
}

/** A Role or a ClusterRole; only the latter has an aggregation rule. */
export interface RoleObject extends ApiObject {
  rules?: PolicyRule[] | null;
  aggregationRule?: AggregationRule;
}

/** A RoleBinding or a ClusterRoleBinding. */
export interface BindingObject extends ApiObject {
  subjects?: Subject[] | null;
  roleRef: RoleRef;
}

export const rbacGroup = 'rbac.authorization.k8s.io';
