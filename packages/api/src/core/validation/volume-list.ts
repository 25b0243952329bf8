/** `spec.volumes` (`pkg/apis/core/validation/validation.go`, `ValidateVolumes`, `validateVolumeSource`). */
import type { Volume } from '../../generated/types/core-v1.ts';
import { checkClaimTemplate } from './volume-claim-template.ts';
import type { ErrorList } from './pod-error-list.ts';
import { dnsLabel, nameIsSubdomain } from './pod-names.ts';
import type { PodValidationOptions } from './pod-options.ts';
import { checkDownwardFile, checkProjected } from './volume-projected.ts';
import { checkMode, plainSourceChecks, type SourceCheck, type VolumeContext } from './volume-sources.ts';

const sourceChecks: Readonly<Record<string, SourceCheck>> = {
  ...plainSourceChecks,
  downwardAPI({ errors, volume }, path) {
    checkMode(errors, volume.downwardAPI?.defaultMode, `${path}.defaultMode`);
    for (const file of volume.downwardAPI?.items ?? []) checkDownwardFile(errors, file, path);
  },
  projected({ errors, options, volume }, path) {
    if (volume.projected) checkProjected(errors, volume.projected, { path, options });
  },
  ephemeral: checkEphemeral,
};

/** In the order in which upstream looks at them: the first one found is the one that counts. */
const sourceOrder = [
  'emptyDir',
  'hostPath',
  'gitRepo',
  'gcePersistentDisk',
  'awsElasticBlockStore',
  'secret',
  'nfs',
  'iscsi',
  'glusterfs',
  'flocker',
  'persistentVolumeClaim',
  'rbd',
  'cinder',
  'cephfs',
  'quobyte',
  'downwardAPI',
  'fc',
  'flexVolume',
  'configMap',
  'azureFile',
  'vsphereVolume',
  'photonPersistentDisk',
  'portworxVolume',
  'azureDisk',
  'storageos',
  'projected',
  'scaleIO',
  'csi',
  'ephemeral',
  'image',
] as const;

/** Names that upstream spells differently in the error about a second source. */
const shownName: Readonly<Record<string, string>> = { cephfs: 'cephFS', downwardAPI: 'downwarAPI' };

function checkEphemeral({ errors, volume, podName }: VolumeContext, path: string): void {
  const template = volume.ephemeral?.volumeClaimTemplate;
  if (template) checkClaimTemplate(errors, template, `${path}.volumeClaimTemplate`);
  else errors.required(`${path}.volumeClaimTemplate`);
  if (podName === '' || volume.name === '') return;
  const claim = `${podName}-${volume.name}`;
  for (const message of nameIsSubdomain(claim, false)) {
    errors.invalid(path.replace(/\.ephemeral$/, '.name'), volume.name, `PVC name ${JSON.stringify(claim)}: ${message}`);
  }
}

function checkSource(context: VolumeContext, path: string): void {
  const { volume, errors } = context;
  let only = '';
  let count = 0;
  for (const key in volume) {
    if (key === 'name' || volume[key as keyof Volume] === undefined || volume[key as keyof Volume] === null) continue;
    only = key;
    count++;
  }
  if (count === 0) errors.required(path, 'must specify a volume type');
  else if (count === 1) sourceChecks[only]?.(context, `${path}.${only}`);
  else checkSeveralSources(context, path);
}

function checkSeveralSources(context: VolumeContext, path: string): void {
  let first = true;
  for (const key of sourceOrder) {
    if (!context.volume[key]) continue;
    if (first) sourceChecks[key]?.(context, `${path}.${key}`);
    else context.errors.forbidden(`${path}.${shownName[key] ?? key}`, 'may not specify more than 1 volume type');
    first = false;
  }
}

/** PVCs that generic ephemeral volumes of this pod will create. */
function createdClaims(volumes: readonly Volume[], podName: string): Set<string> | undefined {
  if (podName === '' || !volumes.some((volume) => volume.ephemeral)) return undefined;
  return new Set(volumes.filter((volume) => volume.ephemeral).map((volume) => `${podName}-${volume.name}`));
}

export interface VolumesContext {
  readonly path: string;
  readonly options: PodValidationOptions;
  readonly podName: string;
}

/** Checks all volumes; answers the valid ones by name, which mounts may refer to. */
export function checkVolumes(
  errors: ErrorList,
  volumes: readonly Volume[],
  { path, options, podName }: VolumesContext,
): Map<string, Volume> {
  const valid = new Map<string, Volume>();
  const claims = createdClaims(volumes, podName);
  for (let i = 0; i < volumes.length; i++) {
    const volume = volumes[i] as Volume;
    const at = `${path}[${i}]`;
    const before = errors.length;
    checkSource({ errors, options, volume, podName }, at);
    if (volume.name) errors.eachInvalid(`${at}.name`, volume.name, dnsLabel(volume.name));
    else errors.required(`${at}.name`);
    if (valid.has(volume.name)) errors.duplicate(`${at}.name`, volume.name);
    if (errors.length === before) valid.set(volume.name, volume);
    const claimName = volume.persistentVolumeClaim?.claimName;
    if (claims !== undefined && claimName !== undefined && claims.has(claimName)) {
      errors.invalid(
        `${at}.persistentVolumeClaim.claimName`,
        claimName,
        'must not reference a PVC that gets created for an ephemeral volume',
      );
    }
  }
  return valid;
}
