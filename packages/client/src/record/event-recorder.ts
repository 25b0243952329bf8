/**
 * Events about objects, with repeats folded (client-go `tools/record`). See `event-correlator.ts` for
 * what is folded, `event-sender.ts` for what is tried again.
 */
import type { Clock, Random } from '@kubets/apimachinery/clock';
import type { ApiObject } from '@kubets/apimachinery/meta';
import { isAlreadyExists, isNotFound } from '@kubets/apimachinery/status';
import type { Event } from '@kubets/api/types/core-v1';
import { secondsTime } from '../micro-time.ts';
import type { ResourceClient } from '../rest/resource-client.ts';
import { EventCorrelator, type Correlated } from './event-correlator.ts';
import { EventSender } from './event-sender.ts';
import { eventName, referenceTo, type ObjectReference } from './object-reference.ts';

export interface EventRecorderOptions {
  /** Events of all namespaces. */
  readonly events: { in(namespace: string): Pick<ResourceClient<Event>, 'create' | 'patch'> };
  readonly component: string;
  readonly host?: string;
  readonly clock: Clock;
  readonly random: Random;
  /** Told when an event could not be sent, or was held back; recording itself never throws. */
  readonly onDropped: (reason: string, error?: unknown) => void;
}

export type EventType = 'Normal' | 'Warning';

/** What an event says, where a reason and a message do not do. */
export interface EventDetails {
  readonly type: EventType;
  readonly reason: string;
  readonly message: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

export class EventRecorder implements AsyncDisposable {
  readonly #options: EventRecorderOptions;
  readonly #correlator: EventCorrelator;
  readonly #sender: EventSender;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
    this.#correlator = new EventCorrelator(options.clock);
    this.#sender = new EventSender(options);
  }

  /** Records and returns at once. */
  event(about: Readonly<ApiObject> | ObjectReference, type: EventType, reason: string, message: string): void {
    this.record(about, { type, reason, message });
  }

  /** The same, perhaps with annotations (upstream's `AnnotatedEventf`). */
  record(about: Readonly<ApiObject> | ObjectReference, details: EventDetails): void {
    const event = this.#make(referenceTo(about), details);
    const correlated = this.#correlator.correlate(event);
    const what = `${details.reason} about ${event.involvedObject.kind} ${event.involvedObject.name}`;
    if (correlated === undefined) return this.#options.onDropped(`${what}: too many events about it`);
    this.#sender.send(what, () => this.#write(correlated));
  }

  /** Resolves when everything recorded so far has been sent or given up. */
  async flush(): Promise<void> {
    await this.#sender.flush();
  }

  /** Sends what can be sent at once and gives up the rest. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#sender[Symbol.asyncDispose]();
  }

  #make(involvedObject: ObjectReference, { type, reason, message, annotations }: EventDetails): Event {
    const { clock, random, component, host } = this.#options;
    const timestamp = secondsTime(clock);
    const name = eventName(involvedObject, eventNanoseconds(clock, random));
    // Events about cluster-scoped objects live in the default namespace.
    const namespace = involvedObject.namespace || 'default';
    return {
      kind: 'Event',
      apiVersion: 'v1',
      metadata: { name, namespace, ...(annotations === undefined ? {} : { annotations: { ...annotations } }) },
      involvedObject,
      reason,
      message,
      source: { component, ...(host === undefined ? {} : { host }) },
      firstTimestamp: timestamp,
      lastTimestamp: timestamp,
      count: 1,
      type,
      reportingComponent: component,
      reportingInstance: host ?? '',
    };
  }

  async #write({ event, repeated }: Correlated): Promise<void> {
    const { name = '', namespace = 'default' } = event.metadata;
    const client = this.#options.events.in(namespace);
    if (repeated) {
      const { count, lastTimestamp, message } = event;
      const body = { count, lastTimestamp, message };
      try {
        await client.patch(name, { type: 'application/strategic-merge-patch+json', body });
        return;
      } catch (error) {
        // Events expire on the server: then it is made again, with its count.
        if (!isNotFound(error)) throw error;
      }
    }
    await client.create(event).catch((error: unknown) => {
      // The try before has arrived after all.
      if (!isAlreadyExists(error)) throw error;
    });
  }
}

/** The time in nanoseconds; the clock's milliseconds are filled up at random, as names must differ. */
export function eventNanoseconds(clock: Pick<Clock, 'now'>, random: Pick<Random, 'float'>): bigint {
  return BigInt(Math.floor(clock.now())) * 1_000_000n + BigInt(Math.floor(random.float() * 1e6));
}
