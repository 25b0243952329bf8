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
import { runEvery } from '../lib/run-every.ts';
import { runTogether } from '../lib/run-together.ts';
import { NamespaceDeleter } from './namespace-deleter.ts';

const defaultWorkers = 10;

/** A namespace is tried again within a minute, however often it has failed (`nsControllerRateLimiter`). */
const limiter = (clock: Clock): RateLimiter<string> =>
  new MaxOf([new ItemBackoff<string>(5, 60_000), new TokenBucket<string>({ perSecond: 10, burst: 100, clock })]);

/** First looks come sooner than the estimate says: content is often gone long before its grace is over. */
const firstLookMs = 1_000;

class NamespaceController implements Controller {
  readonly #context: ControllerContext;
  readonly #queue: WorkQueue<string>;
  readonly #informer: SharedInformer<Namespace>;
  readonly #inner: Controller;
  readonly #deleter: NamespaceDeleter;
  readonly #pods: SharedInformer<Pod>;
  /** Namespaces with content on its way, and the pause after the last look. */
  readonly #waiting = new Map<string, number>();

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#queue = context.queue('namespace', limiter(context.clock));
    this.#deleter = new NamespaceDeleter(context);
    this.#informer = context.informers.informer(namespaces);
    this.#pods = context.informers.informer(pods);
    this.#inner = reconciler(context, {
      queue: this.#queue,
      informers: [this.#informer],
      workers: workersOf(context, defaultWorkers),
      reconcile: (name) => this.#reconcile(name),
    });
    this.#follow();
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, options, log, name: controller } = this.#context;
    const resync = (until: AbortSignal): Promise<void> =>
      runEvery(clock, options.namespaceSyncPeriodMs, {
        signal: until,
        pass: async () => this.#informer.store.list().forEach(this.#enqueue),
        onError: (error) => log.error({ controller, error: String(error) }, 'namespaces could not be looked through'),
      });
    await runTogether(signal, [(s) => this.#inner.run(s), resync]);
  }

  readonly #enqueue = (namespace: Readonly<Namespace>): void => {
    if (namespace.metadata.deletionTimestamp !== undefined) this.#queue.add(namespace.metadata.name ?? '');
  };

  /** Follows namespaces, and the last pod of those that wait for their pods. */
  #follow(): void {
    this.#informer.addEventHandler({
      onAdd: this.#enqueue,
      onUpdate: (_old, namespace) => this.#enqueue(namespace),
      onDelete: ({ metadata }) => this.#forget(metadata.name ?? ''),
    });
    this.#pods.addEventHandler({ onDelete: ({ metadata }) => this.#onPodGone(metadata.namespace ?? '') });
  }

  #onPodGone(namespace: string): void {
    if (!this.#waiting.has(namespace)) return;
    if (this.#pods.store.keysByIndex(namespaceIndex, namespace).length === 0) this.#queue.add(namespace);
  }

  #forget(name: string): void {
    this.#waiting.delete(name);
    this.#deleter.forget(name);
  }

  async #reconcile(name: string): Promise<void> {
    const progress = await this.#deleter.delete(name);
    if (progress.type === 'done') {
      this.#waiting.delete(name);
      return;
    }
    const pause = Math.min(progress.ms, (this.#waiting.get(name) ?? firstLookMs / 2) * 2);
    this.#waiting.set(name, pause);
    this.#queue.addAfter(name, pause);
  }
}

export const namespaceController: ControllerDescriptor = {
  name: 'namespace-controller',
  create: (context) => new NamespaceController(context),
};
