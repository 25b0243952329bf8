/** A watch sink that keeps what it is told and checks the order of it. */
import type { WatchEvent, WatchSink } from '../storage.ts';

export class RecordingSink implements WatchSink {
  readonly events: WatchEvent[] = [];
  /** The highest revision told of, by events or by progress. */
  seen = 0;
  error: Error | undefined;
  readonly #waiting: { done: () => boolean; resolve: () => void }[] = [];

  onEvents(events: readonly WatchEvent[], revision: number): void {
    if (events.length === 0) throw new Error('a call without events');
    let last = this.lastRevision;
    for (const event of events) {
      const at = eventRevision(event);
      if (at <= last) throw new Error(`event ${at} after ${last}`);
      last = at;
    }
    if (last > revision) throw new Error(`event ${last} beyond the store's revision ${revision}`);
    this.#move(revision);
    this.events.push(...events);
    this.#wake();
  }

  onProgress(revision: number): void {
    this.#move(revision);
    this.#wake();
  }

  onEnd(error: Error): void {
    if (this.error !== undefined) throw new Error('ended twice');
    this.error = error;
    this.#wake();
  }

  #move(revision: number): void {
    if (this.error !== undefined) throw new Error('called after the end');
    if (revision < this.seen) throw new Error(`revision ${revision} after ${this.seen}`);
    this.seen = revision;
  }

  #wake(): void {
    for (const waiting of this.#waiting.splice(0)) {
      if (waiting.done()) waiting.resolve();
      else this.#waiting.push(waiting);
    }
  }

  /** The revision of the last event. */
  get lastRevision(): number {
    const last = this.events.at(-1);
    return last === undefined ? 0 : eventRevision(last);
  }

  /** Resolves once `done` holds after some call. */
  async until(done: () => boolean): Promise<void> {
    if (done()) return;
    await new Promise<void>((resolve) => {
      this.#waiting.push({ done, resolve });
    });
  }

  async untilSeen(revision: number): Promise<void> {
    await this.until(() => this.seen >= revision);
  }

  async untilEnd(): Promise<Error> {
    await this.until(() => this.error !== undefined);
    return this.error ?? new Error('never');
  }

  /** Short texts of the events: `put /a@3`, `delete /a@4`. */
  get texts(): string[] {
    return this.events.map((event) => `${event.type} ${eventKey(event)}@${eventRevision(event)}`);
  }
}

export function eventRevision(event: WatchEvent): number {
  return event.type === 'put' ? event.record.modRevision : event.revision;
}

export function eventKey(event: WatchEvent): string {
  return event.type === 'put' ? event.record.key : event.key;
}
