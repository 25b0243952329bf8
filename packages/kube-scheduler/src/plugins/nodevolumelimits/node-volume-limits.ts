/**
 * Keeps nodes from getting more volumes of a CSI driver than they can attach (upstream
 * `pkg/scheduler/framework/plugins/nodevolumelimits/csi.go`). Volumes of drivers inside the tree have no limit here.
 */
import { notEphemeralClaimOf, podClaims, storageClassOf } from '@kubets/api/core/helpers/persistent-volume';
import type { PersistentVolume, PersistentVolumeClaim, Pod } from '@kubets/api/types/core-v1';
import type { CSINode, VolumeAttachment } from '@kubets/api/types/storage-v1';
import { csiNodes, volumeAttachments } from '@kubets/client/resources';
import type { SharedInformer } from '@kubets/client';
import type { CycleState } from '../../framework/cycle-state.ts';
import type { NodeInfo } from '../../framework/node-info.ts';
import type { PodInfo } from '../../framework/pod-info.ts';
import { Status } from '../../framework/status.ts';
import {
  action,
  type ClusterEventWithHint,
  type FilterPlugin,
  type Handle,
  type Outcome,
  type PluginFactory,
  type PreFilterPlugin,
  type QueueingHintFn,
} from '../../framework/types.ts';
import { claimNotFound, ensureIndex, ownClaimHint, VolumeLookup } from '../volumebinding/volume-lookup.ts';

const name = 'NodeVolumeLimits';
const exceeded = Status.unschedulable('node(s) exceed max volume count').by(name);

/** The index of attachments by node. */
const nodeIndex = 'nodeName';

/** Drivers by volume: a volume that several pods use counts once. */
type Volumes = Map<string, string>;

export class NodeVolumeLimits implements PreFilterPlugin, FilterPlugin {
  readonly name = name;
  readonly #lookup: VolumeLookup;
  readonly #csiNodes: SharedInformer<CSINode>;
  readonly #attachments: SharedInformer<VolumeAttachment>;
  /** Sets volumes that are still to be made apart from those that are there. */
  readonly #prefix: string;
  /** On how many nodes each driver has a limit. */
  readonly #limited = new Map<string, number>();

  constructor(handle: Handle) {
    this.#lookup = new VolumeLookup(handle);
    this.#csiNodes = handle.informers.informer(csiNodes);
    this.#csiNodes.addEventHandler({
      onAdd: (node) => this.#countLimits(node, 1),
      onUpdate: (old, node) => {
        this.#countLimits(old, -1);
        this.#countLimits(node, 1);
      },
      onDelete: (node) => this.#countLimits(node, -1),
    });
    this.#attachments = handle.informers.informer(volumeAttachments);
    this.#prefix = handle.random.uuid();
    ensureIndex(this.#attachments, nodeIndex, ({ spec }) => [spec?.nodeName ?? '']);
  }

  eventsToRegister(): readonly ClusterEventWithHint[] {
    return [
      { event: { resource: 'CSINode', actionType: action.add | action.update }, hint: moreRoom },
      { event: { resource: 'AssignedPod', actionType: action.delete }, hint: podGone },
      { event: { resource: 'PersistentVolumeClaim', actionType: action.add }, hint: ownClaimHint },
      { event: { resource: 'VolumeAttachment', actionType: action.delete } },
    ];
  }

  /** Nothing to be said about volumes of drivers that have no limit anywhere. */
  preFilter(_state: CycleState, { pod }: PodInfo): Status | undefined {
    const wanted: Volumes = new Map();
    for (const claim of podClaims(pod)) {
      // What is wrong with the claim, Filter says.
      if (this.#count(pod, claim, wanted) !== undefined) return undefined;
    }
    for (const driver of wanted.values()) if ((this.#limited.get(driver) ?? 0) > 0) return undefined;
    return Status.skip();
  }

  #countLimits({ spec }: Readonly<CSINode>, sign: 1 | -1): void {
    for (const { name: driver, allocatable } of spec.drivers) {
      if (allocatable?.count !== undefined) this.#limited.set(driver, (this.#limited.get(driver) ?? 0) + sign);
    }
  }

  filter(_state: CycleState, { pod }: PodInfo, node: NodeInfo): Outcome {
    const limits = this.#limitsOf(node.name);
    const wanted: Volumes = new Map();
    for (const claim of podClaims(pod)) {
      const problem = this.#count(pod, claim, wanted);
      if (problem !== undefined) return Status.unresolvable(problem);
    }
    if (wanted.size === 0 || limits.size === 0) return undefined;
    const attached = this.#attachedTo(node);
    for (const volume of attached.keys()) wanted.delete(volume);
    const [before, more] = [perDriver(attached), perDriver(wanted)];
    for (const [driver, count] of more) {
      const limit = limits.get(driver);
      if (limit !== undefined && (before.get(driver) ?? 0) + count > limit) return exceeded;
    }
    return undefined;
  }

  #limitsOf(nodeName: string): ReadonlyMap<string, number> {
    const drivers = this.#csiNodes.store.get(nodeName)?.spec.drivers ?? [];
    const limits = new Map<string, number>();
    for (const { name: driver, allocatable } of drivers) {
      if (allocatable?.count !== undefined) limits.set(driver, allocatable.count);
    }
    return limits;
  }

  /** What the pods on the node use, and what is attached to it still, or already. */
  #attachedTo(node: NodeInfo): Volumes {
    const volumes: Volumes = new Map();
    for (const { pod } of node.pods) {
      // Claims that are not there, or not the pod's, hold nothing.
      for (const claim of podClaims(pod)) this.#count(pod, claim, volumes);
    }
    for (const { spec } of this.#attachments.store.byIndex(nodeIndex, node.name)) {
      const handle = this.#lookup.volume(spec?.source.persistentVolumeName ?? '')?.spec?.csi;
      if (handle !== undefined) volumes.set(`${handle.driver}/${handle.volumeHandle}`, handle.driver);
    }
    return volumes;
  }

  /** Adds the volume of one claim. Answers why it cannot be found. */
  #count(
    pod: Readonly<Pod>,
    { name: claimName, ephemeral }: { readonly name: string; readonly ephemeral: boolean },
    into: Volumes,
  ): string | undefined {
    const { namespace = '' } = pod.metadata;
    const claim = this.#lookup.claim(namespace, claimName);
    if (claim === undefined) return `looking up PVC ${namespace}/${claimName}: ${claimNotFound(claimName)}`;
    const problem = ephemeral ? notEphemeralClaimOf(pod, claim) : undefined;
    if (problem !== undefined) return problem;
    const volume = this.#volumeOf(claim);
    if (volume !== undefined) into.set(`${volume.driver}/${volume.handle}`, volume.driver);
    return undefined;
  }

  /** The CSI volume of a claim, or the one that will be made for it; undefined: it is no CSI volume. */
  #volumeOf(claim: Readonly<PersistentVolumeClaim>): { readonly driver: string; readonly handle: string } | undefined {
    const { volumeName = '' } = claim.spec ?? {};
    const volume: Readonly<PersistentVolume> | undefined = this.#lookup.volume(volumeName);
    if (volume !== undefined) {
      const csi = volume.spec?.csi;
      return csi === undefined ? undefined : { driver: csi.driver, handle: csi.volumeHandle };
    }
    const provisioner = this.#lookup.storageClass(storageClassOf(claim))?.provisioner ?? '';
    if (provisioner === '') return undefined;
    return { driver: provisioner, handle: `${this.#prefix}-${claim.metadata.namespace}/${claim.metadata.name}` };
  }
}

function perDriver(volumes: Volumes): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const driver of volumes.values()) counts.set(driver, (counts.get(driver) ?? 0) + 1);
  return counts;
}

/** A node that can take more of some driver than before. */
const moreRoom: QueueingHintFn = (_pod, oldObject, newObject) => {
  const [old, now] = [oldObject, newObject] as [Readonly<CSINode> | undefined, Readonly<CSINode> | undefined];
  if (old === undefined || now === undefined) return 'Queue';
  const before = new Map(old.spec.drivers.map((driver) => [driver.name, driver.allocatable?.count]));
  const grown = now.spec.drivers.some(({ name: driver, allocatable }) => {
    const limit = before.get(driver);
    return limit !== undefined && (allocatable?.count === undefined || allocatable.count > limit);
  });
  return grown || now.spec.drivers.length < old.spec.drivers.length ? 'Queue' : 'QueueSkip';
};

const podGone: QueueingHintFn = (_pod, gone) =>
  gone !== undefined && podClaims(gone as Readonly<Pod>).length > 0 ? 'Queue' : 'QueueSkip';

export const nodeVolumeLimits: PluginFactory = (_args, handle) => new NodeVolumeLimits(handle);
