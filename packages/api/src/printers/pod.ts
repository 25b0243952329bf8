/** Rows of Pods (`pkg/printers/internalversion/printers.go`, `printPod`). */
import type { Container, ContainerState, ContainerStatus, Pod } from '../generated/types/core-v1.ts';
import type { TableRowCondition } from '../generated/types/meta-v1.ts';
import { ageOf, conditionOf, isDeleted, isTrue, nameOf, none, since } from './format.ts';

const finished: Readonly<Record<string, readonly TableRowCondition[]>> = {
  Succeeded: [
    { type: 'Completed', status: 'True', reason: 'Succeeded', message: 'The pod has completed successfully.' },
  ],
  Failed: [{ type: 'Completed', status: 'True', reason: 'Failed', message: 'The pod failed.' }],
};

/** The condition that marks rows of pods that will not run again; kubectl hides them on request. */
export function podRowConditions(pod: Pod): readonly TableRowCondition[] | undefined {
  const phase = pod.status?.phase;
  return phase === undefined ? undefined : finished[phase];
}

/** Restarts, and when the last container ended that was started again. */
interface Restarts {
  count: number;
  lastMs: number;
  last: string;
}

const noRestarts = (): Restarts => ({ count: 0, lastMs: -Infinity, last: '' });

function addRestarts(restarts: Restarts, status: ContainerStatus): void {
  restarts.count += status.restartCount ?? 0;
  const ended = status.lastState?.terminated?.finishedAt;
  if (!ended) return;
  const ms = Date.parse(ended);
  if (ms > restarts.lastMs) {
    restarts.lastMs = ms;
    restarts.last = ended;
  }
}

/** What the containers say about the pod so far. */
interface Summary {
  reason: string;
  ready: number;
  restarts: Restarts;
}

function endedReason(state: ContainerState, prefix: string): string {
  const { reason, signal, exitCode } = state.terminated ?? {};
  if (reason) return prefix + reason;
  return signal ? `${prefix}Signal:${signal}` : `${prefix}ExitCode:${exitCode ?? 0}`;
}

function initReason(state: ContainerState, progress: string): string {
  if (state.terminated) return endedReason(state, 'Init:');
  const waiting = state.waiting?.reason;
  return waiting && waiting !== 'PodInitializing' ? `Init:${waiting}` : `Init:${progress}`;
}

const isSidecar = (container: Container | undefined): boolean => container?.restartPolicy === 'Always';

/** Goes through the init containers up to the first that is not done; says what the sidecars alone restarted. */
function initContainers(pod: Pod, summary: Summary): { initializing: boolean; sidecars: Restarts } {
  const specs = new Map((pod.spec?.initContainers ?? []).map((c) => [c.name, c]));
  const sidecars = noRestarts();
  for (const [i, status] of (pod.status?.initContainerStatuses ?? []).entries()) {
    const sidecar = isSidecar(specs.get(status.name));
    const state = status.state ?? {};
    addRestarts(summary.restarts, status);
    if (sidecar) addRestarts(sidecars, status);
    if (state.terminated && (state.terminated.exitCode ?? 0) === 0) continue;
    if (sidecar && status.started === true) {
      if (status.ready) summary.ready++;
      continue;
    }
    summary.reason = initReason(state, `${i}/${specs.size}`);
    return { initializing: true, sidecars };
  }
  return { initializing: false, sidecars };
}

/** The last container that waits or ended gives the reason, unless others still run. */
function mainContainers(pod: Pod, summary: Summary): void {
  let running = false;
  for (const status of (pod.status?.containerStatuses ?? []).toReversed()) {
    const state = status.state ?? {};
    addRestarts(summary.restarts, status);
    if (state.waiting?.reason) summary.reason = state.waiting.reason;
    else if (state.terminated) summary.reason = endedReason(state, '');
    else if (status.ready && state.running) {
      running = true;
      summary.ready++;
    }
  }
  if (summary.reason === 'Completed' && running) {
    summary.reason = isTrue(pod.status?.conditions, 'Ready') ? 'Running' : 'NotReady';
  }
}

function phaseReason(pod: Pod): string {
  const gated = pod.status?.conditions?.some((c) => c.type === 'PodScheduled' && c.reason === 'SchedulingGated');
  return gated ? 'SchedulingGated' : pod.status?.reason || pod.status?.phase || '';
}

function deletionReason(pod: Pod): string | undefined {
  if (!isDeleted(pod)) return undefined;
  if (pod.status?.reason === 'NodeLost') return 'Unknown';
  const { phase } = pod.status ?? {};
  return phase === 'Succeeded' || phase === 'Failed' ? undefined : 'Terminating';
}

function summarize(pod: Pod): Summary {
  const summary: Summary = { reason: phaseReason(pod), ready: 0, restarts: noRestarts() };
  const { initializing, sidecars } = initContainers(pod, summary);
  if (!initializing || isTrue(pod.status?.conditions, 'Initialized')) {
    // Once initialized, only sidecars count among the init containers.
    summary.restarts = sidecars;
    mainContainers(pod, summary);
  }
  summary.reason = deletionReason(pod) ?? summary.reason;
  return summary;
}

function restartsText(restarts: Restarts, now: number): string {
  if (restarts.count === 0 || restarts.last === '') return String(restarts.count);
  return `${restarts.count} (${since(restarts.last, now)} ago)`;
}

function readinessGates(pod: Pod): string {
  const gates = pod.spec?.readinessGates ?? [];
  if (gates.length === 0) return none;
  const open = gates.filter((g) => conditionOf(pod.status?.conditions, g.conditionType)?.status === 'True');
  return `${open.length}/${gates.length}`;
}

/** Ready, status, restarts, age, addresses, node, readiness gates. */
export function podCells(pod: Pod, now: number): unknown[] {
  const { reason, ready, restarts } = summarize(pod);
  const total = (pod.spec?.containers?.length ?? 0) + (pod.spec?.initContainers ?? []).filter(isSidecar).length;
  return [
    nameOf(pod),
    `${ready}/${total}`,
    reason,
    restartsText(restarts, now),
    ageOf(pod, now),
    pod.status?.podIPs?.[0]?.ip || none,
    pod.spec?.nodeName || none,
    pod.status?.nominatedNodeName || none,
    readinessGates(pod),
  ];
}
