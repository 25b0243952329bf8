/** Lists what the caller may do (`pkg/registry/authorization/selfsubjectrulesreview/rest.go`). */
import type { GroupVersionKind } from '@kubets/apimachinery/meta';
import { newBadRequest } from '@kubets/apimachinery/status';
import type { Authorizer, ResourceRule, RulesOf } from '../../authorization/authorizer.ts';
import { readObject } from '../rest/read-object.ts';
import type { ReviewHandler } from './access-reviews.ts';
import type { RulesReview } from './review-types.ts';

const gvk: GroupVersionKind = { group: 'authorization.k8s.io', version: 'v1', kind: 'SelfSubjectRulesReview' };
const nothing: RulesOf = { resourceRules: [], nonResourceRules: [], incomplete: true, evaluationError: '' };

/** The create handler: rules of all authorizers that can enumerate them. */
export function rulesReviewHandler(authorizer: Authorizer): ReviewHandler {
  return async (request) => {
    const review = (await readObject(request, gvk)) as RulesReview;
    const namespace = review.spec?.namespace ?? '';
    if (namespace === '') throw newBadRequest('no namespace on request');
    const rules = authorizer.rulesFor?.(request.user, namespace) ?? nothing;
    const status = {
      resourceRules: rules.resourceRules.map(ruleObject),
      nonResourceRules: rules.nonResourceRules,
      incomplete: rules.incomplete,
      ...(rules.evaluationError !== '' && { evaluationError: rules.evaluationError }),
    };
    return { type: 'object', status: 201, object: { ...review, status }, gvk };
  };
}

/** Empty lists are left out, as Go writes them. */
function ruleObject(rule: ResourceRule): object {
  return {
    verbs: rule.verbs,
    ...(rule.apiGroups.length > 0 && { apiGroups: rule.apiGroups }),
    ...(rule.resources.length > 0 && { resources: rule.resources }),
    ...(rule.resourceNames.length > 0 && { resourceNames: rule.resourceNames }),
  };
}
