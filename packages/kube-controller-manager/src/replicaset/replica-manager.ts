/**
 * Keeps as many pods as asked for; serves ReplicaSets and ReplicationControllers alike (upstream
 * `pkg/controller/replicaset/replica_set.go`, `ReplicaSetController`).
 */
import type { Selector } from '@kubets/apimachinery/labels';
import { isConflict } from '@kubets/apimachinery/status';
import type { Pod } from '@kubets/api/types/core-v1';
import { ResourceClient, type Resource, type SharedInformer, type WorkQueue } from '@kubets/client';
import { pods } from '@kubets/client/resources';
import type { Controller, ControllerContext } from '../controller.ts';
import { Claimer } from '../lib/claim.ts';
import { settleConcurrently } from '../lib/concurrent.ts';
import { ensureIndex } from '../lib/ensure-index.ts';
import { Expectations } from '../lib/expectations.ts';
import { OwnWrites } from '../lib/own-writes.ts';
import {
  byControllerUid,
  controllerOf,
  controllerRef,
  controllerUidIndex,
  orphansOf,
} from '../lib/owner-references.ts';
import { WrittenVersions } from '../lib/written-versions.ts';
import {
  isNamespaceTerminating,
  messageOf,
  PodControl,
  podFromTemplate,
  slowStartBatch,
  isPodRefused,
} from '../lib/pod-control.ts';
import { reconciler, workersOf } from '../lib/reconciler.ts';
import { planReplicas, planStatus, sortPods, untilNextAvailable, type ReplicaOwner } from './plan.ts';
import type { RankingOptions } from './pod-ranking.ts';
import { PodEvents } from './pod-events.ts';
import { replicaMetrics, type ReplicaMetrics } from './replica-metrics.ts';

/** What tells the two kinds apart. */
export interface ReplicaKind<T extends ReplicaOwner> {
  readonly resource: Resource<T>;
  /** Name of the work queue in metrics. */
  readonly queue: string;
  /** @throws Error when the selector is invalid. */
  selectorOf(owner: Readonly<T>): Selector;
  /** Whether the status counts pods that are going away. */
  readonly terminatingReplicas: boolean;
}

/** Upstream has 5. Here they mostly wait for commits, which many writes share: more of them cost no more. */
const workers = 25;
/** So often it is looked whether the cache has caught up, when no event says so. */
const catchUpMs = 1000;

/** What is known of one owner's pods. */
interface Observed {
  readonly active: readonly Readonly<Pod>[];
  readonly terminating: number;
}

/** What became of the attempt to have the right number of pods. */
type Outcome =
  | { readonly type: 'kept' }
  /** Pods were made or deleted. */
  | { readonly type: 'acted' }
  | { readonly type: 'failed'; readonly error: unknown };

const kept: Outcome = { type: 'kept' };
const acted: Outcome = { type: 'acted' };

/** Makes the controller of one kind. */
export function replicaController<T extends ReplicaOwner>(
  context: ControllerContext,
  kind: ReplicaKind<T>,
): Controller {
  return new ReplicaManager(context, kind).controller();
}

class ReplicaManager<T extends ReplicaOwner> {
  readonly #context: ControllerContext;
  readonly #kind: ReplicaKind<T>;
  readonly #queue: WorkQueue<string>;
  readonly #owners: SharedInformer<T>;
  readonly #pods: SharedInformer<Pod>;
  readonly #client: ResourceClient<T>;
  /** Of deletions; that creations are not repeated is what `made` sees to. */
  readonly #expectations: Expectations;
  readonly #writes = new WrittenVersions();
  readonly #made = new OwnWrites();
  /** Uids of owners, by key, for which no pod can be made any more: their namespace is going away. */
  readonly #doomed = new Map<string, string>();
  readonly #podControl: PodControl;
  readonly #podEvents: PodEvents<T>;
  readonly #metrics: ReplicaMetrics;
  readonly #countTerminating: boolean;

  constructor(context: ControllerContext, kind: ReplicaKind<T>) {
    this.#context = context;
    this.#kind = kind;
    this.#queue = context.queue(kind.queue);
    this.#owners = context.informers.informer(kind.resource);
    this.#pods = context.informers.informer(pods);
    this.#client = new ResourceClient(context.transport, kind.resource);
    this.#expectations = new Expectations(context.clock);
    this.#podControl = new PodControl(context);
    this.#metrics = replicaMetrics(context.metrics);
    this.#countTerminating =
      kind.terminatingReplicas && context.featureEnabled('DeploymentReplicaSetTerminatingReplicas');
    this.#podEvents = new PodEvents({
      queue: this.#queue,
      expectations: this.#expectations,
      owners: this.#owners.store,
      kind: kind.resource.kind,
      selectorOf: (owner) => this.#selectorOf(owner),
    });
  }

  controller(): Controller {
    ensureIndex(this.#pods, controllerUidIndex, byControllerUid);
    ensureIndex(this.#owners, controllerUidIndex, byControllerUid);
    this.#owners.addEventHandler(this.#podEvents.ownerHandler());
    this.#pods.addEventHandler(this.#podEvents.podHandler());
    return reconciler(this.#context, {
      queue: this.#queue,
      informers: [this.#owners, this.#pods],
      workers: workersOf(this.#context, workers),
      reconcile: (key) => this.#reconcile(key),
      isExpected: isPodRefused,
    });
  }

  async #reconcile(key: string): Promise<void> {
    const owner = this.#owners.store.get(key);
    if (owner === undefined) return this.#forget(key);
    if (!this.#writes.seen(owner)) return this.#metrics.stale(this.#kind.resource);
    const selector = this.#selectorOf(owner);
    if (selector === undefined) return;
    // Asked before the pods are read: what is expected afterwards is not in this reading.
    const satisfied = this.#expectations.satisfied(key) && this.#made.seen(key);
    const observed = await this.#observe(owner, selector);
    const deleted = owner.metadata.deletionTimestamp !== undefined;
    const outcome = satisfied && !deleted ? await this.#manage(key, owner, observed.active) : kept;
    if (!satisfied || outcome.type === 'acted') this.#queue.addAfter(key, catchUpMs);
    // What was counted is out of date: the pods that were made or deleted bring the next turn, and that reports.
    if (outcome.type === 'acted') return;
    const failure = outcome.type === 'failed' ? messageOf(outcome.error) : undefined;
    await this.#report(key, owner, { ...observed, failure });
    if (outcome.type === 'failed') throw outcome.error;
  }

  #forget(key: string): void {
    this.#made.forget(key);
    this.#doomed.delete(key);
    this.#expectations.forget(key);
    this.#writes.forget(key);
    this.#podEvents.forget(key);
  }

  /** Undefined when it is invalid: nothing can be done until it is changed. */
  #selectorOf(owner: Readonly<T>): Selector | undefined {
    try {
      return this.#kind.selectorOf(owner);
    } catch (error) {
      const fields = { controller: this.#context.name, name: owner.metadata.name, error: String(error) };
      this.#context.log.error(fields, 'the pod selector is invalid');
      return undefined;
    }
  }

  async #observe(owner: Readonly<T>, selector: Selector): Promise<Observed> {
    const { store } = this.#pods;
    const { uid = '', namespace = '' } = owner.metadata;
    const candidates = [
      ...store.byIndex(controllerUidIndex, uid),
      ...store.byIndex(controllerUidIndex, orphansOf(namespace)),
    ];
    const { mine, disputed, terminating } = sortPods(candidates, uid, selector);
    const claimed = disputed.length === 0 ? [] : await this.#claim(owner, selector, disputed);
    const active = claimed.length === 0 ? mine : [...mine, ...claimed];
    this.#podEvents.sized(owner, active.length);
    return { active, terminating };
  }

  #claim(owner: Readonly<T>, selector: Selector, disputed: readonly Readonly<Pod>[]): Promise<Readonly<Pod>[]> {
    const { name = '', namespace = '' } = owner.metadata;
    return new Claimer<T, Pod>({
      owner,
      ownerResource: this.#kind.resource,
      selector,
      dependents: this.#context.client.pods(),
      readOwner: () => this.#client.in(namespace).get(name),
    }).claim(disputed);
  }

  /** Makes or deletes pods. Never rejects. */
  async #manage(key: string, owner: Readonly<T>, active: readonly Readonly<Pod>[]): Promise<Outcome> {
    const plan = planReplicas(owner.spec?.replicas ?? 1, active, () => this.#ranking(owner));
    if (plan.type === 'create') {
      if (this.#doomed.size > 0 && this.#doomed.get(key) === owner.metadata.uid) return kept;
      return await this.#create(key, owner, plan.count);
    }
    if (plan.type === 'delete') return await this.#delete(key, owner, plan.pods, active);
    return kept;
  }

  #ranking(owner: Readonly<T>): RankingOptions {
    const { clock, featureEnabled } = this.#context;
    const uid = controllerOf(owner)?.uid;
    const siblings = uid === undefined ? [] : this.#owners.store.byIndex(controllerUidIndex, uid);
    const related = siblings.flatMap((sibling) =>
      this.#pods.store.byIndex(controllerUidIndex, sibling.metadata.uid ?? ''),
    );
    return { now: clock.now(), related, deletionCost: featureEnabled('PodDeletionCost') };
  }

  async #create(key: string, owner: Readonly<T>, count: number): Promise<Outcome> {
    const ref = controllerRef(owner, this.#kind.resource);
    const template = owner.spec?.template ?? {};
    const { error } = await slowStartBatch(count, async () => {
      const pod = await this.#podControl.create(podFromTemplate(template, owner, { ...ref }), owner);
      this.#made.wrote(key, this.#pods, pod);
    });
    if (error === undefined) return acted;
    // In a namespace that goes away every further try would fail too.
    if (!isNamespaceTerminating(error)) return { type: 'failed', error };
    this.#doomed.set(key, owner.metadata.uid ?? '');
    return acted;
  }

  async #delete(
    key: string,
    owner: Readonly<T>,
    chosen: readonly Readonly<Pod>[],
    active: readonly Readonly<Pod>[],
  ): Promise<Outcome> {
    this.#metrics.chosen(chosen, active, this.#context.clock.now());
    this.#expectations.expectDeletions(
      key,
      chosen.map(({ metadata }) => metadata.uid ?? ''),
    );
    const outcomes = await settleConcurrently(chosen.length, async (i) => {
      const pod = chosen[i] as Readonly<Pod>;
      let seenBySomeWatch = false;
      try {
        seenBySomeWatch = await this.#podControl.delete(pod, owner);
      } finally {
        if (!seenBySomeWatch) this.#expectations.deletionObserved(key, pod.metadata.uid ?? '');
      }
    });
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    return failed === undefined ? acted : { type: 'failed', error: failed.reason };
  }

  /** Writes the status where it differs, and comes back when a pod may have become available. */
  async #report(key: string, owner: Readonly<T>, seen: Observed & { failure: string | undefined }): Promise<void> {
    const now = this.#context.clock.now();
    const { active, failure } = seen;
    const terminating = this.#countTerminating ? seen.terminating : undefined;
    const status = planStatus({ owner, active, terminating, failure, now });
    if (status !== undefined) await this.#write(owner, status);
    const next = untilNextAvailable(active, owner.spec?.minReadySeconds ?? 0, now);
    if (next !== undefined) this.#queue.addAfter(key, next);
  }

  async #write(owner: Readonly<T>, status: NonNullable<ReplicaOwner['status']>): Promise<void> {
    const { namespace, name = '' } = owner.metadata;
    const client = this.#client.in(namespace ?? '');
    try {
      this.#writes.wrote(await client.updateStatus({ ...owner, status }));
    } catch (error) {
      if (!isConflict(error)) throw error;
      const fresh = await client.get(name);
      // Of that name there is another one by now: it gets a turn of its own.
      if (fresh.metadata.uid !== owner.metadata.uid) return;
      this.#writes.wrote(await client.updateStatus({ ...fresh, status }));
    }
  }
}
