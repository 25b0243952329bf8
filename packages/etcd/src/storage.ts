/**
 * The storage port: what the API server needs of a store, in storage terms.
 *
 * Two implementations pass one contract suite (`@kubets/etcd/testing`): the embedded store and a
 * real etcd. Keys are strings as upstream lays them out (`/registry/pods/<namespace>/<name>`);
 * values are opaque bytes. A revision is a positive integer that grows by one with each write.
 */

export interface StoredRecord {
  readonly key: string;
  readonly value: Uint8Array;
  readonly createRevision: number;
  /** The revision of the write that made this state: the object's resourceVersion. */
  readonly modRevision: number;
  /** 0 when none. */
  readonly lease: number;
}

export interface WriteOptions {
  /** The key is deleted when this lease ends. */
  lease?: number;
  /**
   * Handed back untouched in the watch event of this very write by a store in the same process, so
   * that the cache need not parse what the writer has just had in hand. Others drop it.
   */
  attachment?: object | undefined;
}

export type WatchEvent =
  | { readonly type: 'put'; readonly record: StoredRecord; readonly attachment?: object | undefined }
  | {
      readonly type: 'delete';
      readonly key: string;
      readonly revision: number;
      readonly attachment?: object | undefined;
    };

/** What a watch tells its owner. Calls come in revision order, one at a time, from the event loop. */
export interface WatchSink {
  /**
   * Durable events. Those of one revision are never split over two calls. `revision` is the store's
   * revision at delivery: everything up to it (within the watched range) has now been seen.
   */
  onEvents(events: readonly WatchEvent[], revision: number): void;
  /** No events in range, but the store has moved on to this durable revision. */
  onProgress(revision: number): void;
  /** The watch is over, with a {@link StorageError} (`compacted`, `unavailable`, `closed`). Called at most once. */
  onEnd(error: Error): void;
}

export interface Watch {
  /** Idempotent; no calls of the sink after it. */
  cancel(): void;
}

export interface RangeOptions {
  /** State as of this revision; 0 or absent: the newest durable one. */
  revision?: number;
  /** At most so many records; 0 or absent: all. */
  limit?: number;
  /** Only counts: `records` is empty. */
  countOnly?: boolean;
}

export interface RangeResult {
  readonly records: readonly StoredRecord[];
  /** The revision whose state this is. */
  readonly revision: number;
  /** All keys in range, regardless of `limit`. */
  readonly count: number;
  readonly more: boolean;
}

/**
 * Guarantees of every implementation:
 * - A write's promise settles only after the write is durable (or failed); so do its watch events,
 *   which reach every sink before the promise resolves.
 * - Compare-and-swap is decided in call order against all writes decided before, durable or not.
 * - When a flush fails (disk full, say), every write not yet durable is rejected with
 *   `unavailable`, the state returns to the last durable one, and later writes may succeed.
 * - Reads (`range`) show durable state only, and at least every write acknowledged before the call.
 */
export interface Storage extends AsyncDisposable {
  /**
   * The newest decided state of a key, perhaps not yet durable. A basis for compare-and-swap only:
   * never show it to a client. May be synchronous.
   */
  latest(key: string): StoredRecord | undefined | Promise<StoredRecord | undefined>;
  /**
   * The revision that {@link latest} would give, 0 for no such key: spares a caller that has the value of
   * that revision the reading. Only of stores that know it at once.
   */
  latestRevision?(key: string): number;
  /**
   * Resolves once the newest decided state of the key is durable and its events are out; `undefined` when
   * it is already. Who refuses a client because of that state (exists, conflict, not found) waits for
   * this first: else the client reads back the state before. Only of stores that decide first.
   */
  whenDurable?(key: string): Promise<void> | undefined;
  /** Keys in [start, end), in order. `end` empty: the key `start` alone. Rejects `compacted`, `future-revision`. */
  range(start: string, end: string, options?: RangeOptions): Promise<RangeResult>;
  /** Resolves to the write's revision. Rejects `exists`. */
  create(key: string, value: Uint8Array, options?: WriteOptions): Promise<number>;
  /** Rejects `conflict` (with the newest decided record) unless the key's modRevision is `ifRevision`; `not-found`. */
  update(key: string, value: Uint8Array, ifRevision: number, options?: WriteOptions): Promise<number>;
  /** As {@link update}. Resolves to the revision of the deletion. */
  delete(key: string, ifRevision: number, options?: Pick<WriteOptions, 'attachment'>): Promise<number>;
  /**
   * Events with revision >= `fromRevision` of keys in [start, end). Starts at once; history comes first.
   * Rejects (through `onEnd`) `compacted` when `fromRevision` is below the compacted revision + 1.
   */
  watch(range: { start: string; end: string; fromRevision: number }, sink: WatchSink): Watch;
  /** The newest durable revision; a linearizable read of it. */
  currentRevision(): Promise<number>;
  compactedRevision(): Promise<number>;
  /** Forgets superseded states below `revision`. Rejects `compacted`, `future-revision`. */
  compact(revision: number): Promise<void>;
  /** Resolves to the lease's id. */
  grantLease(ttlSeconds: number): Promise<number>;
  /** Resolves to the new remaining time in seconds; rejects `lease-not-found`. */
  keepAliveLease(id: number): Promise<number>;
  /** Deletes the lease's keys. Rejects `lease-not-found`. */
  revokeLease(id: number): Promise<void>;
  /** A consistent copy of the whole store, in chunks. */
  snapshot(): AsyncIterable<Uint8Array>;
}

export type StorageErrorCode =
  | 'exists'
  | 'not-found'
  | 'conflict'
  | 'compacted'
  | 'future-revision'
  | 'lease-not-found'
  | 'too-large'
  | 'unavailable'
  | 'closed';

/** Match `code`, not the class. */
export class StorageError extends Error {
  readonly code: StorageErrorCode;
  /** For `conflict` and `exists`: the newest decided record. */
  readonly current: StoredRecord | undefined;
  /** For `compacted`: the compacted revision. */
  readonly compactedRevision: number;

  constructor(
    code: StorageErrorCode,
    message: string,
    options: ErrorOptions & { current?: StoredRecord; compactedRevision?: number } = {},
  ) {
    super(message, options);
    this.name = 'StorageError';
    this.code = code;
    this.current = options.current;
    this.compactedRevision = options.compactedRevision ?? 0;
  }
}

export function storageErrorCode(error: unknown): StorageErrorCode | undefined {
  return error instanceof Error && error.name === 'StorageError' ? (error as StorageError).code : undefined;
}
