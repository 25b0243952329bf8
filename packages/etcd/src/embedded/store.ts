/** The embedded store: see {@link Storage} for the guarantees, and the modules beside for each part. */
import {
  type RangeOptions,
  type RangeResult,
  type Storage,
  StorageError,
  type StoredRecord,
  type Watch,
  type WatchSink,
  type WriteOptions,
} from '../storage.ts';
import type { Compactor } from './compactor.ts';
import type { Database } from './database.ts';
import type { KeyIndex } from './key-index.ts';
import type { Leases } from './leases.ts';
import type { Pins } from './pins.ts';
import type { Reader } from './reader.ts';
import { writeSnapshot } from './snapshot.ts';
import type { WatchHub } from './watch-hub.ts';
import type { Writer } from './writer.ts';

/** UTF-8 bytes. The longest name that the API can make is about 700. */
export const maxKeyBytes = 1024;

/** The parts of a store, wired by openEmbeddedStore; open to its consistency checker. */
export interface StoreParts {
  readonly database: Database;
  readonly index: KeyIndex;
  readonly writer: Writer;
  readonly reader: Reader;
  readonly hub: WatchHub;
  readonly compactor: Compactor;
  readonly leases: Leases;
  readonly pins: Pins;
  readonly clusterId: string;
  readonly maxValueBytes: number;
  readonly quotaBytes: number;
  /** Lets go of the data directory. */
  readonly release: () => void;
}

export class EmbeddedStore implements Storage {
  /** For the consistency checker and tests; not part of the store's contract. */
  readonly parts: StoreParts;
  #closing: Promise<void> | undefined;

  /** Use openEmbeddedStore. */
  constructor(parts: StoreParts) {
    this.parts = parts;
  }

  /** Made at the store's creation; a UUID. */
  get clusterId(): string {
    return this.parts.clusterId;
  }

  /** The newest durable revision, at once. */
  get revision(): number {
    return this.parts.writer.durableRevision;
  }

  /** Live keys, deletions not yet compacted included. */
  get keyCount(): number {
    return this.parts.index.size;
  }

  /** The database's size in bytes. */
  get fileBytes(): number {
    return this.parts.database.fileBytes;
  }

  latest(key: string): StoredRecord | undefined {
    if (this.#closing !== undefined) throw closed();
    return this.parts.writer.latest(key);
  }

  latestRevision(key: string): number {
    if (this.#closing !== undefined) throw closed();
    return this.parts.writer.latestRevision(key);
  }

  whenDurable(key: string): Promise<void> | undefined {
    return this.parts.writer.whenDurable(key);
  }

  range(start: string, end: string, options: RangeOptions = {}): Promise<RangeResult> {
    if (this.#closing !== undefined) return Promise.reject(closed());
    return this.parts.reader.range(start, end, options);
  }

  create(key: string, value: Uint8Array, options?: WriteOptions): Promise<number> {
    const refusal = this.#refusal(key, value);
    return refusal === undefined ? this.parts.writer.create(key, value, options) : Promise.reject(refusal);
  }

  update(key: string, value: Uint8Array, ifRevision: number, options?: WriteOptions): Promise<number> {
    const refusal = this.#refusal(key, value);
    return refusal === undefined ? this.parts.writer.update(key, value, ifRevision, options) : Promise.reject(refusal);
  }

  delete(key: string, ifRevision: number, options?: Pick<WriteOptions, 'attachment'>): Promise<number> {
    if (this.#closing !== undefined) return Promise.reject(closed());
    return this.parts.writer.delete(key, ifRevision, options);
  }

  #refusal(key: string, value: Uint8Array): Error | undefined {
    if (this.#closing !== undefined) return closed();
    // A caller's mistake. Lone surrogates would not come back as they went in.
    if (key === '' || !key.isWellFormed()) return new RangeError('etcdserver: key is not provided, or not well-formed');
    // The texts of etcd (api/v3/v3rpc/rpctypes: ErrRequestTooLarge, ErrNoSpace, ErrEmptyKey).
    if (value.length > this.parts.maxValueBytes)
      return new StorageError('too-large', 'etcdserver: request is too large');
    if (key.length * 3 > maxKeyBytes && Buffer.byteLength(key) > maxKeyBytes) {
      return new StorageError('too-large', `etcdserver: request is too large: keys may have ${maxKeyBytes} bytes`);
    }
    if (this.parts.writer.overQuota)
      return new StorageError('unavailable', 'etcdserver: mvcc: database space exceeded');
    return undefined;
  }

  watch(range: { start: string; end: string; fromRevision: number }, sink: WatchSink): Watch {
    if (this.#closing === undefined) return this.parts.hub.watch(range, sink);
    let cancelled = false;
    queueMicrotask(() => {
      if (!cancelled) sink.onEnd(closed());
    });
    return {
      cancel: () => {
        cancelled = true;
      },
    };
  }

  currentRevision(): Promise<number> {
    if (this.#closing !== undefined) return Promise.reject(closed());
    return Promise.resolve(this.parts.writer.durableRevision);
  }

  compactedRevision(): Promise<number> {
    if (this.#closing !== undefined) return Promise.reject(closed());
    return Promise.resolve(this.parts.compactor.compactedRevision);
  }

  async compact(revision: number): Promise<void> {
    if (this.#closing !== undefined) throw closed();
    await this.parts.compactor.compact(revision);
  }

  async grantLease(ttlSeconds: number): Promise<number> {
    if (this.#closing !== undefined) throw closed();
    return this.parts.leases.grant(ttlSeconds);
  }

  async keepAliveLease(id: number): Promise<number> {
    if (this.#closing !== undefined) throw closed();
    return this.parts.leases.keepAlive(id);
  }

  async revokeLease(id: number): Promise<void> {
    if (this.#closing !== undefined) throw closed();
    await this.parts.leases.revoke(id);
  }

  /** See restoreSnapshot for the way back. */
  snapshot(): AsyncIterable<Uint8Array> {
    if (this.#closing !== undefined) throw closed();
    return writeSnapshot(this.parts);
  }

  /**
   * Gives back the memory of file pages that reads have mapped (they stay in the page cache): call it
   * after a large read, such as the filling of a cache. Takes a few milliseconds between two commits.
   */
  async trimMemory(): Promise<void> {
    if (this.#closing !== undefined) throw closed();
    await this.parts.writer.reopen();
  }

  /** Refuses further calls, makes durable what is decided, ends watches with `closed`. Idempotent. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { compactor, leases, writer, hub, database, release } = this.parts;
    compactor.stop();
    leases.stop();
    await writer.drain();
    hub.close();
    await database.close();
    release();
  }
}

function closed(): StorageError {
  return new StorageError('closed', 'the store is closed');
}
