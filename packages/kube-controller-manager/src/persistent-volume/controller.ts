/** Binds claims to volumes (upstream `pkg/controller/volume/persistentvolume`). */
import { sleep } from '@kubets/apimachinery/clock';
import { isPodTerminal } from '@kubets/api/core/helpers/pod';
import { storageClassOf } from '@kubets/api/core/helpers/persistent-volume';
import type { PersistentVolume, PersistentVolumeClaim, Pod } from '@kubets/api/types/core-v1';
import type { StorageClass } from '@kubets/api/types/storage-v1';
import { keyOf, type SharedInformer, type WorkQueue } from '@kubets/client';
import {
  persistentVolumeClaims as claimResource,
  persistentVolumes as volumeResource,
  pods as podResource,
  storageClasses as classResource,
} from '@kubets/client/resources';
import type { Controller, ControllerContext, ControllerDescriptor } from '../controller.ts';
import { ensureIndex } from '../lib/ensure-index.ts';
import { indexPodsByClaim, podsByClaimIndex } from '../lib/pods-by-claim.ts';
import { reconciler, workersOf } from '../lib/reconciler.ts';
import { runEvery } from '../lib/run-every.ts';
import { runTogether } from '../lib/run-together.ts';
import { Binder } from './binder.ts';
import type { ClaimView } from './claim-plan.ts';
import { LatestCache } from './latest-cache.ts';
import { registerVolumeMetrics } from './metrics.ts';

const accessModesIndex = 'accessmodes';
/** Claims without a volume, by their class. */
const waitingClaimsIndex = 'waitingClaims';
const workers = 10;
/** Mostly there is nothing to do: so many looks at once hold up nobody. */
const resyncChunk = 500;
const resyncPauseMs = 20;

const byAccessModes = ({ spec }: Readonly<PersistentVolume>): readonly string[] => [
  (spec?.accessModes ?? []).toSorted().join(','),
];

const byWaitingClass = (claim: Readonly<PersistentVolumeClaim>): readonly string[] =>
  claim.spec?.volumeName ? [] : [storageClassOf(claim)];

class PersistentVolumeBinder implements Controller {
  readonly #context: ControllerContext;
  readonly #claimQueue: WorkQueue<string>;
  readonly #volumeQueue: WorkQueue<string>;
  readonly #claims: SharedInformer<PersistentVolumeClaim>;
  readonly #volumes: SharedInformer<PersistentVolume>;
  readonly #classes: SharedInformer<StorageClass>;
  readonly #pods: SharedInformer<Pod>;
  readonly #latestVolumes: LatestCache<PersistentVolume>;
  readonly #binder: Binder;

  constructor(context: ControllerContext) {
    const { client, events, informers, metrics } = context;
    this.#context = context;
    this.#claimQueue = context.queue('claims');
    this.#volumeQueue = context.queue('volumes');
    this.#claims = informers.informer(claimResource);
    this.#volumes = informers.informer(volumeResource);
    this.#classes = informers.informer(classResource);
    this.#pods = informers.informer(podResource);
    ensureIndex(this.#volumes, accessModesIndex, byAccessModes);
    ensureIndex(this.#claims, waitingClaimsIndex, byWaitingClass);
    indexPodsByClaim(this.#pods);
    this.#latestVolumes = new LatestCache(this.#volumes);
    this.#binder = new Binder({
      client,
      events,
      volumes: this.#latestVolumes,
      claims: new LatestCache(this.#claims),
      view: (claim) => this.#view(claim),
      enqueueClaim: (key) => this.#claimQueue.add(key),
    });
    this.#watch();
    registerVolumeMetrics(metrics, {
      volumes: () => this.#volumes.store.list(),
      claims: () => this.#claims.store.list(),
    });
  }

  async run(signal: AbortSignal): Promise<void> {
    const context = this.#context;
    const informers = [this.#claims, this.#volumes, this.#classes, this.#pods];
    const count = workersOf(context, workers);
    const claims = reconciler(context, {
      queue: this.#claimQueue,
      informers,
      workers: count,
      reconcile: (key) => this.#binder.syncClaim(key),
    });
    const volumes = reconciler(context, {
      queue: this.#volumeQueue,
      informers,
      workers: count,
      reconcile: (key) => this.#binder.syncVolume(key),
    });
    const resync = (until: AbortSignal): Promise<void> =>
      runEvery(context.clock, context.options.pvClaimBinderSyncPeriodMs, {
        signal: until,
        pass: () => this.#resync(until),
        onError: (error) => context.log.error({ controller: context.name, error: String(error) }, 'resync failed'),
      });
    await runTogether(signal, [(s) => claims.run(s), (s) => volumes.run(s), resync]);
  }

  /** Claims may wait for things that nobody tells about: everything is looked at again now and then, a part at a time. */
  async #resync(signal: AbortSignal): Promise<void> {
    for (const [queue, keys] of [
      [this.#claimQueue, this.#claims.store.keys()],
      [this.#volumeQueue, this.#volumes.store.keys()],
    ] as const) {
      for (let i = 0; i < keys.length; i += resyncChunk) {
        if (i > 0) await sleep(this.#context.clock, resyncPauseMs, signal);
        for (const key of keys.slice(i, i + resyncChunk)) queue.add(key);
      }
    }
  }

  #watch(): void {
    const wakeClaim = (claim: Readonly<PersistentVolumeClaim>): void => this.#claimQueue.add(keyOf(claim));
    this.#claims.addEventHandler({
      onAdd: wakeClaim,
      onUpdate: (_, claim) => wakeClaim(claim),
      onDelete: ({ spec }) => {
        if (spec?.volumeName) this.#volumeQueue.add(spec.volumeName);
      },
    });
    const wakeVolume = (volume: Readonly<PersistentVolume>): void => {
      this.#volumeQueue.add(keyOf(volume));
      // It may be what claims wait for.
      if (volume.status?.phase === 'Available') this.#wakeWaiting(storageClassOf(volume));
    };
    this.#volumes.addEventHandler({
      onAdd: wakeVolume,
      onUpdate: (_, volume) => wakeVolume(volume),
      onDelete: ({ spec }) => {
        if (spec?.claimRef !== undefined) this.#claimQueue.add(`${spec.claimRef.namespace}/${spec.claimRef.name}`);
      },
    });
    const wakeClass = ({ metadata }: Readonly<StorageClass>): void => {
      this.#wakeWaiting(metadata.name ?? '');
      this.#wakeWaiting('');
    };
    this.#classes.addEventHandler({ onAdd: wakeClass, onUpdate: (_, storageClass) => wakeClass(storageClass) });
  }

  #wakeWaiting(storageClass: string): void {
    for (const key of this.#claims.store.keysByIndex(waitingClaimsIndex, storageClass)) this.#claimQueue.add(key);
  }

  #view(claim: Readonly<PersistentVolumeClaim>): ClaimView {
    return {
      volume: (name) => this.#latestVolumes.get(name),
      volumesByModes: (modes) => this.#volumesByModes(claim, modes),
      storageClass: (name) => this.#classes.store.get(name),
      storageClasses: () => this.#classes.store.list(),
      unscheduledPods: () =>
        this.#pods.store
          .byIndex(podsByClaimIndex, keyOf(claim))
          .filter((pod) => !pod.spec?.nodeName && !isPodTerminal(pod))
          .map((pod) => pod.metadata.name ?? ''),
    };
  }

  /** `allPossibleMatchingAccessModes`: what comes closest to the wish first. */
  *#volumesByModes(
    claim: Readonly<PersistentVolumeClaim>,
    modes: readonly string[],
  ): Generator<readonly Readonly<PersistentVolume>[]> {
    const values = this.#latestVolumes.indexValues(accessModesIndex).map((value) => ({ value, has: value.split(',') }));
    const suitable = values.filter(({ has }) => modes.every((mode) => has.includes(mode)));
    for (const { value } of suitable.toSorted((a, b) => a.has.length - b.has.length)) {
      const volumes = this.#latestVolumes.byIndex(accessModesIndex, value);
      yield volumes.filter((volume) => !this.#binder.isPromisedToOther(volume, claim));
    }
  }
}

/** The persistent volume binder. */
export const persistentVolumeBinderController: ControllerDescriptor = {
  name: 'persistentvolume-binder-controller',
  eventSource: 'persistentvolume-controller',
  create: (context) => new PersistentVolumeBinder(context),
};
