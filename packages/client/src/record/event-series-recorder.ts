/**
 * Events of events.k8s.io/v1, with repeats as series (client-go `tools/events`: `event_recorder.go`,
 * `event_broadcaster.go`). The scheduler records by this.
 *
 * The first event of a kind is made; the second turns it into a series of two; further ones only count.
 * A series is written again every 30 minutes, and a last time when nothing has been added for 6 minutes.
 */
import type { Clock, Random, Timer } from '@kubets/apimachinery/clock';
import type { ApiObject } from '@kubets/apimachinery/meta';
import { isAlreadyExists, isNotFound } from '@kubets/apimachinery/status';
import type { Event } from '@kubets/api/types/events-v1';
import { microTime } from '../micro-time.ts';
import type { ResourceClient } from '../rest/resource-client.ts';
import { eventNanoseconds, type EventType } from './event-recorder.ts';
import { EventSender } from './event-sender.ts';
import { eventName, referenceKey, referenceTo, type ObjectReference } from './object-reference.ts';

export interface EventSeriesRecorderOptions {
  /** `eventsV1` of all namespaces. */
  readonly events: { in(namespace: string): Pick<ResourceClient<Event>, 'create' | 'patch'> };
  /** `default-scheduler`. */
  readonly reportingController: string;
  /** The controller and its host, as upstream: `default-scheduler-node1`. */
  readonly reportingInstance: string;
  readonly clock: Clock;
  readonly random: Random;
  /** Told when an event could not be sent; recording itself never throws. */
  readonly onDropped: (reason: string, error?: unknown) => void;
}

/** What has happened. */
export interface EventNote {
  readonly related?: Readonly<ApiObject> | ObjectReference;
  readonly type: EventType;
  readonly reason: string;
  /** What was being done: `Scheduling`, `Binding`. */
  readonly action: string;
  /** Cut at 1,024 characters, which is what servers accept. */
  readonly note: string;
}

interface Known {
  event: Event;
  /** By the monotonic clock. */
  lastAt: number;
}

const finishMs = 6 * 60_000;
const refreshMs = 30 * 60_000;
const maxNoteLength = 1024;

export class EventSeriesRecorder implements AsyncDisposable {
  readonly #options: EventSeriesRecorderOptions;
  readonly #sender: EventSender<Event>;
  readonly #known = new Map<string, Known>();
  readonly #timers = new Map<number, Timer>();

  constructor(options: EventSeriesRecorderOptions) {
    this.#options = options;
    this.#sender = new EventSender<Event>(options, {
      write: (event) => this.#write(event),
      describe: ({ reason, regarding }) => `${reason} about ${regarding?.kind} ${regarding?.name}`,
    });
  }

  /** Records and returns at once. */
  event(regarding: Readonly<ApiObject> | ObjectReference, note: EventNote): void {
    const { clock } = this.#options;
    const reference = referenceTo(regarding);
    const related = note.related === undefined ? undefined : referenceTo(note.related);
    const key = isomorphicKey(note, reference, related);
    const known = this.#known.get(key);
    if (known === undefined) {
      const event = this.#make(reference, related, note);
      this.#known.set(key, { event, lastAt: clock.monotonic() });
      this.#schedule();
      this.#send(event);
      return;
    }
    known.lastAt = clock.monotonic();
    const { series } = known.event;
    known.event = { ...known.event, series: { count: (series?.count ?? 1) + 1, lastObservedTime: microTime(clock) } };
    if (series === undefined) this.#send(known.event);
  }

  /** Resolves when everything recorded so far has been sent or given up. */
  async flush(): Promise<void> {
    await this.#sender.flush();
  }

  /** Writes the state of all series a last time; what cannot be sent within 750 ms is given up. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
    this.#refresh();
    this.#known.clear();
    await this.#sender[Symbol.asyncDispose]();
  }

  /** Timers run only while something is known. */
  #schedule(): void {
    this.#every(finishMs, () => this.#finish());
    this.#every(refreshMs, () => this.#refresh());
  }

  #every(ms: number, run: () => void): void {
    if (this.#timers.has(ms)) return;
    const timer = this.#options.clock.setTimer(ms, () => {
      this.#timers.delete(ms);
      run();
      if (this.#known.size > 0) this.#every(ms, run);
    });
    this.#timers.set(ms, timer);
  }

  #refresh(): void {
    for (const { event } of this.#known.values()) if (event.series !== undefined) this.#send(event);
  }

  /** Forgets what has not happened for a while; of a series the last count is written. */
  #finish(): void {
    const before = this.#options.clock.monotonic() - finishMs;
    for (const [key, { event, lastAt }] of this.#known) {
      if (lastAt > before) continue;
      if (event.series !== undefined) this.#send(event);
      this.#known.delete(key);
    }
  }

  #make(
    regarding: ObjectReference,
    related: ObjectReference | undefined,
    { type, reason, action, note }: EventNote,
  ): Event {
    const { clock, random, reportingController, reportingInstance } = this.#options;
    const event: Event = {
      kind: 'Event',
      apiVersion: 'events.k8s.io/v1',
      metadata: {
        name: eventName(regarding, eventNanoseconds(clock, random)),
        namespace: regarding.namespace || 'default',
      },
      eventTime: microTime(clock),
      reportingController,
      reportingInstance,
      action,
      reason,
      regarding,
      note: note.slice(0, maxNoteLength),
      type,
    };
    if (related !== undefined) event.related = related;
    return event;
  }

  #send(event: Event): void {
    this.#sender.send(event, event.regarding?.name ?? '');
  }

  async #write(event: Event): Promise<void> {
    const { name = '', namespace = 'default' } = event.metadata;
    const client = this.#options.events.in(namespace);
    if (event.series !== undefined) {
      const body = { series: event.series };
      try {
        await client.patch(name, { type: 'application/strategic-merge-patch+json', body });
        return;
      } catch (error) {
        // It may have expired, or its first writing been given up: then it is made as a series.
        if (!isNotFound(error)) throw error;
      }
    }
    try {
      await client.create(event);
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
    }
  }
}

const versionedKey = (reference: ObjectReference): string =>
  `${referenceKey(reference)}\n${reference.resourceVersion}\n${reference.fieldPath}`;

/** What must be the same for two events of one recorder to be one series (upstream's `getKey`). */
function isomorphicKey(
  { type, action, reason }: EventNote,
  regarding: ObjectReference,
  related: ObjectReference | undefined,
): string {
  const what = `${type}\n${action}\n${reason}\n${versionedKey(regarding)}`;
  return related === undefined ? what : `${what}\n${versionedKey(related)}`;
}
