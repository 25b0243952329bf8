/**
 * Keeps pods from volumes that somebody else holds for itself: disks that only one node may write to, and claims of the access
 * mode ReadWriteOncePod (upstream `pkg/scheduler/framework/plugins/volumerestrictions`).
 */
import { podClaims } from '@kubets/api/core/helpers/persistent-volume';
import type { Pod, Volume } from '@kubets/api/types/core-v1';
import { StateKey, type CycleState, type StateData } from '../../framework/cycle-state.ts';
import type { NodeInfo } from '../../framework/node-info.ts';
import type { PodInfo } from '../../framework/pod-info.ts';
import { Status } from '../../framework/status.ts';
import {
  action,
  type ClusterEventWithHint,
  type FilterPlugin,
  type Handle,
  type NodeInfoLister,
  type Outcome,
  type PluginFactory,
  type PreFilterPlugin,
  type QueueingHintFn,
} from '../../framework/types.ts';
import { claimNotFound, ownClaimHint, VolumeLookup } from '../volumebinding/volume-lookup.ts';

const name = 'VolumeRestrictions';

const diskConflict = Status.unschedulable('node(s) had no available disk').by(name);
const claimConflict = Status.unschedulable(
  'node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode',
).by(name);

/** How many pods, wherever they are, hold claims that this pod wants for itself. */
class RestrictionState implements StateData {
  readonly #namespace: string;
  readonly #exclusive: ReadonlySet<string>;
  conflicts: number;

  constructor(namespace: string, exclusive: ReadonlySet<string>, conflicts: number) {
    this.#namespace = namespace;
    this.#exclusive = exclusive;
    this.conflicts = conflicts;
  }

  clone(): RestrictionState {
    return new RestrictionState(this.#namespace, this.#exclusive, this.conflicts);
  }

  count({ pod, namespace }: PodInfo, sign: 1 | -1): void {
    if (namespace !== this.#namespace) return;
    for (const { name: claim, ephemeral } of podClaims(pod)) {
      if (!ephemeral && this.#exclusive.has(claim)) this.conflicts += sign;
    }
  }
}

const stateKey = new StateKey<RestrictionState>(name);

/** Volumes of drivers in the tree that only one pod may write to. */
function isRestricted({ gcePersistentDisk, awsElasticBlockStore, rbd, iscsi }: Readonly<Volume>): boolean {
  return (
    gcePersistentDisk !== undefined || awsElasticBlockStore !== undefined || rbd !== undefined || iscsi !== undefined
  );
}

const bothReadOnly = (a: { readOnly?: boolean }, b: { readOnly?: boolean }): boolean =>
  a.readOnly === true && b.readOnly === true;

/** Whether two pods on one node would fight for the disk (`isVolumeConflict`). */
function collide(a: Readonly<Volume>, b: Readonly<Volume>): boolean {
  if (a.gcePersistentDisk !== undefined && b.gcePersistentDisk !== undefined) {
    const [x, y] = [a.gcePersistentDisk, b.gcePersistentDisk];
    if (x.pdName === y.pdName && !bothReadOnly(x, y)) return true;
  }
  if (a.awsElasticBlockStore !== undefined && b.awsElasticBlockStore !== undefined) {
    if (a.awsElasticBlockStore.volumeID === b.awsElasticBlockStore.volumeID) return true;
  }
  if (a.iscsi !== undefined && b.iscsi !== undefined) {
    if (a.iscsi.iqn === b.iscsi.iqn && !bothReadOnly(a.iscsi, b.iscsi)) return true;
  }
  if (a.rbd === undefined || b.rbd === undefined) return false;
  const [x, y] = [a.rbd, b.rbd];
  const shared = x.monitors.some((monitor) => y.monitors.includes(monitor));
  return shared && (x.pool ?? 'rbd') === (y.pool ?? 'rbd') && x.image === y.image && !bothReadOnly(x, y);
}

const volumesOf = (pod: Readonly<Pod>): readonly Readonly<Volume>[] => pod.spec?.volumes ?? [];

export class VolumeRestrictions implements PreFilterPlugin, FilterPlugin {
  readonly name = name;
  readonly #lookup: VolumeLookup;

  constructor(handle: Handle) {
    this.#lookup = new VolumeLookup(handle);
  }

  eventsToRegister(): readonly ClusterEventWithHint[] {
    return [
      // A pod that held the disk or the claim has gone.
      { event: { resource: 'AssignedPod', actionType: action.delete }, hint: podGone },
      // The claim has come, or another one of its name.
      { event: { resource: 'PersistentVolumeClaim', actionType: action.add | action.update }, hint: ownClaimHint },
    ];
  }

  preFilter(state: CycleState, pod: PodInfo, nodes: NodeInfoLister): Status | undefined {
    const exclusive = this.#exclusiveClaims(pod);
    if (exclusive instanceof Status) return exclusive;
    const restricted = volumesOf(pod.pod).some(isRestricted);
    let conflicts = 0;
    for (const claim of exclusive) if (nodes.isClaimUsed(`${pod.namespace}/${claim}`)) conflicts++;
    if (!restricted && conflicts === 0) return Status.skip();
    state.set(stateKey, new RestrictionState(pod.namespace, exclusive, conflicts));
    return undefined;
  }

  addPod(state: CycleState, _pod: PodInfo, other: PodInfo): Outcome {
    state.get(stateKey)?.count(other, 1);
    return undefined;
  }

  removePod(state: CycleState, _pod: PodInfo, other: PodInfo): Outcome {
    state.get(stateKey)?.count(other, -1);
    return undefined;
  }

  filter(state: CycleState, { pod }: PodInfo, node: NodeInfo): Outcome {
    for (const volume of volumesOf(pod)) {
      if (!isRestricted(volume)) continue;
      for (const other of node.pods) {
        if (volumesOf(other.pod).some((held) => collide(volume, held))) return diskConflict;
      }
    }
    return (state.get(stateKey)?.conflicts ?? 0) > 0 ? claimConflict : undefined;
  }

  /** Claims that only one pod may use at a time; a Status when one is not there. */
  #exclusiveClaims({ pod, namespace }: PodInfo): ReadonlySet<string> | Status {
    const exclusive = new Set<string>();
    for (const { name: claimName, ephemeral } of podClaims(pod)) {
      if (ephemeral) continue;
      const claim = this.#lookup.claim(namespace, claimName);
      if (claim === undefined) return Status.unresolvable(claimNotFound(claimName));
      if (claim.spec?.accessModes?.includes('ReadWriteOncePod') === true) exclusive.add(claimName);
    }
    return exclusive;
  }
}

const podGone: QueueingHintFn = (pod, oldObject) => {
  const gone = oldObject as Readonly<Pod> | undefined;
  if (gone === undefined) return 'QueueSkip';
  const claims = new Set(podClaims(gone).map((claim) => claim.name));
  const sameNamespace = gone.metadata.namespace === pod.metadata.namespace;
  if (sameNamespace && podClaims(pod).some((claim) => claims.has(claim.name))) return 'Queue';
  const disks = volumesOf(gone);
  return volumesOf(pod).some((wanted) => disks.some((held) => collide(wanted, held))) ? 'Queue' : 'QueueSkip';
};

export const volumeRestrictions: PluginFactory = (_args, handle) => new VolumeRestrictions(handle);
