/** Which changes in the cluster may help which plugin's pods (`scheduler.go`, `buildQueueingHintMap`; `scheduling_queue.go`, `isPodWorthRequeuing`). */
import type { ApiObject } from '@kubets/apimachinery/meta';
import type { Log } from '@kubets/apimachinery/log';
import type { AnyPlugin, ClusterEvent, QueueingHintFn } from '../framework/types.ts';
import type { HintDurations, HintResult } from './hint-durations.ts';
import type { QueuedPod } from './queued-pod.ts';

/** What has happened. */
export interface Happening {
  readonly event: ClusterEvent;
  readonly old: Readonly<ApiObject> | undefined;
  readonly now: Readonly<ApiObject> | undefined;
}

/** `afterBackoff` costs the pod its back-off time, `immediately` does not. */
export type RequeueStrategy = 'skip' | 'afterBackoff' | 'immediately';

interface Interest {
  readonly event: ClusterEvent;
  readonly hint: QueueingHintFn | undefined;
}

const everything: readonly Interest[] = [{ event: { resource: '*', actionType: ~0 }, hint: undefined }];

function concerns(registered: ClusterEvent, event: ClusterEvent): boolean {
  if ((registered.actionType & event.actionType) === 0) return false;
  const { resource } = registered;
  if (resource === '*' || resource === event.resource) return true;
  return resource === 'Pod' && (event.resource === 'AssignedPod' || event.resource === 'UnschedulablePod');
}

/** Of one profile. */
export class QueueingHints {
  readonly #interests = new Map<string, readonly Interest[]>();
  /** What {@link interested} has answered: the same questions come over and over. */
  readonly #interested = new Map<string, boolean>();
  readonly #log: Log;
  readonly #durations: HintDurations | undefined;

  constructor(plugins: Iterable<AnyPlugin>, log: Log, durations?: HintDurations) {
    this.#log = log;
    this.#durations = durations;
    for (const plugin of plugins) {
      const events = plugin.eventsToRegister?.();
      this.#interests.set(plugin.name, events?.map(({ event, hint }) => ({ event, hint })) ?? everything);
    }
  }

  /** All events that some plugin asked for. */
  get events(): ClusterEvent[] {
    return [...this.#interests.values()].flatMap((interests) => interests.map(({ event }) => event));
  }

  /** Whether the plugin wants to know of such events; plugins that are not known want to know of all. */
  interested(plugin: string, event: ClusterEvent): boolean {
    const key = `${plugin} ${event.resource} ${event.actionType}`;
    let known = this.#interested.get(key);
    if (known === undefined) {
      known = (this.#interests.get(plugin) ?? everything).some((interest) => concerns(interest.event, event));
      this.#interested.set(key, known);
    }
    return known || event.resource === '*';
  }

  /** What an event means for a pod that was rejected. */
  strategy(pod: QueuedPod, happening: Happening): RequeueStrategy {
    if (!pod.rejected || happening.event.resource === '*') return 'afterBackoff';
    for (const plugin of pod.pendingPlugins) if (this.#helps(plugin, pod, happening)) return 'immediately';
    for (const plugin of pod.unschedulablePlugins) if (this.#helps(plugin, pod, happening)) return 'afterBackoff';
    return 'skip';
  }

  #helps(plugin: string, pod: QueuedPod, { event, old, now }: Happening): boolean {
    // Extenders, and plugins that are gone, do not say what helps: anything may.
    for (const { event: registered, hint } of this.#interests.get(plugin) ?? everything) {
      if (!concerns(registered, event)) continue;
      if (hint === undefined) return true;
      const started = this.#durations?.start() ?? 0;
      let result: HintResult = 'Error';
      try {
        result = hint(pod.podInfo.pod, old, now);
      } catch (error) {
        const fields = { plugin, pod: pod.key, event: event.label, error: String(error) };
        this.#log.error(fields, 'QueueingHintFn returns error');
      }
      this.#durations?.ended(started, { plugin, event: event.label ?? event.resource, hint: result });
      if (result !== 'QueueSkip') return true;
    }
    return false;
  }
}
