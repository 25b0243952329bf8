/** Pauses between deletions of failed pods of one node (client-go `util/flowcontrol/backoff.go`, as the DaemonSet controller uses it). */
import type { Clock } from '@kubets/apimachinery/clock';

const initialMs = 1000;
const longestMs = 15 * 60_000;
const collectEveryMs = 60_000;

interface Entry {
  pauseMs: number;
  since: number;
}

/** A daemon that a kubelet rejects at once would else be deleted and made again in a tight loop. */
export class FailedPodBackoff {
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry>();
  #collected = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Milliseconds that are left of the pause; 0 when there is none. */
  left(key: string): number {
    const entry = this.#entries.get(key);
    if (entry === undefined) return 0;
    return Math.max(0, entry.since + entry.pauseMs - this.#clock.monotonic());
  }

  /** One was deleted: the next pause is twice as long, unless it is the first for a long time. */
  next(key: string): void {
    this.#collect();
    const now = this.#clock.monotonic();
    const entry = this.#entries.get(key);
    if (entry === undefined || now - entry.since > 2 * longestMs) {
      this.#entries.set(key, { pauseMs: initialMs, since: now });
      return;
    }
    entry.pauseMs = Math.min(longestMs, 2 * entry.pauseMs);
    entry.since = now;
  }

  #collect(): void {
    const now = this.#clock.monotonic();
    if (now - this.#collected < collectEveryMs) return;
    this.#collected = now;
    for (const [key, { since }] of this.#entries) if (now - since > 2 * longestMs) this.#entries.delete(key);
  }
}
