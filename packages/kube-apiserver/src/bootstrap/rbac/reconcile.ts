/**
 * What has to change so that a role or binding grants at least what the built-in one does
 * (`pkg/registry/rbac/reconciliation/{reconcile_role,reconcile_rolebindings}.go`). Pure.
 *
 * Missing rules, subjects, labels and annotations are added. What users added stays; what they changed in labels and
 * annotations stays too. An object with the annotation `rbac.authorization.kubernetes.io/autoupdate: "false"` is left alone.
 */
import { semanticEqual } from '../../registry/generic/semantic-equal.ts';
import { covers } from '../../authorization/rbac/covers.ts';
import { compactRules } from '../../authorization/rbac/rule-text.ts';
import type { BindingObject, LabelSelector, RoleObject, Subject } from '../../authorization/rbac/types.ts';

export const autoUpdateAnnotation = 'rbac.authorization.kubernetes.io/autoupdate';

export type Reconciled<T> =
  | { readonly action: 'none' }
  | { readonly action: 'create' | 'update' | 'recreate'; readonly object: T };

type RbacObject = RoleObject | BindingObject;

const isProtected = (existing: Readonly<RbacObject>): boolean =>
  existing.metadata.annotations?.[autoUpdateAnnotation] === 'false';

function mergedMetadata<T extends RbacObject>(expected: Readonly<T>, existing: Readonly<T>): T {
  const metadata = { ...existing.metadata };
  for (const field of ['labels', 'annotations'] as const) {
    const merged = { ...expected.metadata[field], ...existing.metadata[field] };
    if (Object.keys(merged).length > 0) metadata[field] = merged;
  }
  return { ...existing, metadata };
}

/** For roles and cluster roles. */
export function reconcileRole(
  expected: Readonly<RoleObject>,
  existing: Readonly<RoleObject> | undefined,
): Reconciled<RoleObject> {
  if (existing === undefined) return { action: 'create', object: structuredClone(expected) };
  if (isProtected(existing)) return { action: 'none' };
  const result = mergedMetadata(expected, existing);
  if (expected.aggregationRule === undefined) addMissingRules(result, expected);
  else addMissingSelectors(result, expected);
  return semanticEqual(result, existing) ? { action: 'none' } : { action: 'update', object: structuredClone(result) };
}

function addMissingRules(result: RoleObject, expected: Readonly<RoleObject>): void {
  const { missing } = covers(result.rules ?? [], expected.rules ?? []);
  if (missing.length > 0) result.rules = [...(result.rules ?? []), ...compactRules(missing)];
}

/** Rules of aggregated roles are made from others; only their selectors are ours. */
function addMissingSelectors(result: RoleObject, expected: Readonly<RoleObject>): void {
  const present = result.aggregationRule?.clusterRoleSelectors ?? [];
  const missing = (expected.aggregationRule?.clusterRoleSelectors ?? []).filter(
    (wanted: LabelSelector) => !present.some((selector) => semanticEqual(selector, wanted)),
  );
  if (missing.length > 0) result.aggregationRule = { clusterRoleSelectors: [...present, ...missing] };
}

/** For role bindings and cluster role bindings. A binding to another role has to be made anew. */
export function reconcileBinding(
  expected: Readonly<BindingObject>,
  existing: Readonly<BindingObject> | undefined,
): Reconciled<BindingObject> {
  if (existing === undefined) return { action: 'create', object: structuredClone(expected) };
  if (isProtected(existing)) return { action: 'none' };
  const sameRole = semanticEqual(expected.roleRef, existing.roleRef);
  const result = mergedMetadata(expected, existing);
  const present = result.subjects ?? [];
  const missing = (expected.subjects ?? []).filter(
    (wanted) => !present.some((subject) => sameSubject(subject, wanted)),
  );
  if (missing.length > 0) result.subjects = [...present, ...missing];
  if (!sameRole) return { action: 'recreate', object: asNew(result, expected) };
  return semanticEqual(result, existing) ? { action: 'none' } : { action: 'update', object: structuredClone(result) };
}

const sameSubject = (a: Subject, b: Subject): boolean =>
  a.kind === b.kind &&
  a.name === b.name &&
  (a.namespace ?? '') === (b.namespace ?? '') &&
  (a.apiGroup ?? '') === (b.apiGroup ?? '');

function asNew(result: BindingObject, expected: Readonly<BindingObject>): BindingObject {
  const { name, namespace, labels, annotations } = result.metadata;
  const metadata = { name, ...(namespace !== undefined && { namespace }), labels, annotations };
  return structuredClone({ ...result, metadata, roleRef: expected.roleRef });
}
