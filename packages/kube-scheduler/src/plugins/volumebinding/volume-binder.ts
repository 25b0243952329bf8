/**
 * Promises volumes to claims, writes that down, and waits for the volume controller to do its part (upstream
 * `volumebinding/binder.go`, AssumePodVolumes and BindPodVolumes).
 */
import {
  bindVolumeToClaim,
  isClaimFullyBound,
  volumeAnnotations,
  volumeFitsNode,
} from '@kubets/api/core/helpers/persistent-volume';
import type { Values } from '@kubets/apimachinery/metrics';
import { isNotFound } from '@kubets/apimachinery/status';
import type { MetricsRegistry } from '@kubets/apimachinery/metrics';
import type { Node, PersistentVolume, PersistentVolumeClaim } from '@kubets/api/types/core-v1';
import { keyOf } from '@kubets/client';
import { csiDrivers, csiStorageCapacities } from '@kubets/client/resources';
import type { PodInfo } from '../../framework/pod-info.ts';
import type { Handle } from '../../framework/types.ts';
import { AssumeCache } from './assume-cache.ts';
import type { PodVolumes, VolumeView } from './pod-volumes.ts';
import { classIndex, VolumeLookup } from './volume-lookup.ts';

type Claim = Readonly<PersistentVolumeClaim>;
type PV = Readonly<PersistentVolume>;

/** How often a binding is looked at when nothing has been heard of it, in milliseconds. */
const pollMs = 1000;

const versionOf = (object: Claim | PV): number => Number(object.metadata.resourceVersion ?? 0);

const families = new WeakMap<MetricsRegistry, Values>();

function stageErrors(metrics: MetricsRegistry): Values {
  let family = families.get(metrics);
  if (family === undefined) {
    family = metrics.counter('scheduler_volume_scheduling_stage_error_total', 'Volume scheduling stage error count');
    families.set(metrics, family);
  }
  return family;
}

export class VolumeBinder {
  readonly lookup: VolumeLookup;
  readonly view: VolumeView;
  readonly claims: AssumeCache<PersistentVolumeClaim>;
  readonly #volumes: AssumeCache<PersistentVolume>;
  readonly #handle: Handle;
  readonly #bindTimeoutMs: number;
  readonly #errors: Values;
  /** Bindings under way, told of every change of a claim or a volume. */
  readonly #waiting = new Set<() => void>();

  constructor(handle: Handle, bindTimeoutMs: number) {
    this.#handle = handle;
    this.#bindTimeoutMs = bindTimeoutMs;
    this.#errors = stageErrors(handle.metrics);
    this.lookup = new VolumeLookup(handle);
    this.lookup.indexVolumesByClass();
    this.claims = new AssumeCache(this.lookup.claims.store);
    this.#volumes = new AssumeCache(this.lookup.volumes.store);
    this.view = this.#makeView(handle);
    const wake = (): void => {
      for (const check of this.#waiting) check();
    };
    for (const informer of [this.lookup.claims, this.lookup.volumes]) {
      informer.addEventHandler({ onAdd: wake, onUpdate: wake, onDelete: wake });
    }
  }

  #makeView({ informers }: Handle): VolumeView {
    const drivers = informers.informer(csiDrivers);
    const capacities = informers.informer(csiStorageCapacities);
    return {
      volume: (name) => this.#volumes.get(name),
      volumesOfClass: (name) => this.#volumes.byIndex(classIndex, name, keyOf),
      storageClass: (name) => this.lookup.storageClass(name),
      driver: (name) => drivers.store.get(name),
      capacities: () => capacities.store.list(),
    };
  }

  /**
   * Takes the volumes out of the hands of pods to come. Answers what is to be written; undefined when nothing is.
   *
   * @throws Error when an object has changed since the node was looked at. Nothing is assumed then.
   */
  assume(nodeName: string, { bindings, provisions }: PodVolumes): PodVolumes | undefined {
    if (bindings.length === 0 && provisions.length === 0) return undefined;
    const done: PodVolumes = { bindings: [], provisions: [] };
    const assumed = done as { bindings: { claim: Claim; volume: PV }[]; provisions: Claim[] };
    try {
      for (const { claim, volume } of bindings) {
        const bound = bindVolumeToClaim(volume, claim);
        if (bound.changed) this.#volumes.assume(keyOf(volume), bound.volume);
        assumed.bindings.push({ claim, volume: bound.volume });
      }
      for (const claim of provisions) {
        const annotations = { ...claim.metadata.annotations, [volumeAnnotations.selectedNode]: nodeName };
        const chosen = { ...claim, metadata: { ...claim.metadata, annotations } };
        this.claims.assume(keyOf(claim), chosen);
        assumed.provisions.push(chosen);
      }
      return done;
    } catch (error) {
      this.#errors.add(1, 'operation="assume"');
      this.revert(done);
      throw error;
    }
  }

  /** Gives back what was assumed. Idempotent. */
  revert({ bindings, provisions }: PodVolumes): void {
    for (const { volume } of bindings) this.#volumes.restore(keyOf(volume));
    for (const claim of provisions) this.claims.restore(keyOf(claim));
  }

  /**
   * Writes what was assumed and waits until all claims are bound. Rejects when a write fails, when the volume controller or a
   * provisioner has given up, when the pod is gone, or when it takes too long.
   */
  async bind(pod: PodInfo, nodeName: string, volumes: PodVolumes, signal: AbortSignal): Promise<void> {
    try {
      const written = await this.#write(volumes);
      await this.#wait(pod, nodeName, written, signal);
    } catch (error) {
      this.#errors.add(1, 'operation="bind"');
      throw error;
    }
  }

  async #write({ bindings, provisions }: PodVolumes): Promise<PodVolumes> {
    const { client } = this.#handle;
    const written = await Promise.allSettled([
      ...bindings.map(({ volume }) => client.persistentVolumes().update(structuredClone(volume) as PersistentVolume)),
      ...provisions.map((claim) =>
        client.persistentVolumeClaims(claim.metadata.namespace).update(structuredClone(claim) as PersistentVolumeClaim),
      ),
    ]);
    const failed = written.find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    const objects = written.map((result) => (result.status === 'fulfilled' ? result.value : undefined));
    return {
      bindings: bindings.map(({ claim }, i) => ({ claim, volume: objects[i] as PV })),
      provisions: objects.slice(bindings.length) as Claim[],
    };
  }

  /** Looks whenever a claim or a volume changes, and every second: the pod and the node may be gone. */
  #wait(pod: PodInfo, nodeName: string, volumes: PodVolumes, signal: AbortSignal): Promise<void> {
    const { clock } = this.#handle;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const deadline = clock.monotonic() + this.#bindTimeoutMs;
    const stack = new DisposableStack();
    const settle = (error?: unknown): void => {
      stack.dispose();
      if (error === undefined) resolve();
      else reject(new Error(`binding volumes: ${messageOf(error)}`, { cause: error }));
    };
    const check = (): void => {
      try {
        if (this.#isBound(nodeName, volumes)) settle();
        else if (clock.monotonic() >= deadline) settle(new Error('context deadline exceeded'));
      } catch (error) {
        settle(error);
      }
    };
    const poll = (): void => {
      if (stack.disposed) return;
      timer = clock.setTimer(pollMs, poll);
      check();
      if (!stack.disposed)
        void this.#podIsThere(pod).then((there) => there || settle(new Error('pod does not exist any more')), settle);
    };
    let timer = clock.setTimer(pollMs, poll);
    const onAbort = (): void => settle(signal.reason);
    this.#waiting.add(check);
    signal.addEventListener('abort', onAbort, { once: true });
    stack.defer(() => {
      this.#waiting.delete(check);
      timer.cancel();
      signal.removeEventListener('abort', onAbort);
    });
    if (signal.aborted) onAbort();
    else check();
    return promise;
  }

  async #podIsThere({ pod, uid }: PodInfo): Promise<boolean> {
    try {
      const { metadata } = await this.#handle.client.pods(pod.metadata.namespace).get(pod.metadata.name ?? '');
      return metadata.uid === uid;
    } catch (error) {
      if (isNotFound(error)) return false;
      // The next look will tell.
      return true;
    }
  }

  /** Whether all is done. Throws when it never will be (`checkBindings`). */
  #isBound(nodeName: string, { bindings, provisions }: PodVolumes): boolean {
    const node = this.#handle.nodes.get(nodeName)?.node;
    if (node === undefined) throw new Error(`failed to get node "${nodeName}"`);
    for (const { claim, volume } of bindings) if (!this.#isBindingDone(claim, volume, node)) return false;
    for (const claim of provisions) if (!this.#isProvisionDone(claim, node)) return false;
    return true;
  }

  #isBindingDone(claim: Claim, written: PV, node: Readonly<Node>): boolean {
    const volume = this.#volumes.stored(keyOf(written));
    const now = this.claims.stored(keyOf(claim));
    if (volume === undefined || now === undefined) {
      throw new Error(
        `failed to check binding: could not find object "${keyOf(volume === undefined ? written : claim)}"`,
      );
    }
    // Our own write has not come round yet.
    if (versionOf(volume) < versionOf(written)) return false;
    this.#demandReach(volume, node);
    if ((volume.spec?.claimRef?.uid ?? '') === '') {
      throw new Error(`ClaimRef got reset for pv "${volume.metadata.name}"`);
    }
    return isClaimFullyBound(now);
  }

  #isProvisionDone(written: Claim, node: Readonly<Node>): boolean {
    const claim = this.claims.stored(keyOf(written));
    if (claim === undefined)
      throw new Error(`failed to check provisioning pvc: could not find object "${keyOf(written)}"`);
    if (versionOf(claim) < versionOf(written)) return false;
    // A provisioner that fails takes the annotation away.
    if (claim.metadata.annotations?.[volumeAnnotations.selectedNode] !== node.metadata.name) {
      throw new Error(`provisioning failed for PVC "${claim.metadata.name}"`);
    }
    const { volumeName = '' } = claim.spec ?? {};
    if (volumeName !== '') {
      const volume = this.#volumes.stored(volumeName);
      if (volume === undefined) return false;
      this.#demandReach(volume, node);
    }
    return isClaimFullyBound(claim);
  }

  #demandReach(volume: PV, node: Readonly<Node>): void {
    if (volumeFitsNode(volume, node.metadata.labels)) return;
    throw new Error(
      `pv "${volume.metadata.name}" node affinity doesn't match node "${node.metadata.name}": no matching NodeSelectorTerms`,
    );
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
