/**
 * Answers whether somebody may do something
 * (`pkg/registry/authorization/{subjectaccessreview,localsubjectaccessreview,selfsubjectaccessreview}/rest.go`, `util/helpers.go`).
 */
import type { FieldError } from '@kubets/apimachinery/field';
import type { GroupVersionKind } from '@kubets/apimachinery/meta';
import { newBadRequest, newInvalid } from '@kubets/apimachinery/status';
import type { AuthorizationAttributes, Authorizer } from '../../authorization/authorizer.ts';
import type { ApiRequest, ApiResult, UserInfo } from '../../server/types.ts';
import { readObject } from '../rest/read-object.ts';
import type { AccessReview, AccessReviewSpec, SelectorAttributes, SelectorRequirement } from './review-types.ts';
import {
  validateLocalSubjectAccessReview,
  validateSelfSubjectAccessReview,
  validateSubjectAccessReview,
} from './validation.ts';

export type ReviewHandler = (request: ApiRequest) => Promise<ApiResult>;

interface ReviewKind {
  readonly kind: string;
  validate(review: AccessReview): FieldError[];
  /** Whom the question is about. */
  subject(spec: AccessReviewSpec, request: ApiRequest): UserInfo;
}

const named = (spec: AccessReviewSpec): UserInfo => ({
  name: spec.user ?? '',
  groups: spec.groups ?? [],
  ...(spec.uid !== undefined && { uid: spec.uid }),
  ...(spec.extra !== undefined && { extra: spec.extra }),
});

const kinds: Readonly<Record<'subject' | 'local' | 'self', ReviewKind>> = {
  subject: { kind: 'SubjectAccessReview', validate: validateSubjectAccessReview, subject: named },
  local: { kind: 'LocalSubjectAccessReview', validate: validateLocalSubjectAccessReview, subject: named },
  self: {
    kind: 'SelfSubjectAccessReview',
    validate: validateSelfSubjectAccessReview,
    subject: (_, request) => request.user,
  },
};

/** The create handler of one of the three kinds of access reviews. */
export function accessReviewHandler(which: keyof typeof kinds, authorizer: Authorizer): ReviewHandler {
  const { kind, validate, subject } = kinds[which];
  const gvk: GroupVersionKind = { group: 'authorization.k8s.io', version: 'v1', kind };
  return async (request) => {
    const review = (await readObject(request, gvk)) as AccessReview;
    review.spec ??= {};
    if (which === 'local') fillNamespace(review, request.info.namespace);
    const errors = validate(review);
    if (errors.length > 0) throw newInvalid(gvk, '', errors);
    const { decision, reason } = await authorizer.authorize(attributesOf(review.spec, subject(review.spec, request)));
    const status = {
      allowed: decision === 'allow',
      ...(decision === 'deny' && { denied: true }),
      ...(reason !== '' && { reason }),
    };
    return { type: 'object', status: 201, object: { ...review, status }, gvk };
  };
}

function fillNamespace(review: AccessReview, namespace: string): void {
  review.metadata.namespace ??= namespace;
  if (review.metadata.namespace !== namespace) {
    throw newBadRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
}

/** What an authorizer is asked for a review (`util.AuthorizationAttributesFrom`). */
export function attributesOf(spec: AccessReviewSpec, user: UserInfo): AuthorizationAttributes {
  const { resourceAttributes: r, nonResourceAttributes: n } = spec;
  return {
    user,
    verb: r?.verb ?? n?.verb ?? '',
    isResourceRequest: r !== undefined,
    path: n?.path ?? '',
    namespace: r?.namespace ?? '',
    group: r?.group ?? '',
    version: r?.version ?? '',
    resource: r?.resource ?? '',
    subresource: r?.subresource ?? '',
    name: r?.name ?? '',
    fieldSelector: rawSelector(r?.fieldSelector),
    labelSelector: rawSelector(r?.labelSelector),
  };
}

function rawSelector(selector: SelectorAttributes | undefined): string | undefined {
  if (selector === undefined) return undefined;
  return selector.rawSelector || (selector.requirements ?? []).map(requirementText).join(',');
}

function requirementText({ key, operator, values = [] }: SelectorRequirement): string {
  switch (operator) {
    case 'In':
      return values.length === 1 ? `${key}=${values[0]}` : `${key} in (${values.join(',')})`;
    case 'NotIn':
      return values.length === 1 ? `${key}!=${values[0]}` : `${key} notin (${values.join(',')})`;
    case 'DoesNotExist':
      return `!${key}`;
    default:
      return key;
  }
}
