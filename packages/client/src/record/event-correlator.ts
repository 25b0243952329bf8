/**
 * Which events are the same, alike, or too many (client-go `tools/record/events_cache.go`).
 *
 * An event that repeats is counted up on the object it made; from the tenth different message of one
 * kind within ten minutes on, they become one "(combined from similar events)"; one source may send 25
 * events about one object at once, then one each five minutes. A correlator serves one source.
 */
import type { Clock } from '@kubets/apimachinery/clock';
import { TokenBucket } from '../workqueue/rate-limiter.ts';
import { referenceKey, type ObjectReference } from './object-reference.ts';
import { RecentlyUsed } from './recently-used.ts';

/** An event that was made, and how often it has happened. */
export interface Occurrences {
  readonly name: string;
  readonly firstTimestamp: string;
  readonly count: number;
}

/** What has happened. */
export interface Happening {
  readonly involvedObject: ObjectReference;
  readonly type: string;
  readonly reason: string;
  readonly message: string;
  /** RFC 3339. */
  readonly timestamp: string;
  /** Makes the name of a new event. */
  readonly newName: () => string;
}

/** What is to be sent. */
export interface Correlated extends Occurrences {
  readonly message: string;
}

interface Similar {
  /** The first of the messages, most often the only one. */
  first: string | undefined;
  /** All of them, once there are two. */
  messages: Set<string> | undefined;
  lastAt: number;
}

/** Keys remembered at least. */
const cacheSize = 4096;
const similarLimit = 10;
const similarWindowMs = 600_000;
const spamBurst = 25;
const spamPerSecond = 1 / 300;

/** Counts a message; whether there have been as many different ones as may be. */
function isOneTooMany(similar: Similar, message: string): boolean {
  if (similar.messages === undefined) {
    similar.first ??= message;
    if (similar.first === message) return false;
    similar.messages = new Set([similar.first]);
  }
  if (similar.messages.size < similarLimit) similar.messages.add(message);
  return similar.messages.size >= similarLimit;
}

export class EventCorrelator {
  readonly #clock: Clock;
  readonly #seen = new RecentlyUsed<Occurrences>(cacheSize);
  readonly #similar = new RecentlyUsed<Similar>(cacheSize);
  readonly #spam = new RecentlyUsed<TokenBucket<string>>(cacheSize);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `undefined`: too many, hold it back. It has been counted all the same. A count above one: it was made before. */
  correlate(happening: Happening): Correlated | undefined {
    const { involvedObject, type, reason, message } = happening;
    const about = referenceKey(involvedObject);
    const kind = `${about}\n${type}\n${reason}`;
    const combined = this.#isOneOfMany(kind, message);
    const key = combined ? kind : `${kind}\n${involvedObject.fieldPath ?? ''}\n${message}`;
    const { name, firstTimestamp, count } = this.#count(key, happening);
    if (!this.#bucket(about).tryTake()) return undefined;
    return { name, firstTimestamp, count, message: combined ? `(combined from similar events): ${message}` : message };
  }

  #isOneOfMany(kind: string, message: string): boolean {
    const now = this.#clock.monotonic();
    const similar = this.#similar.get(kind);
    if (similar === undefined) {
      this.#similar.set(kind, { first: message, messages: undefined, lastAt: now });
      return false;
    }
    if (now - similar.lastAt > similarWindowMs) {
      similar.first = undefined;
      similar.messages = undefined;
    }
    similar.lastAt = now;
    return isOneTooMany(similar, message);
  }

  #count(key: string, { timestamp, newName }: Happening): Occurrences {
    const before = this.#seen.get(key);
    const now =
      before === undefined
        ? { name: newName(), firstTimestamp: timestamp, count: 1 }
        : { name: before.name, firstTimestamp: before.firstTimestamp, count: before.count + 1 };
    this.#seen.set(key, now);
    return now;
  }

  #bucket(about: string): TokenBucket<string> {
    const known = this.#spam.get(about);
    if (known !== undefined) return known;
    const bucket = new TokenBucket<string>({ perSecond: spamPerSecond, burst: spamBurst, clock: this.#clock });
    this.#spam.set(about, bucket);
    return bucket;
  }
}
