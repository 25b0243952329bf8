/**
 * Events about objects, with repeats folded (client-go `tools/record`: `event.go`, `events_cache.go`).
 *
 * An event that repeats is counted up on the object it made; more than ten different messages of one
 * kind within ten minutes become one "(combined from similar events)"; one source may send 25 events
 * about one object at once, then one each five minutes.
 */
import type { Clock, Random } from '@kubets/apimachinery/clock';
import type { ApiObject } from '@kubets/apimachinery/meta';
import { isNotFound } from '@kubets/apimachinery/status';
import type { ResourceClient } from '../rest/resource-client.ts';
import { TokenBucket } from '../workqueue/rate-limiter.ts';

export interface ObjectReference {
  kind?: string;
  apiVersion?: string;
  namespace?: string;
  name?: string;
  uid?: string;
  resourceVersion?: string;
  fieldPath?: string;
}

export interface CoreEvent extends ApiObject {
  involvedObject: ObjectReference;
  reason: string;
  message: string;
  type: string;
  count: number;
  source: { component: string; host?: string };
  firstTimestamp: string;
  lastTimestamp: string;
  reportingComponent: string;
  reportingInstance: string;
}

export interface EventRecorderOptions {
  /** Events of all namespaces. */
  readonly events: Pick<ResourceClient<CoreEvent>, 'in'>;
  readonly component: string;
  readonly host?: string;
  readonly clock: Clock;
  readonly random: Random;
  /** Told when an event could not be sent, or was held back; recording itself never throws. */
  readonly onDropped: (reason: string, error?: unknown) => void;
}

interface Seen {
  name: string;
  count: number;
  firstTimestamp: string;
}

interface Similar {
  readonly messages: Set<string>;
  lastAt: number;
}

/** Keys remembered at most; the longest unused is forgotten. */
const cacheSize = 4096;
const similarLimit = 10;
const similarWindowMs = 600_000;
const tries = 12;
const retryMs = 10_000;

class RecentlyUsed<V> {
  readonly #map = new Map<string, V>();

  get(key: string, make: () => V): V {
    const value = this.#map.get(key) ?? make();
    this.#map.delete(key);
    this.#map.set(key, value);
    const oldest = this.#map.keys().next().value;
    if (this.#map.size > cacheSize && oldest !== undefined) this.#map.delete(oldest);
    return value;
  }

  set(key: string, value: V): void {
    this.#map.set(key, value);
  }
}

export class EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #seen = new RecentlyUsed<Seen | undefined>();
  readonly #similar = new RecentlyUsed<Similar>();
  readonly #spam = new RecentlyUsed<TokenBucket<string>>();
  /** Sending is one after the other, so that counting up follows creating. */
  #tail: Promise<void> = Promise.resolve();

  constructor(options: EventRecorderOptions) {
    this.#options = options;
  }

  /** Records and returns at once. `type` is `Normal` or `Warning`. */
  event(
    about: Readonly<ApiObject> | ObjectReference,
    type: 'Normal' | 'Warning',
    reason: string,
    message: string,
  ): void {
    const reference = referenceTo(about);
    const event = this.#make(reference, type, reason, message);
    const object = `${reference.kind}/${reference.namespace}/${reference.name}/${reference.uid}`;
    const bucket = this.#spam.get(
      `${this.#options.component}/${object}`,
      () => new TokenBucket({ perSecond: 1 / 300, burst: 25, clock: this.#options.clock }),
    );
    if (!bucket.tryTake()) {
      this.#options.onDropped(`too many events about ${object}`);
      return;
    }
    this.#aggregate(event, `${object}/${type}/${reason}`);
    this.#tail = this.#tail.then(() => this.#send(event));
  }

  /** Resolves when everything recorded so far has been sent or given up. */
  async flush(): Promise<void> {
    await this.#tail;
  }

  #make(involvedObject: ObjectReference, type: string, reason: string, message: string): CoreEvent {
    const { clock, random, component, host } = this.#options;
    const timestamp = `${new Date(clock.now()).toISOString().slice(0, 19)}Z`;
    // Events about cluster-scoped objects live in the default namespace.
    const namespace = involvedObject.namespace ?? 'default';
    const suffix = Math.floor(clock.now() * 1e6 + random.float() * 1e6).toString(16);
    return {
      kind: 'Event',
      apiVersion: 'v1',
      metadata: { name: `${involvedObject.name}.${suffix}`, namespace },
      involvedObject,
      reason,
      message,
      type,
      count: 1,
      source: { component, ...(host === undefined ? {} : { host }) },
      firstTimestamp: timestamp,
      lastTimestamp: timestamp,
      reportingComponent: component,
      reportingInstance: host ?? '',
    };
  }

  /** From the eleventh different message on, the messages become one. */
  #aggregate(event: CoreEvent, key: string): void {
    const now = this.#options.clock.monotonic();
    const similar = this.#similar.get(key, () => ({ messages: new Set(), lastAt: now }));
    if (now - similar.lastAt > similarWindowMs) similar.messages.clear();
    similar.lastAt = now;
    similar.messages.add(event.message);
    if (similar.messages.size > similarLimit) {
      event.message = `(combined from similar events): ${event.message}`;
      event['aggregated'] = true;
    }
  }

  async #send(event: CoreEvent): Promise<void> {
    const { aggregated, ...body } = event;
    const o = event.involvedObject;
    const text = aggregated === true ? '' : event.message;
    const key = JSON.stringify([o.kind, o.namespace, o.name, o.uid, o.fieldPath, event.type, event.reason, text]);
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#write(key, body as CoreEvent);
        return;
      } catch (error) {
        const refused = typeof (error as { status?: unknown }).status === 'object';
        if (refused || attempt >= tries)
          return this.#options.onDropped(`${event.reason} about ${o.kind} ${o.name}`, error);
        await this.#wait();
      }
    }
  }

  async #wait(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#options.clock.setTimer(retryMs * this.#options.random.float(), resolve);
    await promise;
  }

  async #write(key: string, event: CoreEvent): Promise<void> {
    const client = this.#options.events.in(event.metadata.namespace ?? 'default');
    const seen = this.#seen.get(key, () => undefined);
    if (seen !== undefined) {
      const body = { count: seen.count + 1, lastTimestamp: event.lastTimestamp, message: event.message };
      try {
        await client.patch(seen.name, { type: 'application/strategic-merge-patch+json', body });
        seen.count++;
        return;
      } catch (error) {
        // Events expire on the server: then it is the first again.
        if (!isNotFound(error)) throw error;
      }
    }
    await client.create(event);
    this.#seen.set(key, { name: event.metadata.name ?? '', count: 1, firstTimestamp: event.firstTimestamp });
  }
}

/** A reference to an object, or the reference itself when it is one. */
export function referenceTo(about: Readonly<ApiObject> | ObjectReference): ObjectReference {
  if (!('metadata' in about)) return about as ObjectReference;
  const { kind, apiVersion, metadata } = about as Readonly<ApiObject>;
  const { namespace, name, uid, resourceVersion } = metadata;
  const known = Object.entries({ kind, apiVersion, namespace, name, uid, resourceVersion }).filter(
    ([, v]) => v !== undefined,
  );
  return Object.fromEntries(known) as ObjectReference;
}
