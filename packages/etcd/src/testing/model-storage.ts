/**
 * The reference model of the storage port: a list of everything ever written, searched from the front.
 * Slow and plain, so that it can be seen to be right; writes are durable at once.
 */
import type { Clock, Timer } from '@kubets/apimachinery/clock';
import {
  type RangeOptions,
  type RangeResult,
  type Storage,
  StorageError,
  type StoredRecord,
  type Watch,
  type WatchEvent,
  type WatchSink,
  type WriteOptions,
} from '../storage.ts';

interface Written {
  readonly revision: number;
  readonly key: string;
  /** Undefined: a deletion. */
  readonly record: StoredRecord | undefined;
}

interface Watcher {
  readonly start: string;
  readonly end: string;
  readonly from: number;
  readonly sink: WatchSink;
  live: boolean;
  ended: boolean;
}

/** A Storage for tests of its users, and the measure for real implementations. */
export class ModelStorage implements Storage {
  readonly #clock: Clock;
  readonly #written: Written[] = [];
  /** The last of each key: tests of controllers write much. */
  readonly #newest = new Map<string, Written>();
  readonly #watchers = new Set<Watcher>();
  readonly #leases = new Map<number, { ttlSeconds: number; timer: Timer | undefined }>();
  #leaseIds = 0;
  #revision = 0;
  #compacted = 0;
  #closed = false;
  readonly #maxValueBytes: number;

  constructor(clock: Clock, maxValueBytes = 1.5 * 1024 * 1024) {
    this.#clock = clock;
    this.#maxValueBytes = maxValueBytes;
  }

  #requireOpen(): void {
    if (this.#closed) throw new StorageError('closed', 'the store is closed');
  }

  #at(key: string, revision: number): StoredRecord | undefined {
    const newest = this.#newest.get(key);
    if (newest === undefined || newest.revision <= revision) return newest?.record;
    return this.#written.findLast((written) => written.key === key && written.revision <= revision)?.record;
  }

  latest(key: string): StoredRecord | undefined {
    this.#requireOpen();
    return this.#at(key, this.#revision);
  }

  latestRevision(key: string): number {
    return this.latest(key)?.modRevision ?? 0;
  }

  async range(start: string, end: string, options: RangeOptions = {}): Promise<RangeResult> {
    this.#requireOpen();
    const revision = options.revision || this.#revision;
    if (revision < this.#compacted) {
      throw new StorageError('compacted', 'compacted', { compactedRevision: this.#compacted });
    }
    if (revision > this.#revision) throw new StorageError('future-revision', 'future revision');
    const keys = [...this.#newest.keys()].toSorted();
    const all = keys
      .filter((key) => inRange(key, start, end))
      .map((key) => this.#at(key, revision))
      .filter((record) => record !== undefined);
    const records = options.countOnly ? [] : all.slice(0, options.limit || all.length);
    return { records, revision, count: all.length, more: !options.countOnly && records.length < all.length };
  }

  #check(key: string, value: Uint8Array, lease: number): void {
    this.#requireOpen();
    if (value.length > this.#maxValueBytes || Buffer.byteLength(key) > 1024) {
      throw new StorageError('too-large', 'etcdserver: request is too large');
    }
    if (lease !== 0 && !this.#leases.has(lease)) throw new StorageError('lease-not-found', 'lease not found');
  }

  async create(key: string, value: Uint8Array, options: WriteOptions = {}): Promise<number> {
    this.#check(key, value, options.lease ?? 0);
    const current = this.latest(key);
    if (current !== undefined) throw new StorageError('exists', `key ${key} exists`, { current });
    const revision = this.#revision + 1;
    return this.#write(key, recordOf(key, value, revision, revision, options), options.attachment);
  }

  async update(key: string, value: Uint8Array, ifRevision: number, options: WriteOptions = {}): Promise<number> {
    this.#check(key, value, options.lease ?? 0);
    const { createRevision } = this.#require(key, ifRevision);
    const record = recordOf(key, value, createRevision, this.#revision + 1, options);
    return this.#write(key, record, options.attachment);
  }

  async delete(key: string, ifRevision: number, options: Pick<WriteOptions, 'attachment'> = {}): Promise<number> {
    this.#requireOpen();
    this.#require(key, ifRevision);
    return this.#write(key, undefined, options.attachment);
  }

  #require(key: string, ifRevision: number): StoredRecord {
    const current = this.latest(key);
    if (current === undefined) throw new StorageError('not-found', `key ${key} not found`);
    if (current.modRevision !== ifRevision) throw new StorageError('conflict', `key ${key} has changed`, { current });
    return current;
  }

  #write(key: string, record: StoredRecord | undefined, attachment: object | undefined): number {
    const revision = ++this.#revision;
    const written = { revision, key, record };
    this.#written.push(written);
    this.#newest.set(key, written);
    for (const watcher of this.#watchers) if (watcher.live) this.#show(watcher, written, attachment);
    return revision;
  }

  #show(watcher: Watcher, written: Written, attachment?: object): void {
    if (watcher.ended || written.revision < watcher.from) return;
    if (!inRange(written.key, watcher.start, watcher.end)) return watcher.sink.onProgress(written.revision);
    watcher.sink.onEvents([eventOf(written, attachment)], written.revision);
  }

  watch(range: { start: string; end: string; fromRevision: number }, sink: WatchSink): Watch {
    const watcher: Watcher = { ...range, from: range.fromRevision, sink, live: false, ended: false };
    this.#watchers.add(watcher);
    queueMicrotask(() => this.#begin(watcher));
    return {
      cancel: () => {
        watcher.ended = true;
        this.#watchers.delete(watcher);
      },
    };
  }

  #begin(watcher: Watcher): void {
    if (watcher.ended) return;
    if (this.#closed) return this.#end(watcher, new StorageError('closed', 'the store is closed'));
    if (watcher.from <= this.#compacted && this.#compacted > 0) {
      return this.#end(watcher, new StorageError('compacted', 'compacted', { compactedRevision: this.#compacted }));
    }
    watcher.live = true;
    for (const written of this.#written) this.#show(watcher, written);
  }

  #end(watcher: Watcher, error: Error): void {
    watcher.ended = true;
    this.#watchers.delete(watcher);
    watcher.sink.onEnd(error);
  }

  async currentRevision(): Promise<number> {
    this.#requireOpen();
    return this.#revision;
  }

  async compactedRevision(): Promise<number> {
    this.#requireOpen();
    return this.#compacted;
  }

  async compact(revision: number): Promise<void> {
    this.#requireOpen();
    if (revision <= this.#compacted) {
      throw new StorageError('compacted', 'compacted', { compactedRevision: this.#compacted });
    }
    if (revision > this.#revision) throw new StorageError('future-revision', 'future revision');
    this.#compacted = revision;
  }

  async grantLease(ttlSeconds: number): Promise<number> {
    this.#requireOpen();
    const id = ++this.#leaseIds;
    this.#leases.set(id, { ttlSeconds: Math.max(1, Math.ceil(ttlSeconds)), timer: undefined });
    await this.keepAliveLease(id);
    return id;
  }

  async keepAliveLease(id: number): Promise<number> {
    const lease = this.#requireLease(id);
    lease.timer?.cancel();
    lease.timer = this.#clock.setTimer(lease.ttlSeconds * 1000, () => void this.revokeLease(id));
    return lease.ttlSeconds;
  }

  async revokeLease(id: number): Promise<void> {
    this.#requireLease(id).timer?.cancel();
    for (const key of [...this.#newest.keys()].toSorted()) {
      if (this.latest(key)?.lease === id) this.#write(key, undefined, undefined);
    }
    this.#leases.delete(id);
  }

  #requireLease(id: number): { ttlSeconds: number; timer: Timer | undefined } {
    this.#requireOpen();
    const lease = this.#leases.get(id);
    if (lease === undefined) throw new StorageError('lease-not-found', 'lease not found');
    return lease;
  }

  async *snapshot(): AsyncGenerator<Uint8Array> {
    this.#requireOpen();
    yield Buffer.from(JSON.stringify(this.#written));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const { timer } of this.#leases.values()) timer?.cancel();
    for (const watcher of this.#watchers) this.#end(watcher, new StorageError('closed', 'the store is closed'));
  }
}

function recordOf(
  key: string,
  value: Uint8Array,
  createRevision: number,
  modRevision: number,
  options: WriteOptions,
): StoredRecord {
  return { key, value, createRevision, modRevision, lease: options.lease ?? 0 };
}

function eventOf({ record, key, revision }: Written, attachment: object | undefined): WatchEvent {
  return record === undefined ? { type: 'delete', key, revision, attachment } : { type: 'put', record, attachment };
}

function inRange(key: string, start: string, end: string): boolean {
  return end === '' ? key === start : key >= start && key < end;
}
