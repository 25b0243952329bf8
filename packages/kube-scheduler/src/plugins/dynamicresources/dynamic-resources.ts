/**
 * Gives pods the devices that their resource claims ask for (upstream `pkg/scheduler/framework/plugins/dynamicresources`), by
 * structured parameters: the scheduler itself chooses among the devices in ResourceSlices. Left out: extended resources backed
 * by device classes, devices shared by capacity, binding conditions.
 */
import { CompiledNodeSelector } from '@kubets/api/core/helpers/node-affinity';
import type { Pod } from '@kubets/api/types/core-v1';
import type { AllocationResult, DeviceClass, ResourceClaim, ResourceSlice } from '@kubets/api/types/resource-v1';
import type { SharedInformer } from '@kubets/client';
import { deviceClasses, resourceSlices } from '@kubets/client/resources';
import { StateKey, type CycleState, type StateData } from '../../framework/cycle-state.ts';
import type { NodeInfo } from '../../framework/node-info.ts';
import type { PodInfo } from '../../framework/pod-info.ts';
import { Status } from '../../framework/status.ts';
import {
  action,
  maxNodeScore,
  type ClusterEventWithHint,
  type FilterPlugin,
  type Handle,
  type NodeScore,
  type Outcome,
  type PluginFactory,
  type PostFilterPlugin,
  type PostFilterResult,
  type PreBindPlugin,
  type PreEnqueuePlugin,
  type PreFilterPlugin,
  type PreScorePlugin,
  type QueueingHintFn,
  type ReservePlugin,
  type ScorePlugin,
} from '../../framework/types.ts';
import { allocationResult } from './allocation-result.ts';
import { Allocator, type Chosen } from './allocator.ts';
import { planClaim, type PlannedClaim } from './claim-requests.ts';
import { ClaimTracker } from './claim-tracker.ts';
import { devicesFor, gatherPools, type Pool } from './device-pools.ts';
import { refuseExpressions, type SelectorCompiler } from './device-selector.ts';
import { canBeReserved, isReservedFor, resourceClaimsOf } from './pod-claims.ts';

const name = 'DynamicResources';

/** Of pods without claims: users know it from nearly every message about a pod that cannot be scheduled. */
const nothingToDeallocate = 'no new claims to deallocate';

type Claim = Readonly<ResourceClaim>;

/** What is known of a pod's claims in one attempt; the same in all copies. */
class ClaimState implements StateData {
  readonly claims: readonly Claim[];
  /** Claims that have no devices yet. */
  readonly planned: readonly PlannedClaim[];
  readonly pools: readonly Pool[];
  readonly taken: ReadonlySet<string>;
  /** Where claims that have devices can be used; those that can be used anywhere are not here. */
  readonly selectors: readonly { readonly claim: Claim; readonly selector: CompiledNodeSelector }[];
  /** By node: devices for each planned claim. */
  readonly found = new Map<string, readonly (readonly Chosen[])[]>();
  /** Claims that kept the pod off some node. */
  readonly unavailable = new Set<Claim>();
  /** What was promised on the node chosen, in the order of `planned`. */
  promised: readonly AllocationResult[] | undefined;

  constructor(fields: Pick<ClaimState, 'claims' | 'planned' | 'pools' | 'taken' | 'selectors'>) {
    this.claims = fields.claims;
    this.planned = fields.planned;
    this.pools = fields.pools;
    this.taken = fields.taken;
    this.selectors = fields.selectors;
  }

  clone(): this {
    return this;
  }
}

const stateKey = new StateKey<ClaimState>(name);

/** How much the first of several ways counts more than the last (`FirstAvailableDeviceRequestMaxSize`). */
const maxAlternatives = 8;

export class DynamicResources
  implements
    PreEnqueuePlugin,
    PreFilterPlugin,
    FilterPlugin,
    PostFilterPlugin,
    PreScorePlugin,
    ScorePlugin,
    ReservePlugin,
    PreBindPlugin
{
  readonly name = name;
  readonly #handle: Handle;
  readonly #tracker: ClaimTracker;
  readonly #classes: SharedInformer<DeviceClass>;
  readonly #slices: SharedInformer<ResourceSlice>;
  readonly #compiler: SelectorCompiler;

  constructor(handle: Handle, compiler: SelectorCompiler = refuseExpressions) {
    this.#handle = handle;
    this.#compiler = compiler;
    this.#tracker = ClaimTracker.of(handle.informers);
    this.#classes = handle.informers.informer(deviceClasses);
    this.#slices = handle.informers.informer(resourceSlices);
  }

  eventsToRegister(): readonly ClusterEventWithHint[] {
    const addOrUpdate = action.add | action.update;
    return [
      { event: { resource: 'Node', actionType: action.add | action.updateNodeLabel } },
      { event: { resource: 'ResourceClaim', actionType: addOrUpdate }, hint: this.#claimHint },
      {
        event: { resource: 'UnschedulablePod', actionType: action.updatePodGeneratedResourceClaim },
        hint: this.#podHint,
      },
      { event: { resource: 'DeviceClass', actionType: addOrUpdate } },
      { event: { resource: 'ResourceSlice', actionType: addOrUpdate } },
    ];
  }

  preEnqueue(pod: Readonly<Pod>): Outcome {
    const claims = this.#claimsOf(pod);
    return claims instanceof Status ? claims : undefined;
  }

  preFilter(state: CycleState, pod: PodInfo): Status | undefined {
    const claims = this.#claimsOf(pod.pod);
    if (claims instanceof Status) return claims;
    if (claims.length === 0) return Status.skip();
    for (const claim of claims) {
      const problem = this.#claimProblem(claim, pod.uid);
      if (problem !== undefined) return Status.unresolvable(problem);
    }
    const open = claims.filter(({ status }) => status?.allocation === undefined);
    const planned = this.#plan(open);
    if (planned instanceof Status) return planned;
    const none = planned.length === 0;
    state.set(
      stateKey,
      new ClaimState({
        claims,
        planned,
        pools: none ? [] : gatherPools(this.#slices.store.list()),
        taken: none ? new Set() : this.#tracker.takenDevices(),
        selectors: claims.flatMap((claim) => {
          const nodeSelector = claim.status?.allocation?.nodeSelector;
          return nodeSelector === undefined ? [] : [{ claim, selector: new CompiledNodeSelector(nodeSelector) }];
        }),
      }),
    );
    return undefined;
  }

  filter(state: CycleState, _pod: PodInfo, { node, name: nodeName }: NodeInfo): Outcome {
    const own = state.need(stateKey);
    if (node === undefined) return Status.error(new Error('node not found'));
    const away = own.selectors.filter(({ selector }) => !selector.matches(node));
    if (away.length > 0) {
      for (const { claim } of away) own.unavailable.add(claim);
      return Status.unresolvable('resourceclaim not available on the node');
    }
    try {
      const chosen = new Allocator(own.planned, devicesFor(own.pools, node), own.taken).allocate();
      if (chosen === undefined) return Status.unresolvable('cannot allocate all claims');
      own.found.set(nodeName, chosen);
      return undefined;
    } catch (error) {
      // Something is wrong with a claim or a class: no node will do until it is put right.
      return Status.unresolvable(error instanceof Error ? error.message : String(error));
    }
  }

  /** A claim got its devices on a node where the pod cannot go: without other users, they are given back. */
  async postFilter(state: CycleState, pod: PodInfo): Promise<PostFilterResult> {
    if ((pod.pod.spec?.resourceClaims?.length ?? 0) === 0) return { status: Status.unschedulable(nothingToDeallocate) };
    const own = state.get(stateKey);
    for (const claim of own?.unavailable ?? []) {
      const users = claim.status?.reservedFor ?? [];
      if (users.some(({ uid }) => uid !== pod.uid)) continue;
      try {
        await this.#tracker.deallocate(this.#handle.client, claim);
        return { status: Status.unschedulable('deallocation of ResourceClaim completed') };
      } catch (error) {
        return { status: Status.error(error) };
      }
    }
    return { status: Status.unschedulable('still not schedulable') };
  }

  preScore(state: CycleState): Outcome {
    const own = state.get(stateKey);
    const choices = own?.planned.some(({ requests }) => requests.some(({ alternatives }) => alternatives.length > 1));
    return choices === true ? undefined : Status.skip();
  }

  /** Nodes where the ways come to pass that claims prefer. */
  score(state: CycleState, _pod: PodInfo, node: NodeInfo): number {
    const own = state.get(stateKey);
    let score = 0;
    for (const [i, chosen] of (own?.found.get(node.name) ?? []).entries()) {
      for (const { alternatives, name: request } of own?.planned[i]?.requests ?? []) {
        if (alternatives.length < 2) continue;
        const taken = chosen.find((c) => c.request === request)?.alternative;
        if (taken !== undefined) score += maxAlternatives - alternatives.indexOf(taken);
      }
    }
    return score;
  }

  normalizeScore(_state: CycleState, _pod: PodInfo, scores: readonly NodeScore[]): Outcome {
    const highest = scores.reduce((most, { score }) => Math.max(most, score), 0);
    if (highest > 0) for (const entry of scores) entry.score = Math.trunc((maxNodeScore * entry.score) / highest);
    return undefined;
  }

  reserve(state: CycleState, _pod: PodInfo, nodeName: string): Outcome {
    const own = state.get(stateKey);
    if (own === undefined || own.planned.length === 0) return undefined;
    const chosen = own.found.get(nodeName);
    if (chosen === undefined) return Status.error(new Error(`claim allocation not found for node ${nodeName}`));
    own.promised = own.planned.map((claim, i) => {
      const allocation = allocationResult(claim, chosen[i] ?? []);
      this.#tracker.promise(claim.claim.metadata.uid ?? '', allocation);
      return allocation;
    });
    return undefined;
  }

  unreserve(state: CycleState, pod: PodInfo): void {
    const own = state.get(stateKey);
    if (own === undefined) return;
    for (const { claim } of own.planned) this.#tracker.forget(claim.metadata.uid ?? '');
    own.promised = undefined;
    for (const { metadata } of own.claims) {
      const claim = this.#tracker.get(metadata.namespace ?? '', metadata.name ?? '');
      if (claim === undefined || claim.status?.allocation === undefined || !isReservedFor(pod.uid, claim)) continue;
      this.#handle.background(this.#giveUp(claim, pod));
    }
  }

  preBindPreFlight(state: CycleState): Outcome {
    return state.get(stateKey) === undefined ? Status.skip() : undefined;
  }

  async preBind(state: CycleState, pod: PodInfo): Promise<Outcome> {
    const own = state.get(stateKey);
    if (own === undefined) return undefined;
    const consumer = { resource: 'pods', name: pod.pod.metadata.name ?? '', uid: pod.uid };
    try {
      await Promise.all(
        own.claims.map(async (claim) => {
          if (isReservedFor(pod.uid, claim)) return;
          const at = own.planned.findIndex((planned) => planned.claim === claim);
          await this.#tracker.bind(this.#handle.client, claim, consumer, own.promised?.[at]);
          this.#tracker.forget(claim.metadata.uid ?? '');
        }),
      );
      return undefined;
    } catch (error) {
      return Status.error(error);
    }
  }

  async #giveUp(claim: Claim, pod: PodInfo): Promise<void> {
    try {
      await this.#tracker.unreserve(this.#handle.client, claim, pod.uid);
    } catch (error) {
      // The controller of claims removes reservations of pods that are gone; this one is tried again.
      this.#handle.log.error({ claim: claim.metadata.name, pod: pod.key, error: String(error) }, 'unreserve');
    }
  }

  #claimsOf(pod: Readonly<Pod>): readonly Claim[] | Status {
    if (pod.spec?.resourceClaims === undefined) return noClaims;
    try {
      return resourceClaimsOf(pod, (namespace, claim) => this.#tracker.get(namespace, claim));
    } catch (error) {
      return Status.unresolvable(error instanceof Error ? error.message : String(error));
    }
  }

  /** Why the pod has to wait for the claim. */
  #claimProblem(claim: Claim, podUid: string): string | undefined {
    if (claim.status?.allocation !== undefined) {
      return canBeReserved(claim) || isReservedFor(podUid, claim) ? undefined : 'resourceclaim in use';
    }
    return this.#tracker.isPending(claim.metadata.uid)
      ? 'resource claim is in the process of being allocated'
      : undefined;
  }

  #plan(claims: readonly Claim[]): readonly PlannedClaim[] | Status {
    try {
      return claims.map((claim) =>
        planClaim(claim, { deviceClass: (className) => this.#classes.store.get(className), compiler: this.#compiler }),
      );
    } catch (error) {
      return Status.unresolvable(error instanceof Error ? error.message : String(error));
    }
  }

  /** Devices have come free, or one of the pod's own claims has changed. */
  readonly #claimHint: QueueingHintFn = (pod, oldObject, newObject) => {
    const [old, now] = [oldObject, newObject] as [Claim | undefined, Claim | undefined];
    const claims = this.#claimsOf(pod);
    if (claims instanceof Status) return 'QueueSkip';
    if (old?.status?.allocation !== undefined && now?.status?.allocation === undefined) return 'Queue';
    if (!claims.some(({ metadata }) => metadata.uid === now?.metadata.uid)) return 'QueueSkip';
    if (old === undefined) return 'Queue';
    return JSON.stringify(old.status) === JSON.stringify(now?.status) ? 'QueueSkip' : 'Queue';
  };

  /** The pod's claims have been made. */
  readonly #podHint: QueueingHintFn = (pod, _old, now) => {
    if (now?.metadata.uid !== pod.metadata.uid) return 'QueueSkip';
    return this.#claimsOf(now as Readonly<Pod>) instanceof Status ? 'QueueSkip' : 'Queue';
  };
}

const noClaims: readonly Claim[] = [];

export const dynamicResources: PluginFactory = (_args, handle) => new DynamicResources(handle);
