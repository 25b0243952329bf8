/** Create handlers of the authorization group's virtual resources, by `group/resource`. */
import type { Authorizer } from '../../authorization/authorizer.ts';
import { accessReviewHandler, type ReviewHandler } from './access-reviews.ts';
import { rulesReviewHandler } from './rules-review.ts';

/** For the installer's table of extra resources. */
export function authorizationHandlers(authorizer: Authorizer): Readonly<Record<string, ReviewHandler>> {
  return {
    'authorization.k8s.io/subjectaccessreviews': accessReviewHandler('subject', authorizer),
    'authorization.k8s.io/localsubjectaccessreviews': accessReviewHandler('local', authorizer),
    'authorization.k8s.io/selfsubjectaccessreviews': accessReviewHandler('self', authorizer),
    'authorization.k8s.io/selfsubjectrulesreviews': rulesReviewHandler(authorizer),
  };
}
