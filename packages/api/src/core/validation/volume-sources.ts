/**
 * The rules of each volume source of a pod (`pkg/apis/core/validation/validation.go`,
 * `validateVolumeSource` and the `validate…VolumeSource` it calls). Projected volumes and the
 * downward API are in `volume-projected.ts`, generic ephemeral volumes in `volume-claim-template.ts`.
 */
import type {
  AzureDiskVolumeSource,
  CSIVolumeSource,
  FCVolumeSource,
  FlexVolumeSource,
  HostPathVolumeSource,
  ISCSIVolumeSource,
  KeyToPath,
  QuobyteVolumeSource,
  Volume,
} from '../../generated/types/core-v1.ts';
import { compareQuantityText } from './pod-quantities.ts';
import type { ErrorList } from './pod-error-list.ts';
import { dnsLabel, dnsSubdomain, nameIsSubdomain } from './pod-names.ts';
import { checkLocalPath, checkNoBacksteps, checkUnreservedPath } from './pod-paths.ts';
import type { PodValidationOptions } from './pod-options.ts';

export const fileModeMessage = 'must be a number between 0 and 0777 (octal), both inclusive';
const range0to255 = 'must be between 0 and 255, inclusive';
const range1to255 = 'must be between 1 and 255, inclusive';

/** What a source's rules may look at besides the source. */
export interface VolumeContext {
  readonly errors: ErrorList;
  readonly options: PodValidationOptions;
  readonly volume: Volume;
  /** The pod's name; empty inside templates and before it has one. */
  readonly podName: string;
}

/** Checks one source; `path` is the volume's path with the source's field name. */
export type SourceCheck = (context: VolumeContext, path: string) => void;

/** Presence of a string. */
function need(errors: ErrorList, value: string | undefined, path: string): void {
  if (value === undefined || value === '') errors.required(path);
}

export function checkMode(errors: ErrorList, mode: number | null | undefined, path: string): void {
  if (mode !== undefined && mode !== null && (mode > 0o777 || mode < 0)) errors.invalid(path, mode, fileModeMessage);
}

export function checkKeyToPath(errors: ErrorList, item: KeyToPath, path: string): void {
  need(errors, item.key, `${path}.key`);
  need(errors, item.path, `${path}.path`);
  checkUnreservedPath(errors, item.path ?? '', `${path}.path`);
  checkMode(errors, item.mode, `${path}.mode`);
}

export function checkItems(errors: ErrorList, items: readonly KeyToPath[] | undefined, path: string): void {
  if (items) for (let i = 0; i < items.length; i++) checkKeyToPath(errors, items[i] as KeyToPath, `${path}[${i}]`);
}

const hostPathTypes = [
  '',
  'BlockDevice',
  'CharDevice',
  'Directory',
  'DirectoryOrCreate',
  'File',
  'FileOrCreate',
  'Socket',
];

function checkHostPath(errors: ErrorList, source: HostPathVolumeSource, path: string): void {
  if (!source.path) return errors.required(`${path}.path`);
  checkNoBacksteps(errors, source.path, `${path}.path`);
  if (source.type !== undefined && source.type !== null && !hostPathTypes.includes(source.type)) {
    errors.notSupported(`${path}.type`, source.type, hostPathTypes);
  }
}

const iqn = /iqn\.\d{4}-\d{2}\.([a-zA-Z0-9\-.]+)(:[^,;*&$|\s]+)$/;
const eui = /^eui.[a-zA-Z0-9]{16}$/;
const naa = /^naa.[a-zA-Z0-9]{32}$/;

function checkIscsiName(errors: ErrorList, name: string, path: string): void {
  const pattern = name.startsWith('iqn')
    ? iqn
    : name.startsWith('eui')
      ? eui
      : name.startsWith('naa')
        ? naa
        : undefined;
  if (pattern === undefined) errors.invalid(path, name, 'must be valid format starting with iqn, eui, or naa');
  else if (!pattern.test(name)) errors.invalid(path, name, 'must be valid format');
}

const iscsiTooLong =
  'Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.';

function checkIscsi({ errors, volume }: VolumeContext, source: ISCSIVolumeSource, path: string): void {
  need(errors, source.targetPortal, `${path}.targetPortal`);
  if (source.iqn) checkIscsiName(errors, source.iqn, `${path}.iqn`);
  else errors.required(`${path}.iqn`);
  const lun = source.lun ?? 0;
  if (lun < 0 || lun > 255) errors.invalid(`${path}.lun`, lun, range0to255);
  if ((source.chapAuthDiscovery || source.chapAuthSession) && !source.secretRef) errors.required(`${path}.secretRef`);
  if (source.initiatorName === undefined) return;
  checkIscsiName(errors, source.initiatorName, `${path}.initiatorname`);
  if (volume.name.length + 1 + (source.targetPortal ?? '').length > 64) {
    errors.invalid(path.replace(/\.iscsi$/, '.name'), volume.name, iscsiTooLong);
  }
}

function checkFibreChannel(errors: ErrorList, source: FCVolumeSource, path: string): void {
  const names = source.targetWWNs?.length ?? 0;
  const ids = source.wwids?.length ?? 0;
  if (names === 0 && ids === 0) {
    errors.required(`${path}.targetWWNs`, 'must specify either targetWWNs or wwids, but not both');
  }
  if (names > 0 && ids > 0) {
    errors.invalid(`${path}.targetWWNs`, source.targetWWNs, 'targetWWNs and wwids can not be specified simultaneously');
  }
  if (names === 0) return;
  if (source.lun === undefined) errors.required(`${path}.lun`, 'lun is required if targetWWNs is specified');
  else if (source.lun < 0 || source.lun > 255) errors.invalid(`${path}.lun`, source.lun, range0to255);
}

function checkPartition(errors: ErrorList, partition: number | undefined, path: string): void {
  if (partition !== undefined && (partition < 0 || partition > 255)) errors.invalid(path, partition, range1to255);
}

/** `net.SplitHostPort` succeeds. */
function isHostPort(text: string): boolean {
  return /^(\[[^[\]]*\]|[^:[\]]*):[^:[\]]*$/.test(text);
}

const quobyteRegistry = 'must be a host:port pair or multiple pairs separated by commas';

function checkQuobyte(errors: ErrorList, source: QuobyteVolumeSource, path: string): void {
  if (!source.registry) errors.required(`${path}.registry`, quobyteRegistry);
  else if ((source.tenant ?? '').length >= 65) {
    errors.required(`${path}.tenant`, 'must be a UUID and may not exceed a length of 64 characters');
  } else {
    for (const pair of source.registry.split(',')) {
      if (!isHostPort(pair)) errors.invalid(`${path}.registry`, source.registry, quobyteRegistry);
    }
  }
  need(errors, source.volume, `${path}.volume`);
}

function checkFlex(errors: ErrorList, source: FlexVolumeSource, path: string): void {
  need(errors, source.driver, `${path}.driver`);
  for (const key of Object.keys(source.options ?? {})) {
    const namespace = `.${(key.split('/', 1)[0] ?? '').toLowerCase()}`;
    if (namespace.endsWith('.kubernetes.io') || namespace.endsWith('.k8s.io')) {
      errors.invalid(`${path}.options[${key}]`, key, 'kubernetes.io and k8s.io namespaces are reserved');
    }
  }
}

const cachingModes = ['None', 'ReadOnly', 'ReadWrite'];
const diskKinds = ['Dedicated', 'Managed', 'Shared'];
const managedUri = '/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}';
const blobUri = 'https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd';

function checkAzureDisk(errors: ErrorList, source: AzureDiskVolumeSource, path: string): void {
  need(errors, source.diskName, `${path}.diskName`);
  need(errors, source.diskURI, `${path}.diskURI`);
  const { cachingMode, kind, diskURI } = source;
  if (cachingMode !== undefined && !cachingModes.includes(cachingMode)) {
    errors.notSupported(`${path}.cachingMode`, cachingMode, cachingModes);
  }
  if (kind === undefined) return;
  if (!diskKinds.includes(kind)) errors.notSupported(`${path}.kind`, kind, diskKinds);
  if (kind === 'Managed' && !diskURI.startsWith('/subscriptions/')) {
    errors.notSupported(`${path}.diskURI`, diskURI, [managedUri]);
  }
  if (kind !== 'Managed' && !diskURI.startsWith('https://')) {
    errors.notSupported(`${path}.diskURI`, diskURI, [blobUri]);
  }
}

/** `ValidateCSIDriverName`: a subdomain of at most 63 characters, in any case. */
export function checkCSIDriverName(errors: ErrorList, name: string, path: string): void {
  if (name === '') errors.required(path);
  if (name.length > 63) errors.tooLong(path, 63);
  errors.eachInvalid(path, name, dnsSubdomain(name.toLowerCase()));
}

function checkCSI(errors: ErrorList, source: CSIVolumeSource, path: string): void {
  checkCSIDriverName(errors, source.driver ?? '', `${path}.driver`);
  if (!source.nodePublishSecretRef) return;
  const name = source.nodePublishSecretRef.name ?? '';
  if (name === '') errors.required(`${path}.nodePublishSecretRef.name`);
  else errors.eachInvalid(`${path}.name`, name, nameIsSubdomain(name, false));
}

function checkFlocker(errors: ErrorList, volume: Volume, path: string): void {
  const { datasetName = '', datasetUUID = '' } = volume.flocker ?? {};
  if (datasetName === '' && datasetUUID === '') {
    errors.required(path, 'one of datasetName and datasetUUID is required');
  }
  if (datasetName !== '' && datasetUUID !== '') {
    errors.invalid(path, 'resource', 'datasetName and datasetUUID can not be specified simultaneously');
  }
  if (datasetName.includes('/')) errors.invalid(`${path}.datasetName`, datasetName, "must not contain '/'");
}

function checkStorageOS(errors: ErrorList, volume: Volume, path: string): void {
  const { volumeName = '', volumeNamespace = '', secretRef } = volume.storageos ?? {};
  if (volumeName === '') errors.required(`${path}.volumeName`);
  else errors.eachInvalid(`${path}.volumeName`, volumeName, dnsLabel(volumeName));
  if (volumeNamespace !== '') errors.eachInvalid(`${path}.volumeNamespace`, volumeNamespace, dnsLabel(volumeNamespace));
  if (secretRef && !secretRef.name) errors.required(`${path}.secretRef.name`);
}

const pullPolicies = ['Always', 'IfNotPresent', 'Never'];

/** `validatePullPolicy`. */
export function checkPullPolicy(errors: ErrorList, policy: string | undefined, path: string): void {
  if (policy === 'Always' || policy === 'IfNotPresent' || policy === 'Never') return;
  if (policy === undefined || policy === '') errors.required(path);
  else errors.notSupported(path, policy, pullPolicies);
}

/** The sources whose rules live here, by field name. */
export const plainSourceChecks: Readonly<Record<string, SourceCheck>> = {
  emptyDir({ errors, volume }, path) {
    const limit = volume.emptyDir?.sizeLimit;
    if (limit !== undefined && limit !== null && compareQuantityText(limit, '0') < 0) {
      errors.forbidden(`${path}.sizeLimit`, 'SizeLimit field must be a valid resource quantity');
    }
  },
  hostPath: ({ errors, volume }, path) => volume.hostPath && checkHostPath(errors, volume.hostPath, path),
  gitRepo({ errors, volume }, path) {
    need(errors, volume.gitRepo?.repository, `${path}.repository`);
    checkLocalPath(errors, volume.gitRepo?.directory ?? '', `${path}.directory`);
  },
  gcePersistentDisk({ errors, volume }, path) {
    // The path that users see upstream names the disk, not the field.
    const shown = path.replace(/\.gcePersistentDisk$/, '.persistentDisk');
    need(errors, volume.gcePersistentDisk?.pdName, `${shown}.pdName`);
    checkPartition(errors, volume.gcePersistentDisk?.partition, `${shown}.partition`);
  },
  awsElasticBlockStore({ errors, volume }, path) {
    need(errors, volume.awsElasticBlockStore?.volumeID, `${path}.volumeID`);
    checkPartition(errors, volume.awsElasticBlockStore?.partition, `${path}.partition`);
  },
  secret({ errors, volume }, path) {
    need(errors, volume.secret?.secretName, `${path}.secretName`);
    checkMode(errors, volume.secret?.defaultMode, `${path}.defaultMode`);
    checkItems(errors, volume.secret?.items, `${path}.items`);
  },
  nfs({ errors, volume }, path) {
    need(errors, volume.nfs?.server, `${path}.server`);
    need(errors, volume.nfs?.path, `${path}.path`);
    const exported = volume.nfs?.path ?? '';
    if (!exported.startsWith('/')) errors.invalid(`${path}.path`, exported, 'must be an absolute path');
  },
  iscsi: (context, path) => context.volume.iscsi && checkIscsi(context, context.volume.iscsi, path),
  glusterfs({ errors, volume }, path) {
    need(errors, volume.glusterfs?.endpoints, `${path}.endpoints`);
    need(errors, volume.glusterfs?.path, `${path}.path`);
  },
  flocker: ({ errors, volume }, path) => checkFlocker(errors, volume, path),
  persistentVolumeClaim: ({ errors, volume }, path) =>
    need(errors, volume.persistentVolumeClaim?.claimName, `${path}.claimName`),
  rbd({ errors, volume }, path) {
    if (!volume.rbd?.monitors?.length) errors.required(`${path}.monitors`);
    need(errors, volume.rbd?.image, `${path}.image`);
  },
  cinder({ errors, volume }, path) {
    need(errors, volume.cinder?.volumeID, `${path}.volumeID`);
    if (volume.cinder?.secretRef && !volume.cinder.secretRef.name) errors.required(`${path}.secretRef.name`);
  },
  cephfs({ errors, volume }, path) {
    if (!volume.cephfs?.monitors?.length) errors.required(`${path}.monitors`);
  },
  quobyte: ({ errors, volume }, path) => volume.quobyte && checkQuobyte(errors, volume.quobyte, path),
  fc: ({ errors, volume }, path) => volume.fc && checkFibreChannel(errors, volume.fc, path),
  flexVolume: ({ errors, volume }, path) => volume.flexVolume && checkFlex(errors, volume.flexVolume, path),
  configMap({ errors, volume }, path) {
    need(errors, volume.configMap?.name, `${path}.name`);
    checkMode(errors, volume.configMap?.defaultMode, `${path}.defaultMode`);
    checkItems(errors, volume.configMap?.items, `${path}.items`);
  },
  azureFile({ errors, volume }, path) {
    need(errors, volume.azureFile?.secretName, `${path}.secretName`);
    need(errors, volume.azureFile?.shareName, `${path}.shareName`);
  },
  vsphereVolume: ({ errors, volume }, path) => need(errors, volume.vsphereVolume?.volumePath, `${path}.volumePath`),
  photonPersistentDisk: ({ errors, volume }, path) => need(errors, volume.photonPersistentDisk?.pdID, `${path}.pdID`),
  portworxVolume: ({ errors, volume }, path) => need(errors, volume.portworxVolume?.volumeID, `${path}.volumeID`),
  azureDisk: ({ errors, volume }, path) => volume.azureDisk && checkAzureDisk(errors, volume.azureDisk, path),
  storageos: ({ errors, volume }, path) => checkStorageOS(errors, volume, path),
  scaleIO({ errors, volume }, path) {
    need(errors, volume.scaleIO?.gateway, `${path}.gateway`);
    need(errors, volume.scaleIO?.system, `${path}.system`);
    need(errors, volume.scaleIO?.volumeName, `${path}.volumeName`);
  },
  csi: ({ errors, volume }, path) => volume.csi && checkCSI(errors, volume.csi, path),
  image({ errors, options, volume }, path) {
    if (options.resourceIsPod) need(errors, volume.image?.reference, `${path}.reference`);
    checkPullPolicy(errors, volume.image?.pullPolicy, `${path}.pullPolicy`);
  },
};
