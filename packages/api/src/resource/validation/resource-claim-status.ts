/** The status of ResourceClaims (`pkg/apis/resource/validation/validation.go`, `validateResourceClaimStatusUpdate`). */
import { Path, type FieldError } from '@kubets/apimachinery/field';
import { byteLength } from '@kubets/apimachinery/names';
import { validateConditions } from '@kubets/apimachinery/validation-conditions';
import { isValidInterfaceAddress } from '@kubets/apimachinery/validation-ip';
import { semanticEqual } from '@kubets/apimachinery/validation-meta';
import { checkNodeSelector } from '../../core/validation/pod-affinity.ts';
import { ErrorList } from '../../core/validation/pod-error-list.ts';
import type {
  AllocatedDeviceStatus,
  AllocationResult,
  DeviceAllocationConfiguration,
  DeviceRequestAllocationResult,
  NetworkDeviceData,
  ResourceClaim,
  ResourceClaimConsumerReference,
  ResourceClaimStatus,
} from '../../generated/types/resource-v1.ts';
import { checkBinding, checkConfiguration, checkTolerations } from './device-parts.ts';
import { checkList } from './lists.ts';
import { checkDriverName, checkLabel, checkPoolName, checkRawObject, checkUid } from './names.ts';
import { checkRequestName, checkRequestNames, requestNames } from './request-names.ts';
import { maxConfigurations } from './resource-claim.ts';

const limits = {
  reservedFor: 256,
  results: 32,
  conditions: 8,
  data: 10 * 1024,
  ips: 16,
  interfaceName: 256,
  hardwareAddress: 128,
} as const;
const sources = ['FromClaim', 'FromClass'];

interface DeviceRef {
  readonly driver: string;
  readonly pool: string;
  readonly device: string;
  readonly shareID?: string;
}

/** One device, or one share of it. */
export function deviceId({ driver, pool, device, shareID }: DeviceRef): string {
  return [driver, pool, device, ...(shareID === undefined ? [] : [shareID])].join('/');
}

function checkDeviceRef(errors: ErrorList, ref: DeviceRef, path: string): void {
  checkDriverName(errors, ref.driver, `${path}.driver`);
  checkPoolName(errors, ref.pool, `${path}.pool`);
  checkLabel(errors, ref.device, `${path}.device`);
}

function checkConsumer(errors: ErrorList, reference: ResourceClaimConsumerReference, path: string): void {
  for (const field of ['resource', 'name', 'uid'] as const) {
    if (!reference[field]) errors.required(`${path}.${field}`);
  }
}

function checkResult(
  errors: ErrorList,
  result: DeviceRequestAllocationResult,
  { path, names }: { path: string; names: ReadonlySet<string> },
): void {
  checkRequestName(errors, result.request ?? '', { path: `${path}.request`, names });
  checkDeviceRef(errors, result, path);
  checkBinding(errors, result, path);
  checkTolerations(errors, result.tolerations, `${path}.tolerations`);
  if (result.shareID !== undefined) checkUid(errors, result.shareID, `${path}.shareID`);
}

function checkAllocatedConfiguration(
  errors: ErrorList,
  configuration: DeviceAllocationConfiguration,
  { path, names }: { path: string; names: ReadonlySet<string> },
): void {
  const { requests } = configuration;
  const source: string | undefined = configuration.source;
  if (!source) errors.required(`${path}.source`);
  else if (!sources.includes(source)) errors.notSupported(`${path}.source`, source, sources);
  checkRequestNames(errors, requests, { path: `${path}.requests`, names });
  checkConfiguration(errors, configuration, { path, stored: false });
}

function checkAllocation(errors: ErrorList, allocation: AllocationResult, names: ReadonlySet<string>): void {
  const path = 'status.allocation';
  checkList(errors, allocation.devices?.results, {
    path: `${path}.devices.results`,
    max: limits.results,
    check: (all, result, at) => checkResult(all, result, { path: at, names }),
  });
  checkList(errors, allocation.devices?.config, {
    path: `${path}.devices.config`,
    // Those of the class and those of the claim.
    max: 2 * maxConfigurations,
    check: (all, configuration, at) => checkAllocatedConfiguration(all, configuration, { path: at, names }),
  });
  const { nodeSelector } = allocation;
  if (nodeSelector) checkNodeSelector(errors, nodeSelector, { path: `${path}.nodeSelector`, anyValues: false });
}

function checkNetworkData(errors: ErrorList, data: NetworkDeviceData, path: string): void {
  for (const field of ['interfaceName', 'hardwareAddress'] as const) {
    if (byteLength(data[field] ?? '') > limits[field]) errors.tooLong(`${path}.${field}`, limits[field]);
  }
  checkList(errors, data.ips, {
    path: `${path}.ips`,
    max: limits.ips,
    check: (all, ip, at) => all.eachInvalid(at, ip, isValidInterfaceAddress(ip)),
    key: (ip) => ip,
  });
}

function checkDeviceStatus(
  errors: ErrorList,
  device: AllocatedDeviceStatus,
  { path, allocated }: { path: string; allocated: ReadonlySet<string> },
): void {
  const { shareID, data, networkData } = device;
  // Go writes null for no conditions.
  const conditions = device.conditions ?? [];
  checkDeviceRef(errors, device, path);
  if (shareID !== undefined) checkUid(errors, shareID, `${path}.shareID`);
  const id = deviceId(device);
  if (!allocated.has(id)) errors.invalid(path, id, 'must be an allocated device in the claim');
  if (conditions.length > limits.conditions) {
    errors.tooMany(`${path}.conditions`, conditions.length, limits.conditions);
  }
  errors.add(validateConditions(conditions, Path.of(`${path}.conditions`)));
  if (data !== undefined) checkRawObject(errors, data, { path: `${path}.data`, max: limits.data });
  if (networkData !== undefined) checkNetworkData(errors, networkData, `${path}.networkData`);
}

function checkReservations(errors: ErrorList, object: ResourceClaim, old: Readonly<ResourceClaim>): void {
  const path = 'status.reservedFor';
  const reserved = object.status?.reservedFor ?? [];
  checkList(errors, reserved, { path, max: limits.reservedFor, check: checkConsumer, key: (consumer) => consumer.uid });
  if (reserved.length === 0) return;
  if (object.status?.allocation === undefined) {
    errors.forbidden(path, 'may not be specified when `allocated` is not set');
  } else if (object.metadata.deletionTimestamp) {
    const before = old.status?.reservedFor ?? [];
    const isNew = reserved.some((consumer) => !before.some((other) => semanticEqual(consumer, other)));
    const detail = 'new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set';
    if (isNew) errors.forbidden(path, detail);
  }
}

/** An allocation is made once and taken back as a whole. */
export function validateResourceClaimStatus(object: ResourceClaim, old: Readonly<ResourceClaim>): FieldError[] {
  const errors = new ErrorList();
  const { allocation, devices }: ResourceClaimStatus = object.status ?? {};
  checkReservations(errors, object, old);
  const allocated = new Set((allocation?.devices?.results ?? []).map(deviceId));
  checkList(errors, devices, {
    path: 'status.devices',
    check: (all, device, path) => checkDeviceStatus(all, device, { path, allocated }),
    key: deviceId,
  });
  const before = old.status?.allocation;
  if (allocation !== undefined && before !== undefined) {
    if (!semanticEqual(allocation, before)) errors.invalid('status.allocation', allocation, 'field is immutable');
  } else if (allocation !== undefined) checkAllocation(errors, allocation, requestNames(object.spec?.devices));
  return errors.errors;
}
