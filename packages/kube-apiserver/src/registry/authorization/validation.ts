/** Checks of access reviews (`pkg/apis/authorization/validation/validation.go`). */
import { invalid, Path, required, type FieldError } from '@kubets/apimachinery/field';
import type { ObjectMeta } from '@kubets/apimachinery/meta';
import type { AccessReview, AccessReviewSpec, ResourceAttributes, SelectorAttributes } from './review-types.ts';

const specPath = Path.of('spec');

/** SubjectAccessReview: names somebody. */
export function validateSubjectAccessReview(review: AccessReview): FieldError[] {
  return [
    ...validateAttributes(review.spec),
    ...validateSubject(review.spec),
    ...validateEmptyMetadata(review.metadata, 'must be empty'),
  ];
}

/** SelfSubjectAccessReview: the caller is meant. */
export function validateSelfSubjectAccessReview(review: AccessReview): FieldError[] {
  return [...validateAttributes(review.spec), ...validateEmptyMetadata(review.metadata, 'must be empty')];
}

/** LocalSubjectAccessReview: of the namespace it is created in. */
export function validateLocalSubjectAccessReview(review: AccessReview): FieldError[] {
  const { spec, metadata } = review;
  const { namespace, ...others } = metadata;
  const errors = [
    ...validateAttributes(spec),
    ...validateSubject(spec),
    ...validateEmptyMetadata(others, 'must be empty except for namespace'),
  ];
  if (spec.resourceAttributes !== undefined && (spec.resourceAttributes.namespace ?? '') !== (namespace ?? '')) {
    const path = specPath.child('resourceAttributes', 'namespace');
    errors.push(invalid(path, spec.resourceAttributes.namespace ?? '', 'must match metadata.namespace'));
  }
  if (spec.nonResourceAttributes !== undefined) {
    errors.push(
      invalid(
        specPath.child('nonResourceAttributes'),
        spec.nonResourceAttributes,
        'disallowed on this kind of request',
      ),
    );
  }
  return errors;
}

function validateAttributes(spec: AccessReviewSpec): FieldError[] {
  const { resourceAttributes, nonResourceAttributes } = spec;
  if (resourceAttributes !== undefined && nonResourceAttributes !== undefined) {
    const path = specPath.child('nonResourceAttributes');
    return [invalid(path, nonResourceAttributes, 'cannot be specified in combination with resourceAttributes')];
  }
  if (resourceAttributes !== undefined) return validateSelectors(resourceAttributes);
  if (nonResourceAttributes !== undefined) return [];
  const text = 'exactly one of nonResourceAttributes or resourceAttributes must be specified';
  return [invalid(specPath.child('resourceAttributes'), null, text)];
}

function validateSubject(spec: AccessReviewSpec): FieldError[] {
  if ((spec.user ?? '') !== '' || (spec.groups ?? []).length > 0) return [];
  return [invalid(specPath.child('user'), spec.user ?? '', 'at least one of user or group must be specified')];
}

function validateSelectors(attributes: ResourceAttributes): FieldError[] {
  const path = specPath.child('resourceAttributes');
  return [
    ...validateSelector(attributes.fieldSelector, 'fieldSelector', path),
    ...validateSelector(attributes.labelSelector, 'labelSelector', path),
  ];
}

function validateSelector(selector: SelectorAttributes | undefined, name: string, parent: Path): FieldError[] {
  if (selector === undefined) return [];
  const path = parent.child(name);
  const raw = selector.rawSelector ?? '';
  const some = (selector.requirements ?? []).length > 0;
  if (raw !== '' && some)
    return [invalid(path.child('rawSelector'), raw, 'may not specified at the same time as requirements')];
  if (raw === '' && !some) {
    return [required(path.child('requirements'), `when ${name} is specified, requirements or rawSelector is required`)];
  }
  return [];
}

/** Managed fields are the server's business and do not count. */
function validateEmptyMetadata(metadata: ObjectMeta, text: string): FieldError[] {
  const { managedFields: _, ...others } = metadata;
  const isEmpty = Object.values(others).every((value) => value === undefined || value === null || value === '');
  return isEmpty ? [] : [invalid(Path.of('metadata'), metadata, text)];
}
