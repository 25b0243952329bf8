/**
 * Downward API and projected volumes (`pkg/apis/core/validation/validation.go`,
 * `validateDownwardAPIVolumeFile`, `validateProjectionSources`).
 */
import type {
  ClusterTrustBundleProjection,
  DownwardAPIVolumeFile,
  KeyToPath,
  PodCertificateProjection,
  ProjectedVolumeSource,
  ServiceAccountTokenProjection,
  VolumeProjection,
} from '../../generated/types/core-v1.ts';
import { checkFieldRef, checkResourceFieldRef, volumeFieldPaths } from './env-references.ts';
import type { ErrorList } from './pod-error-list.ts';
import { clusterTrustBundleNameErrors, isKubernetesSigner, signerNameErrors } from './pod-signers.ts';
import { checkUserAnnotations } from './pod-signers.ts';
import { checkSelector } from './pod-selectors.ts';
import { checkUnreservedPath } from './pod-paths.ts';
import type { PodValidationOptions } from './pod-options.ts';
import { checkKeyToPath, checkMode } from './volume-sources.ts';

export function checkDownwardFile(errors: ErrorList, file: DownwardAPIVolumeFile, path: string): void {
  if (!file.path) errors.required(`${path}.path`);
  checkUnreservedPath(errors, file.path ?? '', `${path}.path`);
  if (file.fieldRef) {
    checkFieldRef(errors, file.fieldRef, { path: `${path}.fieldRef`, allowed: volumeFieldPaths });
    if (file.resourceFieldRef) {
      errors.invalid(path, 'resource', 'fieldRef and resourceFieldRef can not be specified simultaneously');
    }
  } else if (file.resourceFieldRef) {
    checkResourceFieldRef(errors, file.resourceFieldRef, { path: `${path}.resourceFieldRef`, volume: true });
  } else {
    errors.required(path, 'one of fieldRef and resourceFieldRef is required');
  }
  checkMode(errors, file.mode, `${path}.mode`);
}

/** State of one projected volume's check: where its files go, and where its errors do. */
interface Projection {
  readonly errors: ErrorList;
  readonly options: PodValidationOptions;
  /** Path of the `projected` field. */
  readonly path: string;
  readonly taken: Set<string>;
}

/** A file path that two sources write is reported against the volume, with the value upstream shows. */
function take({ errors, path, taken }: Projection, file: string, shown: string): void {
  if (taken.has(file)) errors.invalid(path, shown, 'conflicting duplicate paths');
  else taken.add(file);
}

interface NamedItems {
  readonly name?: string;
  readonly items?: readonly KeyToPath[];
}

function checkKeyed(projection: Projection, source: NamedItems, path: string): void {
  const { errors } = projection;
  const name = source.name ?? '';
  if (name === '') errors.required(`${path}.name`);
  (source.items ?? []).forEach((item, i) => {
    checkKeyToPath(errors, item, `${path}.items[${i}]`);
    if (item.path) take(projection, item.path, name);
  });
}

function checkToken({ errors, options, path }: Projection, token: ServiceAccountTokenProjection, at: string): void {
  const seconds = token.expirationSeconds ?? 0;
  if (seconds < 600) {
    errors.invalid(`${at}.expirationSeconds`, seconds, 'may not specify a duration less than 10 minutes');
  }
  if (seconds > 2 ** 32) {
    errors.invalid(`${at}.expirationSeconds`, seconds, 'may not specify a duration larger than 2^32 seconds');
  }
  if (!token.path) errors.required(`${path}.path`);
  else if (!options.allowNonLocalTokenPath) checkUnreservedPath(errors, token.path, `${path}.path`);
}

function checkTrustBundleReference(errors: ErrorList, bundle: ClusterTrustBundleProjection, path: string): void {
  const { name, signerName, labelSelector } = bundle;
  if (name !== undefined && signerName !== undefined) {
    errors.invalid(path, bundle, 'only one of name and signerName may be used');
  } else if (name !== undefined) {
    if (name === '') errors.required(`${path}.name`, 'must be a valid object name');
    for (const message of clusterTrustBundleNameErrors(name)) {
      errors.invalid(`${path}.name`, name, `not a valid clustertrustbundlename: ${message}`);
    }
    if (labelSelector) {
      errors.invalid(`${path}.labelSelector`, labelSelector, 'labelSelector must be unset if name is specified');
    }
  } else if (signerName !== undefined) {
    if (signerName === '') errors.required(`${path}.signerName`, 'must be a valid signer name');
    signerNameErrors(errors, signerName, `${path}.signerName`);
    checkSelector(errors, labelSelector, { path: `${path}.labelSelector`, allowInvalidValues: false });
  } else {
    errors.required(path, 'either name or signerName must be specified');
  }
}

function checkTrustBundle(projection: Projection, bundle: ClusterTrustBundleProjection, path: string): void {
  checkTrustBundleReference(projection.errors, bundle, path);
  const file = bundle.path ?? '';
  if (file === '') projection.errors.required(`${path}.path`);
  checkUnreservedPath(projection.errors, file, `${path}.path`);
  take(projection, file, file);
}

const keyTypes = ['RSA3072', 'RSA4096', 'ECDSAP256', 'ECDSAP384', 'ECDSAP521', 'ED25519'];
const dayInSeconds = 86_400;

function checkCertificateLifetime(errors: ErrorList, certificate: PodCertificateProjection, path: string): void {
  const seconds = certificate.maxExpirationSeconds;
  if (seconds === undefined || seconds === null) return;
  const limit = isKubernetesSigner(certificate.signerName) ? dayInSeconds : 91 * dayInSeconds;
  if (seconds < 3600) errors.invalid(path, seconds, 'if provided, maxExpirationSeconds must be >= 3600');
  if (seconds > limit) errors.invalid(path, seconds, `if provided, maxExpirationSeconds must be <= ${limit}`);
}

function checkCertificate(projection: Projection, certificate: PodCertificateProjection, path: string): void {
  const { errors } = projection;
  signerNameErrors(errors, certificate.signerName ?? '', `${path}.signerName`);
  if (certificate.userAnnotations) {
    checkUserAnnotations(errors, certificate.userAnnotations, `${path}.userAnnotations`);
  }
  if (!keyTypes.includes(certificate.keyType)) errors.notSupported(`${path}.keyType`, certificate.keyType, keyTypes);
  checkCertificateLifetime(errors, certificate, `${path}.maxExpirationSeconds`);
  let files = 0;
  for (const field of ['credentialBundlePath', 'keyPath', 'certificateChainPath'] as const) {
    const file = certificate[field];
    if (!file) continue;
    files++;
    checkUnreservedPath(errors, file, `${path}.${field}`);
    take(projection, file, file);
  }
  if (files === 0) {
    errors.required(path, 'specify at least one of credentialBundlePath, keyPath, and certificateChainPath');
  }
}

function checkSource(projection: Projection, source: VolumeProjection, path: string): void {
  const { errors } = projection;
  let sources = 0;
  if (source.secret && ++sources) checkKeyed(projection, source.secret, `${path}.secret`);
  if (source.configMap && ++sources) checkKeyed(projection, source.configMap, `${path}.configMap`);
  if (source.downwardAPI && ++sources) {
    for (const file of source.downwardAPI.items ?? []) {
      checkDownwardFile(errors, file, `${path}.downwardAPI`);
      if (file.path) take(projection, file.path, file.path);
    }
  }
  if (source.serviceAccountToken && ++sources) {
    checkToken(projection, source.serviceAccountToken, `${path}.serviceAccountToken`);
  }
  if (source.clusterTrustBundle && ++sources) {
    checkTrustBundle(projection, source.clusterTrustBundle, `${path}.clusterTrustBundle`);
  }
  if (source.podCertificate && ++sources) {
    checkCertificate(projection, source.podCertificate, `${path}.podCertificate`);
  }
  if (sources > 1) errors.forbidden(path, 'may not specify more than 1 volume type per source');
}

export function checkProjected(
  errors: ErrorList,
  source: ProjectedVolumeSource,
  { path, options }: { path: string; options: PodValidationOptions },
): void {
  checkMode(errors, source.defaultMode, `${path}.defaultMode`);
  const projection: Projection = { errors, options, path, taken: new Set() };
  (source.sources ?? []).forEach((item, i) => checkSource(projection, item, `${path}.sources[${i}]`));
}
