/**
 * Gives pods nodes where their volumes are, or can be, and binds claims that waited for that (upstream
 * `pkg/scheduler/framework/plugins/volumebinding`). Scores need the gate StorageCapacityScoring, which is alpha and off; volumes
 * of drivers inside the tree are taken as they are, without translation to their CSI drivers.
 */
import { notEphemeralClaimOf, podClaims } from '@kubets/api/core/helpers/persistent-volume';
import type { PersistentVolumeClaim, Pod } from '@kubets/api/types/core-v1';
import { StateKey, type CycleState, type StateData } from '../../framework/cycle-state.ts';
import type { NodeInfo } from '../../framework/node-info.ts';
import type { PodInfo } from '../../framework/pod-info.ts';
import { Status } from '../../framework/status.ts';
import type {
  ClusterEventWithHint,
  FilterPlugin,
  Handle,
  Outcome,
  PluginFactory,
  PreBindPlugin,
  PreFilterPlugin,
  ReservePlugin,
} from '../../framework/types.ts';
import { volumeBindingEvents } from './hints.ts';
import { findPodVolumes, isConflict, sortClaims, type PodVolumeClaims, type PodVolumes } from './pod-volumes.ts';
import { VolumeBinder } from './volume-binder.ts';
import { claimNotFound } from './volume-lookup.ts';

const name = 'VolumeBinding';

/** What was found for a pod, node by node; the same in all copies. */
class VolumeState implements StateData {
  readonly claims: PodVolumeClaims;
  readonly byNode = new Map<string, PodVolumes>();
  /** What was promised on the node chosen; undefined: nothing needs to be done. */
  assumed: PodVolumes | undefined;

  constructor(claims: PodVolumeClaims) {
    this.claims = claims;
  }

  clone(): this {
    return this;
  }
}

const stateKey = new StateKey<VolumeState>(name);

/** `VolumeBindingArgs.bindTimeoutSeconds`, 600 by default. */
function bindTimeoutMs({ bindTimeoutSeconds = 600 }: Readonly<Record<string, unknown>>): number {
  if (typeof bindTimeoutSeconds === 'number' && bindTimeoutSeconds >= 0) return bindTimeoutSeconds * 1000;
  throw new Error(
    `bindTimeoutSeconds: Invalid value: ${JSON.stringify(bindTimeoutSeconds)}: invalid BindTimeoutSeconds, should not be a negative value`,
  );
}

export class VolumeBinding implements PreFilterPlugin, FilterPlugin, ReservePlugin, PreBindPlugin {
  readonly name = name;
  readonly #binder: VolumeBinder;

  constructor(args: Readonly<Record<string, unknown>>, handle: Handle) {
    this.#binder = new VolumeBinder(handle, bindTimeoutMs(args));
  }

  eventsToRegister(): readonly ClusterEventWithHint[] {
    return volumeBindingEvents;
  }

  preFilter(state: CycleState, pod: PodInfo): Status | undefined {
    const used = podClaims(pod.pod);
    if (used.length === 0) return Status.skip();
    const claims: Readonly<PersistentVolumeClaim>[] = [];
    for (const { name: claimName, ephemeral } of used) {
      const key = `${pod.namespace}/${claimName}`;
      const claim = this.#binder.claims.get(key);
      const problem = claim === undefined ? missing(claimName, ephemeral) : claimProblem(pod.pod, claim, ephemeral);
      if (claim === undefined || problem !== undefined) return Status.unresolvable(problem ?? '');
      claims.push(claim);
    }
    const sorted = sortClaims(claims, this.#binder.view);
    if (sorted.immediate.length > 0) {
      return Status.unresolvable('pod has unbound immediate PersistentVolumeClaims');
    }
    if (sorted.delayed.length === 0 && sorted.bound.every((claim) => this.#isEverywhere(claim))) return Status.skip();
    state.set(stateKey, new VolumeState(sorted));
    return undefined;
  }

  /** A volume that can be reached from every node leaves nothing to be decided. */
  #isEverywhere(claim: Readonly<PersistentVolumeClaim>): boolean {
    const volume = this.#binder.view.volume(claim.spec?.volumeName ?? '');
    return volume !== undefined && volume.spec?.nodeAffinity?.required === undefined;
  }

  filter(state: CycleState, _pod: PodInfo, { node, name: nodeName }: NodeInfo): Outcome {
    const own = state.need(stateKey);
    if (node === undefined) return Status.error(new Error('node not found'));
    const found = findPodVolumes(own.claims, node, this.#binder.view);
    if (isConflict(found)) return Status.unresolvable(...found);
    own.byNode.set(nodeName, found);
    return undefined;
  }

  reserve(state: CycleState, _pod: PodInfo, nodeName: string): Outcome {
    const own = state.get(stateKey);
    const volumes = own?.byNode.get(nodeName);
    if (own === undefined || volumes === undefined) return undefined;
    try {
      own.assumed = this.#binder.assume(nodeName, volumes);
      return undefined;
    } catch (error) {
      return Status.error(error);
    }
  }

  unreserve(state: CycleState): void {
    const own = state.get(stateKey);
    if (own?.assumed === undefined) return;
    this.#binder.revert(own.assumed);
    own.assumed = undefined;
  }

  preBindPreFlight(state: CycleState): Outcome {
    return state.get(stateKey)?.assumed === undefined ? Status.skip() : undefined;
  }

  async preBind(state: CycleState, pod: PodInfo, nodeName: string, signal: AbortSignal): Promise<Outcome> {
    const assumed = state.get(stateKey)?.assumed;
    if (assumed === undefined) return undefined;
    try {
      await this.#binder.bind(pod, nodeName, assumed, signal);
      return undefined;
    } catch (error) {
      return Status.error(error);
    }
  }
}

const missing = (claimName: string, ephemeral: boolean): string =>
  ephemeral
    ? `waiting for ephemeral volume controller to create the persistentvolumeclaim "${claimName}"`
    : claimNotFound(claimName);

/** Why a pod cannot use the claim; undefined when it can (`podHasPVCs`). */
function claimProblem(
  pod: Readonly<Pod>,
  claim: Readonly<PersistentVolumeClaim>,
  ephemeral: boolean,
): string | undefined {
  const { metadata, spec, status } = claim;
  if (status?.phase === 'Lost') {
    return `persistentvolumeclaim "${metadata.name}" bound to non-existent persistentvolume "${spec?.volumeName ?? ''}"`;
  }
  if (metadata.deletionTimestamp !== undefined) return `persistentvolumeclaim "${metadata.name}" is being deleted`;
  return ephemeral ? notEphemeralClaimOf(pod, claim) : undefined;
}

export const volumeBinding: PluginFactory = (args, handle) => new VolumeBinding(args, handle);
