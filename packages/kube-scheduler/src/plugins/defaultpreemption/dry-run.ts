/** Trying out, node by node, what would have to go for a pod to fit (upstream `preemption.go` DryRunPreemption, SelectVictimsOnNode). */
import type { CycleState } from '../../framework/cycle-state.ts';
import type { NodeInfo } from '../../framework/node-info.ts';
import type { PodInfo } from '../../framework/pod-info.ts';
import { isSuccess, Status } from '../../framework/status.ts';
import type { Handle, Outcome } from '../../framework/types.ts';
import { compareImportance, violatesBudgets, type Budget, type Candidate } from './victims.ts';

/** Who may be preempted on a node. */
export type MayPreempt = (victim: PodInfo, preemptor: PodInfo) => boolean;

export interface DryRunOptions {
  readonly handle: Handle;
  readonly budgets: readonly Budget[];
  readonly mayPreempt: MayPreempt;
}

/** One pod, one node: a copy that pods are taken from and put back on, with the plugins' state kept in step. */
class Trial {
  readonly #handle: Handle;
  readonly #state: CycleState;
  readonly #pod: PodInfo;
  readonly node: NodeInfo;

  constructor(handle: Handle, state: CycleState, pod: PodInfo, node: NodeInfo) {
    this.#handle = handle;
    this.#state = state.clone();
    this.#pod = pod;
    this.node = node.clone();
  }

  remove(victim: PodInfo): void {
    this.node.removePod(victim);
    check(this.#handle.runRemovePod(this.#state, this.#pod, victim, this.node));
  }

  add(victim: PodInfo): void {
    this.node.addPod(victim);
    check(this.#handle.runAddPod(this.#state, this.#pod, victim, this.node));
  }

  /** Why the pod does not fit; undefined when it does. */
  misfit(): Outcome {
    const status = this.#handle.runFilterPluginsWithNominatedPods(this.#state, this.#pod, this.node);
    return isSuccess(status) ? undefined : status;
  }

  /** Puts the victim back when the pod still fits then. */
  reprieve(victim: PodInfo): boolean {
    this.add(victim);
    if (this.misfit() === undefined) return true;
    this.remove(victim);
    return false;
  }
}

function check(status: Outcome): void {
  if (isSuccess(status)) return;
  throw status.error instanceof Error ? status.error : new Error(status.message);
}

/**
 * The smallest set of victims on one node: all that may go are taken away, and as many as possible are put back, those that
 * budgets protect first, the important ones before the others (`SelectVictimsOnNode`). A Status: preemption does not help there.
 */
export function selectVictims(
  { handle, budgets, mayPreempt }: DryRunOptions,
  state: CycleState,
  pod: PodInfo,
  node: NodeInfo,
): Candidate | Status {
  const potential = node.pods.filter((other) => mayPreempt(other, pod));
  if (potential.length === 0) return Status.unresolvable('No preemption victims found for incoming pod');
  const trial = new Trial(handle, state, pod, node);
  for (const victim of potential) trial.remove(victim);
  const misfit = trial.misfit();
  if (misfit !== undefined) return misfit;
  const now = handle.clock.now();
  potential.sort((a, b) => compareImportance(a.pod, b.pod, now));
  const violating = violatesBudgets(
    potential.map((victim) => victim.pod),
    budgets,
  );
  const kept = (victims: PodInfo[]): PodInfo[] => victims.filter((victim) => !trial.reprieve(victim));
  const protectedVictims = kept(potential.filter((_, i) => violating[i] === true));
  const victims = [...protectedVictims, ...kept(potential.filter((_, i) => violating[i] !== true))];
  if (victims.length === 0) return Status.error(new Error(`expected at least one victim pod on node "${node.name}"`));
  victims.sort((a, b) => compareImportance(a.pod, b.pod, now));
  return {
    nodeName: node.name,
    victims: { pods: victims.map((victim) => victim.pod), numPdbViolations: protectedVictims.length },
  };
}

export interface DryRunResult {
  /** Those that break no budget first. */
  readonly candidates: readonly Candidate[];
  /** Why preemption does not help on the other nodes that were tried. */
  readonly statuses: ReadonlyMap<string, Status>;
}

/** How long nodes are tried before others get their turn, in milliseconds. */
const sliceMs = 4;

/**
 * Tries nodes from `offset` on until there are `wanted` candidates, one of which breaks no budget (`DryRunPreemption`). Gives
 * way to other work every few milliseconds; nodes that change meanwhile are passed over, since the plugins' state does not know
 * of it: the change itself makes the pod be tried again.
 */
export async function dryRun(
  options: DryRunOptions,
  { state, pod }: { readonly state: CycleState; readonly pod: PodInfo },
  nodes: readonly NodeInfo[],
  { offset, wanted }: { readonly offset: number; readonly wanted: number },
): Promise<DryRunResult> {
  const { clock } = options.handle;
  const generations = Float64Array.from(nodes, (node) => node.generation);
  const [sparing, violating]: [Candidate[], Candidate[]] = [[], []];
  const statuses = new Map<string, Status>();
  let sliceEnd = clock.monotonic() + sliceMs;
  for (let i = 0; i < nodes.length; i++) {
    const at = (offset + i) % nodes.length;
    const node = nodes[at] as NodeInfo;
    if (node.generation !== generations[at]) continue;
    const result = tried(() => selectVictims(options, state, pod, node));
    if (result instanceof Status) statuses.set(node.name, result);
    else (result.victims.numPdbViolations === 0 ? sparing : violating).push(result);
    if (sparing.length > 0 && sparing.length + violating.length >= wanted) break;
    if (clock.monotonic() < sliceEnd) continue;
    await new Promise((resolve) => setImmediate(resolve));
    sliceEnd = clock.monotonic() + sliceMs;
  }
  return { candidates: [...sparing, ...violating], statuses };
}

function tried(work: () => Candidate | Status): Candidate | Status {
  try {
    return work();
  } catch (error) {
    return Status.error(error);
  }
}
