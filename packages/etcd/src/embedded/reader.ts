/** Ranges over durable state, now or at a past revision, in steps that leave the event loop free. */
import { type RangeOptions, type RangeResult, StorageError, type StoredRecord } from '../storage.ts';
import type { Database } from './database.ts';
import type { KeyEntry, KeyIndex } from './key-index.ts';
import type { Pins } from './pins.ts';

/** Reading so many bytes takes about a millisecond. */
const stepBytes = 2 << 20;
const stepRecords = 1024;

interface Found {
  readonly key: string;
  readonly revision: number;
  readonly createRevision: number;
  readonly lease: number;
}

export interface ReaderParts {
  readonly database: Database;
  readonly index: KeyIndex;
  readonly pins: Pins;
  readonly durableRevision: () => number;
  readonly compactedRevision: () => number;
}

export class Reader {
  readonly #parts: ReaderParts;

  constructor(parts: ReaderParts) {
    this.#parts = parts;
  }

  /** Rejects `compacted`, `future-revision`. */
  async range(start: string, end: string, options: RangeOptions): Promise<RangeResult> {
    if (!this.#parts.database.isOpen) await this.#parts.database.whenOpen();
    const durable = this.#parts.durableRevision();
    const revision = options.revision || durable;
    this.#check(revision, durable);
    using _pin = this.#parts.pins.hold(revision);
    const limit = options.countOnly ? 0 : options.limit || Number.POSITIVE_INFINITY;
    const { found, count } = await this.#find({ start, end: end === '' ? `${start}\0` : end, revision, limit });
    const records = await this.#read(found);
    return { records, revision, count, more: count > records.length && !options.countOnly };
  }

  async #nextStep(): Promise<void> {
    await nextTurn();
    if (!this.#parts.database.isOpen) await this.#parts.database.whenOpen();
  }

  #check(revision: number, durable: number): void {
    const compacted = this.#parts.compactedRevision();
    if (revision < compacted) throw compactedError(compacted);
    if (revision > durable) throw futureRevision();
  }

  async #find(query: { start: string; end: string; revision: number; limit: number }) {
    const found: Found[] = [];
    let count = 0;
    const changed: KeyEntry[] = [];
    this.#parts.index.scan(query.start, query.end, (entry) => {
      if (entry.modRevision > query.revision) changed.push(entry);
      else if (entry.createRevision === 0) return true;
      else if (changed.length === 0) {
        count++;
        if (found.length < query.limit) found.push(durableState(entry));
      } else changed.push(entry);
      return true;
    });
    // From the first key on that has changed since, in order, by walking each key's chain back.
    for (const [i, entry] of changed.entries()) {
      if (i % stepRecords === stepRecords - 1) await this.#nextStep();
      const state = this.#stateAt(entry, query.revision);
      if (state === undefined) continue;
      count++;
      if (found.length < query.limit) found.push(state);
    }
    return { found, count };
  }

  #stateAt(entry: KeyEntry, revision: number): Found | undefined {
    if (entry.modRevision <= revision) return entry.createRevision === 0 ? undefined : durableState(entry);
    for (let at = entry.modRevision; at !== 0;) {
      const record = this.#parts.database.logRecord(at);
      if (record === undefined) return undefined;
      if (at <= revision) {
        if (record.deletion) return undefined;
        return { key: entry.key, revision: at, createRevision: record.createRevision, lease: record.lease };
      }
      at = record.previous;
    }
    return undefined;
  }

  async #read(found: readonly Found[]): Promise<StoredRecord[]> {
    const records: StoredRecord[] = [];
    let bytes = 0;
    for (const { key, revision, createRevision, lease } of found) {
      if (bytes > stepBytes) {
        await this.#nextStep();
        bytes = 0;
      }
      const value = this.#parts.database.value(revision);
      if (value === undefined) throw new Error(`the value of ${key} at ${revision} is missing`);
      bytes += value.length + 256;
      records.push({ key, value, createRevision, modRevision: revision, lease });
    }
    return records;
  }
}

function durableState(entry: KeyEntry): Found {
  const { key, modRevision: revision, createRevision, lease } = entry;
  return { key, revision, createRevision, lease };
}

/** Lets input and output have their turn. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** The texts of etcd (api/v3/v3rpc/rpctypes, ErrCompacted and ErrFutureRev), which clients match. */
export function compactedError(compactedRevision: number): StorageError {
  return new StorageError('compacted', 'etcdserver: mvcc: required revision has been compacted', { compactedRevision });
}

export function futureRevision(): StorageError {
  return new StorageError('future-revision', 'etcdserver: mvcc: required revision is a future revision');
}
