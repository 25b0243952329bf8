/**
 * The LMDB environment of one data directory: three tables and durable commits.
 *
 * - `log`: revision → who was written (see log-record.ts); append only until compaction.
 * - `values`: revision → the value, for puts.
 * - `meta`: named JSON documents (format, compaction, leases).
 *
 * The newest revision of a key is not a table: it is rebuilt from `log` at opening (0.5 µs per entry).
 * A key table would rewrite one random leaf page per write; without it creates are 30 % faster.
 *
 * Durability: `overlappingSync` is off, so that LMDB commits in the classic way (pages, fdatasync,
 * meta page through an O_DSYNC descriptor) and the promise of a batch settles after both. With it on, the
 * promise settles before the flush, and a failed flush is only printed; it is no faster here.
 */
import { statfsSync } from 'node:fs';
import { open, type Database as LmdbTable, type RootDatabase } from 'lmdb';
import { StorageError } from '../storage.ts';
import {
  type LogRecord,
  logHeaderSize,
  readLogRecord,
  readRevisionKey,
  revisionKeySize,
  writeLogRecord,
  writeRevisionKey,
} from './log-record.ts';

/** 4 kB values, the usual size of a pod, take one page of this size and two of the default one. */
const pageSize = 8192;
/** Address space set aside at first; LMDB's fork grows it by itself. */
const initialMapSize = 1 << 30;
const slabSize = 1 << 16;

type Table = LmdbTable<Buffer, Buffer>;

/** A LogRecord with its revision. */
export interface LogEntry extends LogRecord {
  readonly revision: number;
}

/** The writes of one transaction; to be used inside {@link Database.commit} only. */
export interface Transaction {
  put(revision: number, record: LogRecord, value: Uint8Array | undefined): void;
  /** Forgets a revision's log entry and value, if present. */
  remove(revision: number): void;
  setMeta(name: string, document: object | undefined): void;
}

export class Database {
  readonly #path: string;
  #root: RootDatabase<Buffer, Buffer>;
  #log: Table;
  #values: Table;
  #meta: Table;
  readonly #key = Buffer.allocUnsafeSlow(revisionKeySize);
  #slab = Buffer.allocUnsafeSlow(slabSize);
  #slabUsed = 0;
  #isOpen = true;
  #reopening: Promise<void> | undefined;

  private constructor(path: string) {
    this.#path = path;
    this.#root = openRoot(path);
    this.#log = openTable(this.#root, 'log');
    this.#values = openTable(this.#root, 'values');
    this.#meta = openTable(this.#root, 'meta');
  }

  /** Opens or creates the file `path`. Throws LMDB's error. */
  static open(path: string): Database {
    return new Database(path);
  }

  /** The file's size, roughly: pages are reused and never given back to the file system. */
  get fileBytes(): number {
    const stats = this.#root.getStats() as { lastPageNumber: number; pageSize: number };
    return (stats.lastPageNumber + 1) * stats.pageSize;
  }

  /** Bytes of the pages that hold data; the rest of the file is free for reuse. */
  get usedBytes(): number {
    return usedPages(this.#log) * pageSize + usedPages(this.#values) * pageSize;
  }

  /**
   * Runs `write` and resolves when its changes are on disk, all or none. One at a time.
   * Rejects `unavailable`; the database must then be reopened before it is used again.
   */
  async commit(write: (transaction: Transaction) => void): Promise<void> {
    this.#slabUsed = 0;
    try {
      await this.#root.batch(() => {
        write(this);
      });
    } catch (error) {
      throw this.#unavailable(await commitErrorOf(error));
    }
  }

  put(revision: number, record: LogRecord, value: Uint8Array | undefined): void {
    const key = writeRevisionKey(this.#key, revision);
    void this.#log.put(key, this.#encode(record));
    // LMDB reads the value from where it lies; lmdb holds on to it until the commit.
    if (value !== undefined) void this.#values.put(key, value as Buffer);
  }

  remove(revision: number): void {
    const key = writeRevisionKey(this.#key, revision);
    void this.#log.remove(key);
    void this.#values.remove(key);
  }

  setMeta(name: string, document: object | undefined): void {
    const key = Buffer.from(name);
    if (document === undefined) void this.#meta.remove(key);
    else void this.#meta.put(key, Buffer.from(JSON.stringify(document)));
  }

  /** Encodes into a slab that is reused by the next commit: lmdb needs the bytes until this one is done. */
  #encode(record: LogRecord): Buffer {
    const need = logHeaderSize + record.key.length * 3;
    if (this.#slabUsed + need > this.#slab.length) {
      this.#slab = Buffer.allocUnsafeSlow(Math.max(slabSize, need));
      this.#slabUsed = 0;
    }
    const start = this.#slabUsed;
    this.#slabUsed = writeLogRecord(this.#slab, start, record);
    return this.#slab.subarray(start, this.#slabUsed);
  }

  #unavailable(cause: unknown): StorageError {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const detail = this.#isFull() ? `no space left on device (${reason})` : reason;
    return new StorageError('unavailable', `the store cannot write to ${this.#path}: ${detail}`, { cause });
  }

  /** LMDB reports a short write as an input/output error, so the reason is looked up. */
  #isFull(): boolean {
    try {
      const { bavail, bsize } = statfsSync(this.#path);
      return bavail * bsize < 1 << 20;
    } catch {
      return false;
    }
  }

  logRecord(revision: number): LogRecord | undefined {
    const bytes = this.#log.getBinaryFast(writeRevisionKey(this.#key, revision));
    return bytes === undefined ? undefined : readLogRecord(bytes);
  }

  /** A copy, the caller's to keep. */
  value(revision: number): Uint8Array | undefined {
    return this.#values.getBinary(writeRevisionKey(this.#key, revision));
  }

  /** Log entries from `from` on, oldest first, at most `limit`. */
  logEntries(from: number, limit = Number.POSITIVE_INFINITY): LogEntry[] {
    const start = writeRevisionKey(Buffer.alloc(revisionKeySize), from);
    const entries: LogEntry[] = [];
    const options = Number.isFinite(limit) ? { start, limit } : { start };
    for (const { key, value } of this.#log.getRange(options)) {
      entries.push({ revision: readRevisionKey(key), ...readLogRecord(value) });
    }
    return entries;
  }

  /** Revisions that have a value, in order. */
  *valueRevisions(): Generator<number> {
    for (const key of this.#values.getKeys({ start: Buffer.alloc(revisionKeySize) })) yield readRevisionKey(key);
  }

  meta(name: string): unknown {
    const bytes = this.#meta.get(Buffer.from(name));
    return bytes === undefined ? undefined : (JSON.parse(bytes.toString()) as unknown);
  }

  /** Documents whose name starts with `prefix`, by the rest of the name. */
  metaWithPrefix(prefix: string): Map<string, unknown> {
    const found = new Map<string, unknown>();
    for (const { key, value } of this.#meta.getRange({ start: Buffer.from(prefix) })) {
      const name = key.toString();
      if (!name.startsWith(prefix)) break;
      found.set(name.slice(prefix.length), JSON.parse(value.toString()) as unknown);
    }
    return found;
  }

  /** False from the start of a reopening to its success; reads then throw. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Resolves once reads are possible; rejects `unavailable` when the last reopening failed. */
  async whenOpen(): Promise<void> {
    await this.#reopening;
    if (!this.#isOpen) throw new StorageError('unavailable', `${this.#path} is not open`);
  }

  /** After a failed commit: LMDB may refuse all further transactions of the old environment. */
  async reopen(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#isOpen = false;
    this.#reopening = promise;
    try {
      await this.close();
      this.#root = openRoot(this.#path);
      this.#log = openTable(this.#root, 'log');
      this.#values = openTable(this.#root, 'values');
      this.#meta = openTable(this.#root, 'meta');
      this.#isOpen = true;
    } finally {
      this.#reopening = undefined;
      resolve();
    }
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#isOpen = false;
    await this.#root.close();
  }
}

function openRoot(path: string): RootDatabase<Buffer, Buffer> {
  return open<Buffer, Buffer>({
    path,
    noSubdir: true,
    encoding: 'binary',
    keyEncoding: 'binary',
    pageSize,
    mapSize: initialMapSize,
    maxDbs: 4,
    overlappingSync: false,
    // Each call of batch is one transaction; nothing is written outside of one.
    eventTurnBatching: false,
  });
}

function openTable(root: RootDatabase<Buffer, Buffer>, name: string): Table {
  return root.openDB<Buffer, Buffer>({ name, encoding: 'binary', keyEncoding: 'binary' });
}

function usedPages(table: Table): number {
  const stats = table.getStats() as { treeBranchPageCount: number; treeLeafPageCount: number; overflowPages: number };
  return stats.treeBranchPageCount + stats.treeLeafPageCount + stats.overflowPages;
}

/** lmdb wraps the reason into a promise that rejects with it. */
async function commitErrorOf(error: unknown): Promise<unknown> {
  const reason = (error as { commitError?: Promise<never> }).commitError;
  if (reason === undefined) return error;
  try {
    return await reason;
  } catch (cause) {
    return cause;
  }
}
