/**
 * Looks at all nodes at intervals, and does what their health asks for (upstream
 * `pkg/controller/nodelifecycle/node_lifecycle_controller.go`, `monitorNodeHealth`, `doNoExecuteTaintingPass`).
 *
 * Different from upstream: after a restart of the controller the NoExecute taints of nodes that are still not ready stay, so
 * that evictions under way do not begin anew.
 */
import { isConflict, isNotFound } from '@kubets/apimachinery/status';
import { eachInTurns, turnsOf } from '@kubets/apimachinery/turns';
import { sameTaint } from '@kubets/api/core/helpers/taints';
import type { Lease } from '@kubets/api/types/coordination-v1';
import type { Node, Pod, Taint } from '@kubets/api/types/core-v1';
import type { SharedInformer } from '@kubets/client';
import type { ControllerContext } from '../controller.ts';
import { settleConcurrently } from '../lib/concurrent.ts';
import { changeTaints } from '../lib/node-taints.ts';
import { nodeNameIndex } from '../lib/pods-of-node.ts';
import { runEvery } from '../lib/run-every.ts';
import { notReady, unreachable } from './condition-taints.ts';
import { examine, nodeCondition, type HealthFinding, type NodeHealth } from './health.ts';
import { NodeLifecycleMetrics } from './metrics.ts';
import { markPodsNotReady } from './pods-not-ready.ts';
import { planDisruption, TaintQueue, zoneKeyOf, type ZoneHealth, type ZoneLimits, type ZoneState } from './zones.ts';

/** Nodes that say of themselves that their failure means nothing for others. */
const excludedLabel = 'node.kubernetes.io/exclude-disruption';
/** How often it is looked whether the next node may be tainted (`NodeEvictionPeriod`). */
const taintingIntervalMs = 100;
const statusTries = 5;

export interface NodeMonitorStores {
  readonly nodes: SharedInformer<Node>['store'];
  readonly pods: SharedInformer<Pod>['store'];
  /** Of the namespace kube-node-lease. */
  readonly leases: SharedInformer<Lease>['store'];
}

interface Examined {
  readonly node: Readonly<Node>;
  readonly finding: HealthFinding;
}

const hasTaint = (node: Readonly<Node>, taint: Taint): boolean =>
  node.spec?.taints?.some((other) => sameTaint(other, taint)) === true;

export class NodeMonitor {
  readonly #context: ControllerContext;
  readonly #stores: NodeMonitorStores;
  readonly #metrics: NodeLifecycleMetrics;
  readonly #limits: ZoneLimits;
  /** Name → uid of nodes that have been announced. */
  readonly #known = new Map<string, string>();
  readonly #health = new Map<string, NodeHealth>();
  readonly #queues = new Map<string, TaintQueue>();
  #states: ReadonlyMap<string, ZoneState> = new Map();
  /** Nodes whose pods could not all be marked. */
  readonly #retry = new Set<string>();
  #tainting: Promise<void> = Promise.resolve();
  #taintingRuns = false;

  constructor(context: ControllerContext, stores: NodeMonitorStores) {
    const { options } = context;
    this.#context = context;
    this.#stores = stores;
    this.#metrics = new NodeLifecycleMetrics(context.metrics);
    this.#limits = {
      evictionRate: options.nodeEvictionRate,
      secondaryEvictionRate: options.secondaryNodeEvictionRate,
      largeClusterSizeThreshold: options.largeClusterSizeThreshold,
      unhealthyZoneThreshold: options.unhealthyZoneThreshold,
    };
  }

  /** Whether pods of the node are to be ready no more. */
  isNotReady(node: string): boolean {
    const ready = this.#health.get(node)?.ready;
    return ready !== undefined && ready.status !== 'True';
  }

  /** Looks at all nodes every `--node-monitor-period`. The stores are to be complete. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, options, log, name } = this.#context;
    await runEvery(clock, options.nodeMonitorPeriodMs, {
      signal,
      pass: () => this.#pass(signal),
      onError: (error) => log.error({ controller: name, error: String(error) }, 'looking at the nodes failed'),
    });
    await this.#tainting;
  }

  async #pass(signal: AbortSignal): Promise<void> {
    const { clock } = this.#context;
    const start = clock.monotonic();
    const turns = turnsOf(clock);
    const nodes = this.#stores.nodes.list();
    await eachInTurns(turns, nodes, (node) => this.#announce(node));
    if (this.#known.size !== nodes.length) this.#forgetGone();
    const findings: Examined[] = [];
    // Of thousands of nodes few ask for anything: only these cost a promise.
    const busy: number[] = [];
    await eachInTurns(turns, nodes, (node) => {
      const examined = { node, finding: this.#examine(node) };
      if (this.#needsWork(examined)) busy.push(findings.length);
      findings.push(examined);
    });
    const outcomes = await settleConcurrently(busy.length, async (i) => {
      const index = busy[i] as number;
      findings[index] = await this.#attend(findings[index] as Examined);
    });
    for (const outcome of outcomes) if (outcome.status === 'rejected') this.#report(outcome.reason);
    await this.#disruption(findings);
    this.#metrics.pass(clock.monotonic() - start);
    this.#startTainting(signal);
  }

  #report(error: unknown): void {
    const level = isConflict(error) ? 'debug' : 'error';
    const { log, name } = this.#context;
    log[level]({ controller: name, error: String(error) }, 'a node could not be attended to; it is tried again');
  }

  #announce(node: Readonly<Node>): void {
    this.#queueOf(zoneKeyOf(node));
    const { name = '', uid = '' } = node.metadata;
    if (this.#known.has(name)) return;
    this.#known.set(name, uid);
    this.#event(name, uid, 'RegisteredNode', `Registered Node ${name} in Controller`);
  }

  #forgetGone(): void {
    for (const [name, uid] of this.#known) {
      if (this.#stores.nodes.get(name) !== undefined) continue;
      this.#known.delete(name);
      this.#health.delete(name);
      this.#retry.delete(name);
      for (const queue of this.#queues.values()) queue.remove(name);
      this.#event(name, uid, 'RemovingNode', `Removing Node ${name} from Controller`);
    }
  }

  #event(name: string, uid: string, reason: string, text: string): void {
    const about = { kind: 'Node', name, uid, apiVersion: 'v1' };
    this.#context.events.event(about, 'Normal', reason, `Node ${name} event: ${text}`);
  }

  #queueOf(zone: string): TaintQueue {
    let queue = this.#queues.get(zone);
    if (queue === undefined) {
      queue = new TaintQueue(this.#context.clock, this.#limits.evictionRate);
      this.#queues.set(zone, queue);
      this.#metrics.evicted(zone, 0);
    }
    return queue;
  }

  #examine(node: Readonly<Node>): HealthFinding {
    const { clock, options } = this.#context;
    const name = node.metadata.name ?? '';
    const finding = examine({
      node,
      lease: this.#stores.leases.get(`kube-node-lease/${name}`),
      health: this.#health.get(name),
      monotonic: clock.monotonic(),
      now: clock.now(),
      gracePeriodMs: options.nodeMonitorGracePeriodMs,
      startupGracePeriodMs: options.nodeStartupGracePeriodMs,
    });
    // What is to be written is remembered when it has been written.
    if (finding.conditions === undefined) this.#health.set(name, finding.health);
    return finding;
  }

  #needsWork({ node, finding }: Examined): boolean {
    if (finding.conditions !== undefined) return true;
    if (finding.current === undefined) return false;
    const { name = '' } = node.metadata;
    if (finding.observed !== 'True' || this.#retry.has(name)) return true;
    this.#queueOf(zoneKeyOf(node)).remove(name);
    return hasTaint(node, unreachable) || hasTaint(node, notReady);
  }

  /** Writes what follows from a finding. Resolves to the finding in the end: another write may have come in between. */
  async #attend(examined: Examined): Promise<Examined> {
    const { clock } = this.#context;
    const start = clock.monotonic();
    const settled = await this.#writeConditions(examined);
    if (settled === undefined) return examined;
    const { node, finding } = settled;
    if (finding.current !== undefined) {
      await this.#taintFor(node, finding.observed);
      await this.#markPods(node, finding);
    }
    this.#metrics.node(clock.monotonic() - start);
    return settled;
  }

  /** Undefined when the node is gone. */
  async #writeConditions(examined: Examined): Promise<Examined | undefined> {
    const client = this.#context.client.nodes();
    let { node, finding } = examined;
    for (let attempt = 1; finding.conditions !== undefined; attempt++) {
      const name = node.metadata.name ?? '';
      try {
        const { conditions, health } = finding;
        await client.updateStatus({ ...node, status: { ...node.status, conditions: [...conditions] } });
        this.#health.set(name, health);
        break;
      } catch (error) {
        if (isNotFound(error)) return undefined;
        if (!isConflict(error) || attempt === statusTries) throw error;
        node = await client.get(name);
        finding = this.#examine(node);
      }
    }
    return { node, finding };
  }

  async #taintFor(node: Readonly<Node>, observed: string): Promise<void> {
    if (observed === 'True') return this.#markReachable(node);
    const [wanted, opposite] = observed === 'False' ? [notReady, unreachable] : [unreachable, notReady];
    const queue = this.#queueOf(zoneKeyOf(node));
    const name = node.metadata.name ?? '';
    // A node that is tainted already is not asked to wait for the other taint.
    if (hasTaint(node, opposite)) await this.#change(node, [wanted], [opposite]);
    else if (!hasTaint(node, wanted)) {
      queue.remove(name);
      queue.add(name);
    }
  }

  async #markReachable(node: Readonly<Node>): Promise<void> {
    await this.#change(node, [], [unreachable, notReady]);
    this.#queueOf(zoneKeyOf(node)).remove(node.metadata.name ?? '');
  }

  #change(node: Readonly<Node>, add: readonly Taint[], remove: readonly Taint[]): Promise<boolean> {
    const { client, clock } = this.#context;
    return changeTaints(client.nodes(), node, { add, remove }, clock);
  }

  async #markPods(node: Readonly<Node>, { observed, current }: HealthFinding): Promise<void> {
    const { name = '', uid = '' } = node.metadata;
    const lost = current?.status !== 'True' && observed === 'True';
    if (lost) {
      const about = { kind: 'Node', name, uid, apiVersion: 'v1' };
      const message = `Node ${name} status is now: NodeNotReady`;
      this.#context.events.event(about, 'Normal', 'NodeNotReady', message);
    }
    const again = this.#retry.delete(name) && observed !== 'True';
    if (!lost && !again) return;
    try {
      await markPodsNotReady(this.#context, this.#stores.pods.byIndex(nodeNameIndex, name));
    } catch (error) {
      this.#retry.add(name);
      throw error;
    }
  }

  async #disruption(findings: readonly Examined[]): Promise<void> {
    const zones = new Map<string, { ready: number; notReady: number }>();
    for (const { node, finding } of findings) {
      if (node.metadata.labels !== undefined && excludedLabel in node.metadata.labels) continue;
      const zone = zoneKeyOf(node);
      let health = zones.get(zone);
      if (health === undefined) zones.set(zone, (health = { ready: 0, notReady: 0 }));
      if (finding.current?.status === 'True') health.ready++;
      else health.notReady++;
    }
    this.#measure(zones);
    const plan = planDisruption(this.#states, zones, this.#limits);
    this.#states = plan.states;
    for (const [zone, rate] of plan.rates) this.#queueOf(zone).setRate(rate);
    const { log, name: controller, clock } = this.#context;
    if (plan.enterFull) {
      log.warn({ controller }, 'no node is ready: evictions stop until one is');
      const nodes = findings.map(({ node }) => node);
      const outcomes = await settleConcurrently(nodes.length, (i) => this.#markReachable(nodes[i] as Readonly<Node>));
      for (const outcome of outcomes) if (outcome.status === 'rejected') this.#report(outcome.reason);
    }
    if (plan.leaveFull) {
      log.info({ controller }, 'nodes are ready again: evictions go on');
      const probedAt = clock.monotonic();
      for (const [name, health] of this.#health) this.#health.set(name, { ...health, probedAt });
    }
  }

  #measure(zones: ReadonlyMap<string, ZoneHealth>): void {
    for (const zone of this.#states.keys()) {
      if (!zones.has(zone)) this.#metrics.zone(zone, { ready: 0, notReady: 0 });
    }
    for (const [zone, health] of zones) this.#metrics.zone(zone, health);
  }

  /** Taints nodes whose turn it is, as long as any wait. */
  #startTainting(signal: AbortSignal): void {
    const waiting = (): boolean => this.#queues.values().some((queue) => queue.pending > 0);
    if (this.#taintingRuns || !waiting()) return;
    this.#taintingRuns = true;
    const { clock, log, name } = this.#context;
    const done = new AbortController();
    this.#tainting = runEvery(clock, taintingIntervalMs, {
      signal: AbortSignal.any([signal, done.signal]),
      pass: async () => {
        for (const [zone, queue] of this.#queues) {
          for (const node of queue.take()) await this.#taintInTurn(zone, queue, node);
        }
        if (!waiting()) done.abort(new Error('no node waits'));
      },
      onError: (error) => log.error({ controller: name, error: String(error) }, 'tainting nodes failed'),
    }).finally(() => {
      this.#taintingRuns = false;
    });
  }

  async #taintInTurn(zone: string, queue: TaintQueue, name: string): Promise<void> {
    const node = this.#stores.nodes.get(name);
    const status = node === undefined ? undefined : nodeCondition(node, 'Ready')?.status;
    // It has gone, or it is ready again.
    if (node === undefined || status === 'True') return;
    if (status === undefined) return queue.retry(name);
    const [add, remove] = status === 'False' ? [notReady, unreachable] : [unreachable, notReady];
    try {
      await this.#change(node, [add], [remove]);
      this.#metrics.evicted(zone);
    } catch (error) {
      queue.retry(name);
      this.#report(error);
    }
  }
}
