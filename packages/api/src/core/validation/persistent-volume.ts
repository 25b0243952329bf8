/** PersistentVolumes (`pkg/apis/core/validation/validation.go`, `ValidatePersistentVolume`, `ValidatePersistentVolumeUpdate`). */
import type { FieldError } from '@kubets/apimachinery/field';
import { parseQuantity } from '@kubets/apimachinery/quantity';
import { semanticEqual } from '@kubets/apimachinery/validation-meta';
import type {
  CSIPersistentVolumeSource,
  PersistentVolume,
  PersistentVolumeSpec,
  SecretReference,
  Volume,
} from '../../generated/types/core-v1.ts';
import { checkNodeSelector } from './pod-affinity.ts';
import { describeDifference } from './pod-difference.ts';
import { ErrorList } from './pod-error-list.ts';
import { nameIsSubdomain } from './pod-names.ts';
import { podValidationOptions } from './pod-options.ts';
import { checkNoBacksteps } from './pod-paths.ts';
import { checkAccessModes } from './volume-claim-template.ts';
import { checkCSIDriverName, plainSourceChecks } from './volume-sources.ts';

const reclaimPolicies = ['Delete', 'Recycle', 'Retain'];
const volumeModes = ['Block', 'Filesystem'];
const noSpec: PersistentVolumeSpec = {};
/** The sources of pods have no rules here that a gate could change. */
const options = podValidationOptions(() => false, undefined, false);

/** The fields that say where the volume is, in the order in which upstream looks at them. */
const sources = [
  'hostPath',
  'gcePersistentDisk',
  'awsElasticBlockStore',
  'glusterfs',
  'flocker',
  'nfs',
  'rbd',
  'quobyte',
  'cephfs',
  'iscsi',
  'cinder',
  'fc',
  'flexVolume',
  'azureFile',
  'vsphereVolume',
  'photonPersistentDisk',
  'portworxVolume',
  'azureDisk',
  'scaleIO',
  'local',
  'storageos',
  'csi',
] as const;

function checkSecret(errors: ErrorList, secret: SecretReference | undefined, path: string): void {
  if (!secret) return;
  if (!secret.name) errors.required(`${path}.name`);
  else errors.eachInvalid(`${path}.name`, secret.name, nameIsSubdomain(secret.name, false));
  if (!secret.namespace) errors.required(`${path}.namespace`);
}

function checkCSI(errors: ErrorList, source: CSIPersistentVolumeSource, path: string): void {
  checkCSIDriverName(errors, source.driver ?? '', `${path}.driver`);
  if (!source.volumeHandle) errors.required(`${path}.volumeHandle`);
  checkSecret(errors, source.controllerPublishSecretRef, `${path}.controllerPublishSecretRef`);
  checkSecret(errors, source.controllerExpandSecretRef, `${path}.controllerExpandSecretRef`);
  checkSecret(errors, source.nodePublishSecretRef, `${path}.nodePublishSecretRef`);
  checkSecret(errors, source.nodeExpandSecretRef, `${path}.nodeExpandSecretRef`);
}

function checkSource(errors: ErrorList, volume: PersistentVolume, field: (typeof sources)[number]): void {
  const spec = volume.spec ?? noSpec;
  const path = `spec.${field}`;
  if (field === 'csi') return checkCSI(errors, spec.csi as CSIPersistentVolumeSource, path);
  if (field === 'local') {
    if (!spec.local?.path) errors.required(`${path}.path`);
    else checkNoBacksteps(errors, spec.local.path, `${path}.path`);
    if (!spec.nodeAffinity) errors.required('metadata.annotations', 'Local volume requires node affinity');
    return;
  }
  // The sources of volumes and of pods differ in how they refer to secrets, which these rules do not look at.
  const asPodVolume = { name: volume.metadata.name ?? '', [field]: spec[field] } as unknown as Volume;
  plainSourceChecks[field]?.({ errors, options, volume: asPodVolume, podName: '' }, path);
}

function checkSources(errors: ErrorList, volume: PersistentVolume): void {
  const present = sources.filter((field) => volume.spec?.[field]);
  present.forEach((field, i) => {
    if (i > 0) errors.forbidden(`spec.${field}`, 'may not specify more than 1 volume type');
    else checkSource(errors, volume, field);
  });
  if (present.length === 0) errors.required('spec', 'must specify a volume type');
}

function checkCapacity(errors: ErrorList, capacity: Readonly<Record<string, string>>): void {
  const path = 'spec.capacity';
  const names = Object.keys(capacity);
  if (names.length === 0) errors.required(path);
  if (!('storage' in capacity) || names.length > 1) errors.notSupported(path, capacity, ['storage']);
  for (const name of names) {
    const text = capacity[name] as string;
    const quantity = parseQuantity(text);
    const at = `${path}[${name}]`;
    if (quantity.sign() < 0) errors.invalid(at, quantity.value(), 'must be a valid resource quantity');
    if (quantity.sign() <= 0) errors.invalid(at, text, 'must be greater than zero');
  }
}

function checkAffinity(errors: ErrorList, { nodeAffinity }: PersistentVolumeSpec): void {
  if (!nodeAffinity) return;
  const path = 'spec.nodeAffinity.required';
  if (!nodeAffinity.required) errors.required(path, 'must specify required node constraints');
  else checkNodeSelector(errors, nodeAffinity.required, { path, anyValues: false });
}

function checkClasses(errors: ErrorList, spec: PersistentVolumeSpec): void {
  const { storageClassName, volumeMode, volumeAttributesClassName: attributes } = spec;
  if (storageClassName) {
    errors.eachInvalid('spec.storageClassName', storageClassName, nameIsSubdomain(storageClassName, false));
  }
  if (volumeMode !== undefined && !volumeModes.includes(volumeMode)) {
    errors.notSupported('spec.volumeMode', volumeMode, volumeModes);
  }
  if (attributes === undefined) return;
  const path = 'spec.volumeAttributesClassName';
  if (attributes === '') errors.required(path, 'an empty string is disallowed');
  else errors.eachInvalid(path, attributes, nameIsSubdomain(attributes, false));
  if (!spec.csi) errors.required('spec.csi', 'has to be specified when using volumeAttributesClassName');
}

const isRoot = (path: string): boolean => path.split('/').every((part) => part === '' || part === '.');

export function validatePersistentVolume(volume: PersistentVolume): FieldError[] {
  const errors = new ErrorList();
  const { spec = noSpec } = volume;
  const { accessModes = [], persistentVolumeReclaimPolicy: policy } = spec;
  if (accessModes.length === 0) errors.required('spec.accessModes');
  else checkAccessModes(errors, accessModes, 'spec.accessModes');
  checkCapacity(errors, spec.capacity ?? {});
  if (policy && !reclaimPolicies.includes(policy)) {
    errors.notSupported('spec.persistentVolumeReclaimPolicy', policy, reclaimPolicies);
  }
  checkAffinity(errors, spec);
  checkSources(errors, volume);
  if (spec.hostPath?.path && isRoot(spec.hostPath.path) && policy === 'Recycle') {
    errors.forbidden('spec.persistentVolumeReclaimPolicy', "may not be 'recycle' for a hostPath mount of '/'");
  }
  checkClasses(errors, spec);
  return errors.errors;
}

/** The fields that say where the volume is; a secret for expansion may be added. */
function sourceOf(spec: PersistentVolumeSpec, before: PersistentVolumeSpec): Record<string, unknown> {
  const source: Record<string, unknown> = {};
  for (const field of sources) if (spec[field]) source[field] = spec[field];
  if (spec.csi && before.csi && !before.csi.controllerExpandSecretRef) {
    const { controllerExpandSecretRef: _, ...csi } = spec.csi;
    source['csi'] = csi;
  }
  return source;
}

const oldLabels: Readonly<Record<string, string>> = {
  'beta.kubernetes.io/os': 'kubernetes.io/os',
  'beta.kubernetes.io/arch': 'kubernetes.io/arch',
  'beta.kubernetes.io/instance-type': 'node.kubernetes.io/instance-type',
  'failure-domain.beta.kubernetes.io/zone': 'topology.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region': 'topology.kubernetes.io/region',
};

/** With the labels' names of today: following their renaming is no change. */
function withNewLabels(affinity: PersistentVolumeSpec['nodeAffinity']): unknown {
  return JSON.parse(
    JSON.stringify(affinity ?? null, (key, value: unknown) =>
      key === 'key' && typeof value === 'string' ? (oldLabels[value] ?? value) : value,
    ),
  );
}

/** `mutableNodeAffinity`: the gate `MutablePVNodeAffinity`. */
export function validatePersistentVolumeUpdate(
  volume: PersistentVolume,
  old: Readonly<PersistentVolume>,
  { mutableNodeAffinity }: { mutableNodeAffinity: boolean },
): FieldError[] {
  const errors = new ErrorList();
  errors.add(validatePersistentVolume(volume));
  const spec = volume.spec ?? noSpec;
  const before = old.spec ?? noSpec;
  const [now, then] = [sourceOf(spec, before), sourceOf(before, before)];
  if (!semanticEqual(now, then)) {
    const rule = 'spec.persistentvolumesource is immutable after creation';
    errors.forbidden('spec.persistentvolumesource', `${rule}\n${describeDifference(then, now)}`);
  }
  if (spec.volumeMode !== before.volumeMode) errors.invalid('volumeMode', spec.volumeMode, 'field is immutable');
  const fixed = before.nodeAffinity && !mutableNodeAffinity;
  if (fixed && !semanticEqual(withNewLabels(spec.nodeAffinity), withNewLabels(before.nodeAffinity))) {
    errors.invalid('nodeAffinity', spec.nodeAffinity ?? null, 'field is immutable');
  }
  return errors.errors;
}

const classAnnotation = 'volume.beta.kubernetes.io/storage-class';
const reclaimAnnotation = 'volume.alpha.kubernetes.io/storage-class';

/** `pkg/api/persistentvolume/util.go`, `GetWarningsForPersistentVolume`. */
export function persistentVolumeWarnings({ metadata, spec = noSpec }: PersistentVolume): string[] {
  const warnings: string[] = [];
  const deprecated = (path: string, text: string): void => void warnings.push(`${path}: ${text}`);
  for (const name of [classAnnotation, reclaimAnnotation]) {
    if (metadata.annotations === undefined || !(name in metadata.annotations)) continue;
    deprecated(`metadata.annotations[${name}]`, 'deprecated since v1.8; use "storageClassName" attribute instead');
  }
  if (spec.persistentVolumeReclaimPolicy === 'Recycle') {
    deprecated(
      'spec.persistentVolumeReclaimPolicy',
      'The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.',
    );
  }
  for (const [i, term] of (spec.nodeAffinity?.required?.nodeSelectorTerms ?? []).entries()) {
    for (const [j, { key }] of (term.matchExpressions ?? []).entries()) {
      const label = oldLabels[key];
      const at = `spec.nodeAffinity.required.nodeSelectorTerms[${i}].matchExpressions[${j}].key`;
      if (label !== undefined) deprecated(at, `${key} is deprecated since v1.17; use "${label}" instead`);
    }
  }
  return warnings;
}
