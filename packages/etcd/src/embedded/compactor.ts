/**
 * Compaction: the compacted revision moves at once (durably), the superseded records go in the
 * background, a bounded share with each commit, oldest first.
 *
 * Walking the log from the point reached so far to the target finds all there is to remove: each entry
 * names the write it supersedes, and a deletion itself goes too.
 */
import type { Clock, Timer } from '@kubets/apimachinery/clock';
import { StorageError } from '../storage.ts';
import type { Database, Transaction } from './database.ts';
import type { KeyIndex } from './key-index.ts';
import type { Pins } from './pins.ts';
import { compactedError, futureRevision } from './reader.ts';
import type { BackgroundWork, Writer } from './writer.ts';

/** Removed with a commit that carries no writes, about a millisecond of work. */
const idleShare = 256;
const smallestShare = 16;

/** What the meta table keeps under `compaction`. */
export interface CompactionState {
  /** States below it are forgotten. */
  readonly compacted: number;
  /** Up to here what is superseded has been removed. */
  readonly removed: number;
  /** The store's revision when this was written: the log's newest entry may be among the removed. */
  readonly revision: number;
}

export interface CompactorParts {
  readonly database: Database;
  readonly index: KeyIndex;
  readonly pins: Pins;
  readonly writer: Writer;
  readonly state: CompactionState;
}

export class Compactor implements BackgroundWork {
  readonly #parts: CompactorParts;
  #compacted: number;
  /** What the commit being put together persists as the compacted revision. */
  #written: number;
  #removed: number;
  #paused = false;
  #stopped = false;
  #timer: Timer | undefined;

  constructor(parts: CompactorParts) {
    this.#parts = parts;
    this.#compacted = parts.state.compacted;
    this.#written = parts.state.compacted;
    this.#removed = parts.state.removed;
  }

  get compactedRevision(): number {
    return this.#compacted;
  }

  /** Up to here superseded records have been removed, durably. */
  get removedRevision(): number {
    return this.#removed;
  }

  /** See Storage.compact. */
  async compact(revision: number): Promise<void> {
    const { writer } = this.#parts;
    if (revision <= this.#compacted) throw compactedError(this.#compacted);
    if (revision > writer.durableRevision) throw futureRevision();
    try {
      await writer.task((transaction) => {
        this.#written = Math.max(revision, this.#written);
        transaction.setMeta('compaction', this.#state(this.#removed));
      });
    } catch (error) {
      this.#written = this.#compacted;
      throw error;
    }
    this.#compacted = Math.max(revision, this.#compacted);
    this.#paused = false;
    writer.wake();
  }

  #state(removed: number): CompactionState {
    return { compacted: this.#written, removed, revision: this.#parts.writer.durableRevision };
  }

  /** Compacts every `intervalMs` to the revision of the interval before, as the API server's compactor does. */
  startAutomatic(clock: Clock, intervalMs: number): void {
    let before = this.#parts.writer.durableRevision;
    const tick = (): void => {
      const target = before;
      before = this.#parts.writer.durableRevision;
      this.#timer = clock.setTimer(intervalMs, tick);
      this.compact(target).catch(ignoreRefusal);
    };
    this.#timer = clock.setTimer(intervalMs, tick);
  }

  stop(): void {
    this.#timer?.cancel();
    this.#stopped = true;
  }

  get #target(): number {
    return Math.min(this.#compacted, this.#parts.pins.oldest);
  }

  get waiting(): boolean {
    return !this.#paused && !this.#stopped && this.#removed < this.#target;
  }

  contribute(transaction: Transaction, foreground: number): () => void {
    const share = foreground === 0 ? idleShare : Math.max(smallestShare, foreground * 2);
    const target = this.#target;
    const entries = this.#parts.database.logEntries(this.#removed + 1, share);
    let reached = this.#removed;
    const gone: { key: string; revision: number }[] = [];
    for (const { revision, previous, deletion, key } of entries) {
      if (revision > target) break;
      if (previous !== 0) transaction.remove(previous);
      if (deletion) {
        transaction.remove(revision);
        gone.push({ key, revision });
      }
      reached = revision;
    }
    if (entries.length < share || (entries.at(-1)?.revision ?? 0) > target) reached = target;
    transaction.setMeta('compaction', this.#state(reached));
    return () => {
      this.#removed = reached;
      for (const { key, revision } of gone) this.#forget(key, revision);
    };
  }

  suspend(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
  }

  #forget(key: string, revision: number): void {
    const entry = this.#parts.index.get(key);
    if (entry === undefined || entry.modRevision !== revision) return;
    if (entry.pending === undefined) this.#parts.index.remove(key);
    // Should the pending creation fail, then nothing is left of the key.
    else entry.modRevision = 0;
  }
}

/** The next tick tries again; a failing disk is told to the writers. */
function ignoreRefusal(error: unknown): void {
  if (!(error instanceof StorageError)) throw error;
}
