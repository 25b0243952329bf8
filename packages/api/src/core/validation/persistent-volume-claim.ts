/** PersistentVolumeClaims (`pkg/apis/core/validation/validation.go`, `ValidatePersistentVolumeClaim` and its updates). */
import type { FieldError } from '@kubets/apimachinery/field';
import { parseQuantity } from '@kubets/apimachinery/quantity';
import { semanticEqual } from '@kubets/apimachinery/validation-meta';
import type { PersistentVolumeClaim, PersistentVolumeClaimSpec } from '../../generated/types/core-v1.ts';
import { checkResourceName } from './container-resources.ts';
import { describeDifference } from './pod-difference.ts';
import { ErrorList } from './pod-error-list.ts';
import { checkSelector } from './pod-selectors.ts';
import { checkClaimSpec } from './volume-claim-template.ts';

type Old = Readonly<PersistentVolumeClaim>;

const classAnnotation = 'volume.beta.kubernetes.io/storage-class';
const storagePath = 'spec.resources.requests.storage';
const noSpec: PersistentVolumeClaimSpec = {};

const storageOf = ({ spec }: Old) => parseQuantity(spec?.resources?.requests?.['storage'] ?? '0');

export function validateClaim({ spec = noSpec }: PersistentVolumeClaim, old?: Old): FieldError[] {
  const errors = new ErrorList();
  // A selector that an earlier release has let in may stay.
  if (old !== undefined && semanticEqual(spec.selector, old.spec?.selector)) {
    const { selector, ...rest } = spec;
    checkSelector(errors, selector, { path: 'spec.selector', allowInvalidValues: true });
    checkClaimSpec(errors, rest, 'spec');
  } else checkClaimSpec(errors, spec, 'spec');
  return errors.errors;
}

function checkClass(errors: ErrorList, claim: PersistentVolumeClaim, old: Old): void {
  const now = claim.metadata.annotations?.[classAnnotation] ?? '';
  const before = old.metadata.annotations?.[classAnnotation] ?? '';
  if (now === before || movesClass(claim, old)) return;
  errors.invalid(`metadata.annotations.${classAnnotation}`, now, 'field is immutable');
}

/** The class moves from the annotation to its field. */
function movesClass(claim: PersistentVolumeClaim, old: Old): boolean {
  const before = old.metadata.annotations?.[classAnnotation];
  const after = claim.metadata.annotations?.[classAnnotation];
  const name = claim.spec?.storageClassName;
  return (
    before !== undefined && old.spec?.storageClassName === undefined && name === before && (after ?? before) === before
  );
}

/** A claim made before there was a default class gets it later. */
function getsDefaultClass(claim: PersistentVolumeClaim, old: Old): boolean {
  const unset = !old.metadata.annotations?.[classAnnotation] && old.spec?.storageClassName === undefined;
  return unset && claim.spec?.storageClassName !== undefined;
}

/** The new spec with what may change set back. */
function withoutAllowedChanges(claim: PersistentVolumeClaim, old: Old): PersistentVolumeClaimSpec {
  const { volumeAttributesClassName: _, ...spec } = structuredClone(claim.spec ?? noSpec);
  const before = old.spec ?? noSpec;
  if (!before.volumeName) delete spec.volumeName;
  if (movesClass(claim, old) || getsDefaultClass(claim, old)) delete spec.storageClassName;
  if (claim.status?.phase === 'Bound' && spec.resources?.requests && before.resources?.requests?.['storage']) {
    spec.resources.requests['storage'] = before.resources.requests['storage'];
  }
  return spec;
}

function checkImmutable(errors: ErrorList, claim: PersistentVolumeClaim, old: Old): void {
  const { volumeAttributesClassName: _, ...before } = old.spec ?? noSpec;
  const now = withoutAllowedChanges(claim, old);
  if (semanticEqual(now, before)) return;
  const rule =
    'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims';
  errors.forbidden('spec', `${rule}\n${describeDifference(before, now)}`);
}

function checkSize(errors: ErrorList, claim: PersistentVolumeClaim, old: Old, mayRecover: boolean): void {
  const size = storageOf(claim);
  if (size.compare(storageOf(old)) >= 0) return;
  if (!mayRecover) errors.forbidden(storagePath, 'field can not be less than previous value');
  else if (size.compare(parseQuantity(old.status?.capacity?.['storage'] ?? '0')) <= 0) {
    errors.forbidden(storagePath, 'field can not be less than status.capacity');
  }
}

export interface ClaimUpdateOptions {
  /** `RecoverVolumeExpansionFailure`. */
  readonly recoverExpansion: boolean;
  /** `VolumeAttributesClass`. */
  readonly volumeAttributesClass: boolean;
}

function checkAttributesClass(errors: ErrorList, claim: PersistentVolumeClaim, old: Old, enabled: boolean): void {
  const path = 'spec.volumeAttributesClassName';
  const now = claim.spec?.volumeAttributesClassName;
  const before = old.spec?.volumeAttributesClassName;
  if (now === before) return;
  if (!enabled) errors.forbidden(path, 'update is forbidden when the VolumeAttributesClass feature gate is disabled');
  else if (before !== undefined && now === undefined) {
    errors.forbidden(path, 'update from non-nil value to nil is forbidden');
  }
}

export function validateClaimUpdate(claim: PersistentVolumeClaim, old: Old, options: ClaimUpdateOptions): FieldError[] {
  const errors = new ErrorList();
  errors.add(validateClaim(claim, old));
  checkClass(errors, claim, old);
  checkImmutable(errors, claim, old);
  checkSize(errors, claim, old, options.recoverExpansion);
  const { volumeMode } = claim.spec ?? noSpec;
  if (volumeMode !== old.spec?.volumeMode) errors.invalid('volumeMode', volumeMode, 'field is immutable');
  checkAttributesClass(errors, claim, old, options.volumeAttributesClass);
  return errors.errors;
}

const resizeStates = [
  'ControllerResizeInProgress',
  'ControllerResizeInfeasible',
  'NodeResizeInProgress',
  'NodeResizeInfeasible',
  'NodeResizePending',
];

function checkAllocated(errors: ErrorList, { status = {} }: PersistentVolumeClaim): void {
  for (const [name, state] of Object.entries(status.allocatedResourceStatuses ?? {})) {
    const path = `status.allocatedResourceStatus[${name}]`;
    if (name !== 'storage') checkResourceName(errors, name, path);
    if (!resizeStates.includes(state)) errors.notSupported(path, state, resizeStates.toSorted());
  }
  for (const [name, quantity] of Object.entries(status.allocatedResources ?? {})) {
    const path = `status.allocatedResources[${name}]`;
    if (name !== 'storage') checkResourceName(errors, name, path);
    if (parseQuantity(quantity).sign() < 0) errors.invalid(path, quantity, 'must be a valid resource quantity');
  }
}

export function validateClaimStatusUpdate(claim: PersistentVolumeClaim): FieldError[] {
  const errors = new ErrorList();
  if (!claim.spec?.accessModes?.length) errors.required('Spec.accessModes');
  for (const [name, quantity] of Object.entries(claim.status?.capacity ?? {})) {
    const value = parseQuantity(quantity);
    if (value.sign() < 0)
      errors.invalid(`status.capacity[${name}]`, value.value(), 'must be a valid resource quantity');
  }
  checkAllocated(errors, claim);
  return errors.errors;
}

/** `pkg/api/persistentvolumeclaim/util.go`, `GetWarningsForPersistentVolumeClaim`. */
export function claimWarnings(claim: PersistentVolumeClaim): string[] {
  const warnings: string[] = [];
  if (claim.metadata.annotations !== undefined && classAnnotation in claim.metadata.annotations) {
    warnings.push(
      `metadata.annotations[${classAnnotation}]: deprecated since v1.8; use "storageClassName" attribute instead`,
    );
  }
  for (const list of ['requests', 'limits'] as const) {
    const text = claim.spec?.resources?.[list]?.['storage'];
    if (text === undefined || parseQuantity(text).milliValue() % 1000 === 0) continue;
    const path = `spec.resources.${list}[storage]`;
    warnings.push(`${path}: fractional byte value ${JSON.stringify(text)} is invalid, must be an integer`);
  }
  return warnings;
}
