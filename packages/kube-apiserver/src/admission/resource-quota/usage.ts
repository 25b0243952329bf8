/** What an object counts for (`pkg/quota/v1/evaluator/core/{pods,services,persistent_volume_claims}.go`, `quota/v1/generic/evaluator.go`). */
import type { Container, PersistentVolumeClaim, Pod, PodSpec, Service } from '@kubets/api/types/core-v1';
import { aggregateContainers } from '@kubets/api/core/validation/pod-resources';
import { newQuantity, parseQuantity, zeroQuantity } from '@kubets/apimachinery/quantity';
import { groupResourceString, type ApiObject, type GroupResource } from '@kubets/apimachinery/meta';
import { add, addAmount, type Amounts } from './resource-list.ts';

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

/** Everything the object uses of what quotas can limit. */
export function usageOf(resource: GroupResource, object: Readonly<ApiObject>): Amounts {
  const usage: Amounts = new Map([[`count/${groupResourceString(resource)}`, one]]);
  if (resource.group !== '') return usage;
  if (bareNames.has(resource.resource)) usage.set(resource.resource, one);
  switch (resource.resource) {
    case 'pods':
      return podUsage(usage, object as unknown as Pod);
    case 'services':
      return add(usage, serviceUsage(object as unknown as Service));
    case 'persistentvolumeclaims':
      return add(usage, claimUsage(object as unknown as PersistentVolumeClaim));
    default:
      return usage;
  }
}

/** Pods that have ended, or have been dead for longer than they were given, count as objects only. */
function podUsage(usage: Amounts, pod: Pod): Amounts {
  const counts: Amounts = new Map([['count/pods', one]]);
  const phase = pod.status?.phase;
  if (phase === 'Failed' || phase === 'Succeeded' || pod.spec === undefined) return counts;
  const requests = withPodLevel(aggregateContainers(pod.spec, 'requests'), pod.spec.resources?.requests);
  const limits = withPodLevel(aggregateContainers(pod.spec, 'limits'), pod.spec.resources?.limits);
  for (const [name, quantity] of Object.entries(pod.spec.overhead ?? {})) {
    addAmount(requests, name, parseQuantity(quantity));
    if (limits.has(name)) addAmount(limits, name, parseQuantity(quantity));
  }
  for (const [name, quantity] of requests) {
    if (isStandard(name)) usage.set(name, quantity);
    if (isStandard(name) || isExtended(name) || isHugePages(name)) usage.set(`requests.${name}`, quantity);
  }
  for (const [name, quantity] of limits) if (isStandard(name)) usage.set(`limits.${name}`, quantity);
  return usage;
}

function withPodLevel(totals: Amounts, own: Readonly<Record<string, string>> | undefined): Amounts {
  for (const [name, value] of Object.entries(own ?? {})) totals.set(name, parseQuantity(value));
  return totals;
}

const isStandard = (name: string): boolean => name === 'cpu' || name === 'memory' || name === 'ephemeral-storage';
const isHugePages = (name: string): boolean => name.startsWith('hugepages-');
const isExtended = (name: string): boolean => name.includes('/') && !name.includes('kubernetes.io/');

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
