/**
 * Validation of what every object carries (`k8s.io/apimachinery/pkg/api/validation/objectmeta.go`,
 * `pkg/apis/meta/v1/validation/validation.go`).
 */
import { forbidden, invalid, Path, required, tooLong, type FieldError } from './field.ts';
import { parseApiVersion, type ManagedFieldsEntry, type ObjectMeta, type OwnerReference } from './meta.ts';
import { byteLength, isQualifiedName, isValidLabelValue, validateNamespaceName, type NameValidator } from './names.ts';
import { validateFieldManager } from './validation-options.ts';

/** The detail of every error about a field that may not change. */
export const fieldImmutableMessage = 'field is immutable';
const maxAnnotationsBytes = 256 * 1024;
const maxSubresourceLength = 256;

const metadataPath = Path.of('metadata');

/** A label key. */
export function validateLabelName(name: string, path: Path): FieldError[] {
  return isQualifiedName(name).map((message) => invalid(path, name, message));
}

/** Keys and values. */
export function validateLabels(labels: Readonly<Record<string, string>> | undefined, path: Path): FieldError[] {
  const errors: FieldError[] = [];
  for (const key in labels) {
    for (const message of isQualifiedName(key)) errors.push(invalid(path, key, message));
    const value = labels[key] ?? '';
    for (const message of isValidLabelValue(value)) errors.push(invalid(path, value, message));
  }
  return errors;
}

/** Keys are qualified names of any case; all keys and values together stay within 256 KiB. */
export function validateAnnotations(
  annotations: Readonly<Record<string, string>> | undefined,
  path: Path,
): FieldError[] {
  const errors: FieldError[] = [];
  let bytes = 0;
  for (const key in annotations) {
    for (const message of isQualifiedName(key.toLowerCase())) errors.push(invalid(path, key, message));
    bytes += byteLength(key) + byteLength(annotations[key] ?? '');
  }
  if (bytes > maxAnnotationsBytes) errors.push(tooLong(path, maxAnnotationsBytes));
  return errors;
}

function validateOwnerReference(reference: OwnerReference, path: Path): FieldError[] {
  const errors: FieldError[] = [];
  const version = parseApiVersion(reference.apiVersion)?.version ?? '';
  if (version === '') errors.push(invalid(path.child('apiVersion'), reference.apiVersion, 'version must not be empty'));
  for (const name of ['kind', 'name', 'uid'] as const) {
    if (!reference[name]) errors.push(invalid(path.child(name), reference[name] ?? '', 'must not be empty'));
  }
  if (reference.apiVersion === 'v1' && reference.kind === 'Event') {
    errors.push(invalid(path, reference, '/v1, Kind=Event is disallowed from being an owner'));
  }
  return errors;
}

/** Each reference complete, one controller at most. */
export function validateOwnerReferences(references: readonly OwnerReference[] | undefined, path: Path): FieldError[] {
  const errors: FieldError[] = [];
  let controller = '';
  for (const reference of references ?? []) {
    errors.push(...validateOwnerReference(reference, path));
    if (reference.controller !== true) continue;
    const current = `${reference.kind}/${reference.name}`;
    if (controller === '') controller = current;
    else {
      const found = `Found "true" in references for ${controller} and ${current}`;
      errors.push(invalid(path, references, `Only one reference can have Controller set to true. ${found}`));
    }
  }
  return errors;
}

/** A qualified name. */
export function validateFinalizerName(name: string, path: Path): FieldError[] {
  return isQualifiedName(name).map((message) => invalid(path, name, message));
}

/** Each a qualified name; the two of the garbage collector exclude each other. */
export function validateFinalizers(finalizers: readonly string[] | undefined, path: Path): FieldError[] {
  if (finalizers === undefined) return [];
  const errors = finalizers.flatMap((name) => validateFinalizerName(name, path));
  if (finalizers.includes('orphan') && finalizers.includes('foregroundDeletion')) {
    errors.push(invalid(path, finalizers, 'finalizer orphan and foregroundDeletion cannot be both set'));
  }
  return errors;
}

function validateNoNewFinalizers(newMeta: ObjectMeta, oldMeta: ObjectMeta, path: Path): FieldError[] {
  const extra = [...new Set(newMeta.finalizers)].filter((f) => !oldMeta.finalizers?.includes(f)).toSorted();
  if (extra.length === 0) return [];
  const list = extra.map((f) => JSON.stringify(f)).join(', ');
  const why = `no new finalizers can be added if the object is being deleted, found new finalizers []string{${list}}`;
  return [forbidden(path, why)];
}

/** Operation, type, manager and subresource of each entry. */
export function validateManagedFields(entries: readonly ManagedFieldsEntry[] | undefined, path: Path): FieldError[] {
  const errors: FieldError[] = [];
  for (const [i, entry] of (entries ?? []).entries()) {
    const at = path.index(i);
    if (entry.operation !== 'Apply' && entry.operation !== 'Update') {
      errors.push(invalid(at.child('operation'), entry.operation ?? '', 'must be `Apply` or `Update`'));
    }
    if (entry.fieldsType && entry.fieldsType !== 'FieldsV1') {
      errors.push(invalid(at.child('fieldsType'), entry.fieldsType, 'must be `FieldsV1`'));
    }
    errors.push(...validateFieldManager(entry.manager ?? '', at.child('manager')));
    if (byteLength(entry.subresource ?? '') > maxSubresourceLength) {
      errors.push(tooLong(at.child('subresource'), maxSubresourceLength));
    }
  }
  return errors;
}

/** What {@link validateObjectMeta} needs to know of the kind. */
export interface ObjectMetaOptions {
  readonly namespaced: boolean;
  readonly validateName: NameValidator;
  /** Defaults to `metadata`. */
  readonly path?: Path;
}

function validateNames(meta: ObjectMeta, path: Path, validateName: NameValidator): FieldError[] {
  const errors: FieldError[] = [];
  if (meta.generateName) {
    for (const m of validateName(meta.generateName, true)) {
      errors.push(invalid(path.child('generateName'), meta.generateName, m));
    }
  }
  if (!meta.name) errors.push(required(path.child('name'), 'name or generateName is required'));
  else for (const m of validateName(meta.name, false)) errors.push(invalid(path.child('name'), meta.name, m));
  return errors;
}

function validateNamespace(meta: ObjectMeta, path: Path, namespaced: boolean): FieldError[] {
  const at = path.child('namespace');
  if (!namespaced) return meta.namespace ? [forbidden(at, 'not allowed on this type')] : [];
  const { namespace } = meta;
  if (!namespace) return [required(at, '')];
  return validateNamespaceName(namespace, false).map((m) => invalid(at, namespace, m));
}

/** Metadata of an object about to be created, its name generated already. */
export function validateObjectMeta(meta: ObjectMeta, options: ObjectMetaOptions): FieldError[] {
  const path = options.path ?? metadataPath;
  const errors = validateNames(meta, path, options.validateName);
  errors.push(...validateNamespace(meta, path, options.namespaced));
  if ((meta.generation ?? 0) < 0) {
    errors.push(invalid(path.child('generation'), meta.generation, 'must be greater than or equal to 0'));
  }
  if (meta.labels) errors.push(...validateLabels(meta.labels, path.child('labels')));
  if (meta.annotations) errors.push(...validateAnnotations(meta.annotations, path.child('annotations')));
  if (meta.ownerReferences)
    errors.push(...validateOwnerReferences(meta.ownerReferences, path.child('ownerReferences')));
  if (meta.finalizers) errors.push(...validateFinalizers(meta.finalizers, path.child('finalizers')));
  if (meta.managedFields) errors.push(...validateManagedFields(meta.managedFields, path.child('managedFields')));
  return errors;
}

/** Whether two JSON values are equal in every field; absent, null and empty count as the same (`Semantic.DeepEqual`). */
export function semanticEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (isEmptyValue(a) && isEmptyValue(b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
    return a.every((item, i) => semanticEqual(item, b[i]));
  }
  const [left, right] = [a as Record<string, unknown>, b as Record<string, unknown>];
  for (const key in left) if (!semanticEqual(left[key], right[key])) return false;
  for (const key in right) if (!Object.hasOwn(left, key) && !semanticEqual(undefined, right[key])) return false;
  return true;
}

function isEmptyValue(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  if (typeof value !== 'object') return false;
  for (const _ in value) return false;
  return true;
}

/** `field is immutable`, when the two differ. */
export function validateImmutableField(newValue: unknown, oldValue: unknown, path: Path): FieldError[] {
  return semanticEqual(newValue, oldValue) ? [] : [invalid(path, newValue, fieldImmutableMessage)];
}

const immutableStrings = ['name', 'namespace', 'uid', 'creationTimestamp', 'deletionTimestamp'] as const;

/** Metadata of an update against what is stored. */
export function validateObjectMetaUpdate(
  newMeta: ObjectMeta,
  oldMeta: ObjectMeta,
  path: Path = metadataPath,
): FieldError[] {
  const errors: FieldError[] = [];
  if (oldMeta.deletionTimestamp) errors.push(...validateNoNewFinalizers(newMeta, oldMeta, path.child('finalizers')));
  if (!newMeta.resourceVersion) {
    const at = path.child('resourceVersion');
    errors.push(invalid(at, newMeta.resourceVersion ?? '', 'must be specified for an update'));
  }
  if ((newMeta.generation ?? 0) < (oldMeta.generation ?? 0)) {
    errors.push(invalid(path.child('generation'), newMeta.generation ?? 0, 'must not be decremented'));
  }
  for (const field of immutableStrings) {
    const value = newMeta[field];
    if ((value ?? '') !== (oldMeta[field] ?? '')) {
      errors.push(
        invalid(path.child(field), value ?? (field.endsWith('Timestamp') ? null : ''), fieldImmutableMessage),
      );
    }
  }
  const graceNew = newMeta.deletionGracePeriodSeconds;
  errors.push(
    ...validateImmutableField(graceNew, oldMeta.deletionGracePeriodSeconds, path.child('deletionGracePeriodSeconds')),
  );
  if (newMeta.labels) errors.push(...validateLabels(newMeta.labels, path.child('labels')));
  if (newMeta.annotations) errors.push(...validateAnnotations(newMeta.annotations, path.child('annotations')));
  if (newMeta.ownerReferences) {
    errors.push(...validateOwnerReferences(newMeta.ownerReferences, path.child('ownerReferences')));
  }
  if (newMeta.managedFields) {
    errors.push(...validateManagedFields(newMeta.managedFields, path.child('managedFields')));
  }
  return errors;
}
