/** `volumeMounts` and `volumeDevices` (`pkg/apis/core/validation/validation.go`, `ValidateVolumeMounts`, `ValidateVolumeDevices`). */
import type { Container, VolumeDevice, VolumeMount } from '../../generated/types/core-v1.ts';
import type { ErrorList } from './pod-error-list.ts';
import { checkLocalPath, hasBackstep } from './pod-paths.ts';
import type { PodScope } from './pod-scope.ts';

const propagations = ['Bidirectional', 'HostToContainer', 'None'];

function checkPropagation(
  errors: ErrorList,
  mode: string,
  { path, privileged }: { path: string; privileged: boolean },
): void {
  if (!propagations.includes(mode)) errors.notSupported(path, mode, propagations);
  if (mode === 'Bidirectional' && !privileged) {
    errors.forbidden(path, 'Bidirectional mount propagation is available only to privileged containers');
  }
}

const recursiveModes = ['Disabled', 'Enabled', 'IfPossible'];

function checkRecursive(errors: ErrorList, mount: VolumeMount, path: string): void {
  const mode = mount.recursiveReadOnly;
  if (mode === undefined || mode === null || mode === 'Disabled') return;
  if (mode !== 'Enabled' && mode !== 'IfPossible') return errors.notSupported(path, mode, recursiveModes);
  if (!mount.readOnly) errors.forbidden(path, 'may only be specified when readOnly is true');
  if (mount.mountPropagation && mount.mountPropagation !== 'None') {
    errors.forbidden(path, 'may only be specified when mountPropagation is None or not specified');
  }
}

function checkSubPaths(errors: ErrorList, mount: VolumeMount, { path, list }: { path: string; list: string }): void {
  // The paths without an index are upstream's.
  if (mount.subPath) checkLocalPath(errors, mount.subPath, `${list}.subPath`);
  if (!mount.subPathExpr) return;
  if (mount.subPath) {
    errors.invalid(`${path}.subPathExpr`, mount.subPathExpr, 'subPathExpr and subPath are mutually exclusive');
  }
  checkLocalPath(errors, mount.subPathExpr, `${list}.subPathExpr`);
}

function checkDeviceClash(
  errors: ErrorList,
  mount: VolumeMount,
  { path, devices }: { path: string; devices: readonly VolumeDevice[] },
): void {
  if (devices.some((device) => device.name === mount.name)) {
    errors.invalid(`${path}.name`, mount.name, 'must not already exist in volumeDevices');
  }
  if (devices.some((device) => device.devicePath === mount.mountPath)) {
    errors.invalid(`${path}.mountPath`, mount.mountPath, 'must not already exist as a path in volumeDevices');
  }
}

export function checkMounts({ errors, volumes }: PodScope, container: Container, list: string): void {
  const mounts = container.volumeMounts;
  if (!mounts?.length) return;
  const devices = container.volumeDevices ?? [];
  const points = new Set<string>();
  for (let i = 0; i < mounts.length; i++) {
    const mount = mounts[i] as VolumeMount;
    if (!mount.name) errors.required(`${list}[${i}].name`);
    if (!volumes.has(mount.name)) errors.notFound(`${list}[${i}].name`, mount.name ?? '');
    if (!mount.mountPath) errors.required(`${list}[${i}].mountPath`);
    if (points.has(mount.mountPath)) errors.invalid(`${list}[${i}].mountPath`, mount.mountPath, 'must be unique');
    points.add(mount.mountPath);
    if (devices.length > 0) checkDeviceClash(errors, mount, { path: `${list}[${i}]`, devices });
    if (mount.subPath || mount.subPathExpr) checkSubPaths(errors, mount, { path: `${list}[${i}]`, list });
    if (mount.mountPropagation !== undefined && mount.mountPropagation !== null) {
      const privileged = container.securityContext?.privileged === true;
      checkPropagation(errors, mount.mountPropagation, { path: `${list}.mountPropagation`, privileged });
    }
    if (mount.recursiveReadOnly) checkRecursive(errors, mount, `${list}.recursiveReadOnly`);
  }
}

interface DeviceContext {
  readonly path: string;
  readonly names: Set<string>;
  readonly paths: Set<string>;
  readonly mounts: readonly VolumeMount[];
}

function checkDevice({ errors, volumes }: PodScope, device: VolumeDevice, context: DeviceContext): void {
  const { path, names, paths, mounts } = context;
  const { name, devicePath } = device;
  const volume = volumes.get(name);
  if (!name) errors.required(`${path}.name`);
  if (names.has(name)) errors.invalid(`${path}.name`, name, 'must be unique');
  if (volume === undefined) errors.notFound(`${path}.name`, name ?? '');
  else if (!volume.persistentVolumeClaim && !volume.ephemeral) {
    const detail = 'can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode';
    errors.invalid(`${path}.name`, name, detail);
  }
  if (!devicePath) errors.required(`${path}.devicePath`);
  if (paths.has(devicePath)) errors.invalid(`${path}.devicePath`, devicePath, 'must be unique');
  if (devicePath && hasBackstep(devicePath)) {
    errors.invalid(`${path}.devicePath`, devicePath, "can not contain backsteps ('..')");
  } else paths.add(devicePath);
  if (mounts.some((mount) => mount.name === name)) {
    errors.invalid(`${path}.name`, name, 'must not already exist in volumeMounts');
  }
  if (mounts.some((mount) => mount.mountPath === devicePath)) {
    errors.invalid(`${path}.devicePath`, devicePath, 'must not already exist as a path in volumeMounts');
  }
  if (name) names.add(name);
}

export function checkDevices(scope: PodScope, container: Container, list: string): void {
  const devices = container.volumeDevices;
  if (!devices?.length) return;
  const mounts = container.volumeMounts ?? [];
  const names = new Set<string>();
  const paths = new Set<string>();
  devices.forEach((device, i) => checkDevice(scope, device, { path: `${list}[${i}]`, names, paths, mounts }));
}
