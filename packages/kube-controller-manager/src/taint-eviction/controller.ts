/**
 * The taint eviction controller: pods leave nodes with NoExecute taints that they do not tolerate, or do not tolerate any
 * longer (upstream `pkg/controller/tainteviction/taint_eviction.go`).
 *
 * What to do is decided as soon as a change is seen: that needs no request. Only deletions go through a queue.
 */
import type { Timer } from '@kubets/apimachinery/clock';
import { isNotFound } from '@kubets/apimachinery/status';
import { formatTime } from '@kubets/apimachinery/time';
import { semanticEqual } from '@kubets/apimachinery/validation-meta';
import { podCondition } from '@kubets/api/core/helpers/pod';
import type { Node, Pod, Taint } from '@kubets/api/types/core-v1';
import { keyOf, splitKey, type SharedInformer, type WorkQueue } from '@kubets/client';
import * as resources from '@kubets/client/resources';
import type { Controller, ControllerContext, ControllerDescriptor } from '../controller.ts';
import { indexPodsByNode, nodeNameIndex } from '../lib/pods-of-node.ts';
import { reconciler } from '../lib/reconciler.ts';
import { noExecuteTaints, verdict } from './plan.ts';

const workers = 8;
const durations = [0.005, 0.025, 0.1, 0.5, 1, 2.5, 10, 30, 60, 120, 180, 240];

/** A pod that is to leave, now or later. */
interface Eviction {
  readonly createdAt: number;
  /** Milliseconds of the monotonic clock. */
  readonly fireAt: number;
  readonly uid: string;
  /** Undefined when its time has come. */
  timer: Timer | undefined;
}

class TaintEvictionController {
  readonly #context: ControllerContext;
  readonly #nodes: SharedInformer<Node>;
  readonly #pods: SharedInformer<Pod>;
  readonly #queue: WorkQueue<string>;
  readonly #tainted = new Map<string, readonly Taint[]>();
  /** By the pod's key; it stays until the pod is gone, so that it is not deleted twice. */
  readonly #evictions = new Map<string, Eviction>();
  readonly #deletions;
  readonly #latency;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#nodes = context.informers.informer(resources.nodes);
    this.#pods = context.informers.informer(resources.pods);
    this.#queue = context.queue('noexec_taint_pod');
    indexPodsByNode(this.#pods);
    this.#deletions = context.metrics.counter(
      'taint_eviction_controller_pod_deletions_total',
      'Total number of Pods deleted by TaintEvictionController since its start.',
    );
    this.#latency = context.metrics.histogram(
      'taint_eviction_controller_pod_deletion_duration_seconds',
      'Latency, in seconds, between the time when a taint effect has been activated for the Pod and its deletion via TaintEvictionController.',
      durations,
    );
    this.#listen();
  }

  controller(): Controller {
    const inner = reconciler(this.#context, {
      queue: this.#queue,
      informers: [this.#nodes, this.#pods],
      workers,
      reconcile: (key) => this.#evict(key),
    });
    return {
      run: async (signal) => {
        try {
          await inner.run(signal);
        } finally {
          for (const eviction of this.#evictions.values()) eviction.timer?.cancel();
        }
      },
    };
  }

  #listen(): void {
    this.#nodes.addEventHandler({
      onAdd: (node) => this.#nodeChanged(node),
      onUpdate: (old, node) => {
        if (old.spec?.taints === node.spec?.taints) return;
        if (!semanticEqual(noExecuteTaints(old), noExecuteTaints(node))) this.#nodeChanged(node);
      },
      onDelete: (node) => void this.#tainted.delete(keyOf(node)),
    });
    this.#pods.addEventHandler({
      onAdd: (pod) => this.#podChanged(pod),
      onUpdate: (old, pod) => {
        const moved = old.spec?.nodeName !== pod.spec?.nodeName || old.metadata.uid !== pod.metadata.uid;
        if (moved || !semanticEqual(old.spec?.tolerations, pod.spec?.tolerations)) this.#podChanged(pod);
      },
      onDelete: (pod) => this.#cancel(keyOf(pod)),
    });
  }

  #nodeChanged(node: Readonly<Node>): void {
    const name = keyOf(node);
    const taints = noExecuteTaints(node);
    if (taints.length === 0) {
      if (!this.#tainted.delete(name)) return;
      for (const key of this.#pods.store.keysByIndex(nodeNameIndex, name)) this.#cancel(key);
      return;
    }
    this.#tainted.set(name, taints);
    for (const pod of this.#pods.store.byIndex(nodeNameIndex, name)) this.#judge(pod, taints);
  }

  #podChanged(pod: Readonly<Pod>): void {
    const taints = this.#tainted.get(pod.spec?.nodeName ?? '');
    if (taints !== undefined) this.#judge(pod, taints);
  }

  #judge(pod: Readonly<Pod>, taints: readonly Taint[]): void {
    const key = keyOf(pod);
    const sentence = verdict(taints, pod.spec?.tolerations);
    const now = this.#context.clock.monotonic();
    const known = this.#evictions.get(key);
    if (sentence.type === 'stay') return this.#cancel(key);
    // It is on its way out already.
    if (known !== undefined && known.timer === undefined && known.uid === pod.metadata.uid) return;
    if (sentence.type === 'leave') {
      this.#cancel(key);
      return this.#schedule(pod, now, now);
    }
    let start = now;
    if (known !== undefined) {
      // The time began with the first taint: another one does not prolong it. (Upstream does not shorten it either.)
      start = known.createdAt;
      if (known.fireAt <= start + sentence.ms) return;
      this.#cancel(key);
    }
    this.#schedule(pod, start, start + sentence.ms);
  }

  #schedule(pod: Readonly<Pod>, createdAt: number, fireAt: number): void {
    const { clock } = this.#context;
    const key = keyOf(pod);
    const eviction: Eviction = { createdAt, fireAt, uid: pod.metadata.uid ?? '', timer: undefined };
    this.#evictions.set(key, eviction);
    const wait = fireAt - clock.monotonic();
    if (wait <= 0) return this.#queue.add(key);
    eviction.timer = clock.setTimer(wait, () => {
      eviction.timer = undefined;
      this.#queue.add(key);
    });
  }

  /** Says so when there was something to cancel. */
  #cancel(key: string): void {
    const eviction = this.#evictions.get(key);
    if (eviction === undefined) return;
    this.#evictions.delete(key);
    if (eviction.timer === undefined) return;
    eviction.timer.cancel();
    this.#event(key, `Cancelling deletion of Pod ${key}`);
  }

  #event(key: string, message: string): void {
    const about = { kind: 'Pod', ...splitKey(key), apiVersion: 'v1' };
    this.#context.events.event(about, 'Normal', 'TaintManagerEviction', message);
  }

  async #evict(key: string): Promise<void> {
    const eviction = this.#evictions.get(key);
    const pod = this.#pods.store.get(key);
    // Cancelled, or another pod of that name by now.
    if (eviction === undefined || eviction.timer !== undefined || pod === undefined) return;
    if (pod.metadata.uid !== eviction.uid) return;
    const { client, clock } = this.#context;
    if (this.#queue.retries(key) === 0) this.#event(key, `Marking for deletion Pod ${key}`);
    const pods = client.pods(pod.metadata.namespace);
    try {
      await this.#addCondition(pod);
      await pods.delete(pod.metadata.name ?? '', { preconditions: { uid: eviction.uid } });
    } catch (error) {
      if (isNotFound(error)) return;
      throw error;
    }
    this.#deletions.add(1);
    this.#latency.observe((clock.monotonic() - eviction.fireAt) / 1000);
  }

  /** So that a Job knows that the pod has not failed by itself. */
  async #addCondition(pod: Readonly<Pod>): Promise<void> {
    if (podCondition(pod, 'DisruptionTarget')?.reason === 'DeletionByTaintManager') return;
    const condition = {
      type: 'DisruptionTarget',
      status: 'True',
      lastTransitionTime: formatTime(this.#context.clock.now()),
      reason: 'DeletionByTaintManager',
      message: 'Taint manager: deleting due to NoExecute taint',
    };
    const body = { metadata: { uid: pod.metadata.uid }, status: { conditions: [condition] } };
    const patch = { type: 'application/strategic-merge-patch+json', body, subresource: 'status' } as const;
    await this.#context.client.pods(pod.metadata.namespace).patch(pod.metadata.name ?? '', patch);
  }
}

export const taintEvictionController: ControllerDescriptor = {
  name: 'taint-eviction-controller',
  eventSource: 'taint-eviction-controller',
  create: (context) => new TaintEvictionController(context).controller(),
};
