/** Volumes that do not work any more, and files that hide each other (`pkg/api/pod/warnings.go`). */
import { parseQuantity } from '@kubets/apimachinery/quantity';
import type { PodSpec, ProjectedVolumeSource, Volume, VolumeProjection } from '../../generated/types/core-v1.ts';
import { isWholeQuantity } from './pod-quantities.ts';

const removed: Readonly<Record<string, [shown: string, message: string]>> = {
  photonPersistentDisk: ['photonPersistentDisk', 'deprecated in v1.11, non-functional in v1.16+'],
  gitRepo: ['gitRepo', 'deprecated in v1.11, and disabled by default in v1.33+'],
  scaleIO: ['scaleIO', 'deprecated in v1.16, non-functional in v1.22+'],
  flocker: ['flocker', 'deprecated in v1.22, non-functional in v1.25+'],
  storageos: ['storageOS', 'deprecated in v1.22, non-functional in v1.25+'],
  quobyte: ['quobyte', 'deprecated in v1.22, non-functional in v1.25+'],
  glusterfs: ['glusterfs', 'deprecated in v1.25, non-functional in v1.26+'],
  cephfs: ['cephfs', 'deprecated in v1.28, non-functional in v1.31+'],
  rbd: ['rbd', 'deprecated in v1.28, non-functional in v1.31+'],
};

/** A byte count with a fraction, which storage cannot have. */
export function fractionWarning(quantity: string | undefined, path: string): string[] {
  if (quantity === undefined || isWholeQuantity(parseQuantity(quantity))) return [];
  return [`${path}: fractional byte value ${JSON.stringify(quantity)} is invalid, must be an integer`];
}

interface Claimed {
  readonly limits?: Readonly<Record<string, string>>;
  readonly requests?: Readonly<Record<string, string>>;
}

/** `GetWarningsForPersistentVolumeClaimSpec`. */
export function claimSpecWarnings(spec: { readonly resources?: Claimed } | undefined, path: string): string[] {
  const { limits, requests } = spec?.resources ?? {};
  return [
    ...fractionWarning(requests?.['storage'], `${path}.resources.requests[storage]`),
    ...fractionWarning(limits?.['storage'], `${path}.resources.limits[storage]`),
  ];
}

const contains = (outer: string, inner: string): boolean => inner.startsWith(`${outer}/`);

/** `a with b` for each pair of paths of which one is the other, or lies inside it. */
function overlaps(paths: readonly string[]): string[] {
  const found: string[] = [];
  const trimmed = paths.map((path) => path.replace(/\/+$/, ''));
  trimmed.forEach((path, i) => {
    for (const earlier of trimmed.slice(0, i)) {
      if (path === earlier || contains(earlier, path) || contains(path, earlier)) {
        found.push(`${JSON.stringify(earlier)} with ${JSON.stringify(path)}`);
      }
    }
  });
  return found;
}

const pathsOf = (items: readonly { path?: string }[] | undefined): string[] =>
  (items ?? []).map(({ path }) => path ?? '');

function overlapWarning(items: readonly { path?: string }[] | undefined, where: string): string[] {
  const found = overlaps(pathsOf(items));
  return found.length === 0 ? [] : [`${where}: overlapping paths: ${found.join(', ')}`];
}

function projectionPaths(source: VolumeProjection): string[] {
  if (source.configMap) return pathsOf(source.configMap.items);
  if (source.secret) return pathsOf(source.secret.items);
  if (source.downwardAPI) return pathsOf(source.downwardAPI.items);
  if (source.serviceAccountToken) return [source.serviceAccountToken.path];
  return source.clusterTrustBundle ? [source.clusterTrustBundle.path] : [];
}

function projectedWarnings(projected: ProjectedVolumeSource, where: string): string[] {
  const found = overlaps((projected.sources ?? []).flatMap(projectionPaths));
  return found.length === 0 ? [] : [`${where}(Projected): overlapping paths: ${found.join(', ')}`];
}

function volumeWarnings(volume: Volume, path: string): string[] {
  const found: string[] = [];
  for (const key in volume) {
    const entry = Object.hasOwn(removed, key) ? removed[key] : undefined;
    if (entry !== undefined && volume[key as keyof Volume]) found.push(`${path}.${entry[0]}: ${entry[1]}`);
  }
  const { configMap, secret, downwardAPI, projected, ephemeral } = volume;
  if (configMap) found.push(...overlapWarning(configMap.items, `${path}(ConfigMap:${JSON.stringify(configMap.name)})`));
  if (secret) found.push(...overlapWarning(secret.items, `${path}(Secret:${JSON.stringify(secret.secretName)})`));
  if (downwardAPI) found.push(...overlapWarning(downwardAPI.items, `${path}(DownwardAPI)`));
  if (projected) found.push(...projectedWarnings(projected, path));
  const claim = ephemeral?.volumeClaimTemplate;
  if (claim) found.push(...claimSpecWarnings(claim.spec, `${path}.ephemeral.volumeClaimTemplate.spec`));
  return found;
}

export function volumeListWarnings(spec: PodSpec, path: string): string[] {
  const volumes = spec.volumes;
  if (!volumes) return [];
  const found: string[] = [];
  for (let i = 0; i < volumes.length; i++) {
    const warnings = volumeWarnings(volumes[i] as Volume, `${path}.volumes[${i}]`);
    if (warnings.length > 0) found.push(...warnings);
  }
  return found;
}
