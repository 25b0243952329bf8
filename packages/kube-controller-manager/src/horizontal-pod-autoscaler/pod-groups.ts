/** Which pods count how (upstream `pkg/controller/podautoscaler/replica_calculator.go`, `groupPods`, `calculateRequests`). */
import { parseQuantity } from '@kubets/apimachinery/quantity';
import { podCondition } from '@kubets/api/core/helpers/pod';
import type { Container, Pod } from '@kubets/api/types/core-v1';

/** One pod's measurement. Times in milliseconds since 1970, the value in thousandths. */
export interface PodMetric {
  readonly timestamp: number;
  readonly windowMs: number;
  readonly value: number;
}

/** By pod name. */
export type PodMetrics = Map<string, PodMetric>;

export interface GroupOptions {
  /** `cpu` needs care: starting costs much of it. */
  readonly resource: string;
  readonly cpuInitializationPeriodMs: number;
  readonly initialReadinessDelayMs: number;
  readonly now: number;
}

export interface PodGroups {
  readonly ready: number;
  /** Names. */
  readonly unready: ReadonlySet<string>;
  readonly missing: ReadonlySet<string>;
  readonly ignored: ReadonlySet<string>;
}

export function groupPods(
  pods: readonly Readonly<Pod>[],
  metrics: ReadonlyMap<string, PodMetric>,
  options: GroupOptions,
): PodGroups {
  let ready = 0;
  const [unready, missing, ignored] = [new Set<string>(), new Set<string>(), new Set<string>()];
  for (const pod of pods) {
    const { name = '', deletionTimestamp } = pod.metadata;
    const phase = pod.status?.phase;
    const metric = metrics.get(name);
    if (deletionTimestamp !== undefined || phase === 'Failed') ignored.add(name);
    else if (phase === 'Pending') unready.add(name);
    else if (metric === undefined) missing.add(name);
    else if (options.resource === 'cpu' && !countsForCpu(pod, metric, options)) unready.add(name);
    else ready++;
  }
  return { ready, unready, missing, ignored };
}

function countsForCpu(pod: Readonly<Pod>, metric: PodMetric, options: GroupOptions): boolean {
  const condition = podCondition(pod, 'Ready');
  const startTime = pod.status?.startTime;
  if (condition === undefined || startTime === undefined) return false;
  const started = Date.parse(startTime);
  const changed = Date.parse(condition.lastTransitionTime ?? '1970-01-01T00:00:00Z');
  const isReady = condition.status !== 'False';
  // While it may be starting still: one whole window must have been measured since it became ready.
  if (started + options.cpuInitializationPeriodMs > options.now)
    return isReady && metric.timestamp >= changed + metric.windowMs;
  // Later: unless it has never been ready.
  return isReady || started + options.initialReadinessDelayMs <= changed;
}

/** Thousandths that each pod asks for; `container`: of that container alone. Throws an Error when some pod asks for nothing. */
export function podRequests(
  pods: readonly Readonly<Pod>[],
  resource: string,
  options: { readonly container: string; readonly podLevel: boolean },
): Map<string, number> {
  const requests = new Map<string, number>();
  for (const pod of pods) {
    const whole = options.podLevel && options.container === '' ? podLevelRequest(pod, resource) : undefined;
    requests.set(pod.metadata.name ?? '', whole ?? requestOfContainers(pod, resource, options.container));
  }
  return requests;
}

/** Undefined when the pod asks for nothing as a whole. */
function podLevelRequest(pod: Readonly<Pod>, resource: string): number | undefined {
  const requests = pod.spec?.resources?.requests;
  if (requests === undefined || Object.keys(requests).length === 0) return undefined;
  const request = requests[resource];
  if (request === undefined) throw new Error(`missing pod-level request for ${resource} in Pod ${pod.metadata.name}`);
  return parseQuantity(request).milliValue();
}

function requestOfContainers(pod: Readonly<Pod>, resource: string, container: string): number {
  const { containers = [], initContainers = [] } = pod.spec ?? {};
  const running = [...containers, ...initContainers.filter(({ restartPolicy }) => restartPolicy === 'Always')];
  return running
    .filter(({ name }) => container === '' || container === name)
    .reduce((sum, one) => sum + requestOf(pod, one, resource), 0);
}

function requestOf(pod: Readonly<Pod>, container: Readonly<Container>, resource: string): number {
  const request = container.resources?.requests?.[resource];
  if (request === undefined)
    throw new Error(`missing request for ${resource} in container ${container.name} of Pod ${pod.metadata.name}`);
  return parseQuantity(request).milliValue();
}
