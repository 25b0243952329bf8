/**
 * The consistency checker of the embedded store. Every store test ends with it.
 *
 * It reads the tables as they lie on disk and holds them against each other, against the index in
 * memory and against the compaction's promises.
 */
import { systemClock } from '@kubets/apimachinery/system-clock';
import type { CompactionState } from '../embedded/compactor.ts';
import type { LogEntry } from '../embedded/database.ts';
import { openEmbeddedStore } from '../embedded/open.ts';
import type { EmbeddedStore, StoreParts } from '../embedded/store.ts';

/** Rejects with an error that lists every inconsistency. Given a directory it opens it, checks and closes. */
export async function checkStore(target: string | EmbeddedStore): Promise<void> {
  if (typeof target !== 'string') return checkOpenStore(target);
  await using store = await openEmbeddedStore({ dataDir: target, clock: systemClock, compactionIntervalMs: 0 });
  await checkOpenStore(store);
}

async function checkOpenStore(store: EmbeddedStore): Promise<void> {
  await store.parts.writer.drain();
  const { database } = store.parts;
  const durable = store.parts.writer.durableRevision;
  // Above the durable revision a failed commit may have left what the next one removes.
  const log = database.logEntries(1).filter((entry) => entry.revision <= durable);
  const problems = [
    ...checkValues(store.parts, log),
    ...checkChains(store.parts, log),
    ...checkCompaction(store.parts, log),
    ...checkIndex(store.parts, log),
    ...checkLeases(store.parts, log),
  ];
  if (problems.length > 0) {
    throw new Error(`the store is inconsistent (${problems.length}):\n${problems.slice(0, 20).join('\n')}`);
  }
}

/** Each put has its value, each value its put. */
function* checkValues({ database, writer }: StoreParts, log: readonly LogEntry[]): Generator<string> {
  const puts = new Set(log.filter((entry) => !entry.deletion).map((entry) => entry.revision));
  for (const revision of database.valueRevisions()) {
    if (revision <= writer.durableRevision && !puts.delete(revision)) yield `value ${revision} is an orphan`;
  }
  for (const revision of puts) yield `the value of revision ${revision} is missing`;
}

/** Each entry names the write before it; what it says of the creation follows from that. */
function* checkChains({ compactor }: StoreParts, log: readonly LogEntry[]): Generator<string> {
  const newest = new Map<string, LogEntry>();
  for (const entry of log) {
    const { key, revision, previous, createRevision, deletion } = entry;
    const before = newest.get(key);
    newest.set(key, entry);
    if (before !== undefined && previous !== before.revision) {
      yield `${key}@${revision} names ${previous} as its previous write, the log has ${before.revision}`;
    }
    if (before === undefined && previous > compactor.removedRevision) {
      yield `${key}@${revision} names ${previous}, which the log has not`;
    }
    const expected = deletion ? 0 : before === undefined ? createRevision : before.createRevision || revision;
    if (createRevision !== expected) yield `${key}@${revision} has create revision ${createRevision}, not ${expected}`;
    if (createRevision > revision) yield `${key}@${revision} was created later, at ${createRevision}`;
    if (!deletion && createRevision === 0) yield `${key}@${revision} was never created`;
  }
}

/** Nothing superseded up to the removed revision is left, and the persisted state is that in memory. */
function* checkCompaction({ compactor, database, writer }: StoreParts, log: readonly LogEntry[]): Generator<string> {
  const { removedRevision, compactedRevision } = compactor;
  if (removedRevision > compactedRevision) yield `removed ${removedRevision} beyond compacted ${compactedRevision}`;
  if (compactedRevision > writer.durableRevision)
    yield `compacted ${compactedRevision} beyond ${writer.durableRevision}`;
  const state = database.meta('compaction') as CompactionState | undefined;
  if ((state?.compacted ?? 0) !== compactedRevision) yield `persisted compacted revision ${state?.compacted}`;
  if ((state?.removed ?? 0) > removedRevision) yield `persisted removed revision ${state?.removed}`;
  const present = new Set(log.map((entry) => entry.revision));
  for (const { key, revision, previous, deletion } of log) {
    if (revision > removedRevision) continue;
    if (deletion) yield `deletion ${key}@${revision} should have been removed (up to ${removedRevision})`;
    if (present.has(previous)) yield `${key}@${previous}, superseded by ${revision}, should have been removed`;
  }
}

/** The index is what the log says: each key's newest write, in order, no more. */
function* checkIndex({ index }: StoreParts, log: readonly LogEntry[]): Generator<string> {
  const newest = new Map(log.map((entry) => [entry.key, entry]));
  let before = '';
  let count = 0;
  for (const entry of index) {
    count++;
    if (count > 1 && entry.key <= before) yield `index: ${entry.key} after ${before}`;
    before = entry.key;
    if (index.get(entry.key) !== entry) yield `index: ${entry.key} is not found`;
    if (entry.pending !== undefined) yield `index: ${entry.key} has a pending write in a drained store`;
    const logged = newest.get(entry.key);
    newest.delete(entry.key);
    if (logged === undefined) yield `index: ${entry.key}@${entry.modRevision} is not in the log`;
    else if (
      logged.revision !== entry.modRevision ||
      logged.createRevision !== entry.createRevision ||
      logged.lease !== entry.lease
    ) {
      yield `index: ${entry.key}@${entry.modRevision} (created ${entry.createRevision}), log: ${logged.revision} (${logged.createRevision})`;
    }
  }
  if (count !== index.size) yield `index: ${count} entries, counted ${index.size}`;
  for (const { key, revision } of newest.values()) yield `index: ${key}@${revision} is missing`;
}

/** Keys and leases name each other, and the persisted leases are those in memory. */
function* checkLeases({ index, leases, database }: StoreParts, log: readonly LogEntry[]): Generator<string> {
  const persisted = [...database.metaWithPrefix('lease:').keys()].map(Number).toSorted(ascending);
  const known = leases.ids.toSorted(ascending);
  if (persisted.join() !== known.join()) yield `leases: persisted ${persisted.join()}, in memory ${known.join()}`;
  const hanging = new Set<string>();
  for (const id of leases.ids) {
    for (const key of leases.keysOf(id)) {
      hanging.add(key);
      if (index.get(key)?.lease !== id) yield `lease ${id} names ${key}, which hangs on ${index.get(key)?.lease}`;
    }
  }
  const last = log.at(-1)?.revision ?? 0;
  for (const { key, lease, modRevision } of index) {
    if (lease !== 0 && !hanging.has(key))
      yield `${key}@${modRevision} hangs on lease ${lease} unknown to it (of ${last})`;
  }
}

const ascending = (a: number, b: number): number => a - b;
