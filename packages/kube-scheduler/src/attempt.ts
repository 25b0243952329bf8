/**
 * One attempt to schedule one pod, up to where it is assumed on a node (`pkg/scheduler/schedule_one.go`, `schedulingCycle`).
 *
 * Without extenders and with plugins that answer at once it runs to the end without leaving the event loop.
 */
import type { Clock } from '@kubets/apimachinery/clock';
import type { Pod } from '@kubets/api/types/core-v1';
import type { SchedulerCache } from './cache/cache.ts';
import type { ConfiguredProfile } from './configured-profile.ts';
import type { ExtenderChain } from './extender/extender-chain.ts';
import { PluginError } from './fast/node-selector.ts';
import { CycleState } from './framework/cycle-state.ts';
import { Diagnosis } from './framework/diagnosis.ts';
import { PodInfo } from './framework/pod-info.ts';
import { settled } from './framework/profile.ts';
import { isSuccess, Status } from './framework/status.ts';
import type { AnyPlugin, Outcome, PermitResult } from './framework/types.ts';
import type { SchedulerMetrics } from './metrics.ts';
import type { Nominator } from './queue/nominator.ts';

/** What binding goes on with. */
export interface Assumed {
  readonly profile: ConfiguredProfile;
  readonly state: CycleState;
  /** With `spec.nodeName` set. */
  readonly pod: PodInfo;
  readonly nodeName: string;
  /** Milliseconds to wait for each Permit plugin that wants it. */
  readonly waits: ReadonlyMap<string, number>;
}

export interface Failure {
  readonly status: Status;
  readonly diagnosis: Diagnosis | undefined;
  /** Undefined: stays as it is. */
  readonly nominatedNodeName: string | undefined;
}

export type AttemptResult = { readonly assumed: Assumed } | { readonly failure: Failure };

export interface AttemptDependencies {
  readonly cache: SchedulerCache;
  readonly nominator: Nominator;
  /** Undefined: there are none. */
  readonly extenders: ExtenderChain | undefined;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly metrics: Pick<SchedulerMetrics, 'extensionPoint'>;
}

const noWaits: ReadonlyMap<string, number> = new Map();
const noNodes = Status.unresolvable('no nodes available to schedule pods');

/** Plugins named in the diagnosis of pods that an extender rejected. */
const extenderName = 'Extender';

export class Attempts {
  readonly #dependencies: AttemptDependencies;

  constructor(dependencies: AttemptDependencies) {
    this.#dependencies = dependencies;
  }

  /** Never throws, never rejects. A promise only where something has to be waited for. */
  run(profile: ConfiguredProfile, pod: PodInfo): AttemptResult | Promise<AttemptResult> {
    const state = new CycleState();
    if (this.#dependencies.cache.cluster.size === 0) {
      return { failure: { status: noNodes, diagnosis: undefined, nominatedNodeName: '' } };
    }
    try {
      const started = this.#dependencies.clock.monotonic();
      const { diagnosis } = profile.selector.filter(state, pod);
      this.#took('Filter', profile, started, diagnosis === undefined ? 'Success' : 'Unschedulable');
      if (diagnosis !== undefined) return this.#postFilter(profile, state, { pod, diagnosis });
      if (this.#dependencies.extenders?.concerns(pod.pod) === true) return this.#extended(profile, state, pod);
      const filtered = this.#dependencies.clock.monotonic();
      const row = profile.selector.choose(state, pod);
      this.#took('Score', profile, filtered, 'Success');
      return this.#assume(profile, state, { pod, row });
    } catch (error) {
      return failed(error);
    }
  }

  /** With filters and priorities that come from elsewhere. */
  async #extended(profile: ConfiguredProfile, state: CycleState, pod: PodInfo): Promise<AttemptResult> {
    const { extenders } = this.#dependencies;
    const { selector } = profile;
    try {
      const diagnosis = selector.diagnosis(pod);
      const nodes = selector.nodesFound();
      const kept = (await extenders?.filter(pod.pod, nodes, diagnosis)) ?? nodes;
      selector.keep(new Set(kept.map(({ name }) => name)));
      if (kept.length < nodes.length) diagnosis.unschedulablePlugins.add(extenderName);
      if (selector.count === 0) return await this.#postFilter(profile, state, { pod, diagnosis });
      const left = selector.nodesFound();
      const scores = left.length === 1 ? undefined : await extenders?.prioritize(pod.pod, left);
      // Nodes may have gone meanwhile.
      selector.keep(new Set(left.map(({ name }) => name)));
      if (selector.count === 0) return await this.#postFilter(profile, state, { pod, diagnosis });
      const found = selector.nodesFound();
      const row = selector.choose(state, pod, (totals) => {
        found.forEach(({ name }, i) => (totals[i] = (totals[i] ?? 0) + (scores?.get(name) ?? 0)));
      });
      return await this.#assume(profile, state, { pod, row });
    } catch (error) {
      return failed(error);
    }
  }

  async #postFilter(
    configured: ConfiguredProfile,
    state: CycleState,
    { pod, diagnosis }: { readonly pod: PodInfo; readonly diagnosis: Diagnosis },
  ): Promise<AttemptResult> {
    const { profile } = configured;
    const status = Status.unschedulable();
    if (profile.points.postFilter.length === 0) return { failure: { status, diagnosis, nominatedNodeName: '' } };
    const started = this.#dependencies.clock.monotonic();
    const result = await profile.runPostFilter(state, pod, diagnosis);
    this.#took('PostFilter', configured, started, result.status?.code ?? 'Success');
    diagnosis.postFilterMessage = result.status?.message ?? '';
    return { failure: { status, diagnosis, nominatedNodeName: result.nominatedNodeName } };
  }

  #assume(
    profile: ConfiguredProfile,
    state: CycleState,
    { pod, row }: { readonly pod: PodInfo; readonly row: number },
  ): AttemptResult | Promise<AttemptResult> {
    const { cache, nominator } = this.#dependencies;
    const nodeName = cache.cluster.table.infos[row]?.name ?? '';
    const assumedPod = new PodInfo(withNode(pod.pod, nodeName), pod.shape);
    cache.assume(assumedPod, nodeName);
    nominator.deleteNominatedPod(pod.pod);
    const assumed = { profile, state, pod: assumedPod, nodeName, waits: noWaits };
    const { reserve, permit } = profile.profile.points;
    if (reserve.length === 0 && permit.length === 0) return { assumed };
    return this.#reserve(assumed, reserve);
  }

  /** Plugins that answer at once are not waited for. */
  #reserve(assumed: Assumed, plugins: readonly AnyPlugin[]): AttemptResult | Promise<AttemptResult> {
    const { state, pod, nodeName } = assumed;
    for (const [i, plugin] of plugins.entries()) {
      const answer = attempted(plugin.name, () => plugin.reserve?.(state, pod, nodeName));
      if (answer instanceof Promise) return this.#reserveLater(assumed, { plugins, at: i, answer });
      if (!isSuccess(answer)) return this.#undo(assumed, answer.by(plugin.name));
    }
    return assumed.profile.profile.points.permit.length === 0 ? { assumed } : this.#permit(assumed);
  }

  async #reserveLater(
    assumed: Assumed,
    { plugins, at, answer }: { plugins: readonly AnyPlugin[]; at: number; answer: Promise<Outcome> },
  ): Promise<AttemptResult> {
    const name = plugins[at]?.name ?? '';
    const status = await settled(name, () => answer);
    if (!isSuccess(status)) return this.#undo(assumed, status.by(name));
    return await this.#reserve(assumed, plugins.slice(at + 1));
  }

  async #permit(assumed: Assumed): Promise<AttemptResult> {
    const { profile, state, pod, nodeName } = assumed;
    const waits = new Map<string, number>();
    for (const plugin of profile.profile.points.permit) {
      const result = await settled(plugin.name, () => plugin.permit?.(state, pod, nodeName));
      const answer: PermitResult = result instanceof Status ? { status: result } : (result ?? {});
      if (answer.status?.code === 'Wait') waits.set(plugin.name, Math.min(answer.timeoutMs ?? 0, maxPermitWaitMs));
      else if (!isSuccess(answer.status)) return this.#undo(assumed, answer.status.by(plugin.name));
    }
    return { assumed: { ...assumed, waits } };
  }

  #took(point: string, { profile }: ConfiguredProfile, started: number, status: Status['code']): void {
    const { clock, metrics } = this.#dependencies;
    metrics.extensionPoint(point, profile.name, { status, seconds: (clock.monotonic() - started) / 1000 });
  }

  #undo(assumed: Assumed, status: Status): AttemptResult {
    unreserve(assumed);
    this.#dependencies.cache.forget(assumed.pod.uid);
    return { failure: rejection(status, assumed) };
  }
}

const maxPermitWaitMs = 15 * 60_000;

/** Tells all Reserve plugins, the last one first, that the pod does not go to its node. */
export function unreserve({ profile, state, pod, nodeName }: Assumed): void {
  for (const plugin of profile.profile.points.reserve.toReversed()) {
    try {
      plugin.unreserve?.(state, pod, nodeName);
    } catch (error) {
      profile.profile.handle.log.error({ plugin: plugin.name, pod: pod.key, error: String(error) }, 'Unreserve failed');
    }
  }
}

/** The failure that a plugin's refusal after the choice of a node amounts to. */
export function rejection(status: Status, { profile, nodeName }: Assumed): Failure {
  if (!status.rejected) return { status, diagnosis: undefined, nominatedNodeName: '' };
  const { cluster } = profile.profile.handle;
  const chosen = cluster.get(nodeName);
  const diagnosis = new Diagnosis(chosen === undefined ? [] : [chosen]);
  diagnosis.set(nodeName, status);
  return { status, diagnosis, nominatedNodeName: '' };
}

/** What a plugin answers; what it throws becomes an error. A promise may still reject. */
export function attempted(plugin: string, call: () => Outcome | Promise<Outcome>): Outcome | Promise<Outcome> {
  try {
    return call();
  } catch (error) {
    return Status.error(error).by(plugin);
  }
}

function failed(error: unknown): AttemptResult {
  const status = error instanceof PluginError ? error.status : Status.error(error);
  return { failure: { status, diagnosis: undefined, nominatedNodeName: '' } };
}

const withNode = (pod: Readonly<Pod>, nodeName: string): Readonly<Pod> => ({
  ...pod,
  spec: { ...pod.spec, containers: pod.spec?.containers ?? [], nodeName },
});
