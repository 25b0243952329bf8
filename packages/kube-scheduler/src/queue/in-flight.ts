/** What happens while a pod is being scheduled: it may be just what the pod will turn out to have needed (`active_queue.go`). */
import type { Happening } from './queueing-hints.ts';

export class InFlight {
  /** Uids of pods, with the number of the first happening they have not seen. */
  readonly #pods = new Map<string, number>();
  #happenings: Happening[] = [];
  /** Number of the first one kept. */
  #first = 0;

  get size(): number {
    return this.#pods.size;
  }

  has(uid: string): boolean {
    return this.#pods.has(uid);
  }

  start(uid: string): void {
    this.#pods.set(uid, this.#first + this.#happenings.length);
  }

  /** Ends it; drops what nobody waits for any more. Idempotent. */
  done(uid: string): void {
    const from = this.#pods.get(uid);
    if (from === undefined) return;
    this.#pods.delete(uid);
    if (this.#happenings.length === 0) return;
    // The pods are in the order in which they started.
    const [oldest] = this.#pods.values();
    const drop = oldest === undefined ? this.#happenings.length : oldest - this.#first;
    if (drop <= 0 || (drop < 256 && oldest !== undefined)) return;
    this.#happenings = this.#happenings.slice(drop);
    this.#first += drop;
  }

  record(happening: Happening): void {
    if (this.#pods.size > 0) this.#happenings.push(happening);
  }

  /** What has happened since the pod started, in order. */
  since(uid: string): readonly Happening[] {
    const from = this.#pods.get(uid);
    return from === undefined ? [] : this.#happenings.slice(from - this.#first);
  }
}
