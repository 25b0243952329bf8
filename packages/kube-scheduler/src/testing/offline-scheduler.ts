/** The scheduler's filters and scores over objects given, without an API server: for comparing them with the reference. */
import { FakeClock } from '@kubets/apimachinery/fake-clock';
import { silentLog } from '@kubets/apimachinery/log';
import type { ApiObject } from '@kubets/apimachinery/meta';
import { MetricsRegistry } from '@kubets/apimachinery/metrics';
import { systemRandom } from '@kubets/apimachinery/system-clock';
import { featureGateLookup } from '@kubets/api/feature-gates';
import type { Node, Pod } from '@kubets/api/types/core-v1';
import { Indexer, keyOf, type KubeClient } from '@kubets/client';
import { SchedulerCache } from '../cache/cache.ts';
import { defaultProfilePlugins } from '../config/default-plugins.ts';
import type { SchedulerEvents } from '../events.ts';
import { NodeSelector } from '../fast/node-selector.ts';
import { CycleState } from '../framework/cycle-state.ts';
import { PodShapes } from '../framework/pod-info.ts';
import { Profile, type ProfileOptions } from '../framework/profile.ts';
import type { Status } from '../framework/status.ts';
import { ProfileHandle } from '../profile-handle.ts';
import { Nominator } from '../queue/nominator.ts';
import { pluginRegistry } from '../plugins/registry.ts';

interface Handler {
  onAdd?(object: ApiObject, initial: boolean): void;
  onUpdate?(old: ApiObject, object: ApiObject): void;
  onDelete?(object: ApiObject, unknown: boolean): void;
}

/** An informer whose store the test fills. */
class TestInformer {
  readonly store = new Indexer<ApiObject>();
  readonly hasSynced = true;
  readonly #handlers: Handler[] = [];

  addEventHandler(handler: Handler): { hasSynced: boolean; remove(): void } {
    this.#handlers.push(handler);
    return { hasSynced: true, remove() {} };
  }

  addIndexes(indexes: Parameters<Indexer<ApiObject>['addIndexes']>[0]): void {
    this.store.addIndexes(indexes);
  }

  set(object: ApiObject): void {
    const old = this.store.get(keyOf(object));
    this.store.set(keyOf(object), object);
    for (const handler of this.#handlers) {
      if (old === undefined) handler.onAdd?.(object, false);
      else handler.onUpdate?.(old, object);
    }
  }
}

/** What was found about one pod. */
export interface OfflineAnswer {
  readonly feasible: readonly string[];
  /** Of feasible nodes; only differences between nodes mean something. */
  readonly totals: ReadonlyMap<string, number>;
  readonly reasons: ReadonlyMap<string, Status>;
}

export class OfflineScheduler {
  readonly cache = new SchedulerCache();
  readonly profile: Profile;
  readonly nominator = new Nominator();
  readonly selector: NodeSelector;
  readonly #shapes = new PodShapes();
  readonly #informers = new Map<string, TestInformer>();

  constructor(options: Partial<ProfileOptions> = {}, { keptBytes }: { readonly keptBytes?: number } = {}) {
    const featureEnabled = featureGateLookup();
    const handle = new ProfileHandle(
      'default-scheduler',
      {
        client: {} as KubeClient,
        informers: { informer: ({ resource }: { resource: string }) => this.#informer(resource) } as never,
        clock: new FakeClock(),
        random: systemRandom,
        log: silentLog,
        metrics: new MetricsRegistry(),
        cluster: this.cache.cluster,
        nominator: () => this.nominator,
        extenders: [],
        waiting: new Map(),
        featureEnabled,
        serves: () => true,
        activate() {},
        background() {},
      },
      {} as SchedulerEvents,
    );
    const plugins = defaultProfilePlugins(featureEnabled);
    this.profile = new Profile(
      { schedulerName: 'default-scheduler', plugins, pluginConfig: {}, ...options },
      pluginRegistry,
      handle,
    );
    handle.complete(this.profile);
    this.selector = new NodeSelector({
      cluster: this.cache.cluster,
      profile: this.profile,
      nominator: () => this.nominator,
      random: systemRandom,
      percentageOfNodesToScore: 0,
      ...(keptBytes === undefined ? {} : { keptBytes }),
    });
  }

  /** An object other than a node or a pod, as its informer would tell of it. */
  set(resource: string, object: object): void {
    this.#informer(resource).set(object as ApiObject);
  }

  setNode(node: Node): void {
    this.cache.cluster.setNode(node);
  }

  /** A pod that is on a node. */
  setPod(pod: Pod): void {
    this.cache.setPod(this.#shapes.podInfo(pod));
  }

  removePod(pod: Pod): void {
    this.cache.removePod(pod);
  }

  /** By the kernels, for all nodes at once. Throws when a plugin failed. */
  ask(pod: Pod): OfflineAnswer {
    const info = this.#shapes.podInfo(pod);
    const state = new CycleState();
    const { diagnosis } = this.selector.filter(state, info);
    const reasons = new Map<string, Status>();
    const feasible = diagnosis === undefined ? this.selector.nodesFound().map(({ name }) => name) : [];
    const why = diagnosis ?? this.selector.diagnosis(info);
    const fits = new Set(feasible);
    for (const { name } of this.cache.cluster.list()) if (!fits.has(name)) reasons.set(name, why.get(name));
    const scores = feasible.length === 0 ? [] : this.selector.score(state, info);
    return { feasible, reasons, totals: new Map(feasible.map((name, i) => [name, scores[i] ?? 0])) };
  }

  /** By Filter, node by node, as preemption asks. Undefined: it fits. */
  askNode(pod: Pod, nodeName: string): Status | undefined {
    const info = this.#shapes.podInfo(pod);
    const node = this.cache.cluster.get(nodeName);
    if (node === undefined) throw new Error(`no node ${nodeName}`);
    const state = new CycleState();
    const { status } = this.profile.runPreFilter(state, info, false);
    return status ?? this.profile.runFilterWithNominated(state, info, node);
  }

  /** The same on a copy of the node without one of its pods, as preemption tries it. */
  askWithout(pod: Pod, nodeName: string, victimUid: string): Status | undefined {
    const info = this.#shapes.podInfo(pod);
    const node = this.cache.cluster.get(nodeName)?.clone();
    const victim = node?.pods.find(({ uid }) => uid === victimUid);
    if (node === undefined || victim === undefined) throw new Error(`no pod ${victimUid} on ${nodeName}`);
    const state = new CycleState();
    const { status } = this.profile.runPreFilter(state, info, false);
    if (status !== undefined) return status;
    const copy = this.profile.cloneState(state, info);
    node.removePod(victim);
    return this.profile.runRemovePod(copy, info, victim, node) ?? this.profile.runFilter(copy, info, node);
  }

  #informer(resource: string): TestInformer {
    let informer = this.#informers.get(resource);
    if (informer === undefined) this.#informers.set(resource, (informer = new TestInformer()));
    return informer;
  }
}
