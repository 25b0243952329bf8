/**
 * Asks CSI attachers for volumes on the nodes where pods need them (upstream `pkg/controller/volume/attachdetach`,
 * `pkg/volume/csi/csi_attacher.go`). What is attached is what VolumeAttachments say: nothing is kept in memory but since when a
 * volume is not needed any more.
 */
import { createHash } from 'node:crypto';
import { isPodTerminal } from '@kubets/api/core/helpers/pod';
import { podClaims } from '@kubets/api/core/helpers/persistent-volume';
import { labelText, type Values } from '@kubets/apimachinery/metrics';
import { isAlreadyExists, isNotFound } from '@kubets/apimachinery/status';
import type { AttachedVolume, Node, PersistentVolume, PersistentVolumeClaim, Pod } from '@kubets/api/types/core-v1';
import type { CSIDriver, VolumeAttachment } from '@kubets/api/types/storage-v1';
import { keyOf, type SharedInformer, type WorkQueue } from '@kubets/client';
import {
  csiDrivers as driverResource,
  nodes as nodeResource,
  persistentVolumeClaims as claimResource,
  persistentVolumes as volumeResource,
  pods as podResource,
  volumeAttachments as attachmentResource,
} from '@kubets/client/resources';
import type { Controller, ControllerContext, ControllerDescriptor } from '../controller.ts';
import { ensureIndex } from '../lib/ensure-index.ts';
import { indexPodsByClaim, podsByClaimIndex } from '../lib/pods-by-claim.ts';
import { reconciler, workersOf } from '../lib/reconciler.ts';
import { runEvery } from '../lib/run-every.ts';
import { runTogether } from '../lib/run-together.ts';
import { planVolume, uniqueVolumeName, type Action } from './plan.ts';

const byVolumeIndex = 'persistentVolumeName';
const byNodeIndex = 'nodeName';
const csiPrefix = 'kubernetes.io/csi/';

/** The name of the attachment of a volume to a node: whoever asks twice asks for the same (`getAttachmentName`). */
export function attachmentName(handle: string, driver: string, node: string): string {
  return `csi-${createHash('sha256').update(`${handle}${driver}${node}`).digest('hex')}`;
}

class AttachDetachController implements Controller {
  readonly #context: ControllerContext;
  readonly #volumeQueue: WorkQueue<string>;
  readonly #nodeQueue: WorkQueue<string>;
  readonly #pods: SharedInformer<Pod>;
  readonly #claims: SharedInformer<PersistentVolumeClaim>;
  readonly #volumes: SharedInformer<PersistentVolume>;
  readonly #attachments: SharedInformer<VolumeAttachment>;
  readonly #nodes: SharedInformer<Node>;
  readonly #drivers: SharedInformer<CSIDriver>;
  readonly #forced: Values;
  /** Monotonic; by the attachment's name. */
  readonly #unneeded = new Map<string, number>();
  /** Attachments whose volume is not to be listed on the node any more. */
  readonly #withdrawn = new Set<string>();
  /** The failure of an attachment that was reported last. */
  readonly #reported = new Map<string, string>();
  /** Uids of pods that were told that a volume, by name, is on another node: once is enough. */
  readonly #refused = new Map<string, ReadonlySet<string>>();

  constructor(context: ControllerContext) {
    const { informers } = context;
    this.#context = context;
    this.#volumeQueue = context.queue('attach_detach_volumes');
    this.#nodeQueue = context.queue('attach_detach_nodes');
    this.#pods = informers.informer(podResource);
    this.#claims = informers.informer(claimResource);
    this.#volumes = informers.informer(volumeResource);
    this.#attachments = informers.informer(attachmentResource);
    this.#nodes = informers.informer(nodeResource);
    this.#drivers = informers.informer(driverResource);
    this.#forced = context.metrics.counter(
      'attach_detach_controller_attachdetach_controller_forced_detaches',
      'Number of times the A/D Controller performed a forced detach',
    );
    context.metrics.collected(
      {
        name: 'attachdetach_controller_total_volumes',
        help: 'Number of volumes in A/D Controller',
        type: 'gauge',
      },
      () => this.#countVolumes(),
    );
    indexPodsByClaim(this.#pods);
    ensureIndex(this.#attachments, byVolumeIndex, ({ spec }) => [spec.source.persistentVolumeName ?? '']);
    ensureIndex(this.#attachments, byNodeIndex, ({ spec }) => [spec.nodeName]);
    this.#watch();
  }

  async run(signal: AbortSignal): Promise<void> {
    const context = this.#context;
    const informers = [this.#pods, this.#claims, this.#volumes, this.#attachments, this.#nodes, this.#drivers] as const;
    const workers = workersOf(context, 10);
    const volumes = reconciler(context, {
      queue: this.#volumeQueue,
      informers,
      workers,
      reconcile: (name) => this.#syncVolume(name),
    });
    const nodes = reconciler(context, {
      queue: this.#nodeQueue,
      informers,
      workers,
      reconcile: (name) => this.#syncNode(name),
    });
    const resync = (until: AbortSignal): Promise<void> =>
      runEvery(context.clock, context.options.attachDetachReconcileSyncPeriodMs, {
        signal: until,
        pass: () => this.#resync(),
        onError: (error) => context.log.error({ controller: context.name, error: String(error) }, 'resync failed'),
      });
    await runTogether(signal, [(s) => volumes.run(s), (s) => nodes.run(s), resync]);
  }

  #resync(): Promise<void> {
    for (const { spec } of this.#attachments.store.list()) this.#wakeVolume(spec.source.persistentVolumeName);
    for (const name of this.#attachments.store.indexValues(byNodeIndex)) this.#nodeQueue.add(name);
    return Promise.resolve();
  }

  #wakeVolume(name: string | undefined): void {
    if (name) this.#volumeQueue.add(name);
  }

  #watch(): void {
    const wakeVolumesOf = (pod: Readonly<Pod>): void => {
      if (!pod.spec?.nodeName) return;
      for (const { name } of podClaims(pod)) {
        this.#wakeVolume(this.#claims.store.get(`${pod.metadata.namespace}/${name}`)?.spec?.volumeName);
      }
    };
    this.#pods.addEventHandler({
      onAdd: wakeVolumesOf,
      onUpdate: (_, pod) => wakeVolumesOf(pod),
      onDelete: wakeVolumesOf,
    });
    const wakeClaim = ({ spec }: Readonly<PersistentVolumeClaim>): void => this.#wakeVolume(spec?.volumeName);
    this.#claims.addEventHandler({ onAdd: wakeClaim, onUpdate: (_, claim) => wakeClaim(claim), onDelete: wakeClaim });
    this.#volumes.addEventHandler({ onAdd: (volume) => this.#wakeVolume(volume.metadata.name) });
    const wakeBoth = ({ spec }: Readonly<VolumeAttachment>): void => {
      this.#wakeVolume(spec.source.persistentVolumeName);
      this.#nodeQueue.add(spec.nodeName);
    };
    this.#attachments.addEventHandler({
      onAdd: wakeBoth,
      onUpdate: (_, attachment) => {
        this.#reportFailure(attachment);
        wakeBoth(attachment);
      },
      onDelete: (attachment) => {
        // Whoever comes next starts anew.
        this.#unneeded.delete(attachment.metadata.name ?? '');
        this.#withdrawn.delete(attachment.metadata.name ?? '');
        this.#reported.delete(attachment.metadata.name ?? '');
        wakeBoth(attachment);
      },
    });
    this.#nodes.addEventHandler({
      onAdd: (node) => this.#wakeVolumesOn(node),
      onUpdate: (old, node) => {
        if (old.metadata.resourceVersion !== node.metadata.resourceVersion) this.#wakeVolumesOn(node);
      },
      onDelete: (node) => this.#wakeVolumesOn(node),
    });
  }

  #wakeVolumesOn(node: Readonly<Node>): void {
    for (const { spec } of this.#attachments.store.byIndex(byNodeIndex, keyOf(node))) {
      this.#wakeVolume(spec.source.persistentVolumeName);
    }
  }

  /** By driver, those that are wanted and those that are attached. */
  #countVolumes(): Map<string, number> {
    const counts = new Map<string, number>();
    const count = (plugin_name: string, state: string, by: number): void => {
      const labels = labelText({ plugin_name, state });
      counts.set(labels, (counts.get(labels) ?? 0) + by);
    };
    for (const { spec, status } of this.#attachments.store.list()) {
      const plugin = `kubernetes.io/csi:${spec.attacher}`;
      if (status?.attached === true) count(plugin, 'actual_state_of_world', 1);
      const volume = this.#volumes.store.get(spec.source.persistentVolumeName ?? '');
      const isWanted = volume && this.#podsOf(volume).some((pod) => pod.spec?.nodeName === spec.nodeName);
      if (isWanted === true) count(plugin, 'desired_state_of_world', 1);
    }
    return counts;
  }

  async #syncVolume(name: string): Promise<void> {
    const volume = this.#volumes.store.get(name);
    const csi = volume?.spec?.csi;
    if (volume === undefined || csi === undefined || !this.#needsAttaching(csi.driver)) return;
    const pods = this.#podsOf(volume);
    const attachments = this.#attachmentsOf(volume);
    const now = this.#context.clock.monotonic();
    const needed = new Set(pods.map((pod) => pod.spec?.nodeName));
    for (const [node, { metadata }] of attachments) {
      const key = metadata.name ?? '';
      if (!needed.has(node)) {
        if (!this.#unneeded.has(key)) this.#unneeded.set(key, now);
      } else if (this.#unneeded.delete(key) && this.#withdrawn.delete(key)) this.#nodeQueue.add(node);
    }
    const unneededSince = (node: string): number =>
      this.#unneeded.get(attachments.get(node)?.metadata.name ?? '') ?? now;
    const node = (key: string): Readonly<Node> | undefined => this.#nodes.store.get(key);
    const actions = planVolume({ volume, pods, attachments, node, unneededSince, now });
    if (!actions.some(({ type }) => type === 'multiAttach')) this.#refused.delete(name);
    for (const action of actions) {
      await this.#carryOut(volume, attachments, action);
    }
  }

  async #carryOut(
    volume: Readonly<PersistentVolume>,
    attachments: ReadonlyMap<string, Readonly<VolumeAttachment>>,
    action: Action,
  ): Promise<void> {
    const name = volume.metadata.name ?? '';
    switch (action.type) {
      case 'attach':
        return await this.#attach(volume, action.node);
      case 'detach':
        await this.#detach(action.name);
        if (action.forced !== undefined) this.#forced.add(1, labelText({ reason: action.forced }));
        return;
      case 'wait':
        return this.#volumeQueue.addAfter(name, action.ms);
      case 'withdraw':
        this.#withdrawn.add(attachments.get(action.node)?.metadata.name ?? '');
        return this.#nodeQueue.add(action.node);
      case 'multiAttach':
        for (const pod of action.pods) {
          const { uid = '' } = pod.metadata;
          if (this.#refused.get(name)?.has(uid) === true) continue;
          this.#refused.set(name, new Set([...(this.#refused.get(name) ?? []), uid]));
          this.#context.events.event(pod, 'Warning', 'FailedAttachVolume', action.message);
        }
    }
  }

  /** Drivers that say that their volumes need no attaching are left alone. */
  #needsAttaching(driver: string): boolean {
    return this.#drivers.store.get(driver)?.spec.attachRequired !== false;
  }

  #podsOf(volume: Readonly<PersistentVolume>): readonly Readonly<Pod>[] {
    const reference = volume.spec?.claimRef;
    if (reference === undefined) return [];
    const key = `${reference.namespace}/${reference.name}`;
    const claim = this.#claims.store.get(key);
    if (claim?.spec?.volumeName !== volume.metadata.name || claim?.metadata.uid !== reference.uid) return [];
    return this.#pods.store.byIndex(podsByClaimIndex, key).filter((pod) => pod.spec?.nodeName && !isPodTerminal(pod));
  }

  /** Others may make attachments for purposes of their own: these are not touched. */
  #attachmentsOf(volume: Readonly<PersistentVolume>): Map<string, Readonly<VolumeAttachment>> {
    const { driver = '', volumeHandle = '' } = volume.spec?.csi ?? {};
    const found = new Map<string, Readonly<VolumeAttachment>>();
    for (const attachment of this.#attachments.store.byIndex(byVolumeIndex, volume.metadata.name ?? '')) {
      const { nodeName } = attachment.spec;
      if (attachment.metadata.name === attachmentName(volumeHandle, driver, nodeName)) found.set(nodeName, attachment);
    }
    return found;
  }

  async #attach(volume: Readonly<PersistentVolume>, nodeName: string): Promise<void> {
    const { driver = '', volumeHandle = '' } = volume.spec?.csi ?? {};
    const source = { persistentVolumeName: volume.metadata.name ?? '' };
    try {
      await this.#context.client.volumeAttachments().create({
        metadata: { name: attachmentName(volumeHandle, driver, nodeName) },
        spec: { attacher: driver, nodeName, source },
      });
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
    }
  }

  async #detach(name: string): Promise<void> {
    try {
      await this.#context.client.volumeAttachments().delete(name);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  /** Lists on a node what is attached to it: kubelets wait for that. */
  async #syncNode(name: string): Promise<void> {
    const node = this.#nodes.store.get(name);
    if (node === undefined) return;
    const attached = this.#attachments.store.byIndex(byNodeIndex, name).filter((each) => this.#isListable(each));
    const listed = node.status?.volumesAttached ?? [];
    const wanted: AttachedVolume[] = listed.filter((each) => !each.name.startsWith(csiPrefix));
    const added: Readonly<PersistentVolume>[] = [];
    for (const { spec } of attached.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))) {
      const volume = this.#volumes.store.get(spec.source.persistentVolumeName ?? '');
      const volumeName = volume && uniqueVolumeName(volume);
      if (volume === undefined || volumeName === undefined) continue;
      wanted.push({ name: volumeName, devicePath: '' });
      if (!listed.some((each) => each.name === volumeName)) added.push(volume);
    }
    if (added.length === 0 && wanted.length === listed.length) return;
    const body = { status: { volumesAttached: wanted } };
    const type = 'application/merge-patch+json';
    await this.#context.client.nodes().patch(name, { type, body, subresource: 'status' });
    for (const volume of added) this.#reportSuccess(volume, name);
  }

  #isListable({ metadata, status }: Readonly<VolumeAttachment>): boolean {
    if (status?.attached !== true || metadata.deletionTimestamp !== undefined) return false;
    return !this.#withdrawn.has(metadata.name ?? '');
  }

  #reportSuccess(volume: Readonly<PersistentVolume>, node: string): void {
    // Upstream's message ends with a space.
    const message = `AttachVolume.Attach succeeded for volume ${JSON.stringify(volume.metadata.name)} `;
    for (const pod of this.#podsOf(volume)) {
      if (pod.spec?.nodeName !== node) continue;
      this.#context.events.event(pod, 'Normal', 'SuccessfulAttachVolume', message);
    }
  }

  #reportFailure({ spec, status, metadata }: Readonly<VolumeAttachment>): void {
    const key = metadata.name ?? '';
    const problem = status?.attachError?.message;
    if (problem === undefined) return void this.#reported.delete(key);
    if (this.#reported.get(key) === problem) return;
    this.#reported.set(key, problem);
    const volume = this.#volumes.store.get(spec.source.persistentVolumeName ?? '');
    if (volume === undefined) return;
    const message = `AttachVolume.Attach failed for volume ${JSON.stringify(volume.metadata.name)} : ${problem}`;
    for (const pod of this.#podsOf(volume)) {
      if (pod.spec?.nodeName !== spec.nodeName) continue;
      this.#context.events.event(pod, 'Warning', 'FailedAttachVolume', message);
    }
  }
}

/** The attach/detach controller. */
export const attachDetachController: ControllerDescriptor = {
  name: 'persistentvolume-attach-detach-controller',
  create: (context) => new AttachDetachController(context),
};
