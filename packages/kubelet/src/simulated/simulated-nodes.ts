/**
 * Nodes whose kubelet is simulated: they register, renew their leases, report their status, and move the pods that are bound
 * to them through their lives (`simulated-pods.ts`). One watch and one loop serve all nodes.
 *
 *     await using nodes = new SimulatedNodes({ count: 5, … });
 *     await nodes.start(signal);
 */
import type { Clock, Random } from '@kubets/apimachinery/clock';
import type { Log } from '@kubets/apimachinery/log';
import { isAlreadyExists, isConflict, isNotFound } from '@kubets/apimachinery/status';
import { formatMicroTime } from '@kubets/apimachinery/time';
import type { Lease } from '@kubets/api/types/coordination-v1';
import type { Node } from '@kubets/api/types/core-v1';
import { ResourceClient, SharedInformerFactory, type SharedInformer, type Transport } from '@kubets/client';
import { leases, nodes, pods } from '@kubets/client/resources';
import { AddressPool } from './address-pool.ts';
import { DueQueue } from './due-queue.ts';
import {
  isReportedHealthy,
  isStatusStale,
  newNode,
  nodeConditions,
  nodeLabelPatch,
  nodeName,
  nodeStatus,
  simulatedMark,
  type NodeShape,
} from './node-object.ts';
import { SimulatedNode } from './simulated-node.ts';
import { SimulatedPods } from './simulated-pods.ts';
import type { Stage } from './stages.ts';
import { Writer } from './writer.ts';

const second = 1000;
/** `nodeLeaseDurationSeconds` of a kubelet. */
const leaseSeconds = 40;
/** A kubelet renews after a quarter of that; hundreds in one process after half, which the 50 s of grace allow. */
const renewMs = 10 * second;
const manyNodes = 200;
/** `nodeStatusReportFrequency`: how often an unchanged status is written. */
const reportMs = 300 * second;
const retryMs = 2 * second;
const width = 24;

export interface SimulatedNodesOptions {
  readonly count: number;
  readonly shape: NodeShape;
  readonly stages: readonly Stage[];
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Requests that read and watch all nodes and pods, and delete simulated nodes that are no longer wanted. */
  readonly transport: Transport;
  /** Requests as the node of that name: user `system:node:<name>`, group `system:nodes`. */
  transportFor(nodeName: string): Transport;
  /** Addresses for pods of nodes without `podCIDR`; default 100.64.0.0/10. */
  readonly fallbackCIDR?: string;
}

export class SimulatedNodes implements AsyncDisposable {
  readonly #options: SimulatedNodesOptions;
  readonly #nodes = new Map<string, SimulatedNode>();
  readonly #informers: SharedInformerFactory;
  readonly #nodeInformer: SharedInformer<Node>;
  readonly #pods: SimulatedPods;
  readonly #due: DueQueue<SimulatedNode>;
  readonly #writer: Writer<SimulatedNode>;
  readonly #renewMs: number;

  constructor(options: SimulatedNodesOptions) {
    const { count, clock, random, log, transport } = options;
    this.#options = options;
    this.#renewMs = count > manyNodes ? 2 * renewMs : renewMs;
    const fallback = new AddressPool(options.fallbackCIDR ?? '100.64.0.0/10');
    for (let i = 0; i < count; i++) {
      const name = nodeName(i);
      this.#nodes.set(name, new SimulatedNode(i, options.transportFor(name), fallback));
    }
    const onError = (error: unknown, text: string): void => log.warn({ error: String(error) }, text);
    this.#informers = new SharedInformerFactory({ transport, clock, random, onError });
    this.#nodeInformer = this.#informers.informer(nodes, { labelSelector: `${simulatedMark}=true` });
    this.#pods = new SimulatedPods({
      clock,
      random,
      log,
      stages: options.stages,
      informer: this.#informers.informer(pods, { fieldSelector: 'spec.nodeName!=' }),
      nodeOf: (name) => this.#nodes.get(name),
    });
    this.#due = new DueQueue(clock, (due) => {
      for (const node of due) this.#writer.add(node);
    });
    this.#writer = new Writer({
      width,
      work: (node) => this.#heartbeat(node),
      onError: (node, error) => this.#failed(node, error),
    });
  }

  /** Pods that are on these nodes. */
  get podCount(): number {
    return this.#pods.size;
  }

  /** Registers the nodes; resolves when all are. They live until the signal is aborted or this is disposed of. */
  async start(signal: AbortSignal): Promise<void> {
    this.#nodeInformer.addEventHandler({
      onAdd: (node) => this.#see(node),
      onUpdate: (_, node) => this.#see(node),
      onDelete: ({ metadata }) => this.#nodes.get(metadata.name ?? '')?.see(undefined),
    });
    this.#informers.start(signal);
    await this.#nodeInformer.waitForSync(signal);
    const registration = new Writer<SimulatedNode>({
      width,
      work: (node) => this.#register(node),
      onError: (node, error) => this.#failed(node, error),
    });
    for (const node of this.#nodes.values()) registration.add(node);
    await Promise.all([registration.idle(), this.#removeSurplus()]);
  }

  #see(object: Readonly<Node>): void {
    const node = this.#nodes.get(object.metadata.name ?? '');
    if (node === undefined) return;
    const responsive = node.responsive;
    node.see(object);
    if (responsive || !node.responsive) return;
    this.#pods.nodeChanged(node);
    this.#due.set(node, this.#options.clock.now());
  }

  async #register(node: SimulatedNode): Promise<void> {
    const { shape, clock, random } = this.#options;
    const client = new ResourceClient(node.transport, nodes);
    const known = this.#nodeInformer.store.get(node.name);
    if (known === undefined) node.see(await this.#create(node, client));
    else {
      const labels = nodeLabelPatch(node.index, shape, known);
      const type = 'application/strategic-merge-patch+json';
      if (labels !== undefined) await client.patch(node.name, { type, body: labels });
      if (isStatusStale(known, shape)) {
        const status = nodeStatus(node.index, shape, { now: clock.now(), random, old: known });
        await client.patch(node.name, { type, body: { status }, subresource: 'status' });
      }
      node.see(known);
    }
    await this.#takeLease(node);
    // The renewals of all nodes are spread over the interval, the reports of their status likewise.
    const part = node.index / this.#nodes.size;
    node.registered = true;
    this.#pods.nodeChanged(node);
    node.reportedAt = clock.now() - Math.floor(part * reportMs);
    this.#due.set(node, clock.now() + Math.floor(part * this.#renewMs));
  }

  async #create(node: SimulatedNode, client: ResourceClient<Node>): Promise<Readonly<Node>> {
    const { shape, clock, random } = this.#options;
    try {
      return await client.create(newNode(node.index, shape, { now: clock.now(), random }));
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
      return await client.get(node.name);
    }
  }

  async #takeLease(node: SimulatedNode): Promise<void> {
    const client = new ResourceClient(node.transport, leases, 'kube-node-lease');
    try {
      node.lease = await client.get(node.name);
    } catch (error) {
      if (!isNotFound(error)) throw error;
      node.lease = await client.create(this.#newLease(node));
    }
  }

  #newLease({ name, object }: SimulatedNode): Lease {
    const owner = { apiVersion: 'v1', kind: 'Node', name, uid: object?.metadata.uid ?? '' };
    return {
      kind: 'Lease',
      apiVersion: 'coordination.k8s.io/v1',
      metadata: { name, namespace: 'kube-node-lease', ownerReferences: [owner] },
      spec: { holderIdentity: name, leaseDurationSeconds: leaseSeconds, renewTime: this.#now() },
    };
  }

  #now(): string {
    return formatMicroTime(this.#options.clock.now());
  }

  /** Renews the lease, and now and then writes the status. */
  async #heartbeat(node: SimulatedNode): Promise<void> {
    if (!node.registered) return await this.#register(node);
    if (!node.responsive) return;
    const now = this.#options.clock.now();
    this.#due.set(node, now + this.#renewMs);
    await this.#renew(node);
    const ill = node.object !== undefined && !isReportedHealthy(node.object);
    if (!ill && now - node.reportedAt < reportMs) return;
    node.reportedAt = now;
    const conditions = nodeConditions(now, node.object?.status?.conditions);
    await new ResourceClient(node.transport, nodes).patch(node.name, {
      type: 'application/strategic-merge-patch+json',
      body: { status: { conditions } },
      subresource: 'status',
    });
  }

  async #renew(node: SimulatedNode): Promise<void> {
    const { lease } = node;
    if (lease === undefined) return await this.#takeLease(node);
    const client = new ResourceClient(node.transport, leases, 'kube-node-lease');
    const spec = {
      ...lease.spec,
      holderIdentity: node.name,
      leaseDurationSeconds: leaseSeconds,
      renewTime: this.#now(),
    };
    try {
      node.lease = await client.update({ ...lease, spec });
    } catch (error) {
      if (!isConflict(error) && !isNotFound(error)) throw error;
      // Somebody has changed or deleted it: it is read or made again.
      await this.#takeLease(node);
    }
  }

  #failed(node: SimulatedNode, error: unknown): void {
    if (isNotFound(error) && node.registered && node.object === undefined) return;
    const { log, clock } = this.#options;
    log.warn({ node: node.name, error: String(error) }, 'a simulated node could not write');
    this.#due.set(node, clock.now() + retryMs);
  }

  /** Simulated nodes of an earlier start with more of them. */
  async #removeSurplus(): Promise<void> {
    const client = new ResourceClient(this.#options.transport, nodes);
    const surplus = this.#nodeInformer.store.list().filter(({ metadata }) => !this.#nodes.has(metadata.name ?? ''));
    for (const { metadata } of surplus) {
      await client.delete(metadata.name ?? '').catch((error: unknown) => {
        if (!isNotFound(error)) throw error;
      });
    }
  }

  /** Stops; resolves when nothing is being written any more. The nodes stay, and are missed soon. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#due.stop();
    this.#writer.stop();
    await Promise.all([this.#informers[Symbol.asyncDispose](), this.#pods.stop(), this.#writer.idle()]);
  }
}
