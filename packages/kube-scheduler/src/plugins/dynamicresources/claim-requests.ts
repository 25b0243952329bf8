/** What a claim asks for, with its classes looked up and its selectors compiled (upstream `structured/allocator.go`, validateDeviceRequest). */
import type {
  DeviceClass,
  DeviceConstraint,
  DeviceRequest,
  DeviceSubRequest,
  DeviceToleration,
  ExactDeviceRequest,
  ResourceClaim,
} from '@kubets/api/types/resource-v1';
import { compileSelectors, type DeviceMatcher, type SelectorCompiler } from './device-selector.ts';

/** One way to serve a request. */
export interface Alternative {
  /** As results name it: `request` or `request/subrequest`. */
  readonly name: string;
  readonly deviceClass: Readonly<DeviceClass>;
  readonly matchers: readonly DeviceMatcher[];
  /** Undefined: all there are, and at least one. */
  readonly count: number | undefined;
  /** Devices in use will do, and stay free for others. */
  readonly adminAccess: boolean;
  readonly tolerations: readonly Readonly<DeviceToleration>[];
}

export interface PlannedRequest {
  readonly name: string;
  /** In the order of preference. */
  readonly alternatives: readonly Alternative[];
}

export interface PlannedClaim {
  readonly claim: Readonly<ResourceClaim>;
  readonly requests: readonly PlannedRequest[];
  readonly constraints: readonly Readonly<DeviceConstraint>[];
}

/** The most devices that a claim may get (`AllocationResultsMaxSize`). */
export const maxResults = 32;

type Asked = Readonly<ExactDeviceRequest> | Readonly<DeviceSubRequest>;

export interface PlanOptions {
  deviceClass(name: string): Readonly<DeviceClass> | undefined;
  readonly compiler: SelectorCompiler;
}

/**
 * Reads a claim.
 *
 * @throws Error with what is wrong with it, as users are to read it: a class that is not there, a selector nobody can evaluate.
 */
export function planClaim(claim: Readonly<ResourceClaim>, options: PlanOptions): PlannedClaim {
  const { requests = [], constraints = [] } = claim.spec.devices ?? {};
  const unsupported = constraints.find(({ matchAttribute }) => matchAttribute === undefined);
  if (unsupported !== undefined) {
    throw new Error(`claim ${claim.metadata.namespace}/${claim.metadata.name}: unsupported constraint type`);
  }
  return { claim, constraints, requests: requests.map((request) => planRequest(request, options)) };
}

function planRequest(request: Readonly<DeviceRequest>, options: PlanOptions): PlannedRequest {
  const { name, exactly, firstAvailable } = request;
  if (exactly !== undefined) return { name, alternatives: [alternative(name, exactly, options)] };
  if (firstAvailable === undefined || firstAvailable.length === 0) {
    throw new Error(`request ${name}: unsupported request type`);
  }
  const alternatives = firstAvailable.map((sub) => alternative(`${name}/${sub.name}`, sub, options));
  return { name, alternatives };
}

function alternative(name: string, asked: Asked, { deviceClass, compiler }: PlanOptions): Alternative {
  const { deviceClassName, selectors, allocationMode = 'ExactCount', count = 1, tolerations = [], capacity } = asked;
  const known = deviceClass(deviceClassName);
  if (known === undefined) throw new Error(`request ${name}: device class ${deviceClassName} does not exist`);
  if (capacity !== undefined) throw new Error(`request ${name}: capacity requests are not supported`);
  return {
    name,
    deviceClass: known,
    matchers: [...compileSelectors(known.spec.selectors, compiler), ...compileSelectors(selectors, compiler)],
    count: allocationMode === 'All' ? undefined : count,
    adminAccess: 'adminAccess' in asked && asked.adminAccess === true,
    tolerations,
  };
}
