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

const describeEvent = ({ reason, involvedObject: { kind, name } }: Event): string => `${reason} about ${kind} ${name}`;

export class EventRecorder implements AsyncDisposable {
  readonly #options: EventRecorderOptions;
  readonly #correlator: EventCorrelator;
  readonly #sender: EventSender<Event>;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
    this.#correlator = new EventCorrelator(options.clock);
    this.#sender = new EventSender<Event>(options, {
      write: (event) => this.#write(event),
      describe: describeEvent,
    });
  }

  /** Records and returns at once. */
  event(about: Readonly<ApiObject> | ObjectReference, type: EventType, reason: string, message: string): void {
    this.record(about, { type, reason, message });
  }

  /** The same, perhaps with annotations (upstream's `AnnotatedEventf`). */
  record(about: Readonly<ApiObject> | ObjectReference, details: EventDetails): void {
    const { clock, random, onDropped } = this.#options;
    const involvedObject = referenceTo(about);
    const { type, reason, message } = details;
    const timestamp = secondsTime(clock);
    const newName = (): string => eventName(involvedObject, eventNanoseconds(clock, random));
    const correlated = this.#correlator.correlate({ involvedObject, type, reason, message, timestamp, newName });
    if (correlated === undefined) {
      return onDropped(`${reason} about ${involvedObject.kind} ${involvedObject.name}: too many events about it`);
    }
    const event = this.#make(involvedObject, details, { ...correlated, lastTimestamp: timestamp });
    this.#sender.send(event, involvedObject.name ?? '');
  }

  /** Resolves when everything recorded so far has been sent or given up. */
  async flush(): Promise<void> {
    await this.#sender.flush();
  }

  /** Sends what can be sent within 750 ms, and gives up the rest. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#sender[Symbol.asyncDispose]();
  }

  #make(
    involvedObject: ObjectReference,
    { type, reason, annotations }: EventDetails,
    { name, message, firstTimestamp, lastTimestamp, count }: Correlated & { readonly lastTimestamp: string },
  ): Event {
    const { component, host } = this.#options;
    // Events about cluster-scoped objects live in the default namespace.
    const namespace = involvedObject.namespace || 'default';
    return {
      kind: 'Event',
      apiVersion: 'v1',
      metadata: annotations === undefined ? { name, namespace } : { name, namespace, annotations: { ...annotations } },
      involvedObject,
      reason,
      message,
      source: host === undefined ? { component } : { component, host },
      firstTimestamp,
      lastTimestamp,
      count,
      type,
      reportingComponent: component,
      reportingInstance: host ?? '',
    };
  }

  async #write(event: Event): Promise<void> {
    const { name = '', namespace = 'default' } = event.metadata;
    const client = this.#options.events.in(namespace);
    const { count, lastTimestamp, message } = event;
    if (count !== undefined && count > 1) {
      const body = { count, lastTimestamp, message };
      try {
        await client.patch(name, { type: 'application/strategic-merge-patch+json', body });
        return;
      } catch (error) {
        // Events expire on the server: then it is made again, with its count.
        if (!isNotFound(error)) throw error;
      }
    }
    try {
      await client.create(event);
    } catch (error) {
      // The try before has arrived after all.
      if (!isAlreadyExists(error)) throw error;
    }
  }
}

/** The time in nanoseconds; the clock's milliseconds are filled up at random, as names must differ. */
export function eventNanoseconds(clock: Pick<Clock, 'now'>, random: Pick<Random, 'float'>): bigint {
  return BigInt(Math.floor(clock.now())) * 1_000_000n + BigInt(Math.floor(random.float() * 1e6));
}
