/** Checks of roles and bindings (`pkg/apis/rbac/validation/validation.go`). */
import { invalid, notSupported, required, Path, type FieldError } from '@kubets/apimachinery/field';
import {
  rbacGroup,
  type BindingObject,
  type PolicyRule,
  type RoleObject,
  type Subject,
} from '../../authorization/rbac/types.ts';
import { validateLabelSelector } from '@kubets/apimachinery/label-selector';
import { isDNS1123Subdomain, validatePathSegmentName } from '@kubets/apimachinery/names';
import { semanticEqual } from '../generic/semantic-equal.ts';

const rules = Path.of('rules');

/** `namespaced`: a Role, which cannot speak of non-resource URLs. */
export function validateRole(role: RoleObject, namespaced: boolean): FieldError[] {
  const errors = (role.rules ?? []).flatMap((rule, i) => validateRule(rule, namespaced, rules.index(i)));
  return namespaced ? errors : [...errors, ...validateAggregation(role)];
}

function validateAggregation(role: RoleObject): FieldError[] {
  if (role.aggregationRule === undefined) return [];
  const path = Path.of('aggregationRule', 'clusterRoleSelectors');
  const selectors = role.aggregationRule.clusterRoleSelectors ?? [];
  if (selectors.length === 0)
    return [required(path, 'at least one clusterRoleSelector required if aggregationRule is non-nil')];
  return selectors.flatMap((selector, i) => validateLabelSelector(selector, path.index(i)));
}

function validateRule(rule: PolicyRule, namespaced: boolean, path: Path): FieldError[] {
  const errors: FieldError[] = [];
  if ((rule.verbs ?? []).length === 0)
    errors.push(required(path.child('verbs'), 'verbs must contain at least one value'));
  const has = (values: readonly string[] | undefined): boolean => (values?.length ?? 0) > 0;
  if (has(rule.nonResourceURLs)) {
    if (namespaced) {
      errors.push(
        invalid(
          path.child('nonResourceURLs'),
          rule.nonResourceURLs,
          'namespaced rules cannot apply to non-resource URLs',
        ),
      );
    }
    if (has(rule.apiGroups) || has(rule.resources) || has(rule.resourceNames)) {
      errors.push(
        invalid(
          path.child('nonResourceURLs'),
          rule.nonResourceURLs,
          'rules cannot apply to both regular resources and non-resource URLs',
        ),
      );
    }
    return errors;
  }
  if (!has(rule.apiGroups))
    errors.push(required(path.child('apiGroups'), 'resource rules must supply at least one api group'));
  if (!has(rule.resources))
    errors.push(required(path.child('resources'), 'resource rules must supply at least one resource'));
  return errors;
}

const roleRefPath = Path.of('roleRef');

/** `namespaced`: a RoleBinding, which may name roles of its namespace and service accounts without theirs. */
export function validateBinding(binding: BindingObject, namespaced: boolean): FieldError[] {
  return [
    ...validateRoleRef(binding, namespaced),
    ...(binding.subjects ?? []).flatMap((subject, i) =>
      validateSubject(subject, namespaced, Path.of('subjects').index(i)),
    ),
  ];
}

function validateRoleRef(binding: BindingObject, namespaced: boolean): FieldError[] {
  const { apiGroup, kind, name } = binding.roleRef;
  const kinds = namespaced ? ['Role', 'ClusterRole'] : ['ClusterRole'];
  const errors: FieldError[] = [];
  if (apiGroup !== rbacGroup) errors.push(notSupported(roleRefPath.child('apiGroup'), apiGroup, [rbacGroup]));
  if (!kinds.includes(kind)) errors.push(notSupported(roleRefPath.child('kind'), kind, kinds));
  if ((name ?? '') === '') return [...errors, required(roleRefPath.child('name'), '')];
  for (const message of validatePathSegmentName(name, false))
    errors.push(invalid(roleRefPath.child('name'), name, message));
  return errors;
}

function validateSubject(subject: Subject, namespaced: boolean, path: Path): FieldError[] {
  const errors: FieldError[] = [];
  if ((subject.name ?? '') === '') errors.push(required(path.child('name'), ''));
  if (subject.kind === 'ServiceAccount')
    return [...errors, ...validateServiceAccountSubject(subject, namespaced, path)];
  if (subject.kind !== 'User' && subject.kind !== 'Group') {
    return [...errors, notSupported(path.child('kind'), subject.kind, ['ServiceAccount', 'User', 'Group'])];
  }
  if (subject.apiGroup !== rbacGroup)
    errors.push(notSupported(path.child('apiGroup'), subject.apiGroup ?? '', [rbacGroup]));
  return errors;
}

function validateServiceAccountSubject(subject: Subject, namespaced: boolean, path: Path): FieldError[] {
  const errors: FieldError[] = [];
  if ((subject.name ?? '') !== '') {
    for (const message of isDNS1123Subdomain(subject.name))
      errors.push(invalid(path.child('name'), subject.name, message));
  }
  if ((subject.apiGroup ?? '') !== '') errors.push(notSupported(path.child('apiGroup'), subject.apiGroup ?? '', ['']));
  if (!namespaced && (subject.namespace ?? '') === '') errors.push(required(path.child('namespace'), ''));
  return errors;
}

/** A binding cannot be pointed at another role: delete it and make a new one. */
export function validateBindingUpdate(
  binding: BindingObject,
  old: Readonly<BindingObject>,
  namespaced: boolean,
): FieldError[] {
  const errors = validateBinding(binding, namespaced);
  if (!semanticEqual(binding.roleRef, old.roleRef))
    errors.push(invalid(roleRefPath, binding.roleRef, 'cannot change roleRef'));
  return errors;
}
