/** Deletes what has lost its owners (`cmd/kube-controller-manager/app/core.go` `startGarbageCollectorController`). */
import { sleep } from '@kubets/apimachinery/clock';
import type { Values } from '@kubets/apimachinery/metrics';
import { runWorkers, type WorkQueue } from '@kubets/client';
import type { Controller, ControllerContext, ControllerDescriptor } from '../controller.ts';
import { workersOf } from '../lib/reconciler.ts';
import { runTogether } from '../lib/run-together.ts';
import { AbsentOwners } from './absent-owners.ts';
import { Collector, UnobservedError } from './collector.ts';
import { DependencyGraph } from './graph.ts';
import { identityText, referenced } from './graph-node.ts';
import { Monitors } from './monitors.ts';
import { Operations } from './operations.ts';
import { discoverTypes, NoMatchError, ResourceTypes } from './resource-types.ts';

const defaultWorkers = 20;
const discoveryPeriodMs = 30_000;
/** After so long it starts with what it knows: one resource that cannot be listed must not stop everything. */
const initialSyncTimeoutMs = 30_000;
/** So long after a definition has changed what is served is asked for: many of them change together. */
const definitionDelayMs = 1_000;

class GarbageCollector implements Controller {
  readonly #context: ControllerContext;
  readonly #deletions: WorkQueue<string>;
  readonly #orphans: WorkQueue<string>;
  readonly #operations: Operations;
  readonly #collector: Collector;
  readonly #monitors: Monitors;
  readonly #syncErrors: Values;
  #wake = Promise.withResolvers<void>();

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#deletions = context.queue('garbage_collector_attempt_to_delete');
    this.#orphans = context.queue('garbage_collector_attempt_to_orphan');
    const absent = new AbsentOwners();
    const graph = this.#newGraph(absent);
    this.#operations = new Operations(context.transport, new ResourceTypes([]));
    const examine = (uid: string): void => this.#deletions.add(uid);
    this.#collector = new Collector({ graph, absent, operations: this.#operations, examine });
    this.#monitors = new Monitors(context, graph, () => this.#wake.resolve());
    this.#syncErrors = context.metrics.counter(
      'garbagecollector_controller_resources_sync_error_total',
      'Number of garbage collector resources sync errors',
    );
  }

  #newGraph(absent: AbsentOwners): DependencyGraph {
    return new DependencyGraph(absent, {
      examine: (uid) => this.#deletions.add(uid),
      examineLater: (uid) => this.#deletions.addRateLimited(uid),
      orphan: (uid) => this.#orphans.add(uid),
      invalidNamespace: (dependent, reference) => {
        const { apiVersion, kind, name, namespace, uid } = dependent.identity;
        const owner = identityText(referenced(reference, namespace));
        const message = `ownerRef ${owner} does not exist in namespace ${JSON.stringify(namespace)}`;
        const about = { kind, namespace, name, uid, apiVersion };
        this.#context.events.event(about, 'Warning', 'OwnerRefInvalidNamespace', message);
      },
    });
  }

  async run(signal: AbortSignal): Promise<void> {
    try {
      await runTogether(signal, [(s) => this.#discoverForever(s), (s) => this.#collect(s)]);
    } finally {
      await this.#monitors.stop();
    }
  }

  /** Works on both queues, once the first lists are there. */
  async #collect(signal: AbortSignal): Promise<void> {
    const stop = (): void => {
      void this.#deletions.shutDown();
      void this.#orphans.shutDown();
    };
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    try {
      await this.#waitForSync(signal);
      await Promise.all([this.#work(), this.#workOnOrphans()]);
    } finally {
      signal.removeEventListener('abort', stop);
      stop();
    }
  }

  readonly #firstDiscovery = Promise.withResolvers<void>();

  /** All of the first lists are in the graph, or the wait is too long. */
  async #waitForSync(signal: AbortSignal): Promise<void> {
    const { clock, log, name } = this.#context;
    await this.#firstDiscovery.promise;
    const enough = new AbortController();
    const either = AbortSignal.any([signal, enough.signal]);
    const timer = clock.setTimer(initialSyncTimeoutMs, () => enough.abort(new Error('no longer waited for')));
    try {
      await this.#monitors.waitForSync(either);
    } catch (error) {
      if (!enough.signal.aborted || signal.aborted) throw error;
      const fields = { controller: name, unsynced: this.#monitors.unsynced };
      log.warn(fields, 'not all resources are known yet: garbage collection begins with the others');
    } finally {
      timer.cancel();
    }
  }

  async #discoverForever(signal: AbortSignal): Promise<void> {
    let first = true;
    try {
      while (!signal.aborted) {
        this.#wake = Promise.withResolvers<void>();
        const done = await this.#discover(signal);
        if (done && first) this.#firstDiscovery.resolve();
        first &&= !done;
        await this.#pause(first ? definitionDelayMs : discoveryPeriodMs, signal);
      }
    } finally {
      // Nobody waits for what no longer comes.
      this.#firstDiscovery.resolve();
    }
  }

  /** So long, or until shortly after a definition has changed. */
  async #pause(ms: number, signal: AbortSignal): Promise<void> {
    const { clock } = this.#context;
    const over = new AbortController();
    const either = AbortSignal.any([signal, over.signal]);
    const changed = this.#wake.promise.then(() => sleep(clock, definitionDelayMs, either));
    // Both fail with their signals only, which is an end as good as any.
    const ended = (): undefined => undefined;
    await Promise.race([sleep(clock, ms, either).catch(ended), changed.catch(ended)]);
    over.abort(new Error('the pause is over'));
  }

  /** Whether it succeeded. */
  async #discover(signal: AbortSignal): Promise<boolean> {
    const { transport, log, name: controller } = this.#context;
    try {
      const types = await discoverTypes(transport);
      if (types.isEmpty) throw new Error('no resources reported by discovery');
      this.#operations.types = types;
      const { added, removed } = this.#monitors.update(types, signal);
      if (added.length + removed.length > 0) log.debug({ controller, added, removed }, 'resources have come or gone');
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      this.#syncErrors.add(1);
      log.error({ controller, error: String(error) }, 'resources could not be discovered; tried again');
      return false;
    }
  }

  #work(): Promise<void> {
    const { log, name: controller } = this.#context;
    return runWorkers(this.#deletions, workersOf(this.#context, defaultWorkers), {
      reconcile: (uid) => this.#collector.examine(uid),
      onError: (uid, error) => {
        if (error instanceof UnobservedError) return;
        const level = error instanceof NoMatchError ? 'warn' : 'error';
        log[level]({ controller, uid, error: String(error) }, 'error syncing item; it is tried again');
      },
    });
  }

  #workOnOrphans(): Promise<void> {
    const { log, name: controller } = this.#context;
    return runWorkers(this.#orphans, workersOf(this.#context, defaultWorkers), {
      reconcile: (uid) => this.#collector.orphan(uid),
      onError: (uid, error) =>
        log.error({ controller, uid, error: String(error) }, 'orphaning failed; it is tried again'),
    });
  }
}

export const garbageCollectorController: ControllerDescriptor = {
  name: 'garbage-collector-controller',
  eventSource: 'garbage-collector-controller',
  create: (context) => new GarbageCollector(context),
};
