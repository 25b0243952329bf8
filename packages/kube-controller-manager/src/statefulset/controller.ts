/** statefulset-controller (upstream `pkg/controller/statefulset/stateful_set.go`). */
import type { Selector } from '@kubets/apimachinery/labels';
import { isPodAvailable, untilPodAvailable } from '@kubets/api/core/helpers/pod';
import type { ControllerRevision, StatefulSet, StatefulSetStatus } from '@kubets/api/types/apps-v1';
import type { PersistentVolumeClaim, Pod } from '@kubets/api/types/core-v1';
import { keyOf, type SharedInformer, type WorkQueue } from '@kubets/client';
import { controllerRevisions, persistentVolumeClaims, pods, statefulSets } from '@kubets/client/resources';
import type { Controller, ControllerContext, ControllerDescriptor } from '../controller.ts';
import { chooseRevision, newControllerRevision, sortRevisions, templateOf } from '../history/controller-revision.ts';
import { outdatedRevisions, RevisionHistory } from '../history/revision-history.ts';
import { Claimer } from '../lib/claim.ts';
import { Dependents } from '../lib/dependents.ts';
import { ensureIndex } from '../lib/ensure-index.ts';
import { OwnWrites } from '../lib/own-writes.ts';
import { byControllerUid, controllerUidIndex, orphansOf } from '../lib/owner-references.ts';
import { slowStartBatch, isPodRefused } from '../lib/pod-control.ts';
import { reconciler, workersOf } from '../lib/reconciler.ts';
import { selectorCache } from '../lib/selector-cache.ts';
import { updateStatus } from '../lib/update-status.ts';
import { isInOrdinalRange, isMemberOf, newPod, podRevision, replicasOf, type Stateful } from './identity.ts';
import { statefulSetMetrics, type StatefulSetMetrics } from './metrics.ts';
import { maxUnavailableOf, plan, type Action, type Plan, type Steps } from './plan.ts';
import { StatefulPodControl } from './stateful-pod-control.ts';
import { completeRollingUpdate, isStatusOutdated, isUnavailable, statusForWriting } from './status.ts';

type Revision = Readonly<ControllerRevision>;

/** How long until a cache that has not seen this controller's own writes is looked at again. */
const staleMs = 10;
const workers = 5;
/** A turn looks at all pods: it waits a little for further changes, so that turns take a tenth of the time at most. */
const podsPerMs = 128;
const longestWaitMs = 100;

/** The two revisions that a set moves between. */
interface Revisions {
  readonly all: readonly Revision[];
  readonly current: Revision;
  readonly update: Revision;
  readonly collisionCount: number;
}

class StatefulSetController {
  readonly #context: ControllerContext;
  readonly #queue: WorkQueue<string>;
  readonly #sets: SharedInformer<StatefulSet>;
  readonly #pods: SharedInformer<Pod>;
  readonly #claims: SharedInformer<PersistentVolumeClaim>;
  readonly #revisions: SharedInformer<ControllerRevision>;
  readonly #history: RevisionHistory;
  readonly #podControl: StatefulPodControl;
  readonly #writes = new OwnWrites();
  readonly #metrics: StatefulSetMetrics;
  readonly #compile = selectorCache();
  readonly #maxUnavailable: boolean;

  constructor(context: ControllerContext) {
    const { informers, client, events } = context;
    this.#context = context;
    this.#queue = context.queue('statefulset');
    this.#sets = informers.informer(statefulSets);
    this.#pods = informers.informer(pods);
    this.#claims = informers.informer(persistentVolumeClaims);
    this.#revisions = informers.informer(controllerRevisions);
    this.#history = new RevisionHistory({ client, informer: this.#revisions });
    this.#metrics = statefulSetMetrics(context.metrics);
    this.#maxUnavailable = context.featureEnabled('MaxUnavailableStatefulSet');
    this.#podControl = new StatefulPodControl({
      client,
      events,
      claim: (namespace, name) => this.#claims.store.get(`${namespace}/${name}`),
      wrotePod: (set, pod) => this.#writes.wrote(keyOf(set), this.#pods, pod),
      wroteClaim: (set, claim) => this.#writes.wrote(keyOf(set), this.#claims, claim),
    });
  }

  controller(): Controller {
    ensureIndex(this.#pods, controllerUidIndex, byControllerUid);
    ensureIndex(this.#revisions, controllerUidIndex, byControllerUid);
    const enqueue = (set: Readonly<StatefulSet>): void => this.#queue.add(keyOf(set));
    this.#sets.addEventHandler({ onAdd: enqueue, onUpdate: (_, set) => enqueue(set), onDelete: enqueue });
    const dependents = new Dependents<StatefulSet, Pod>({
      owners: this.#sets.store,
      kind: statefulSets.kind,
      selectorOf: (set) => this.#selectorOf(set),
      enqueue: (key) => this.#enqueue(key),
    });
    this.#pods.addEventHandler(dependents.handler());
    return reconciler(this.#context, {
      queue: this.#queue,
      informers: [this.#sets, this.#pods, this.#claims, this.#revisions],
      workers: workersOf(this.#context, workers),
      reconcile: (key) => this.#reconcile(key),
      isExpected: isPodRefused,
    });
  }

  /** After a pod has changed. In order, every step waits for one pod: then nothing is gained by waiting longer. */
  #enqueue(key: string): void {
    const { spec } = this.#sets.store.get(key) ?? {};
    const replicas = spec?.podManagementPolicy === 'Parallel' ? (spec.replicas ?? 1) : 0;
    const waitMs = Math.min(longestWaitMs, Math.floor(replicas / podsPerMs));
    if (waitMs === 0) this.#queue.add(key);
    else this.#queue.addAfter(key, waitMs);
  }

  /** Undefined when it is invalid: nothing can be done until it is changed. */
  #selectorOf(set: Readonly<StatefulSet>): Selector | undefined {
    try {
      return this.#compile(set.spec?.selector);
    } catch (error) {
      const fields = { controller: this.#context.name, name: set.metadata.name, error: String(error) };
      this.#context.log.error(fields, 'the selector is invalid');
      return undefined;
    }
  }

  async #reconcile(key: string): Promise<void> {
    const set = this.#sets.store.get(key) as Stateful | undefined;
    if (set === undefined) return this.#writes.forget(key);
    if (!this.#writes.seen(key)) {
      this.#metrics.stale(statefulSets);
      return this.#queue.addAfter(key, staleMs);
    }
    const selector = this.#selectorOf(set);
    if (selector === undefined) return;
    const revisions = await this.#chooseRevisions(set, await this.#claimRevisions(set, selector));
    if (revisions === undefined) return;
    const claimed = await this.#claimPods(set, selector);
    await this.#sync(set, revisions, claimed);
    this.#comeBack(key, set, claimed);
  }

  async #claimRevisions(set: Stateful, selector: Selector): Promise<Revision[]> {
    const { owned, orphans } = this.#history.list(set, selector);
    if (orphans.length === 0) return owned;
    const { client } = this.#context;
    const adopted = await this.#claimer(set, selector, client.controllerRevisions()).claim(orphans);
    return sortRevisions([...owned, ...adopted]);
  }

  #claimPods(set: Stateful, selector: Selector): Promise<Readonly<Pod>[]> {
    const { store } = this.#pods;
    const { uid = '', namespace = '' } = set.metadata;
    const owned = store.byIndex(controllerUidIndex, uid);
    const orphans = store.byIndex(controllerUidIndex, orphansOf(namespace));
    // Only what is named after the set can be part of it; what it owns besides is left alone.
    const candidates = [...owned, ...orphans].filter((pod) => isMemberOf(set, pod));
    return this.#claimer(set, selector, this.#context.client.pods()).claim(candidates);
  }

  #claimer<T extends Pod | ControllerRevision>(
    owner: Stateful,
    selector: Selector,
    dependents: ConstructorParameters<typeof Claimer<StatefulSet, T>>[0]['dependents'],
  ): Claimer<StatefulSet, T> {
    const { name = '', namespace } = owner.metadata;
    const readOwner = (): Promise<Readonly<StatefulSet>> => this.#context.client.statefulSets(namespace).get(name);
    return new Claimer<StatefulSet, T>({ owner, ownerResource: statefulSets, selector, dependents, readOwner });
  }

  /** Undefined for a set that is being deleted and whose revisions have gone before it: none is made again. */
  async #chooseRevisions(set: Stateful, all: readonly Revision[]): Promise<Revisions | undefined> {
    const exact = !this.#context.featureEnabled('StatefulSetSemanticRevisionComparison');
    let collisionCount = set.status?.collisionCount ?? 0;
    const { template } = set.spec;
    const choice = chooseRevision(all, { owner: set, resource: statefulSets, template, collisionCount, exact });
    if (choice.type === 'create' && set.metadata.deletionTimestamp !== undefined) return undefined;
    let update: Revision = choice.revision;
    if (choice.type === 'renumber') update = await this.#history.renumber(choice.revision, choice.number);
    if (choice.type === 'create') {
      const { revision } = choice.revision;
      const make = (count: number): ControllerRevision =>
        newControllerRevision({ owner: set, resource: statefulSets, template, revision, collisionCount: count });
      const created = await this.#history.create(make, collisionCount);
      ({ revision: update, collisionCount } = created);
    }
    if (choice.type !== 'keep') this.#writes.wrote(keyOf(set), this.#revisions, update);
    const current = all.find((revision) => revision.metadata.name === set.status?.currentRevision) ?? update;
    return { all, current, update, collisionCount };
  }

  async #sync(set: Stateful, revisions: Revisions, claimed: readonly Readonly<Pod>[]): Promise<void> {
    const { current, update, collisionCount } = revisions;
    const { store } = this.#claims;
    const view = (revision: Revision) => ({ name: revision.metadata.name ?? '', template: templateOf(revision) });
    const planned = plan({
      set,
      pods: claimed,
      current: view(current),
      update: view(update),
      collisionCount,
      claim: (name) => store.get(`${set.metadata.namespace}/${name}`),
      now: this.#context.clock.now(),
      maxUnavailable: this.#maxUnavailable,
    });
    const { error, updated } = await this.#apply(set, planned);
    if (this.#maxUnavailable) this.#measure(set, claimed);
    const currentReplicas = Math.max(0, planned.status.currentReplicas - updated);
    const status = completeRollingUpdate(set, { ...planned.status, currentReplicas });
    await this.#writeStatus(set, status);
    await this.#truncate(set, revisions, claimed);
    if (error !== undefined) throw error;
  }

  /** Resolves to what went wrong, if anything, and how many pods were deleted for an update. */
  async #apply(
    set: Stateful,
    { phases, parallel }: Plan,
  ): Promise<{ readonly error?: unknown; readonly updated: number }> {
    let updated = 0;
    const work = async (steps: Steps | undefined): Promise<void> => {
      for (const action of steps ?? []) {
        await this.#act(set, action);
        if (action.type === 'delete' && action.update === true) updated++;
      }
    };
    try {
      for (const phase of phases) {
        if (parallel) {
          const { error } = await slowStartBatch(phase.length, (i) => work(phase[i]));
          if (error !== undefined) return { error, updated };
        } else for (const steps of phase) await work(steps);
      }
    } catch (error) {
      return { error, updated };
    }
    return { updated };
  }

  #act(set: Stateful, action: Action): Promise<unknown> {
    switch (action.type) {
      case 'create':
        return this.#podControl.create(set, newPod(set, action.revision, action.ordinal));
      case 'delete':
        return this.#podControl.delete(set, action.pod);
      case 'claims':
        return this.#podControl.createMissingClaims(set, action.pod);
      case 'conform':
        return this.#podControl.conform(set, action.pod);
      case 'conformClaims':
        return this.#podControl.updateClaimOwners(set, action.pod);
    }
  }

  async #writeStatus(set: Stateful, status: StatefulSetStatus): Promise<void> {
    if (!isStatusOutdated(set, status)) return;
    const client = this.#context.client.statefulSets(set.metadata.namespace);
    const written = await updateStatus<StatefulSet>(client, set, statusForWriting(status));
    this.#writes.wrote(keyOf(set), this.#sets, written);
  }

  async #truncate(set: Stateful, revisions: Revisions, claimed: readonly Readonly<Pod>[]): Promise<void> {
    const live = new Set(claimed.map(podRevision));
    for (const { metadata } of [revisions.current, revisions.update]) live.add(metadata.name ?? '');
    const outdated = outdatedRevisions(revisions.all, live, set.spec.revisionHistoryLimit ?? 10);
    for (const revision of outdated) await this.#history.delete(revision);
  }

  #measure(set: Stateful, claimed: readonly Readonly<Pod>[]): void {
    const now = this.#context.clock.now();
    const available = claimed.filter(
      (pod) => isInOrdinalRange(set, pod) && !isUnavailable(pod, set.spec.minReadySeconds ?? 0, now),
    ).length;
    this.#metrics.unavailable(set, { max: maxUnavailableOf(set), now: replicasOf(set) - available });
  }

  /** Ready pods become available by time alone. */
  #comeBack(key: string, set: Stateful, claimed: readonly Readonly<Pod>[]): void {
    const { minReadySeconds = 0 } = set.spec;
    if (minReadySeconds === 0) return;
    const now = this.#context.clock.now();
    let soonest = Infinity;
    for (const pod of claimed) {
      if (isPodAvailable(pod, minReadySeconds, now)) continue;
      soonest = Math.min(soonest, untilPodAvailable(pod, minReadySeconds, now) ?? Infinity);
    }
    if (soonest < Infinity) this.#queue.addAfter(key, soonest);
  }
}

export const statefulSetController: ControllerDescriptor = {
  name: 'statefulset-controller',
  create: (context) => new StatefulSetController(context).controller(),
};
