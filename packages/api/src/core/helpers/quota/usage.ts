/**
 * What an object counts for (`pkg/quota/v1/evaluator/core/{pods,services,persistent_volume_claims,resource_claims}.go`,
 * `quota/v1/generic/evaluator.go`).
 */
import type { Container, PersistentVolumeClaim, Pod, PodSpec, Service } from '../../../generated/types/core-v1.ts';
import type { DeviceSubRequest, ResourceClaim } from '../../../generated/types/resource-v1.ts';
import { newQuantity, parseQuantity, zeroQuantity } from '@kubets/apimachinery/quantity';
import { parseTime } from '@kubets/apimachinery/time';
import { groupResourceString, type ApiObject, type GroupResource } from '@kubets/apimachinery/meta';
import { podLimits, podRequests } from '../pod-resources.ts';
import { isExtendedResource, isHugePages } from '../resource-names.ts';
import { add, type Amounts } from './resource-list.ts';

const one = newQuantity(1);

/** Kinds of the core group that also count under their bare name. */
const bareNames: ReadonlySet<string> = new Set([
  'pods',
  'services',
  'replicationcontrollers',
  'resourcequotas',
  'secrets',
  'configmaps',
  'persistentvolumeclaims',
]);

/**
 * Everything the object uses of what quotas can limit. `now`: the time, in milliseconds; without it no pod is taken to be
 * overdue.
 */
export function usageOf(resource: GroupResource, object: Readonly<ApiObject>, now?: number): Amounts {
  const usage: Amounts = new Map([[`count/${groupResourceString(resource)}`, one]]);
  if (resource.group === 'resource.k8s.io' && resource.resource === 'resourceclaims')
    return add(usage, deviceUsage(object as unknown as ResourceClaim));
  if (resource.group !== '') return usage;
  if (bareNames.has(resource.resource)) usage.set(resource.resource, one);
  switch (resource.resource) {
    case 'pods':
      return podUsage(usage, object as unknown as Pod, now);
    case 'services':
      return add(usage, serviceUsage(object as unknown as Service));
    case 'persistentvolumeclaims':
      return add(usage, claimUsage(object as unknown as PersistentVolumeClaim));
    default:
      return usage;
  }
}

/** Whether the pod uses more than its name: it has not ended, nor been dying for longer than it was given (`QuotaV1Pod`). */
export function isPodCharged({ metadata, status }: Readonly<Pod>, now: number | undefined): boolean {
  if (status?.phase === 'Failed' || status?.phase === 'Succeeded') return false;
  const { deletionTimestamp, deletionGracePeriodSeconds: grace } = metadata;
  if (now === undefined || deletionTimestamp === undefined || grace === undefined) return true;
  return now <= parseTime(deletionTimestamp) + grace * 1000;
}

const inForce = { useStatusResources: true };

function podUsage(usage: Amounts, pod: Readonly<Pod>, now: number | undefined): Amounts {
  if (!isPodCharged(pod, now) || pod.spec === undefined) return new Map([['count/pods', one]]);
  for (const [name, quantity] of podRequests(pod, inForce)) {
    if (isStandard(name) || isHugePages(name)) usage.set(name, quantity);
    if (isStandard(name) || isHugePages(name) || isExtendedResource(name)) usage.set(`requests.${name}`, quantity);
  }
  for (const [name, quantity] of podLimits(pod, inForce)) if (isStandard(name)) usage.set(`limits.${name}`, quantity);
  return usage;
}

const isStandard = (name: string): boolean => name === 'cpu' || name === 'memory' || name === 'ephemeral-storage';

const deviceClassSuffix = '.deviceclass.resource.k8s.io/devices';
/** A request for all devices may get so many (`AllocationResultsMaxSize`). */
const allDevices = 32;

/** By device class; of alternatives the most that any of them may take. */
function deviceUsage(claim: Readonly<ResourceClaim>): Amounts {
  let usage: Amounts = new Map();
  for (const { exactly, firstAvailable } of claim.spec.devices?.requests ?? []) {
    const worst: Amounts = new Map();
    const alternatives = firstAvailable?.length ? firstAvailable : exactly === undefined ? [] : [exactly];
    for (const alternative of alternatives) {
      const name = `${alternative.deviceClassName}${deviceClassSuffix}`;
      const devices = newQuantity(devicesOf(alternative));
      if ((worst.get(name)?.compare(devices) ?? -1) < 0) worst.set(name, devices);
    }
    usage = add(usage, worst);
  }
  return usage;
}

const devicesOf = ({ allocationMode, count }: Pick<DeviceSubRequest, 'allocationMode' | 'count'>): number =>
  allocationMode === 'All' ? allDevices : (count ?? 1);

const storageNames = /\.storageclass\.storage\.k8s\.io\/(?:requests\.storage|persistentvolumeclaims)$/;
const computeNames = /^(?:(?:requests|limits)\.)?(?:cpu|memory|ephemeral-storage)$/;
const hugePageNames = /^(?:requests\.)?hugepages-/;

/** Which objects a limited name counts; `undefined`: none that is known (`MatchingResources` of all evaluators). */
export function quotaSource(name: string): GroupResource | undefined {
  if (name.startsWith('count/')) {
    const [resource = '', ...group] = name.slice('count/'.length).split('.');
    return { group: group.join('.'), resource };
  }
  if (bareNames.has(name)) return { group: '', resource: name };
  if (name === 'services.nodeports' || name === 'services.loadbalancers') return { group: '', resource: 'services' };
  if (name === 'requests.storage' || storageNames.test(name)) return { group: '', resource: 'persistentvolumeclaims' };
  if (name.endsWith(deviceClassSuffix)) return { group: 'resource.k8s.io', resource: 'resourceclaims' };
  if (computeNames.test(name) || hugePageNames.test(name)) return { group: '', resource: 'pods' };
  const extended = name.startsWith('requests.') && isExtendedResource(name.slice('requests.'.length));
  return extended ? { group: '', resource: 'pods' } : undefined;
}

function serviceUsage(service: Service): Amounts {
  const usage: Amounts = new Map([
    ['services.nodeports', zeroQuantity],
    ['services.loadbalancers', zeroQuantity],
  ]);
  const ports = service.spec?.ports ?? [];
  const { type } = service.spec ?? {};
  if (type === 'NodePort') usage.set('services.nodeports', newQuantity(ports.length));
  if (type === 'LoadBalancer') {
    const allocates = service.spec?.allocateLoadBalancerNodePorts !== false;
    const count = allocates ? ports.length : ports.filter((port) => (port.nodePort ?? 0) !== 0).length;
    usage.set('services.nodeports', newQuantity(count));
    usage.set('services.loadbalancers', one);
  }
  return usage;
}

function claimUsage(claim: PersistentVolumeClaim): Amounts {
  const usage: Amounts = new Map();
  const className =
    claim.metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? claim.spec?.storageClassName ?? '';
  const suffix = '.storageclass.storage.k8s.io/';
  if (className !== '') usage.set(`${className}${suffix}persistentvolumeclaims`, one);
  const text = claim.spec?.resources?.requests?.['storage'];
  if (text === undefined) return usage;
  const allocated = claim.status?.allocatedResources?.['storage'];
  let storage = parseQuantity(text).roundUp(0);
  if (allocated !== undefined && parseQuantity(allocated).compare(storage) > 0)
    storage = parseQuantity(allocated).roundUp(0);
  usage.set('requests.storage', storage);
  if (className !== '') usage.set(`${className}${suffix}requests.storage`, storage);
  return usage;
}

/** What every container has to say once a quota limits it. */
const demanding: ReadonlySet<string> = new Set([
  'cpu',
  'memory',
  'requests.cpu',
  'requests.memory',
  'limits.cpu',
  'limits.memory',
]);

/**
 * `limits.cpu for: c1,c2; limits.memory for: c1`, or '' when all containers say what the quota limits
 * (`pods.go` Constraints).
 */
export function missingConstraints(spec: PodSpec, limited: Iterable<string>): string {
  const names = [...limited].filter((name) => demanding.has(name)).toSorted();
  const containers = [...(spec.containers ?? []), ...(spec.initContainers ?? [])];
  const missing = names.map((name) => ({
    name,
    of: podSays(spec, name) ? [] : containers.filter((c) => !says(c.resources, name)),
  }));
  return missing
    .filter(({ of }) => of.length > 0)
    .map(
      ({ name, of }) =>
        `${name} for: ${of
          .map((container: Container) => container.name)
          .toSorted()
          .join(',')}`,
    )
    .join('; ');
}

const podSays = (spec: PodSpec, name: string): boolean => says(spec.resources, name);

function says(resources: Container['resources'], name: string): boolean {
  const [first = '', second] = name.split('.');
  const list = second === undefined || first === 'requests' ? resources?.requests : resources?.limits;
  return list?.[second ?? first] !== undefined;
}
