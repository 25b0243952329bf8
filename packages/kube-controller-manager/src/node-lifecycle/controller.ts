/**
 * The node lifecycle controller: notices nodes of which nothing is heard, taints nodes by their conditions, and marks the pods
 * of lost nodes (upstream `pkg/controller/nodelifecycle/node_lifecycle_controller.go`). Evictions are the taint eviction
 * controller's.
 */
import type { Lease } from '@kubets/api/types/coordination-v1';
import type { Node, Pod } from '@kubets/api/types/core-v1';
import { keyOf, type SharedInformer, type WorkQueue } from '@kubets/client';
import * as resources from '@kubets/client/resources';
import type { Controller, ControllerContext, ControllerDescriptor } from '../controller.ts';
import { changeTaints } from '../lib/node-taints.ts';
import { indexPodsByNode } from '../lib/pods-of-node.ts';
import { reconciler } from '../lib/reconciler.ts';
import { runTogether } from '../lib/run-together.ts';
import { conditionTaints, labelsToSet } from './condition-taints.ts';
import { NodeMonitor } from './monitor.ts';
import { markPodsNotReady } from './pods-not-ready.ts';

const nodeWorkers = 8;
const podWorkers = 4;

class NodeLifecycleController {
  readonly #context: ControllerContext;
  readonly #nodes: SharedInformer<Node>;
  readonly #pods: SharedInformer<Pod>;
  readonly #leases: SharedInformer<Lease>;
  readonly #nodeQueue: WorkQueue<string>;
  readonly #podQueue: WorkQueue<string>;
  readonly #monitor: NodeMonitor;

  constructor(context: ControllerContext) {
    this.#context = context;
    const { informers } = context;
    this.#nodes = informers.informer(resources.nodes);
    this.#pods = informers.informer(resources.pods);
    this.#leases = informers.informer(resources.leases, { namespace: 'kube-node-lease' });
    indexPodsByNode(this.#pods);
    this.#nodeQueue = context.queue('node_lifecycle_controller');
    this.#podQueue = context.queue('node_lifecycle_controller_pods');
    const stores = { nodes: this.#nodes.store, pods: this.#pods.store, leases: this.#leases.store };
    this.#monitor = new NodeMonitor(context, stores);
    this.#listen();
  }

  controller(): Controller {
    const informers = [this.#nodes, this.#pods, this.#leases];
    const nodes = reconciler(this.#context, {
      queue: this.#nodeQueue,
      informers,
      workers: nodeWorkers,
      reconcile: (name) => this.#reconcileNode(name),
    });
    const pods = reconciler(this.#context, {
      queue: this.#podQueue,
      informers,
      workers: podWorkers,
      reconcile: (key) => this.#reconcilePod(key),
    });
    const monitor = async (signal: AbortSignal): Promise<void> => {
      await Promise.all(informers.map((informer) => informer.waitForSync(signal))).catch((error: unknown) => {
        if (!signal.aborted) throw error;
      });
      if (!signal.aborted) await this.#monitor.run(signal);
    };
    return {
      run: (signal) => runTogether(signal, [(s) => nodes.run(s), (s) => pods.run(s), monitor]),
    };
  }

  #listen(): void {
    const needsWrite = (node: Readonly<Node>): boolean =>
      conditionTaints(node) !== undefined || labelsToSet(node) !== undefined;
    const queueNode = (node: Readonly<Node>): void => {
      if (needsWrite(node)) this.#nodeQueue.add(keyOf(node));
    };
    this.#nodes.addEventHandler({ onAdd: queueNode, onUpdate: (_, node) => queueNode(node) });
    const queuePod = (pod: Readonly<Pod>): void => {
      if (this.#monitor.isNotReady(pod.spec?.nodeName ?? '')) this.#podQueue.add(keyOf(pod));
    };
    this.#pods.addEventHandler({
      onAdd: queuePod,
      onUpdate: (old, pod) => {
        if (old.spec?.nodeName !== pod.spec?.nodeName) queuePod(pod);
      },
    });
  }

  async #reconcileNode(name: string): Promise<void> {
    const node = this.#nodes.store.get(name);
    if (node === undefined) return;
    const { client, clock } = this.#context;
    const taints = conditionTaints(node);
    if (taints !== undefined) await changeTaints(client.nodes(), node, taints, clock);
    const labels = labelsToSet(node);
    if (labels === undefined) return;
    await client.nodes().patch(name, { type: 'application/merge-patch+json', body: { metadata: { labels } } });
  }

  /** A pod that came to a node of which nothing is heard. */
  async #reconcilePod(key: string): Promise<void> {
    const pod = this.#pods.store.get(key);
    if (pod === undefined || !this.#monitor.isNotReady(pod.spec?.nodeName ?? '')) return;
    await markPodsNotReady(this.#context, [pod]);
  }
}

export const nodeLifecycleController: ControllerDescriptor = {
  name: 'node-lifecycle-controller',
  eventSource: 'node-controller',
  create: (context) => new NodeLifecycleController(context).controller(),
};
