/** Opens the embedded store of a data directory. */
import type { Clock, Random } from '@kubets/apimachinery/clock';
import { systemRandom } from '@kubets/apimachinery/system-clock';
import { type CompactionState, Compactor } from './compactor.ts';
import { DataDirectoryError, openDataDirectory } from './data-directory.ts';
import { Database } from './database.ts';
import { KeyIndex } from './key-index.ts';
import { Leases } from './leases.ts';
import { Pins } from './pins.ts';
import { Reader } from './reader.ts';
import { EmbeddedStore } from './store.ts';
import { WatchHub } from './watch-hub.ts';
import { Writer } from './writer.ts';

export interface EmbeddedStoreOptions {
  /** Made when absent (mode 0700). Held exclusively until the store is disposed or the process ends. */
  dataDir: string;
  clock: Clock;
  /** For the cluster id of a new store. */
  random?: Random;
  /** Automatic compaction: every so many milliseconds, to the revision of the time before. 0: none. Default: 5 minutes. */
  compactionIntervalMs?: number;
  /** Values above are refused `too-large`. Default: 1.5 MiB, as etcd's --max-request-bytes. */
  maxValueBytes?: number;
  /** Creates and updates are refused while the database is larger. Default: 8 GiB, as etcd recommends at most. */
  quotaBytes?: number;
  /** What a watch's sink threw. Default: it becomes an uncaught exception. */
  onSinkError?: (error: unknown) => void;
}

const defaultCompactionIntervalMs = 5 * 60_000;
const defaultMaxValueBytes = 1.5 * 1024 * 1024;
const defaultQuotaBytes = 8 * 1024 ** 3;
const loadStep = 4096;

/**
 * Opens, or creates, the store in `dataDir`. Rejects with a DataDirectoryError (`in-use`,
 * `newer-format`, `foreign`, `not-writable`, `damaged`).
 */
export async function openEmbeddedStore(options: EmbeddedStoreOptions): Promise<EmbeddedStore> {
  using cleanup = new DisposableStack();
  const directory = cleanup.use(openDataDirectory(options.dataDir));
  const database = openDatabase(directory.databasePath);
  try {
    if (database.meta('restoring') !== undefined) {
      throw new DataDirectoryError('damaged', `data directory ${options.dataDir} was left by an unfinished restore`);
    }
    if (directory.unclean) verifyTables(database);
    const store = await wire(options, database, () => directory[Symbol.dispose]());
    cleanup.move();
    return store;
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** After an unclean end: each put has its value, each value its put. */
function verifyTables(database: Database): void {
  const values = database.valueRevisions();
  let from = 1;
  for (;;) {
    const entries = database.logEntries(from, loadStep);
    for (const { revision, deletion } of entries) {
      if (!deletion && values.next().value !== revision) {
        throw new DataDirectoryError('damaged', `the store's tables disagree at revision ${revision}`);
      }
      from = revision + 1;
    }
    if (entries.length < loadStep) break;
  }
  if (values.next().done !== true) throw new DataDirectoryError('damaged', 'the store has values without a log entry');
}

function openDatabase(path: string): Database {
  try {
    return Database.open(path);
  } catch (error) {
    throw new DataDirectoryError('damaged', `${path} cannot be opened: ${(error as Error).message}`, { cause: error });
  }
}

async function wire(options: EmbeddedStoreOptions, database: Database, release: () => void): Promise<EmbeddedStore> {
  const index = new KeyIndex();
  const pins = new Pins();
  const leases = new Leases(options.clock);
  const state = (database.meta('compaction') as CompactionState | undefined) ?? {
    compacted: 0,
    removed: 0,
    revision: 0,
  };
  leases.load(
    database.metaWithPrefix('lease:'),
    (database.meta('lease-ids') as { last: number } | undefined)?.last ?? 0,
  );
  const revision = Math.max(state.revision, loadIndex(database, index, leases));
  // Unmaps the pages that loading has touched: the kernel maps sixteen around each.
  await database.reopen();
  const writer: Writer = new Writer({
    database,
    index,
    revision,
    quotaBytes: options.quotaBytes ?? defaultQuotaBytes,
    onEvents: (events, at) => hub.publish(events, at),
    onLease: (key, from, to) => leases.move(key, from, to),
    leaseExists: (id) => leases.exists(id),
  });
  const compactor = new Compactor({ database, index, pins, writer, state });
  const durableRevision = (): number => writer.durableRevision;
  const compactedRevision = (): number => compactor.compactedRevision;
  const hub = new WatchHub({
    database,
    pins,
    durableRevision,
    compactedRevision,
    onSinkError: options.onSinkError ?? throwLater,
  });
  const reader = new Reader({ database, index, pins, durableRevision, compactedRevision });
  const clusterId = await ensureClusterId(database, options.random ?? systemRandom);
  writer.setBackground(compactor);
  leases.start(writer);
  const interval = options.compactionIntervalMs ?? defaultCompactionIntervalMs;
  if (interval > 0) compactor.startAutomatic(options.clock, interval);
  const store = new EmbeddedStore({
    database,
    index,
    writer,
    reader,
    hub,
    compactor,
    leases,
    pins,
    clusterId,
    maxValueBytes: options.maxValueBytes ?? defaultMaxValueBytes,
    quotaBytes: options.quotaBytes ?? defaultQuotaBytes,
    release,
  });
  writer.wake();
  return store;
}

/** Rebuilds the keys' newest states; returns the log's newest revision. */
function loadIndex(database: Database, index: KeyIndex, leases: Leases): number {
  let revision = 0;
  for (;;) {
    const entries = database.logEntries(revision + 1, loadStep);
    for (const logged of entries) {
      const entry = index.ensure(logged.key);
      if (entry.lease !== logged.lease) leases.move(logged.key, entry.lease, logged.lease);
      entry.modRevision = logged.revision;
      entry.createRevision = logged.createRevision;
      entry.lease = logged.lease;
      revision = logged.revision;
    }
    if (entries.length < loadStep) return revision;
  }
}

async function ensureClusterId(database: Database, random: Random): Promise<string> {
  const known = database.meta('cluster') as { id: string } | undefined;
  if (known !== undefined) return known.id;
  const id = random.uuid();
  await database.commit((transaction) => transaction.setMeta('cluster', { id }));
  return id;
}

function throwLater(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
