/** Leases and their candidates (`pkg/apis/coordination/validation/validation.go`). */
import type { FieldError } from '@kubets/apimachinery/field';
import { isQualifiedName } from '@kubets/apimachinery/names';
import { ErrorList } from '../../core/validation/pod-error-list.ts';
import type { LeaseSpec } from '../../generated/types/coordination-v1.ts';
import type { LeaseCandidateSpec } from '../../generated/types/coordination-v1beta1.ts';
import { compareVersions, parseVersion } from './semantic-version.ts';

const oldestEmulationVersion = 'OldestEmulationVersion';

/** A strategy is one of Kubernetes' own, or a qualified name. The path ends in `strategy` twice, as upstream's does. */
function checkStrategy(errors: ErrorList, strategy: string, path: string): void {
  if (strategy.includes('/')) errors.eachInvalid(`${path}.strategy`, strategy, isQualifiedName(strategy));
  else if (strategy !== oldestEmulationVersion) {
    errors.notSupported(`${path}.strategy`, strategy, [oldestEmulationVersion]);
  }
}

/** Create and update (`ValidateLeaseSpec`). */
export function validateLease(lease: { readonly spec?: LeaseSpec }): FieldError[] {
  const errors = new ErrorList();
  const { leaseDurationSeconds, leaseTransitions, strategy, preferredHolder } = lease.spec ?? {};
  if (leaseDurationSeconds !== undefined && leaseDurationSeconds <= 0) {
    errors.invalid('spec.leaseDurationSeconds', leaseDurationSeconds, 'must be greater than 0');
  }
  if (leaseTransitions !== undefined && leaseTransitions < 0) {
    errors.invalid('spec.leaseTransitions', leaseTransitions, 'must be greater than or equal to 0');
  }
  if (strategy !== undefined) checkStrategy(errors, strategy, 'spec.strategy');
  if (preferredHolder && !strategy) {
    errors.forbidden('spec.preferredHolder', 'may only be specified if `strategy` is defined');
  }
  return errors.errors;
}

function checkVersions(
  errors: ErrorList,
  { binaryVersion = '', emulationVersion = '' }: Partial<LeaseCandidateSpec>,
): void {
  const [binary, emulation] = [parseVersion(binaryVersion), parseVersion(emulationVersion)];
  const wrong = 'must be a valid semantic version';
  if (emulationVersion !== '' && emulation === undefined) {
    errors.invalid('spec.emulationVersion', emulationVersion, wrong);
  }
  if (binaryVersion === '') errors.required('spec.binaryVersion');
  else if (binary === undefined) errors.invalid('spec.binaryVersion', binaryVersion, wrong);
  if (binary !== undefined && emulation !== undefined && compareVersions(binary, emulation) < 0) {
    errors.invalid('spec.binaryVersion', binaryVersion, 'must be greater than or equal to `emulationVersion`');
  }
}

interface Candidate {
  readonly spec: Partial<LeaseCandidateSpec>;
}

/** Create, and update when there is an `old` one: the lease of a candidate does not change. */
export function validateLeaseCandidate({ spec }: Candidate, old?: Readonly<Candidate>): FieldError[] {
  const errors = new ErrorList();
  // The decoder leaves out what Go leaves out when empty, required or not.
  const { leaseName = '', strategy = '' } = spec;
  if (leaseName === '') errors.required('spec.leaseName');
  checkVersions(errors, spec);
  if (strategy === '') errors.required('spec.strategy');
  else {
    if (strategy === oldestEmulationVersion && !spec.emulationVersion) {
      errors.required('spec.emulationVersion', "must be specified when `strategy` is 'OldestEmulationVersion'");
    }
    checkStrategy(errors, strategy, 'spec.strategy');
  }
  if (old !== undefined && old.spec.leaseName !== leaseName) {
    errors.invalid('spec.leaseName', leaseName, 'field is immutable');
  }
  return errors.errors;
}
