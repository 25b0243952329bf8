/**
 * Which events are the same, alike, or too many (client-go `tools/record/events_cache.go`).
 *
 * An event that repeats is counted up on the object it made; from the tenth different message of one
 * kind within ten minutes on, they become one "(combined from similar events)"; one source may send 25
 * events about one object at once, then one each five minutes.
 */
import type { Clock } from '@kubets/apimachinery/clock';
import type { Event } from '@kubets/api/types/core-v1';
import { TokenBucket } from '../workqueue/rate-limiter.ts';
import { RecentlyUsed } from './recently-used.ts';

interface Seen {
  name: string;
  count: number;
  firstTimestamp: string | undefined;
}

interface Similar {
  messages: Set<string>;
  lastAt: number;
}

/** An event as it is to be sent. */
export interface Correlated {
  readonly event: Event;
  /** It was made before: a patch counts it up. */
  readonly repeated: boolean;
  readonly key: string;
}

/** Keys remembered at most. */
const cacheSize = 4096;
const similarLimit = 10;
const similarWindowMs = 600_000;
const spamBurst = 25;
const spamPerSecond = 1 / 300;

export class EventCorrelator {
  readonly #clock: Clock;
  readonly #seen = new RecentlyUsed<Seen>(cacheSize);
  readonly #similar = new RecentlyUsed<Similar>(cacheSize);
  readonly #spam = new RecentlyUsed<TokenBucket<string>>(cacheSize);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `undefined`: too many, hold it back. It has been counted all the same. */
  correlate(event: Event): Correlated | undefined {
    const { event: combined, key } = this.#aggregate(event);
    const correlated = this.#count(combined, key);
    const bucket = this.#spam.getOrMake(
      spamKey(event),
      () => new TokenBucket({ perSecond: spamPerSecond, burst: spamBurst, clock: this.#clock }),
    );
    return bucket.tryTake() ? correlated : undefined;
  }

  #aggregate(event: Event): { event: Event; key: string } {
    const key = aggregateKey(event);
    const now = this.#clock.monotonic();
    const similar = this.#similar.getOrMake(key, () => ({ messages: new Set(), lastAt: now }));
    if (now - similar.lastAt > similarWindowMs) similar.messages = new Set();
    similar.lastAt = now;
    if (similar.messages.size < similarLimit) similar.messages.add(event.message ?? '');
    if (similar.messages.size < similarLimit) return { event, key: eventKey(event) };
    return { event: { ...event, message: `(combined from similar events): ${event.message ?? ''}` }, key };
  }

  #count(event: Event, key: string): Correlated {
    const seen = this.#seen.get(key);
    if (seen === undefined) {
      this.#seen.set(key, {
        name: event.metadata.name ?? '',
        count: 1,
        firstTimestamp: event.firstTimestamp ?? undefined,
      });
      return { event, repeated: false, key };
    }
    seen.count++;
    const { name, count, firstTimestamp } = seen;
    const repeated = { ...event, metadata: { ...event.metadata, name }, count };
    if (firstTimestamp !== undefined) repeated.firstTimestamp = firstTimestamp;
    return { event: repeated, repeated: true, key };
  }
}

const about = ({ source, involvedObject: o }: Event): (string | undefined)[] => [
  source?.component,
  source?.host,
  o.kind,
  o.namespace,
  o.name,
  o.uid,
  o.apiVersion,
];

const spamKey = (event: Event): string => JSON.stringify(about(event));

const aggregateKey = (event: Event): string =>
  JSON.stringify([...about(event), event.type, event.reason, event.reportingComponent, event.reportingInstance]);

const eventKey = (event: Event): string =>
  JSON.stringify([...about(event), event.involvedObject.fieldPath, event.type, event.reason, event.message]);
