/**
 * Leases: named time limits that keys may hang on.
 *
 * Deadlines are kept on the monotonic clock, in memory only. After a restart every lease has its full
 * time again, as etcd does it after a change of leader (server/lease, lessor.Promote): a store that was
 * down cannot have been kept alive.
 */
import type { Clock, Timer } from '@kubets/apimachinery/clock';
import { leaseNotFound, type Writer } from './writer.ts';

interface Lease {
  readonly id: number;
  readonly ttlSeconds: number;
  /** Monotonic milliseconds. */
  deadline: number;
  readonly keys: Set<string>;
  /** Being revoked: it takes no further keys. */
  ending: boolean;
}

/** After a failed expiry, how long until the next attempt. */
const retryMs = 1000;
const prefix = 'lease:';

export class Leases {
  readonly #clock: Clock;
  readonly #leases = new Map<number, Lease>();
  #writer: Writer | undefined;
  #last = 0;
  #timer: Timer | undefined;
  #timerAt = Number.POSITIVE_INFINITY;
  #stopped = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** What the meta table holds, before the keys are loaded. */
  load(documents: Map<string, unknown>, last: number): void {
    this.#last = last;
    for (const [id, document] of documents) {
      this.#add(Number(id), (document as { ttlSeconds: number }).ttlSeconds);
    }
  }

  start(writer: Writer): void {
    this.#writer = writer;
    this.#schedule();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  /** The last id given out. */
  get lastId(): number {
    return this.#last;
  }

  get ids(): number[] {
    return [...this.#leases.keys()];
  }

  ttlSeconds(id: number): number {
    return this.#leases.get(id)?.ttlSeconds ?? 0;
  }

  keysOf(id: number): readonly string[] {
    return [...(this.#leases.get(id)?.keys ?? [])];
  }

  exists(id: number): boolean {
    return this.#leases.get(id)?.ending === false;
  }

  /** The newest decided lease of `key` has changed; 0 stands for none. */
  move(key: string, from: number, to: number): void {
    this.#leases.get(from)?.keys.delete(key);
    this.#leases.get(to)?.keys.add(key);
  }

  /** See Storage.grantLease. At least one second. */
  async grant(ttlSeconds: number): Promise<number> {
    const ttl = Math.max(1, Math.ceil(ttlSeconds));
    const id = ++this.#last;
    await this.#requireWriter().task((transaction) => {
      transaction.setMeta(`${prefix}${id}`, { ttlSeconds: ttl });
      transaction.setMeta('lease-ids', { last: this.#last });
    });
    this.#add(id, ttl);
    this.#schedule();
    return id;
  }

  #add(id: number, ttlSeconds: number): void {
    const deadline = this.#clock.monotonic() + ttlSeconds * 1000;
    this.#leases.set(id, { id, ttlSeconds, deadline, keys: new Set(), ending: false });
  }

  /** See Storage.keepAliveLease. */
  keepAlive(id: number): number {
    const lease = this.#require(id);
    lease.deadline = this.#clock.monotonic() + lease.ttlSeconds * 1000;
    return lease.ttlSeconds;
  }

  /** See Storage.revokeLease. The deletions and the lease's end share one transaction. */
  async revoke(id: number): Promise<void> {
    const lease = this.#require(id);
    const writer = this.#requireWriter();
    lease.ending = true;
    const done: Promise<unknown>[] = [];
    // In key order, as etcd does it.
    for (const key of [...lease.keys].toSorted()) {
      const revision = writer.revisionUnderLease(key, id);
      if (revision !== 0) done.push(writer.delete(key, revision));
    }
    done.push(writer.task((transaction) => transaction.setMeta(`${prefix}${id}`, undefined)));
    const failed = (await Promise.allSettled(done)).find((result) => result.status === 'rejected');
    if (failed !== undefined) {
      lease.ending = false;
      throw failed.reason;
    }
    this.#leases.delete(id);
  }

  #require(id: number): Lease {
    const lease = this.#leases.get(id);
    if (lease === undefined || lease.ending) throw leaseNotFound(id);
    return lease;
  }

  #requireWriter(): Writer {
    if (this.#writer === undefined) throw new Error('leases have not been started');
    return this.#writer;
  }

  /** One timer for the earliest deadline; a lease kept alive meanwhile is found to have time left. */
  #schedule(): void {
    if (this.#stopped) return;
    let next = Number.POSITIVE_INFINITY;
    for (const lease of this.#leases.values()) if (!lease.ending) next = Math.min(next, lease.deadline);
    this.#setTimer(next);
  }

  #setTimer(at: number): void {
    if (at >= this.#timerAt) return;
    this.#timer?.cancel();
    this.#timerAt = at;
    this.#timer = this.#clock.setTimer(Math.max(0, at - this.#clock.monotonic()), () => {
      this.#timerAt = Number.POSITIVE_INFINITY;
      void this.#expire();
    });
  }

  async #expire(): Promise<void> {
    const now = this.#clock.monotonic();
    const due = [...this.#leases.values()].filter((lease) => !lease.ending && lease.deadline <= now);
    const results = due.map((lease) =>
      this.revoke(lease.id).catch(() => {
        lease.deadline = this.#clock.monotonic() + retryMs;
      }),
    );
    this.#schedule();
    await Promise.all(results);
    this.#schedule();
  }
}
