/** The review kinds (`authorization.k8s.io/v1`). */
import type { ApiObject } from '@kubets/apimachinery/meta';

export interface SelectorRequirement {
  key: string;
  operator: string;
  values?: string[];
}

export interface SelectorAttributes {
  rawSelector?: string;
  requirements?: SelectorRequirement[];
}

export interface ResourceAttributes {
  namespace?: string;
  verb?: string;
  group?: string;
  version?: string;
  resource?: string;
  subresource?: string;
  name?: string;
  fieldSelector?: SelectorAttributes;
  labelSelector?: SelectorAttributes;
}

export interface NonResourceAttributes {
  path?: string;
  verb?: string;
}

export interface AccessReviewSpec {
  resourceAttributes?: ResourceAttributes;
  nonResourceAttributes?: NonResourceAttributes;
  user?: string;
  groups?: string[];
  extra?: Record<string, string[]>;
  uid?: string;
}

/** SubjectAccessReview, LocalSubjectAccessReview or SelfSubjectAccessReview. */
export interface AccessReview extends ApiObject {
  spec: AccessReviewSpec;
}

export interface RulesReview extends ApiObject {
  spec: { namespace?: string };
}
