/** daemonset-controller (upstream `pkg/controller/daemon/daemon_controller.go`). */
import type { Selector } from '@kubets/apimachinery/labels';
import { semanticEqual } from '@kubets/apimachinery/validation-meta';
import type { ControllerRevision, DaemonSet } from '@kubets/api/types/apps-v1';
import type { Node, Pod } from '@kubets/api/types/core-v1';
import { keyOf, type SharedInformer, type WorkQueue } from '@kubets/client';
import { controllerRevisions, daemonSets, nodes, pods } from '@kubets/client/resources';
import type { Controller, ControllerContext, ControllerDescriptor } from '../controller.ts';
import { RevisionHistory } from '../history/revision-history.ts';
import { Claimer } from '../lib/claim.ts';
import { settleConcurrently } from '../lib/concurrent.ts';
import { Dependents } from '../lib/dependents.ts';
import { ensureIndex } from '../lib/ensure-index.ts';
import { Expectations, expectationsTimeoutMs } from '../lib/expectations.ts';
import { OwnWrites } from '../lib/own-writes.ts';
import { byControllerUid, controllerUidIndex, orphansOf } from '../lib/owner-references.ts';
import { isNamespaceTerminating, PodControl, slowStartBatch, isPodRefused } from '../lib/pod-control.ts';
import { reconciler, workersOf } from '../lib/reconciler.ts';
import { selectorCache } from '../lib/selector-cache.ts';
import { updateStatus } from '../lib/update-status.ts';
import { DaemonHistory, type DaemonRevisions } from './daemon-history.ts';
import { newDaemonPod, type Daemon } from './daemon-pod.ts';
import { FailedPodBackoff } from './failed-pod-backoff.ts';
import { daemonSetMetrics, type DaemonSetMetrics } from './metrics.ts';
import { NodeFit } from './node-fit.ts';
import { plan, podsByNode, type DaemonPlan, type Deletion, type Observed } from './plan.ts';
import { planUpdate } from './rolling-update.ts';
import { countDaemon, nextAvailable, planStatus } from './status.ts';

/** So many pods are made, and so many deleted, in one turn at most. */
const burst = 250;
const workers = 2;
/** How long until a cache that has not seen this controller's own writes is looked at again. */
const staleMs = 10;
/** A turn looks at all nodes: it waits a little for further changes, so that turns take a tenth of the time at most. */
const nodesPerMs = 128;
const longestWaitMs = 100;

class DaemonSetController {
  readonly #context: ControllerContext;
  readonly #queue: WorkQueue<string>;
  readonly #daemons: SharedInformer<DaemonSet>;
  readonly #pods: SharedInformer<Pod>;
  readonly #nodes: SharedInformer<Node>;
  readonly #revisions: SharedInformer<ControllerRevision>;
  readonly #history: RevisionHistory;
  readonly #daemonHistory: DaemonHistory;
  readonly #podControl: PodControl;
  /** Of deletions; that creations are not repeated is what `writes` sees to. */
  readonly #expectations: Expectations;
  readonly #writes = new OwnWrites();
  readonly #backoff: FailedPodBackoff;
  readonly #metrics: DaemonSetMetrics;
  readonly #compile = selectorCache();
  readonly #fits = new WeakMap<object, NodeFit>();

  constructor(context: ControllerContext) {
    const { informers, client, clock } = context;
    this.#context = context;
    this.#queue = context.queue('daemonset');
    this.#daemons = informers.informer(daemonSets);
    this.#pods = informers.informer(pods);
    this.#nodes = informers.informer(nodes);
    this.#revisions = informers.informer(controllerRevisions);
    this.#history = new RevisionHistory({ client, informer: this.#revisions });
    this.#daemonHistory = new DaemonHistory({
      client,
      history: this.#history,
      wrote: (daemon, revision) => this.#writes.wrote(keyOf(daemon), this.#revisions, revision),
    });
    this.#podControl = new PodControl(context);
    this.#expectations = new Expectations(clock);
    this.#backoff = new FailedPodBackoff(clock);
    this.#metrics = daemonSetMetrics(context.metrics);
  }

  controller(): Controller {
    ensureIndex(this.#pods, controllerUidIndex, byControllerUid);
    ensureIndex(this.#revisions, controllerUidIndex, byControllerUid);
    this.#watchDaemons();
    this.#watchDependents();
    this.#watchNodes();
    return reconciler(this.#context, {
      queue: this.#queue,
      informers: [this.#daemons, this.#pods, this.#nodes, this.#revisions],
      workers: workersOf(this.#context, workers),
      reconcile: (key) => this.#reconcile(key),
      isExpected: isPodRefused,
    });
  }

  #watchDaemons(): void {
    this.#daemons.addEventHandler({
      onAdd: (daemon) => this.#queue.add(keyOf(daemon)),
      onUpdate: (old, daemon) => {
        // Deleted and made again under the same name, seen as one change: nothing is expected of the new one.
        if (old.metadata.uid !== daemon.metadata.uid) this.#forget(keyOf(old));
        this.#queue.add(keyOf(daemon));
      },
      onDelete: (daemon) => {
        this.#forget(keyOf(daemon));
        this.#queue.add(keyOf(daemon));
      },
    });
  }

  #watchDependents(): void {
    const shared = {
      owners: this.#daemons.store,
      kind: daemonSets.kind,
      selectorOf: (daemon: Readonly<DaemonSet>) => this.#selectorOf(daemon),
    };
    const podDependents = new Dependents<DaemonSet, Pod>({
      ...shared,
      enqueue: (key) => this.#enqueue(key),
      deleted: (key, pod) => this.#expectations.deletionObserved(key, pod.metadata.uid ?? ''),
    });
    const revisionDependents = new Dependents<DaemonSet, ControllerRevision>({
      ...shared,
      enqueue: (key) => this.#enqueue(key),
    });
    this.#pods.addEventHandler(podDependents.handler());
    this.#revisions.addEventHandler(revisionDependents.handler());
  }

  #watchNodes(): void {
    const each = (concerns: (fit: NodeFit) => boolean): void => {
      for (const daemon of this.#daemons.store.list()) {
        if (concerns(this.#fitOf(daemon as Daemon))) this.#enqueue(keyOf(daemon));
      }
    };
    this.#nodes.addEventHandler({
      onAdd: (node) => each((fit) => fit.of(node) === 'run'),
      onUpdate: (old, node) => {
        const same =
          semanticEqual(old.metadata.labels, node.metadata.labels) &&
          semanticEqual(old.spec?.taints, node.spec?.taints);
        if (!same) each((fit) => fit.of(old) !== fit.of(node));
      },
      onDelete: (node) => each((fit) => fit.of(node) !== 'none'),
    });
  }

  #enqueue(key: string): void {
    const waitMs = Math.min(longestWaitMs, Math.floor(this.#nodes.store.size / nodesPerMs));
    if (waitMs === 0) this.#queue.add(key);
    else this.#queue.addAfter(key, waitMs);
  }

  #forget(key: string): void {
    this.#expectations.forget(key);
    this.#writes.forget(key);
  }

  #fitOf(daemon: Daemon): NodeFit {
    const { template } = daemon.spec;
    let fit = this.#fits.get(template);
    if (fit === undefined) {
      const comparisonOperators = this.#context.featureEnabled('TaintTolerationComparisonOperators');
      this.#fits.set(template, (fit = new NodeFit(template, { comparisonOperators })));
    }
    return fit;
  }

  /** Undefined when it is invalid: nothing can be done until it is changed. */
  #selectorOf(daemon: Readonly<DaemonSet>): Selector | undefined {
    try {
      return this.#compile(daemon.spec?.selector);
    } catch (error) {
      const fields = { controller: this.#context.name, name: daemon.metadata.name, error: String(error) };
      this.#context.log.error(fields, 'the selector is invalid');
      return undefined;
    }
  }

  async #reconcile(key: string): Promise<void> {
    const daemon = this.#daemons.store.get(key) as Daemon | undefined;
    if (daemon === undefined) return this.#forget(key);
    if (!this.#writes.seen(key)) {
      this.#metrics.stale(daemonSets);
      return this.#queue.addAfter(key, staleMs);
    }
    const selector = this.#selectorOf(daemon);
    if (selector === undefined) return;
    if (selector.empty) {
      const message = 'This daemon set is selecting all pods. A non-empty selector is required.';
      return this.#context.events.event(daemon, 'Warning', 'SelectingAll', message);
    }
    // Its pods and revisions are the garbage collector's now.
    if (daemon.metadata.deletionTimestamp !== undefined) return;
    await this.#sync(key, daemon, selector);
  }

  async #sync(key: string, daemon: Daemon, selector: Selector): Promise<void> {
    // Asked before the pods are read: what is expected afterwards is not in this reading.
    const satisfied = this.#expectations.satisfied(key);
    const { client } = this.#context;
    const claimed = await this.#claim(daemon, selector, this.#pods, client.pods());
    const owned = await this.#claim(daemon, selector, this.#revisions, client.controllerRevisions());
    const revisions = await this.#daemonHistory.construct(daemon, owned, claimed);
    if (revisions === undefined) return this.#queue.addAfter(key, staleMs);
    const observed = this.#observe(daemon, claimed, revisions.hash);
    let failure: { readonly error: unknown } | undefined;
    if (satisfied) failure = await this.#manage(key, observed);
    else this.#queue.addAfter(key, expectationsTimeoutMs);
    await this.#report(key, observed, { revisions, processed: satisfied });
    if (failure !== undefined) throw failure.error;
    if (satisfied) await this.#daemonHistory.cleanUp(daemon, revisions.old, claimed);
  }

  #observe(daemon: Daemon, claimed: readonly Readonly<Pod>[], hash: string): Observed {
    const all = this.#nodes.store.list();
    const fit = this.#fitOf(daemon);
    return {
      daemon,
      nodes: all,
      fits: all.map((node) => fit.of(node)),
      podsByNode: podsByNode(claimed),
      hash,
      now: this.#context.clock.now(),
    };
  }

  async #claim<T extends Pod | ControllerRevision>(
    daemon: Daemon,
    selector: Selector,
    informer: SharedInformer<T>,
    dependents: ConstructorParameters<typeof Claimer<DaemonSet, T>>[0]['dependents'],
  ): Promise<Readonly<T>[]> {
    const { name = '', namespace = '', uid = '' } = daemon.metadata;
    const readOwner = (): Promise<Readonly<DaemonSet>> => this.#context.client.daemonSets(namespace).get(name);
    const candidates = [
      ...informer.store.byIndex(controllerUidIndex, uid),
      ...informer.store.byIndex(controllerUidIndex, orphansOf(namespace)),
    ];
    const claimer = new Claimer<DaemonSet, T>({
      owner: daemon,
      ownerResource: daemonSets,
      selector,
      dependents,
      readOwner,
    });
    return await claimer.claim(candidates);
  }

  /** Makes and deletes pods; resolves to what went wrong. */
  async #manage(key: string, observed: Observed): Promise<{ readonly error: unknown } | undefined> {
    const { daemon } = observed;
    const backoffKey = (node: string): string =>
      `${daemon.metadata.uid}/${daemon.status?.observedGeneration ?? 0}/${node}`;
    let soonest = Infinity;
    const planned = plan(observed, (node) => {
      const left = this.#backoff.left(backoffKey(node));
      if (left > 0) soonest = Math.min(soonest, left);
      return left > 0;
    });
    if (soonest < Infinity) this.#queue.addAfter(key, soonest);
    for (const { event, failedOn } of planned.delete) {
      if (event !== undefined) this.#context.events.event(daemon, event.type, event.reason, event.message);
      if (failedOn !== undefined) this.#backoff.next(backoffKey(failedOn));
    }
    if (planned.create.length > 0 || planned.delete.length > 0) return await this.#apply(key, observed, planned);
    if (daemon.spec.updateStrategy?.type !== 'RollingUpdate') return undefined;
    return await this.#apply(key, observed, planUpdate(observed));
  }

  async #apply(
    key: string,
    { daemon, hash }: Observed,
    planned: DaemonPlan,
  ): Promise<{ readonly error: unknown } | undefined> {
    const create = planned.create.slice(0, burst);
    const gone = planned.delete.slice(0, burst);
    if (create.length === 0 && gone.length === 0) return undefined;
    this.#expectations.expectDeletions(
      key,
      gone.map(({ pod }) => pod.metadata.uid ?? ''),
    );
    const created = await this.#create(key, daemon, { hash, nodeNames: create });
    const deleted = await this.#delete(key, daemon, gone);
    // What was beyond the burst need not wait for further changes.
    if (planned.create.length > burst) this.#queue.addAfter(key, staleMs);
    return created ?? deleted;
  }

  async #create(
    key: string,
    daemon: Daemon,
    { hash, nodeNames }: { readonly hash: string; readonly nodeNames: readonly string[] },
  ): Promise<{ readonly error: unknown } | undefined> {
    const { error } = await slowStartBatch(nodeNames.length, async (i) => {
      try {
        const pod = await this.#podControl.create(newDaemonPod(daemon, hash, nodeNames[i] ?? ''), daemon);
        this.#writes.wrote(key, this.#pods, pod);
      } catch (failure) {
        // In a namespace that goes away every further try would fail too.
        if (!isNamespaceTerminating(failure)) throw failure;
      }
    });
    return error === undefined ? undefined : { error };
  }

  async #delete(
    key: string,
    daemon: Daemon,
    gone: readonly Deletion[],
  ): Promise<{ readonly error: unknown } | undefined> {
    const outcomes = await settleConcurrently(gone.length, async (i) => {
      const { pod } = gone[i] as Deletion;
      let seenBySomeWatch = false;
      try {
        seenBySomeWatch = await this.#podControl.delete(pod, daemon);
      } finally {
        if (!seenBySomeWatch) this.#expectations.deletionObserved(key, pod.metadata.uid ?? '');
      }
    });
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    return failed && { error: failed.reason };
  }

  /** Writes the status where it differs, and comes back when a pod may have become available. */
  async #report(
    key: string,
    observed: Observed,
    { revisions, processed }: { readonly revisions: DaemonRevisions; readonly processed: boolean },
  ): Promise<void> {
    const { daemon } = observed;
    const status = planStatus(daemon, {
      counts: countDaemon(observed),
      collisionCount: revisions.collisionCount,
      processed,
    });
    if (status !== undefined) {
      const client = this.#context.client.daemonSets(daemon.metadata.namespace);
      this.#writes.wrote(key, this.#daemons, await updateStatus<DaemonSet>(client, daemon, status));
    }
    const next = nextAvailable(observed);
    if (next !== undefined) this.#queue.addAfter(key, next);
  }
}

export const daemonSetController: ControllerDescriptor = {
  name: 'daemonset-controller',
  eventSource: 'daemonset-controller',
  create: (context) => new DaemonSetController(context).controller(),
};
