/** Removes pods that nobody else will (upstream `pkg/controller/podgc`). */
import { sleep } from '@kubets/apimachinery/clock';
import { labelText, type Values } from '@kubets/apimachinery/metrics';
import { isNotFound } from '@kubets/apimachinery/status';
import { formatTime } from '@kubets/apimachinery/time';
import type { Node, Pod } from '@kubets/api/types/core-v1';
import { waitForCacheSync, type SharedInformer } from '@kubets/client';
import { nodes as nodeResource, pods as podResource } from '@kubets/client/resources';
import type { Controller, ControllerContext, ControllerDescriptor } from '../controller.ts';
import { failurePatch, planRemovals, unknownNodes, type Removal } from './plan.ts';

const periodMs = 20_000;
/** A node that is missing may just be new to the cache, or come back. */
const quarantineMs = 40_000;
const atOnce = 32;

class PodGarbageCollector implements Controller {
  readonly #context: ControllerContext;
  readonly #pods: SharedInformer<Pod>;
  readonly #nodes: SharedInformer<Node>;
  readonly #deletions: Values;
  readonly #errors: Values;
  /** Missing nodes, and until when they are only suspected to be gone. */
  readonly #quarantine = new Map<string, number>();

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#pods = context.informers.informer(podResource);
    this.#nodes = context.informers.informer(nodeResource);
    const { metrics } = context;
    this.#deletions = metrics.counter(
      'pod_gc_collector_force_delete_pods_total',
      'Number of pods that are being forcefully deleted since the Pod GC Controller started.',
    );
    this.#errors = metrics.counter(
      'pod_gc_collector_force_delete_pod_errors_total',
      'Number of errors encountered when forcefully deleting the pods since the Pod GC Controller started.',
    );
  }

  async run(signal: AbortSignal): Promise<void> {
    try {
      await waitForCacheSync(signal, this.#pods, this.#nodes);
      for (;;) {
        await this.#collect();
        await sleep(this.#context.clock, periodMs, signal);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  async #collect(): Promise<void> {
    const node = (name: string): Readonly<Node> | undefined => this.#nodes.store.get(name);
    const pods = this.#pods.store.list();
    const goneNodes = await this.#goneNodes(unknownNodes(pods, node));
    const { terminatedPodGcThreshold: terminatedThreshold } = this.#context.options;
    const removals = planRemovals({ pods, node, goneNodes, terminatedThreshold });
    for (let i = 0; i < removals.length; i += atOnce) {
      await Promise.all(removals.slice(i, i + atOnce).map((removal) => this.#remove(removal)));
    }
  }

  /** Of the missing nodes those that were missing long enough, and that the server does not know either. */
  async #goneNodes(missing: ReadonlySet<string>): Promise<Set<string>> {
    const now = this.#context.clock.monotonic();
    for (const name of this.#quarantine.keys()) if (!missing.has(name)) this.#quarantine.delete(name);
    const gone = new Set<string>();
    for (const name of missing) {
      const until = this.#quarantine.get(name);
      if (until === undefined) this.#quarantine.set(name, now + quarantineMs);
      else if (until <= now && (await this.#isGone(name))) gone.add(name);
    }
    return gone;
  }

  async #isGone(name: string): Promise<boolean> {
    try {
      await this.#context.client.nodes().get(name);
      return false;
    } catch (error) {
      if (isNotFound(error)) return true;
      // Not known: it is asked again next time.
      this.#report(error, { node: name });
      return false;
    }
  }

  /** Failures are reported; the next round tries again. */
  async #remove(removal: Removal): Promise<void> {
    const { namespace = '', name = '', uid } = removal.pod.metadata;
    const labels = labelText({ namespace, reason: removal.reason });
    const pods = this.#context.client.pods(namespace);
    this.#deletions.add(1, labels);
    try {
      const body = failurePatch(removal, formatTime(this.#context.clock.now()));
      const type = 'application/strategic-merge-patch+json';
      if (body !== undefined) await pods.patch(name, { type, body, subresource: 'status' });
      await pods.delete(name, { gracePeriodSeconds: 0, ...(uid && { preconditions: { uid } }) });
    } catch (error) {
      if (isNotFound(error)) return;
      this.#errors.add(1, labels);
      this.#report(error, { pod: `${namespace}/${name}` });
    }
  }

  #report(error: unknown, what: object): void {
    const { log, name } = this.#context;
    log.error({ controller: name, ...what, error: String(error) }, 'collecting pods failed; it is tried again');
  }
}

/** The pod garbage collector. */
export const podGarbageCollectorController: ControllerDescriptor = {
  name: 'pod-garbage-collector-controller',
  create: (context) => new PodGarbageCollector(context),
};
