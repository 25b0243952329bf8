/**
 * How far a simulated pod has come: a machine of states, moved on by time alone.
 *
 * `advance` is pure but for the random numbers it draws. Everything it needs after a restart of the process is in the pod's
 * status (`stateOfPod`).
 */
import type { Random } from '@kubets/apimachinery/clock';
import { parseTime } from '@kubets/apimachinery/time';
import type { Container, ContainerStatus, Pod } from '@kubets/api/types/core-v1';
import { sample } from './delay.ts';
import type { Behaviour } from './stages.ts';

/** One life of a container; times in milliseconds since 1970. */
export interface Run {
  readonly startedAt: number;
  readonly finishedAt: number;
  readonly exitCode: number;
}

export type PodState =
  /** Sandbox, volumes and images are made ready. */
  | { readonly type: 'creating'; readonly until: number }
  /** The image cannot be had; from `until` on it is tried with pauses. */
  | { readonly type: 'imageMissing'; readonly backingOff: boolean; readonly until: number }
  /** The init container of that index runs. */
  | { readonly type: 'initialising'; readonly index: number; readonly startedAt: number; readonly until: number }
  | {
      readonly type: 'running';
      readonly startedAt: number;
      readonly ready: boolean;
      readonly readyAt: number;
      readonly endsAt: number;
    }
  /** The containers have ended and are started again then. */
  | { readonly type: 'backingOff'; readonly until: number }
  /** For good, by themselves or because their time was up. */
  | { readonly type: 'ended'; readonly succeeded: boolean; readonly reason?: string; readonly message?: string }
  /** Deletion was asked for: the containers are told to end, and have ended then. */
  | { readonly type: 'stopping'; readonly startedAt: number; readonly ready: boolean; readonly until: number }
  /** They have; `succeeded` undefined: they never ran. */
  | { readonly type: 'stopped'; readonly succeeded: boolean | undefined };

export interface Progress {
  readonly state: PodState;
  /** When the node took the pod in. */
  readonly startTime: number;
  /** What the init containers have done; of a sidecar: since when it runs. */
  readonly initRuns: readonly Run[];
  readonly restarts: number;
  /** The containers' last life that is over. */
  readonly last?: Run;
}

/** What the state of a pod depends on besides time. */
export interface PodContext {
  readonly pod: Readonly<Pod>;
  readonly behaviour: Behaviour;
  readonly random: Random;
}

const second = 1000;
/** `MaxContainerBackOff` and the first pause of `pkg/kubelet/kubelet.go`. */
const maxBackOffMs = 300 * second;
const firstBackOffMs = 10 * second;
const steadyRunMs = 600 * second;

/** A pod that the node has just been told of. */
export function newProgress({ behaviour, random }: PodContext, now: number): Progress {
  return {
    state: { type: 'creating', until: now + sample(behaviour.create, random) },
    startTime: now,
    initRuns: [],
    restarts: 0,
  };
}

/** When something happens next by itself; `Infinity`: nothing does. */
export function dueOf({ state, startTime }: Progress, pod: Readonly<Pod>): number {
  const due = dueOfState(state);
  if (state.type === 'ended' || state.type === 'stopping' || state.type === 'stopped') return due;
  return Math.min(due, deadline(startTime, pod));
}

function dueOfState(state: PodState): number {
  switch (state.type) {
    case 'creating':
    case 'initialising':
    case 'backingOff':
    case 'stopping':
      return state.until;
    case 'imageMissing':
      return state.backingOff ? Infinity : state.until;
    case 'running':
      return state.ready ? state.endsAt : Math.min(state.readyAt, state.endsAt);
    case 'ended':
    case 'stopped':
      return Infinity;
  }
}

function deadline(startTime: number, pod: Readonly<Pod>): number {
  const seconds = pod.spec?.activeDeadlineSeconds;
  return seconds === undefined ? Infinity : startTime + seconds * second;
}

/** What is true at `now`. The same object when nothing has happened. */
export function advance(progress: Progress, context: PodContext, now: number): Progress {
  let current = progress;
  for (let due = dueOf(current, context.pod); due <= now; due = dueOf(current, context.pod)) {
    current = step(current, context, due);
  }
  return current;
}

/** What follows at the moment when the state's time is over. */
function step(progress: Progress, context: PodContext, at: number): Progress {
  const { state } = progress;
  if (state.type !== 'stopping' && deadline(progress.startTime, context.pod) <= at) return expired(progress, at);
  switch (state.type) {
    case 'creating':
      if (context.behaviour.image === 'present') return initialise(progress, context, { index: 0, at });
      return { ...progress, state: { type: 'imageMissing', backingOff: false, until: at + firstBackOffMs } };
    case 'imageMissing':
      return { ...progress, state: { ...state, backingOff: true } };
    case 'initialising':
      return initialised(progress, context, { ...state, at });
    case 'running':
      if (state.endsAt <= at) return exited(progress, context, state);
      return { ...progress, state: { ...state, ready: true } };
    case 'backingOff':
      return run({ ...progress, restarts: progress.restarts + 1 }, context, at);
    case 'stopping':
      return stopped(progress, context, { startedAt: state.startedAt, at });
    case 'ended':
    case 'stopped':
      return progress;
  }
}

const isSidecar = (container: Readonly<Container>): boolean => container.restartPolicy === 'Always';

function initialise(
  progress: Progress,
  context: PodContext,
  { index, at }: { readonly index: number; readonly at: number },
): Progress {
  const container = context.pod.spec?.initContainers?.[index];
  if (container === undefined) return run(progress, context, at);
  const until = at + sample(context.behaviour.init, context.random);
  return { ...progress, state: { type: 'initialising', index, startedAt: at, until } };
}

function initialised(
  progress: Progress,
  context: PodContext,
  { index, startedAt, at }: { readonly index: number; readonly startedAt: number; readonly at: number },
): Progress {
  const container = context.pod.spec?.initContainers?.[index];
  const finishedAt = container !== undefined && isSidecar(container) ? Infinity : at;
  const initRuns = [...progress.initRuns, { startedAt, finishedAt, exitCode: 0 }];
  return initialise({ ...progress, initRuns }, context, { index: index + 1, at });
}

/** Readiness probes of upstream begin after their initial delay; the slowest container decides. */
function readyDelay({ pod, behaviour, random }: PodContext): number {
  if (behaviour.ready !== undefined) return sample(behaviour.ready, random);
  const delays = pod.spec?.containers.map((container) => container.readinessProbe?.initialDelaySeconds ?? 0) ?? [];
  return Math.max(0, ...delays) * second;
}

function run(progress: Progress, context: PodContext, at: number): Progress {
  const readyAt = at + readyDelay(context);
  const endsAt = at + sample(context.behaviour.run, context.random);
  return { ...progress, state: { type: 'running', startedAt: at, ready: readyAt <= at, readyAt, endsAt } };
}

function exited(
  progress: Progress,
  { pod, behaviour }: PodContext,
  { startedAt, endsAt }: { readonly startedAt: number; readonly endsAt: number },
): Progress {
  const codes = behaviour.exitCodes;
  const exitCode = codes[Math.min(progress.restarts, codes.length - 1)] ?? 0;
  const last = { startedAt, finishedAt: endsAt, exitCode };
  const policy = pod.spec?.restartPolicy ?? 'Always';
  const over = policy === 'Never' || (policy === 'OnFailure' && exitCode === 0);
  if (over) return { ...progress, last, state: { type: 'ended', succeeded: exitCode === 0 } };
  return { ...progress, last, state: { type: 'backingOff', until: endsAt + backOff(progress.restarts, last) } };
}

/** None before the first restart, then 10 s, doubled each time up to 5 min; anew after a run of 10 min (`doBackOff`). */
function backOff(restarts: number, { startedAt, finishedAt }: Run): number {
  if (restarts === 0 || finishedAt - startedAt > steadyRunMs) return 0;
  return Math.min(maxBackOffMs, firstBackOffMs * 2 ** Math.min(restarts - 1, 10));
}

function expired(progress: Progress, at: number): Progress {
  const { state } = progress;
  const last = state.type === 'running' ? { startedAt: state.startedAt, finishedAt: at, exitCode: 137 } : progress.last;
  return {
    ...progress,
    ...(last && { last }),
    state: {
      type: 'ended',
      succeeded: false,
      reason: 'DeadlineExceeded',
      message: 'Pod was active on the node longer than the specified deadline',
    },
  };
}

/** Deletion was asked for: within the grace period the containers end. Idempotent. */
export function stop(progress: Progress, { pod, behaviour, random }: PodContext, now: number): Progress {
  const { state } = progress;
  if (state.type === 'stopping' || state.type === 'stopped') return progress;
  if (state.type === 'ended') return { ...progress, state: { type: 'stopped', succeeded: state.succeeded } };
  if (state.type !== 'running') return { ...progress, state: { type: 'stopped', succeeded: undefined } };
  const grace = (pod.metadata.deletionGracePeriodSeconds ?? 30) * second;
  const until = now + Math.min(grace, sample(behaviour.terminate, random));
  return { ...progress, state: { type: 'stopping', startedAt: state.startedAt, ready: state.ready, until } };
}

/** A server ends well when it is told to; work that was to be finished, or that outlived its grace period, does not. */
function stopped(
  progress: Progress,
  { pod, behaviour }: PodContext,
  { startedAt, at }: { readonly startedAt: number; readonly at: number },
): Progress {
  const grace = (pod.metadata.deletionGracePeriodSeconds ?? 30) * second;
  const killed = behaviour.terminate.min > grace;
  const exitCode = killed ? 137 : (pod.spec?.restartPolicy ?? 'Always') === 'Always' ? 0 : 143;
  const last = { startedAt, finishedAt: at, exitCode };
  return { ...progress, last, state: { type: 'stopped', succeeded: exitCode === 0 } };
}

/** Where a pod is that this node has reported on before: its containers have outlived the restart of the kubelet. */
export function progressOfPod(context: PodContext, now: number): Progress {
  const { pod } = context;
  const { status } = pod;
  const fresh = newProgress(context, now);
  if (status?.startTime === undefined) return fresh;
  const startTime = parseTime(status.startTime);
  const [container] = status.containerStatuses ?? [];
  const base = {
    startTime,
    initRuns: (status.initContainerStatuses ?? []).flatMap(runOfStatus),
    restarts: container?.restartCount ?? 0,
    ...lastOf(container),
  };
  if (status.phase === 'Succeeded' || status.phase === 'Failed')
    return { ...base, state: endOf(status.phase === 'Succeeded', status) };
  const startedAt = container?.state?.running?.startedAt;
  if (startedAt !== undefined) {
    const { state } = run({ ...base, state: fresh.state }, context, parseTime(startedAt));
    return {
      ...base,
      state: state.type === 'running' && container?.ready === true ? { ...state, ready: true } : state,
    };
  }
  if (container?.state?.waiting?.reason === 'CrashLoopBackOff' && base.last !== undefined)
    return { ...base, state: { type: 'backingOff', until: base.last.finishedAt + backOff(base.restarts, base.last) } };
  return { ...fresh, startTime, restarts: base.restarts };
}

function endOf(
  succeeded: boolean,
  { reason, message }: { readonly reason?: string; readonly message?: string },
): PodState {
  return { type: 'ended', succeeded, ...(reason && { reason }), ...(message && { message }) };
}

function runOfStatus({ state }: ContainerStatus): Run[] {
  const { terminated, running } = state ?? {};
  if (terminated?.startedAt !== undefined) {
    const { startedAt, finishedAt = startedAt, exitCode } = terminated;
    return [{ startedAt: parseTime(startedAt), finishedAt: parseTime(finishedAt), exitCode }];
  }
  if (running?.startedAt !== undefined)
    return [{ startedAt: parseTime(running.startedAt), finishedAt: Infinity, exitCode: 0 }];
  return [];
}

function lastOf(container: ContainerStatus | undefined): { last?: Run } {
  const terminated = container?.state?.terminated ?? container?.lastState?.terminated;
  if (terminated?.startedAt === undefined) return {};
  const [last] = runOfStatus({ ...container, state: { terminated } } as ContainerStatus);
  return last === undefined ? {} : { last };
}
