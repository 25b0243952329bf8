/** The usual shape of a controller: informers fill a queue of keys, workers reconcile one key at a time. */
import { runWorkers, waitForCacheSync, type SharedInformer, type WorkQueue } from '@kubets/client';
import type { ApiObject } from '@kubets/apimachinery/meta';
import { isConflict, isNotFound } from '@kubets/apimachinery/status';
import type { Controller, ControllerContext } from '../controller.ts';
import { isNamespaceTerminating } from './pod-control.ts';

export interface ReconcilerOptions {
  readonly queue: WorkQueue<string>;
  /** Read before the first key is worked on. */
  readonly informers: readonly Pick<SharedInformer<ApiObject>, 'waitForSync'>[];
  readonly workers: number;
  /** Makes what is true of one key. What it throws is reported, and the key tried again with growing pauses. */
  reconcile(key: string): Promise<void>;
  /** Stop trying a key after so many failures in a row; default: never. */
  readonly maxRetries?: number;
  /**
   * Failures that are to be expected: tried again like others, and not reported as errors. Conflicts, and refusals
   * because the namespace is being deleted, always are.
   */
  readonly isExpected?: (error: unknown) => boolean;
}

/** How many workers the controller has: `--concurrent-…-syncs`, or the default. */
export function workersOf(context: ControllerContext, fallback: number): number {
  return context.options.concurrency[context.name] ?? fallback;
}

/** Runs workers over a queue as {@link Controller} demands. */
export function reconciler(context: ControllerContext, options: ReconcilerOptions): Controller {
  const { queue, workers, maxRetries = Infinity } = options;
  const onError = (key: string, error: unknown): void => {
    // Somebody else was faster: the next try sees what they did. And what is to be made in a namespace that goes is soon not
    // wanted any more. That is no news.
    const isUsual = isConflict(error) || isNamespaceTerminating(error) || options.isExpected?.(error) === true;
    // Gone meanwhile, most likely.
    const level = isUsual ? 'debug' : isNotFound(error) ? 'info' : 'error';
    context.log[level](
      { controller: context.name, key, error: String(error) },
      'reconciling failed; it is tried again',
    );
  };
  const reconcile = async (key: string): Promise<void> => {
    try {
      await options.reconcile(key);
    } catch (error) {
      if (queue.retries(key) < maxRetries) throw error;
      context.log.error(
        { controller: context.name, key, error: String(error) },
        'reconciling failed too often: given up',
      );
    }
  };
  return {
    async run(signal) {
      const stop = (): void => void queue.shutDown();
      signal.addEventListener('abort', stop, { once: true });
      try {
        await waitForCacheSync(signal, ...options.informers);
        if (signal.aborted) return;
        await runWorkers(queue, workers, { reconcile, onError });
      } catch (error) {
        if (!signal.aborted) throw error;
      } finally {
        signal.removeEventListener('abort', stop);
      }
    },
  };
}
