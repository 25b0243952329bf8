/**
 * Decides writes in call order, in memory, and makes them durable in groups: one transaction is in
 * flight, and what is decided meanwhile goes into the next one.
 */
import { StorageError, type StoredRecord, type WatchEvent, type WriteOptions } from '../storage.ts';
import type { Database, Transaction } from './database.ts';
import type { KeyEntry, KeyIndex } from './key-index.ts';
import { type PendingWrite, recordOf } from './pending-write.ts';

/** A change of the meta table that shares the writes' transactions. */
interface Task {
  apply(transaction: Transaction): void;
  resolve(): void;
  reject(error: Error): void;
}

/** Work that rides along with commits when there is any: the removal of superseded revisions. */
export interface BackgroundWork {
  readonly waiting: boolean;
  /** Adds its share; what it returns is called when the transaction has been committed. */
  contribute(transaction: Transaction, foreground: number): () => void;
  /** A commit failed: nothing is waiting until `resume`, lest it is tried in a busy loop. */
  suspend(): void;
  /** A commit went through. */
  resume(): void;
}

export interface WriterParts {
  readonly database: Database;
  readonly index: KeyIndex;
  readonly revision: number;
  readonly quotaBytes: number;
  /** Durable events in order, before the writes' promises resolve. */
  readonly onEvents: (events: WatchEvent[], revision: number) => void;
  /** A key's newest decided lease has changed. */
  readonly onLease: (key: string, from: number, to: number) => void;
  readonly leaseExists: (id: number) => boolean;
}

interface Batch {
  readonly writes: PendingWrite[];
  readonly tasks: Task[];
}

interface Decision {
  readonly entry: KeyEntry;
  readonly value: Uint8Array | undefined;
  readonly createRevision: number;
  readonly options: WriteOptions | undefined;
}

const commitsPerQuotaCheck = 16;

export class Writer {
  readonly #parts: WriterParts;
  #background: BackgroundWork | undefined;
  #writes: PendingWrite[] = [];
  #tasks: Task[] = [];
  #scheduled = false;
  #running: Promise<void> | undefined;
  /** The environment is to be reopened before the next commit. */
  #reopenFirst = false;
  /** Revisions above the durable one that a failed commit may have left in the file. */
  #stray: number[] = [];
  #overQuota = false;
  #commits = 0;
  #durable: number;
  #assigned: number;

  constructor(parts: WriterParts) {
    this.#parts = parts;
    this.#durable = parts.revision;
    this.#assigned = parts.revision;
  }

  get durableRevision(): number {
    return this.#durable;
  }

  /** The database has grown beyond its quota; deletions go through, and compaction makes room. */
  get overQuota(): boolean {
    return this.#overQuota;
  }

  setBackground(work: BackgroundWork): void {
    this.#background = work;
  }

  latest(key: string): StoredRecord | undefined {
    const entry = this.#parts.index.get(key);
    return entry === undefined ? undefined : this.#newest(entry);
  }

  /** The newest decided revision of a key; 0 when there is no such key. */
  latestRevision(key: string): number {
    const entry = this.#parts.index.get(key);
    return entry !== undefined && isLive(entry) ? decidedRevision(entry) : 0;
  }

  #newest(entry: KeyEntry): StoredRecord | undefined {
    if (entry.pending !== undefined) return recordOf(entry.pending);
    if (entry.createRevision === 0) return undefined;
    const value = this.#parts.database.value(entry.modRevision);
    if (value === undefined) throw new Error(`the value of ${entry.key} at ${entry.modRevision} is missing`);
    const { key, createRevision, modRevision, lease } = entry;
    return { key, value, createRevision, modRevision, lease };
  }

  create(key: string, value: Uint8Array, options?: WriteOptions): Promise<number> {
    const lease = options?.lease ?? 0;
    if (lease !== 0 && !this.#parts.leaseExists(lease)) return Promise.reject(leaseNotFound(lease));
    const entry = this.#parts.index.ensure(key);
    if (isLive(entry)) return Promise.reject(this.#refusal('exists', entry));
    return this.#decide({ entry, value, createRevision: 0, options });
  }

  update(key: string, value: Uint8Array, ifRevision: number, options?: WriteOptions): Promise<number> {
    const entry = this.#parts.index.get(key);
    if (entry === undefined || !isLive(entry)) return Promise.reject(notFound(key));
    if (decidedRevision(entry) !== ifRevision) return Promise.reject(this.#refusal('conflict', entry));
    const lease = options?.lease ?? 0;
    if (lease !== 0 && !this.#parts.leaseExists(lease)) return Promise.reject(leaseNotFound(lease));
    return this.#decide({ entry, value, createRevision: decidedCreateRevision(entry), options });
  }

  delete(key: string, ifRevision: number, options?: Pick<WriteOptions, 'attachment'>): Promise<number> {
    const entry = this.#parts.index.get(key);
    if (entry === undefined || !isLive(entry)) return Promise.reject(notFound(key));
    if (decidedRevision(entry) !== ifRevision) return Promise.reject(this.#refusal('conflict', entry));
    return this.#decide({ entry, value: undefined, createRevision: 0, options });
  }

  /** Resolves when the key's newest decision has been committed or refused; `undefined` when it has been. */
  whenDurable(key: string): Promise<void> | undefined {
    const entry = this.#parts.index.get(key);
    return entry?.pending === undefined ? undefined : this.#untilOver(entry, entry.pending.revision);
  }

  async #untilOver(entry: KeyEntry, revision: number): Promise<void> {
    while (entry.pending !== undefined && entry.modRevision < revision) {
      await (this.#running ?? new Promise((resolve) => setImmediate(resolve)));
    }
  }

  /** The key's revision if it lives with this lease by the newest decision, else 0. */
  revisionUnderLease(key: string, lease: number): number {
    const entry = this.#parts.index.get(key);
    return entry !== undefined && isLive(entry) && decidedLease(entry) === lease ? decidedRevision(entry) : 0;
  }

  #refusal(code: 'exists' | 'conflict', entry: KeyEntry): StorageError {
    // Amid a reopening the value cannot be had; the refusal stands all the same.
    const readable = entry.pending !== undefined || this.#parts.database.isOpen;
    const current = readable ? this.#newest(entry) : undefined;
    const text = code === 'exists' ? 'exists already' : `is at revision ${decidedRevision(entry)}`;
    return new StorageError(code, `key ${entry.key} ${text}`, current === undefined ? {} : { current });
  }

  #decide({ entry, value, createRevision, options }: Decision): Promise<number> {
    const lease = value === undefined ? 0 : (options?.lease ?? 0);
    const leaseBefore = decidedLease(entry);
    const revision = ++this.#assigned;
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const write: PendingWrite = {
      entry,
      revision,
      createRevision: value === undefined ? 0 : createRevision || revision,
      previous: decidedRevision(entry),
      value,
      lease,
      attachment: options?.attachment,
      resolve,
      reject,
    };
    entry.pending = write;
    if (lease !== leaseBefore) this.#parts.onLease(entry.key, leaseBefore, lease);
    this.#writes.push(write);
    this.#schedule();
    return promise;
  }

  #checkQuota(): void {
    if (++this.#commits % commitsPerQuotaCheck !== 0) return;
    this.#overQuota = this.#parts.database.usedBytes > this.#parts.quotaBytes;
  }

  /** Makes a change of the meta table durable, in order with the writes. */
  task(apply: (transaction: Transaction) => void): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#tasks.push({ apply, resolve, reject });
    this.#schedule();
    return promise;
  }

  /** Reopens the environment between two commits. Resolves when it is done. */
  reopen(): Promise<void> {
    this.#reopenFirst = true;
    return this.task(() => {});
  }

  /** Starts a commit for background work if nothing else does. */
  wake(): void {
    this.#schedule();
  }

  /** The commit that is in flight, if any, is over when this resolves. */
  async settled(): Promise<void> {
    await this.#running;
  }

  /** Everything decided before the call has been committed or refused when this resolves. */
  async drain(): Promise<void> {
    // Nested: what settles may decide more.
    while (this.#scheduled || this.#running !== undefined) {
      await (this.#running ?? new Promise((resolve) => setImmediate(resolve)));
    }
  }

  /**
   * Commits start at the end of an event loop turn: writes that came in with the same poll share one
   * transaction, even when the store was idle.
   */
  #schedule(): void {
    if (this.#scheduled || this.#running !== undefined) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#running = this.#run().finally(() => {
        this.#running = undefined;
        if (this.#hasWork()) this.#schedule();
      });
    });
  }

  #hasWork(): boolean {
    return this.#writes.length > 0 || this.#tasks.length > 0 || this.#background?.waiting === true;
  }

  async #run(): Promise<void> {
    if (!this.#hasWork()) return;
    const batch: Batch = { writes: this.#writes, tasks: this.#tasks };
    this.#writes = [];
    this.#tasks = [];
    let contributed: (() => void) | undefined;
    try {
      if (this.#reopenFirst) await this.#reopen();
      await this.#parts.database.commit((transaction) => {
        for (const revision of this.#stray) transaction.remove(revision);
        for (const write of batch.writes) putWrite(transaction, write);
        for (const task of batch.tasks) task.apply(transaction);
        if (this.#background?.waiting) contributed = this.#background.contribute(transaction, batch.writes.length);
      });
    } catch (error) {
      this.#reopenFirst = true;
      this.#fail(batch, error as Error);
      this.#background?.suspend();
      return;
    }
    this.#stray = [];
    this.#checkQuota();
    contributed?.();
    this.#background?.resume();
    this.#settle(batch);
  }

  async #reopen(): Promise<void> {
    const { database } = this.#parts;
    try {
      await database.reopen();
    } catch (error) {
      throw new StorageError('unavailable', `the store cannot be reopened: ${(error as Error).message}`, {
        cause: error,
      });
    }
    // A commit whose report failed may be in the file all the same. Its writers were told no.
    this.#stray = database.logEntries(this.#durable + 1).map((entry) => entry.revision);
    this.#reopenFirst = false;
  }

  #settle({ writes, tasks }: Batch): void {
    const last = writes.at(-1);
    if (last !== undefined) {
      const events = writes.map(applyWrite);
      this.#durable = last.revision;
      this.#parts.onEvents(events, last.revision);
      for (const write of writes) write.resolve(write.revision);
    }
    for (const task of tasks) task.resolve();
  }

  /**
   * Back to the durable state: whatever was decided after it rests on the failed batch. Revisions
   * once assigned are not assigned again, lest a caller that saw one through `latest` mistakes
   * another write for it: after a failure numbers are skipped.
   */
  #fail(batch: Batch, error: Error): void {
    const writes = batch.writes.concat(this.#writes);
    const tasks = batch.tasks.concat(this.#tasks);
    this.#writes = [];
    this.#tasks = [];
    for (const write of writes.toReversed()) this.#undo(write);
    for (const write of writes) write.reject(error);
    for (const task of tasks) task.reject(error);
  }

  #undo({ entry, lease }: PendingWrite): void {
    const decided = lease;
    entry.pending = undefined;
    if (entry.modRevision === 0) this.#parts.index.remove(entry.key);
    if (decided !== 0 && decided !== entry.lease) this.#parts.onLease(entry.key, decided, 0);
    if (entry.lease !== 0) this.#parts.onLease(entry.key, 0, entry.lease);
  }
}

function isLive(entry: KeyEntry): boolean {
  return entry.pending === undefined ? entry.createRevision !== 0 : entry.pending.value !== undefined;
}

function decidedRevision(entry: KeyEntry): number {
  return entry.pending === undefined ? entry.modRevision : entry.pending.revision;
}

function decidedCreateRevision(entry: KeyEntry): number {
  return entry.pending === undefined ? entry.createRevision : entry.pending.createRevision;
}

function decidedLease(entry: KeyEntry): number {
  return entry.pending === undefined ? entry.lease : entry.pending.lease;
}

function putWrite(transaction: Transaction, write: PendingWrite): void {
  const { entry, revision, createRevision, previous, value, lease } = write;
  const record = { key: entry.key, deletion: value === undefined, createRevision, previous, lease };
  transaction.put(revision, record, value);
}

/** Makes the write the entry's durable state and tells it as an event. */
function applyWrite(write: PendingWrite): WatchEvent {
  const { entry, attachment, revision } = write;
  entry.modRevision = revision;
  entry.createRevision = write.createRevision;
  entry.lease = write.lease;
  if (entry.pending === write) entry.pending = undefined;
  const record = recordOf(write);
  return record === undefined
    ? { type: 'delete', key: entry.key, revision, attachment }
    : { type: 'put', record, attachment };
}

export function notFound(key: string): StorageError {
  return new StorageError('not-found', `key ${key} not found`);
}

export function leaseNotFound(id: number): StorageError {
  return new StorageError('lease-not-found', `etcdserver: requested lease not found (${id})`);
}
