/**
 * Makes room for a pod that fits nowhere by evicting pods of lower priority (upstream
 * `pkg/scheduler/framework/plugins/defaultpreemption`, `pkg/scheduler/framework/preemption`).
 */
import { podDisruptionBudgets } from '@kubets/client/resources';
import { podCondition } from '@kubets/api/core/helpers/pod';
import type { Pod } from '@kubets/api/types/core-v1';
import type { SharedInformer } from '@kubets/client';
import type { PodDisruptionBudget } from '@kubets/api/types/policy-v1';
import type { CycleState } from '../../framework/cycle-state.ts';
import type { NodeInfo } from '../../framework/node-info.ts';
import type { PodInfo } from '../../framework/pod-info.ts';
import { Status } from '../../framework/status.ts';
import {
  action,
  type ClusterEventWithHint,
  type Handle,
  type NodeStatuses,
  type Outcome,
  type PluginFactory,
  type PostFilterPlugin,
  type PostFilterResult,
  type PreEnqueuePlugin,
  type Victims,
} from '../../framework/types.ts';
import { dryRun, type DryRunResult } from './dry-run.ts';
import { Evictor, preemptionMetrics } from './eviction.ts';
import { compileBudgets, pickCandidate, type Candidate } from './victims.ts';

const name = 'DefaultPreemption';

/** `DefaultPreemptionArgs`: how many nodes are tried before the best of them is taken. */
export interface DefaultPreemptionArgs {
  /** Of the nodes on which preemption might help; default 10. */
  readonly minCandidateNodesPercentage: number;
  /** Default 100. */
  readonly minCandidateNodesAbsolute: number;
}

/** With the defaults of 1.36. Throws when the numbers make no sense (`ValidateDefaultPreemptionArgs`). */
export function preemptionArgs(given: Readonly<Record<string, unknown>>): DefaultPreemptionArgs {
  const number = (field: string, fallback: number): number => {
    const value = given[field] ?? fallback;
    if (typeof value !== 'number' || value < 0)
      throw new Error(`${field}: Invalid value: ${JSON.stringify(value)}: not in valid range [0, inf)`);
    return value;
  };
  const minCandidateNodesPercentage = number('minCandidateNodesPercentage', 10);
  const minCandidateNodesAbsolute = number('minCandidateNodesAbsolute', 100);
  if (minCandidateNodesPercentage > 100) {
    throw new Error(
      `minCandidateNodesPercentage: Invalid value: ${minCandidateNodesPercentage}: not in valid range [0, 100]`,
    );
  }
  if (minCandidateNodesPercentage === 0 && minCandidateNodesAbsolute === 0) {
    throw new Error('minCandidateNodesPercentage and minCandidateNodesAbsolute cannot both be zero');
  }
  return { minCandidateNodesPercentage, minCandidateNodesAbsolute };
}

/** Being deleted because of a preemption, not for other reasons. */
function terminatingByPreemption(pod: Readonly<Pod>): boolean {
  if (pod.metadata.deletionTimestamp === undefined) return false;
  const condition = podCondition(pod, 'DisruptionTarget');
  return condition?.status === 'True' && condition.reason === 'PreemptionByScheduler';
}

export class DefaultPreemption implements PostFilterPlugin, PreEnqueuePlugin {
  readonly name = name;
  readonly #args: DefaultPreemptionArgs;
  readonly #handle: Handle;
  readonly #budgets: SharedInformer<PodDisruptionBudget>;
  readonly #evictor: Evictor;
  readonly #async: boolean;

  constructor(args: DefaultPreemptionArgs, handle: Handle) {
    this.#args = args;
    this.#handle = handle;
    this.#budgets = handle.informers.informer(podDisruptionBudgets);
    this.#evictor = new Evictor(handle);
    this.#async = handle.featureEnabled('SchedulerAsyncPreemption');
  }

  /** Keeps the pod out of the queue while its victims are being evicted. */
  preEnqueue(pod: Readonly<Pod>): Outcome {
    if (!this.#async || !this.#evictor.isRunning(pod.metadata.uid ?? '')) return undefined;
    return Status.unresolvable('waiting for the preemption for this pod to be finished');
  }

  /** Whether a pod's end helps is for the plugins to say that have turned the preemptor down; the gate is looked at again. */
  eventsToRegister(): readonly ClusterEventWithHint[] {
    if (!this.#async) return [];
    return [{ event: { resource: 'AssignedPod', actionType: action.delete }, hint: () => 'QueueSkip' }];
  }

  async postFilter(state: CycleState, pod: PodInfo, statuses: NodeStatuses): Promise<PostFilterResult> {
    preemptionMetrics(this.#handle.metrics).attempts.add(1);
    const result = await this.#preempt(state, pod, statuses);
    const { status } = result;
    if (status === undefined || status.message === '') return result;
    return { ...result, status: new Status(status.code, [`preemption: ${status.message}`], status.error) };
  }

  async #preempt(state: CycleState, pod: PodInfo, statuses: NodeStatuses): Promise<PostFilterResult> {
    const ineligible = this.#ineligible(pod, statuses);
    if (ineligible !== undefined) return { status: Status.unschedulable(ineligible) };
    const nodes = statuses.nodesWithCode('Unschedulable');
    const found = await this.#findCandidates(state, pod, nodes);
    if (found.candidates.length === 0) return this.#helpless(found);
    const agreed = await this.#askExtenders(pod.pod, found.candidates);
    if (agreed instanceof Status) return { status: agreed };
    if (agreed.length === 0) return { status: Status.unschedulable('no candidate node for preemption') };
    return await this.#carryOut(pickCandidate(agreed, this.#handle.clock.now()), pod);
  }

  async #carryOut(candidate: Candidate, pod: PodInfo): Promise<PostFilterResult> {
    if (this.#async) {
      this.#evictor.start(candidate, pod);
    } else {
      try {
        await this.#evictor.evict(candidate, pod);
      } catch (error) {
        return { status: Status.error(error) };
      }
    }
    return { nominatedNodeName: candidate.nodeName };
  }

  /** Why this pod must not preempt others (now); undefined when it may (`PodEligibleToPreemptOthers`). */
  #ineligible(pod: PodInfo, statuses: NodeStatuses): string | undefined {
    if (pod.pod.spec?.preemptionPolicy === 'Never') return 'not eligible due to preemptionPolicy=Never.';
    const nominated = pod.pod.status?.nominatedNodeName ?? '';
    if (nominated === '' || statuses.get(nominated).code === 'UnschedulableAndUnresolvable') return undefined;
    const pods = this.#handle.nodes.get(nominated)?.pods ?? [];
    const onItsWay = pods.some((other) => mayPreempt(other, pod) && terminatingByPreemption(other.pod));
    return onItsWay ? 'not eligible due to a terminating pod on the nominated node.' : undefined;
  }

  async #findCandidates(state: CycleState, pod: PodInfo, nodes: readonly NodeInfo[]): Promise<DryRunResult> {
    if (nodes.length === 0) return { candidates: [], statuses: new Map() };
    const budgets = compileBudgets(this.#budgets.store.list());
    const offset = Math.floor(this.#handle.random.float() * nodes.length);
    return await dryRun({ handle: this.#handle, budgets, mayPreempt }, { state, pod }, nodes, {
      offset,
      wanted: this.#candidatesWanted(nodes.length),
    });
  }

  #candidatesWanted(nodes: number): number {
    const { minCandidateNodesAbsolute, minCandidateNodesPercentage } = this.#args;
    const part = Math.trunc((nodes * minCandidateNodesPercentage) / 100);
    return Math.min(nodes, Math.max(part, minCandidateNodesAbsolute));
  }

  /** No node can be made to fit: says why, node by node, and takes back the pod's nomination. */
  #helpless({ statuses }: DryRunResult): PostFilterResult {
    const failed = Array.from(statuses.values()).find((status) => status.code === 'Error');
    if (failed !== undefined) return { status: failed };
    const total = this.#handle.nodes.size;
    const counts = new Map<string, number>();
    const count = (reason: string, times: number): void => void counts.set(reason, (counts.get(reason) ?? 0) + times);
    for (const { reasons } of statuses.values()) for (const reason of reasons) count(reason, 1);
    const others = total - statuses.size;
    if (others > 0) count('Preemption is not helpful for scheduling', others);
    const reasons = Array.from(counts, ([reason, times]) => `${times} ${reason}`).toSorted(byText);
    const list = reasons.length === 0 ? '' : ` ${reasons.join(', ')}.`;
    return { status: Status.unschedulable(`0/${total} nodes are available:${list}`), nominatedNodeName: '' };
  }

  /** Extenders may take candidates away, or choose other victims (`callExtenders`). */
  async #askExtenders(pod: Readonly<Pod>, candidates: readonly Candidate[]): Promise<readonly Candidate[] | Status> {
    const interested = this.#handle.extenders.filter((e) => e.supportsPreemption && e.isInterested(pod));
    if (interested.length === 0) return candidates;
    let victims: ReadonlyMap<string, Victims> = new Map(candidates.map((c) => [c.nodeName, c.victims]));
    for (const extender of interested) {
      try {
        const answer = await extender.processPreemption(pod, victims, this.#handle.nodes);
        const empty = Array.from(answer).find(([, { pods }]) => pods.length === 0)?.[0];
        if (empty !== undefined && !extender.ignorable) {
          return Status.error(new Error(`expected at least one victim pod on node "${empty}"`));
        }
        victims = new Map(Array.from(answer).filter(([, { pods }]) => pods.length > 0));
      } catch (error) {
        if (!extender.ignorable) return Status.error(error);
        this.#handle.log.info(
          { extender: extender.name, error: String(error) },
          'Skipped extender as it returned error and has ignorable flag set',
        );
      }
      if (victims.size === 0) break;
    }
    return Array.from(victims, ([nodeName, chosen]) => ({ nodeName, victims: chosen }));
  }
}

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Only pods of lower priority may be preempted. */
const mayPreempt = (victim: PodInfo, preemptor: PodInfo): boolean => victim.priority < preemptor.priority;

export const defaultPreemption: PluginFactory = (args, handle) => new DefaultPreemption(preemptionArgs(args), handle);
