/** Create handlers of the authorization group's virtual resources, by `group/resource`. */
import type { Authorizer } from '../../authorization/authorizer.ts';
import { accessReviewHandler, type ReviewHandler } from './access-reviews.ts';
import { createOnly } from '../rest/create-only.ts';
import { rulesReviewHandler } from './rules-review.ts';

/** For the installer's table of extra resources. */
export function authorizationHandlers(authorizer: Authorizer): Readonly<Record<string, ReviewHandler>> {
  return {
    'authorization.k8s.io/subjectaccessreviews': createOnly(false, accessReviewHandler('subject', authorizer)),
    'authorization.k8s.io/localsubjectaccessreviews': createOnly(true, accessReviewHandler('local', authorizer)),
    'authorization.k8s.io/selfsubjectaccessreviews': createOnly(false, accessReviewHandler('self', authorizer)),
    'authorization.k8s.io/selfsubjectrulesreviews': createOnly(false, rulesReviewHandler(authorizer)),
  };
}
