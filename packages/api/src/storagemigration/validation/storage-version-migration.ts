/** StorageVersionMigrations (`pkg/apis/storagemigration/validation/validation.go`). */
import { Path, type FieldError } from '@kubets/apimachinery/field';
import { validateConditions } from '@kubets/apimachinery/validation-conditions';
import { ErrorList } from '../../core/validation/pod-error-list.ts';
import type { StorageVersionMigration } from '../../generated/types/storagemigration-v1beta1.ts';

/** A migration rewrites all objects of this resource. */
export function validateStorageVersionMigration(object: StorageVersionMigration): FieldError[] {
  const errors = new ErrorList();
  if (!object.spec?.resource?.resource) errors.required('spec.resource.resource', 'resource is required');
  return errors.errors;
}

/** The resource stays: a migration is begun and ended once. */
export function validateStorageVersionMigrationUpdate(
  object: StorageVersionMigration,
  old: Readonly<StorageVersionMigration>,
): FieldError[] {
  const errors = new ErrorList();
  errors.add(validateStorageVersionMigration(object));
  for (const field of ['group', 'resource'] as const) {
    const [now = '', before = ''] = [object.spec?.resource?.[field], old.spec?.resource?.[field]];
    if (now !== before) errors.invalid(field, now, 'field is immutable');
  }
  return errors.errors;
}

const holds = (object: Readonly<StorageVersionMigration>, type: string): boolean =>
  (object.status?.conditions ?? []).some((condition) => condition.type === type && condition.status === 'True');

function checkProgress(
  errors: ErrorList,
  object: StorageVersionMigration,
  old: Readonly<StorageVersionMigration>,
): void {
  const conditions = object.status?.conditions ?? [];
  const complain = (detail: string): void => errors.invalid('status.conditions', conditions, detail);
  const [succeeded, failed] = [holds(object, 'Succeeded'), holds(object, 'Failed')];
  const running = holds(object, 'Running');
  if (succeeded && failed) complain('Both success and failed conditions cannot be true at the same time');
  if (succeeded && running) complain('Running condition cannot be true when success condition is true');
  if (failed && running) complain('Running condition cannot be true when failed condition is true');
  if (holds(old, 'Succeeded') && !succeeded) complain('Success condition cannot be set to false once it is true');
  if (holds(old, 'Failed') && !failed) complain('Failed condition cannot be set to false once it is true');
}

/** The resourceVersion at which it began is set once; what has ended stays ended. */
export function validateStorageVersionMigrationStatus(
  object: StorageVersionMigration,
  old: Readonly<StorageVersionMigration>,
): FieldError[] {
  const errors = new ErrorList();
  const path = 'status.resourceVersion';
  const version = object.status?.resourceVersion ?? '';
  const before = old.status?.resourceVersion ?? '';
  if (version !== '' && !/^[+-]?\d+$/.test(version)) {
    const quoted = JSON.stringify(version);
    const cause = `strconv.ParseInt: parsing ${quoted}: invalid syntax`;
    errors.invalid(path, version, `failed to parse resource version ${quoted}: ${cause}`);
  } else if (Number(version) < 0) errors.invalid(path, Number(version), 'must be greater than or equal to 0');
  errors.add(validateConditions(object.status?.conditions ?? [], Path.of('status.conditions')));
  if (before !== '' && before !== version) errors.invalid(path, version, 'cannot be updated');
  checkProgress(errors, object, old);
  return errors.errors;
}
