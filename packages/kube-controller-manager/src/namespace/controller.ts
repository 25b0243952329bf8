/** Namespaces that are deleted lose all that is in them, then go (`pkg/controller/namespace/namespace_controller.go`). */
import type { Namespace, Pod } from '@kubets/api/types/core-v1';
import {
  ItemBackoff,
  MaxOf,
  namespaceIndex,
  TokenBucket,
  type RateLimiter,
  type SharedInformer,
  type WorkQueue,
} from '@kubets/client';
import { namespaces, pods } from '@kubets/client/resources';
import type { Clock } from '@kubets/apimachinery/clock';
import type { Controller, ControllerContext, ControllerDescriptor } from '../controller.ts';
import { reconciler, workersOf } from '../lib/reconciler.ts';
import { NamespaceDeleter } from './namespace-deleter.ts';

const defaultWorkers = 10;

/** A namespace is tried again within a minute, however often it has failed (`nsControllerRateLimiter`). */
const limiter = (clock: Clock): RateLimiter<string> =>
  new MaxOf([new ItemBackoff<string>(5, 60_000), new TokenBucket<string>({ perSecond: 10, burst: 100, clock })]);

/** First looks come sooner than the estimate says: content is often gone long before its grace is over. */
const firstLookMs = 1_000;

class NamespaceController {
  readonly queue: WorkQueue<string>;
  readonly #deleter: NamespaceDeleter;
  readonly #pods: SharedInformer<Pod>;
  /** Namespaces with content on its way, and the pause after the last look. */
  readonly #waiting = new Map<string, number>();

  constructor(context: ControllerContext) {
    this.queue = context.queue('namespace', limiter(context.clock));
    this.#deleter = new NamespaceDeleter(context);
    this.#pods = context.informers.informer(pods);
  }

  /** Follows namespaces, and the last pod of those that wait for their pods. */
  follow(informer: SharedInformer<Namespace>): void {
    const enqueue = (namespace: Readonly<Namespace>): void => {
      if (namespace.metadata.deletionTimestamp !== undefined) this.queue.add(namespace.metadata.name ?? '');
    };
    informer.addEventHandler({
      onAdd: enqueue,
      onUpdate: (_old, namespace) => enqueue(namespace),
      onDelete: ({ metadata }) => this.#forget(metadata.name ?? ''),
    });
    this.#pods.addEventHandler({ onDelete: ({ metadata }) => this.#onPodGone(metadata.namespace ?? '') });
  }

  #onPodGone(namespace: string): void {
    if (!this.#waiting.has(namespace)) return;
    if (this.#pods.store.keysByIndex(namespaceIndex, namespace).length === 0) this.queue.add(namespace);
  }

  #forget(name: string): void {
    this.#waiting.delete(name);
    this.#deleter.forget(name);
  }

  async reconcile(name: string): Promise<void> {
    const progress = await this.#deleter.delete(name);
    if (progress.type === 'done') {
      this.#waiting.delete(name);
      return;
    }
    const pause = Math.min(progress.ms, (this.#waiting.get(name) ?? firstLookMs / 2) * 2);
    this.#waiting.set(name, pause);
    this.queue.addAfter(name, pause);
  }
}

export const namespaceController: ControllerDescriptor = {
  name: 'namespace-controller',
  create(context): Controller {
    const informer = context.informers.informer(namespaces);
    const controller = new NamespaceController(context);
    controller.follow(informer);
    return reconciler(context, {
      queue: controller.queue,
      informers: [informer],
      workers: workersOf(context, defaultWorkers),
      reconcile: (name) => controller.reconcile(name),
    });
  },
};
