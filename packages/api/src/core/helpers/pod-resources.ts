/**
 * What a pod needs as a whole (upstream `k8s.io/component-helpers/resource/helpers.go`): sidecars, init containers, pod-level
 * resources, overhead, and what a resize in place has reached.
 */
import {
  newMilliQuantity,
  newQuantity,
  parseQuantity,
  zeroQuantity,
  type Quantity,
} from '@kubets/apimachinery/quantity';
import type { Container, ContainerStatus, Pod } from '../../generated/types/core-v1.ts';

/** Amounts by resource name. */
export type ResourceAmounts = Map<string, Quantity>;

/** As the API writes amounts. */
export type ResourceList = Readonly<Record<string, string>>;

/** What {@link podRequests} and {@link podLimits} take into account; the default is the specification with everything in it. */
export interface PodResourcesOptions {
  /** Of a resize under way the largest of what is wanted, promised and in force counts. For pods that may be running. */
  readonly useStatusResources?: boolean;
  /** Pod-level amounts in the status count too (gate InPlacePodLevelResourcesVerticalScaling). */
  readonly podLevelStatus?: boolean;
  readonly excludeOverhead?: boolean;
  /** What each container without a request for the resource is taken to ask for. Requests of 0 stay 0. */
  readonly nonMissingContainerRequests?: ReadonlyMap<string, Quantity>;
  readonly skipPodLevelResources?: boolean;
}

/** What a container that does not say is taken to use when nodes are compared: a tenth of a core, 200 MiB (`DefaultMilliCPURequest`). */
export const defaultContainerRequests: ReadonlyMap<string, Quantity> = new Map([
  ['cpu', newMilliQuantity(100)],
  ['memory', newQuantity(200 * 1024 * 1024, 'BinarySI')],
]);

type Pick = (
  container: Readonly<Container>,
  status: Readonly<ContainerStatus> | undefined,
  infeasible: boolean,
) => ResourceList | undefined;

const specRequests: Pick = (container) => container.resources?.requests;
const allocatedRequests: Pick = (container, status, infeasible) =>
  status?.allocatedResources ?? (infeasible ? undefined : container.resources?.requests);
const actuatedRequests: Pick = (container, status, infeasible) =>
  status?.resources?.requests ?? allocatedRequests(container, status, infeasible);
const specLimits: Pick = (container) => container.resources?.limits;
const actuatedLimits: Pick = (container, status, infeasible) =>
  status?.resources?.limits ?? (infeasible ? undefined : container.resources?.limits);

/** Whether the kubelet has said that the wanted resize cannot be done (`IsPodResizeInfeasible`). */
export function isPodResizeInfeasible(pod: Readonly<Pod>): boolean {
  return pod.status?.conditions?.find((condition) => condition.type === 'PodResizePending')?.reason === 'Infeasible';
}

/** Whether a resource may be asked for by the pod as a whole (`IsSupportedPodLevelResource`). */
export function isPodLevelResource(name: string): boolean {
  return name === 'cpu' || name === 'memory' || name.startsWith('hugepages-');
}

const someSupported = (list: ResourceList | undefined): boolean =>
  list !== undefined && Object.keys(list).some(isPodLevelResource);

/** Whether the pod as a whole asks for something (`IsPodLevelRequestsSet`). */
export function isPodLevelRequestsSet(pod: Readonly<Pod>): boolean {
  return someSupported(pod.spec?.resources?.requests);
}

/** Whether the pod as a whole asks for something or is limited (`IsPodLevelResourcesSet`). */
export function isPodLevelResourcesSet(pod: Readonly<Pod>): boolean {
  return isPodLevelRequestsSet(pod) || someSupported(pod.spec?.resources?.limits);
}

function addList(total: ResourceAmounts, list: ResourceList | undefined): void {
  if (list === undefined) return;
  for (const name in list) {
    const amount = parseQuantity(list[name] ?? '0');
    const before = total.get(name);
    total.set(name, before === undefined ? amount : before.add(amount));
  }
}

function addAmounts(total: ResourceAmounts, more: ReadonlyMap<string, Quantity>): void {
  for (const [name, amount] of more) total.set(name, total.get(name)?.add(amount) ?? amount);
}

function maxAmounts(total: ResourceAmounts, other: ReadonlyMap<string, Quantity>): void {
  for (const [name, amount] of other) {
    const before = total.get(name);
    if (before === undefined || amount.compare(before) > 0) total.set(name, amount);
  }
}

/** What is left of a list without the other; never below zero. */
function without(list: ResourceList, other: ResourceList | undefined): ResourceAmounts {
  const result: ResourceAmounts = new Map();
  for (const name of Object.keys(list)) {
    let amount = parseQuantity(list[name] ?? '0');
    if (other?.[name] !== undefined) amount = amount.sub(parseQuantity(other[name]));
    result.set(name, amount.sign() < 0 ? zeroQuantity : amount);
  }
  return result;
}

function statusOf(pod: Readonly<Pod>, name: string): Readonly<ContainerStatus> | undefined {
  const named = (status: Readonly<ContainerStatus>): boolean => status.name === name;
  return pod.status?.containerStatuses?.find(named) ?? pod.status?.initContainerStatuses?.find(named);
}

const isSidecar = (container: Readonly<Container>): boolean => container.restartPolicy === 'Always';

/** Containers that run together are added up; init containers before them run one by one beside the sidecars so far. */
function aggregate(pod: Readonly<Pod>, options: PodResourcesOptions, pick: Pick): ResourceAmounts {
  const useStatus = options.useStatusResources === true;
  const infeasible = useStatus && isPodResizeInfeasible(pod);
  const add = (to: ResourceAmounts, container: Readonly<Container>): void => {
    const list = pick(container, useStatus ? statusOf(pod, container.name) : undefined, infeasible);
    addList(to, list);
    for (const [name, amount] of options.nonMissingContainerRequests ?? []) {
      if (list?.[name] === undefined) to.set(name, to.get(name)?.add(amount) ?? amount);
    }
  };
  const result: ResourceAmounts = new Map();
  for (const container of pod.spec?.containers ?? []) add(result, container);
  const initContainers = pod.spec?.initContainers;
  if (initContainers === undefined) return result;
  const sidecars: ResourceAmounts = new Map();
  const init: ResourceAmounts = new Map();
  for (const container of initContainers) {
    if (isSidecar(container)) {
      add(result, container);
      add(sidecars, container);
      maxAmounts(init, sidecars);
    } else {
      const own: ResourceAmounts = new Map();
      add(own, container);
      addAmounts(own, sidecars);
      maxAmounts(init, own);
    }
  }
  maxAmounts(result, init);
  return result;
}

/** Whether the status says anything about resources at all: most pods' does not, and then the specification is the answer. */
function statusMatters(pod: Readonly<Pod>): boolean {
  const { status } = pod;
  if (status === undefined) return false;
  return (
    status.containerStatuses !== undefined ||
    status.initContainerStatuses !== undefined ||
    status.resources !== undefined ||
    status.allocatedResources !== undefined ||
    isPodResizeInfeasible(pod)
  );
}

function listAmounts(list: ResourceList): ResourceAmounts {
  const amounts: ResourceAmounts = new Map();
  addList(amounts, list);
  return amounts;
}

/** What the containers ask for together (`AggregateContainerRequests`). */
function containerRequests(pod: Readonly<Pod>, options: PodResourcesOptions): ResourceAmounts {
  const wanted = aggregate(pod, options, specRequests);
  if (options.useStatusResources !== true || !statusMatters(pod)) return wanted;
  const { allocatedResources, resources } = pod.status ?? {};
  const podLevel =
    options.podLevelStatus === true && allocatedResources !== undefined && resources?.requests !== undefined
      ? [listAmounts(resources.requests), listAmounts(allocatedResources)]
      : [aggregate(pod, options, actuatedRequests), aggregate(pod, options, allocatedRequests)];
  const result: ResourceAmounts = isPodResizeInfeasible(pod) ? new Map() : wanted;
  for (const amounts of podLevel) maxAmounts(result, amounts);
  return result;
}

/** Pod-level amounts: as specified or, of a resize under way, the largest (`effectivePodLevelResources`). */
function podLevelAmounts(
  pod: Readonly<Pod>,
  spec: ResourceList | undefined,
  statuses: readonly (ResourceList | undefined)[],
): ResourceAmounts {
  const useSpec = statuses.length === 0 || !isPodResizeInfeasible(pod);
  const result = useSpec && spec !== undefined ? listAmounts(spec) : new Map<string, Quantity>();
  for (const list of statuses) if (list !== undefined) maxAmounts(result, without(list, pod.spec?.overhead));
  return result;
}

function setPodLevel(result: ResourceAmounts, amounts: ReadonlyMap<string, Quantity>): void {
  for (const [name, amount] of amounts) if (isPodLevelResource(name)) result.set(name, amount);
}

/**
 * What the pod asks for, with its overhead (`PodRequests`). Amounts are exact; the map is the caller's.
 *
 * @throws Error when a quantity is malformed, which validation rules out.
 */
export function podRequests(pod: Readonly<Pod>, options: PodResourcesOptions = {}): ResourceAmounts {
  const result = containerRequests(pod, options);
  if (options.skipPodLevelResources !== true && isPodLevelRequestsSet(pod)) {
    const fromStatus = options.podLevelStatus === true && options.useStatusResources === true;
    const { resources, allocatedResources } = pod.status ?? {};
    const reported = fromStatus && (resources !== undefined || allocatedResources !== undefined);
    const statuses = reported ? [resources?.requests, allocatedResources] : [];
    setPodLevel(result, podLevelAmounts(pod, pod.spec?.resources?.requests, statuses));
  }
  if (options.excludeOverhead !== true) addList(result, pod.spec?.overhead);
  return result;
}

/** What the pod is limited to; overhead is added to limits that are there and not zero (`PodLimits`). */
export function podLimits(pod: Readonly<Pod>, options: PodResourcesOptions = {}): ResourceAmounts {
  const plain: PodResourcesOptions = { ...options, nonMissingContainerRequests: undefined };
  const result = containerLimits(pod, plain);
  if (options.skipPodLevelResources !== true && isPodLevelResourcesSet(pod)) {
    const fromStatus = options.podLevelStatus === true && options.useStatusResources === true;
    const statuses = fromStatus && pod.status?.resources !== undefined ? [pod.status.resources.limits] : [];
    setPodLevel(result, podLevelAmounts(pod, pod.spec?.resources?.limits, statuses));
  }
  if (options.excludeOverhead === true) return result;
  for (const [name, text] of Object.entries(pod.spec?.overhead ?? {})) {
    const limit = result.get(name);
    if (limit !== undefined && !limit.isZero()) result.set(name, limit.add(parseQuantity(text)));
  }
  return result;
}

function containerLimits(pod: Readonly<Pod>, options: PodResourcesOptions): ResourceAmounts {
  const wanted = aggregate(pod, options, specLimits);
  if (options.useStatusResources !== true || !statusMatters(pod)) return wanted;
  const reported = options.podLevelStatus === true ? pod.status?.resources?.limits : undefined;
  const inForce = reported === undefined ? aggregate(pod, options, actuatedLimits) : listAmounts(reported);
  if (isPodResizeInfeasible(pod)) return inForce;
  maxAmounts(wanted, inForce);
  return wanted;
}

/**
 * As {@link podRequests}, with {@link defaultContainerRequests} for containers that do not say: what the scheduler compares
 * nodes by (`PodInfo.CalculateResource`). A pod-level request stands for all containers, so nothing is made up for its resource.
 */
export function podNonZeroRequests(pod: Readonly<Pod>, options: PodResourcesOptions = {}): ResourceAmounts {
  let defaults = defaultContainerRequests;
  if (options.skipPodLevelResources !== true && isPodLevelRequestsSet(pod)) {
    const said = podRequests(pod, options);
    defaults = new Map([...defaults].filter(([name]) => !said.has(name)));
  }
  return podRequests(pod, { ...options, nonMissingContainerRequests: defaults });
}
