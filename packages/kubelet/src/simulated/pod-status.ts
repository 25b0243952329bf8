/**
 * What a kubelet reports of a pod (upstream `pkg/kubelet/kubelet_pods.go`, `generateAPIPodStatus`, and
 * `pkg/kubelet/status/generate.go`), from how far the simulated pod has come.
 */
import { formatTime } from '@kubets/apimachinery/time';
import type {
  Container,
  ContainerState,
  ContainerStatus,
  Pod,
  PodCondition,
  PodStatus,
} from '@kubets/api/types/core-v1';
import type { PodState, Progress, Run } from './pod-state.ts';

/** Where the pod is. */
export interface PodPlace {
  readonly hostIP: string;
  /** One of each family; none while it has no network. */
  readonly podIPs: readonly string[];
}

/** The phase that a state shows as (`getPhase`). */
export function phaseOf(state: PodState): NonNullable<PodStatus['phase']> {
  switch (state.type) {
    case 'creating':
    case 'imageMissing':
    case 'initialising':
      return 'Pending';
    case 'running':
    case 'backingOff':
    case 'stopping':
      return 'Running';
    case 'ended':
      return state.succeeded ? 'Succeeded' : 'Failed';
    case 'stopped':
      return state.succeeded === true ? 'Succeeded' : 'Failed';
  }
}

const containersReady = (state: PodState): boolean =>
  (state.type === 'running' || state.type === 'stopping') && state.ready;

const finished = (state: PodState): boolean => state.type === 'ended' || state.type === 'stopped';

/** The readiness gates that are not met. */
function openGates(pod: Readonly<Pod>): string[] {
  const gates = pod.spec?.readinessGates;
  if (gates === undefined) return [];
  const conditions = pod.status?.conditions ?? [];
  return gates.flatMap(({ conditionType }) => {
    const condition = conditions.find(({ type }) => type === conditionType);
    if (condition?.status === 'True') return [];
    if (condition === undefined)
      return [`corresponding condition of pod readiness gate "${conditionType}" does not exist.`];
    return [`the status of pod readiness gate "${conditionType}" is not "True", but ${condition.status}`];
  });
}

/** Whether the Ready condition is to be True. */
export function isReady(pod: Readonly<Pod>, state: PodState): boolean {
  return containersReady(state) && (pod.spec?.readinessGates === undefined || openGates(pod).length === 0);
}

interface Verdict {
  readonly status: 'True' | 'False';
  readonly reason?: string;
  readonly message?: string;
}

const yes: Verdict = { status: 'True' };
const names = (containers: readonly Container[]): string => `[${containers.map(({ name }) => name).join(' ')}]`;

function containersReadyVerdict(pod: Readonly<Pod>, state: PodState): Verdict {
  if (containersReady(state)) return yes;
  const phase = phaseOf(state);
  if (phase === 'Succeeded') return { status: 'False', reason: 'PodCompleted' };
  if (phase === 'Failed') return { status: 'False', reason: 'PodFailed' };
  const message = `containers with unready status: ${names(pod.spec?.containers ?? [])}`;
  return { status: 'False', reason: 'ContainersNotReady', message };
}

function readyVerdict(pod: Readonly<Pod>, state: PodState): Verdict {
  const containers = containersReadyVerdict(pod, state);
  if (containers.status === 'False') return containers;
  const open = openGates(pod);
  return open.length === 0 ? yes : { status: 'False', reason: 'ReadinessGatesNotReady', message: open.join(', ') };
}

/** Init containers that have yet to do their part. */
function incomplete(pod: Readonly<Pod>, { state, initRuns }: Progress): readonly Container[] {
  const init = pod.spec?.initContainers ?? [];
  return state.type === 'creating' || state.type === 'initialising' || state.type === 'imageMissing'
    ? init.slice(initRuns.length)
    : [];
}

function initializedVerdict(pod: Readonly<Pod>, progress: Progress): Verdict {
  const left = incomplete(pod, progress);
  if (left.length > 0) {
    const message = `containers with incomplete status: ${names(left)}`;
    return { status: 'False', reason: 'ContainersNotInitialized', message };
  }
  return phaseOf(progress.state) === 'Succeeded' ? { status: 'True', reason: 'PodCompleted' } : yes;
}

function sandboxVerdict({ state }: Progress): Verdict {
  return { status: state.type === 'creating' || finished(state) ? 'False' : 'True' };
}

const generationOf = ({ metadata: { generation } }: Readonly<Pod>): { observedGeneration?: number } =>
  generation === undefined ? {} : { observedGeneration: generation };

/** The condition, with the time of its last change kept while it says the same. */
function condition(pod: Readonly<Pod>, type: string, verdict: Verdict, now: string): PodCondition {
  const old = pod.status?.conditions?.find((candidate) => candidate.type === type);
  const { status, reason, message } = verdict;
  return {
    type,
    ...generationOf(pod),
    status,
    lastTransitionTime: old?.status === status ? (old.lastTransitionTime ?? now) : now,
    ...(reason !== undefined && { reason }),
    ...(message !== undefined && { message }),
  };
}

function conditions(pod: Readonly<Pod>, progress: Progress, now: string): PodCondition[] {
  const { state } = progress;
  return [
    condition(pod, 'PodReadyToStartContainers', sandboxVerdict(progress), now),
    condition(pod, 'Initialized', initializedVerdict(pod, progress), now),
    condition(pod, 'Ready', readyVerdict(pod, state), now),
    condition(pod, 'ContainersReady', containersReadyVerdict(pod, state), now),
    condition(pod, 'PodScheduled', yes, now),
  ];
}

/** Joined, not concatenated: a text that is made of pieces makes JSON.stringify take its slow path for the whole pod. */
const containerID = (pod: Readonly<Pod>, name: string, restarts: number): string =>
  ['simulated://', pod.metadata.uid, '/', name, '/', restarts].join('');

function terminated(pod: Readonly<Pod>, name: string, run: Run, restarts: number): ContainerState {
  return {
    terminated: {
      exitCode: run.exitCode,
      reason: run.exitCode === 0 ? 'Completed' : 'Error',
      startedAt: formatTime(run.startedAt),
      finishedAt: formatTime(run.finishedAt),
      containerID: containerID(pod, name, restarts),
    },
  };
}

const runningSince = (ms: number): ContainerState => ({ running: { startedAt: formatTime(ms) } });

const waiting = (reason: string, message?: string): ContainerState => ({
  waiting: { reason, ...(message !== undefined && { message }) },
});

function backOffState(pod: Readonly<Pod>, container: Container, progress: Progress): ContainerState {
  if (progress.restarts === 0 && progress.last !== undefined)
    return terminated(pod, container.name, progress.last, progress.restarts);
  const seconds = Math.min(300, 10 * 2 ** Math.min(progress.restarts - 1, 10));
  const pause = seconds >= 60 ? `${Math.floor(seconds / 60)}m${seconds % 60}s` : `${seconds}s`;
  const { name = '', namespace = '', uid = '' } = pod.metadata;
  return waiting(
    'CrashLoopBackOff',
    `back-off ${pause} restarting failed container=${container.name} pod=${name}_${namespace}(${uid})`,
  );
}

/** What an app container does. */
function appState(pod: Readonly<Pod>, container: Container, progress: Progress): ContainerState {
  const { state, last } = progress;
  switch (state.type) {
    case 'creating':
    case 'initialising':
      return waiting(pod.spec?.initContainers === undefined ? 'ContainerCreating' : 'PodInitializing');
    case 'imageMissing': {
      if (state.backingOff) return waiting('ImagePullBackOff', `Back-off pulling image "${container.image}"`);
      return waiting('ErrImagePull', `failed to pull image "${container.image}": not found`);
    }
    case 'running':
    case 'stopping':
      return runningSince(state.startedAt);
    case 'backingOff':
      return backOffState(pod, container, progress);
    case 'ended':
    case 'stopped':
      if (last !== undefined) return terminated(pod, container.name, last, progress.restarts);
      return waiting(pod.spec?.initContainers === undefined ? 'ContainerCreating' : 'PodInitializing');
  }
}

/** Mounts with how far read-only goes, as every runtime reports them. */
function volumeMounts(container: Container): Pick<ContainerStatus, 'volumeMounts'> {
  if (container.volumeMounts === undefined) return {};
  return {
    volumeMounts: container.volumeMounts.map(({ name, mountPath, readOnly }) => ({
      name,
      mountPath,
      ...(readOnly === true && { readOnly, recursiveReadOnly: 'Disabled' }),
    })),
  };
}

function resources(container: Container): Partial<ContainerStatus> {
  const { requests, limits } = container.resources ?? {};
  if (requests === undefined && limits === undefined) return { resources: {} };
  return {
    ...(requests && { allocatedResources: requests }),
    resources: { ...(limits && { limits }), ...(requests && { requests }) },
  };
}

interface Shown {
  readonly state: ContainerState;
  readonly lastState: ContainerState;
  readonly ready: boolean;
  readonly restarts: number;
}

function containerStatus(pod: Readonly<Pod>, container: Container, shown: Shown): ContainerStatus {
  const { state, lastState, ready, restarts } = shown;
  const created = state.waiting === undefined || lastState.terminated !== undefined;
  return {
    name: container.name,
    state,
    lastState,
    ready,
    restartCount: restarts,
    image: container.image ?? '',
    imageID: created ? ['simulated://', container.image].join('') : '',
    ...(created && { containerID: containerID(pod, container.name, restarts) }),
    started: state.running !== undefined,
    ...(state.running !== undefined && resources(container)),
    ...volumeMounts(container),
  };
}

function appStatus(pod: Readonly<Pod>, container: Container, progress: Progress): ContainerStatus {
  const { restarts, last } = progress;
  const state = appState(pod, container, progress);
  const before = state.terminated === undefined && last !== undefined;
  const lastState = before ? terminated(pod, container.name, last, Math.max(0, restarts - 1)) : {};
  return containerStatus(pod, container, { state, lastState, ready: containersReady(progress.state), restarts });
}

function initState(pod: Readonly<Pod>, container: Container, progress: Progress, index: number): ContainerState {
  const { state, initRuns } = progress;
  const run = initRuns[index];
  if (run !== undefined) {
    if (run.finishedAt !== Infinity) return terminated(pod, container.name, run, 0);
    // A sidecar ends after the others.
    const end = progress.last?.finishedAt ?? progress.startTime;
    return finished(state)
      ? terminated(pod, container.name, { ...run, finishedAt: end }, 0)
      : runningSince(run.startedAt);
  }
  if (state.type === 'initialising' && state.index === index) return runningSince(state.startedAt);
  return waiting('PodInitializing');
}

function initStatus(pod: Readonly<Pod>, container: Container, progress: Progress, index: number): ContainerStatus {
  const state = initState(pod, container, progress, index);
  const run = progress.initRuns[index];
  const ready = run !== undefined && (state.running !== undefined || run.finishedAt !== Infinity);
  return containerStatus(pod, container, { state, lastState: {}, ready, restarts: 0 });
}

function ephemeralStatuses(pod: Readonly<Pod>, progress: Progress): Pick<PodStatus, 'ephemeralContainerStatuses'> {
  const containers = pod.spec?.ephemeralContainers;
  const { state } = progress;
  if (containers === undefined || (state.type !== 'running' && state.type !== 'backingOff')) return {};
  const old = pod.status?.ephemeralContainerStatuses;
  const since = state.type === 'running' ? state.startedAt : progress.startTime;
  return {
    ephemeralContainerStatuses: containers.map((container) => {
      const known = old?.find(({ name }) => name === container.name);
      if (known !== undefined) return known;
      const shown = { state: runningSince(since), lastState: {}, ready: false, restarts: 0 };
      return containerStatus(pod, container as Container, shown);
    }),
  };
}

/** The part of the status that is the kubelet's, as it is at `now`. Conditions of others are not in it. */
export function podStatus(
  pod: Readonly<Pod>,
  progress: Progress,
  place: PodPlace & { readonly now: number },
): PodStatus {
  const { hostIP, podIPs, now } = place;
  const { state } = progress;
  const [podIP] = podIPs;
  const initContainers = pod.spec?.initContainers;
  return {
    ...generationOf(pod),
    phase: phaseOf(state),
    conditions: conditions(pod, progress, formatTime(now)),
    ...(state.type === 'ended' && state.message !== undefined && { message: state.message }),
    ...(state.type === 'ended' && state.reason !== undefined && { reason: state.reason }),
    hostIP,
    hostIPs: [{ ip: hostIP }],
    ...(podIP !== undefined && { podIP, podIPs: podIPs.map((ip) => ({ ip })) }),
    startTime: formatTime(progress.startTime),
    ...(initContainers && {
      initContainerStatuses: initContainers.map((container, i) => initStatus(pod, container, progress, i)),
    }),
    containerStatuses: (pod.spec?.containers ?? []).map((container) => appStatus(pod, container, progress)),
    ...ephemeralStatuses(pod, progress),
  };
}
