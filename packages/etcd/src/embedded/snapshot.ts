/**
 * Snapshots: the store as a stream of bytes, and back.
 *
 * Format version 1: the line `kubets-snapshot 1`, a line of JSON ({@link SnapshotHeader}), then one frame
 * per log entry in revision order: revision (8 bytes), length of the log record and of the value (4
 * bytes each, the latter 0xffffffff for none), log record, value; a frame of revision 0 and no bytes;
 * last the SHA-256 of all before it. Numbers are big-endian.
 */
import { createHash, type Hash } from 'node:crypto';
import { DataDirectoryError, openDataDirectory } from './data-directory.ts';
import { Database } from './database.ts';
import { logHeaderSize, readLogRecord, readRevisionKey, writeLogRecord, writeRevisionKey } from './log-record.ts';
import { nextTurn } from './reader.ts';
import type { StoreParts } from './store.ts';

export interface SnapshotHeader {
  readonly clusterId: string;
  readonly revision: number;
  readonly compacted: number;
  readonly removed: number;
  readonly lastLease: number;
  readonly leases: readonly { id: number; ttlSeconds: number }[];
}

const firstLine = 'kubets-snapshot 1\n';
const frameHeaderSize = 16;
const noValue = 0xffff_ffff;
const digestSize = 32;
const stepEntries = 64;
const restoreStepBytes = 4 << 20;

/** A consistent copy as of the durable revision at the first step. Writes go on meanwhile. */
export async function* writeSnapshot(parts: StoreParts): AsyncGenerator<Uint8Array> {
  const { database, pins, writer, compactor, leases } = parts;
  using _pin = pins.hold(compactor.removedRevision);
  // A commit in flight may still remove records that the pin came too late for.
  await writer.settled();
  const revision = writer.durableRevision;
  const header: SnapshotHeader = {
    clusterId: parts.clusterId,
    revision,
    compacted: compactor.compactedRevision,
    removed: compactor.removedRevision,
    lastLease: leases.lastId,
    leases: leases.ids.map((id) => ({ id, ttlSeconds: leases.ttlSeconds(id) })),
  };
  const hash = createHash('sha256');
  const digested = (chunk: Buffer): Buffer => {
    hash.update(chunk);
    return chunk;
  };
  yield digested(Buffer.from(`${firstLine}${JSON.stringify(header)}\n`));
  for (let next = 1; next <= revision;) {
    const entries = database.logEntries(next, stepEntries).filter((entry) => entry.revision <= revision);
    const last = entries.at(-1);
    if (last === undefined) break;
    const frames = entries.map((entry) => frame(entry.revision, entry, database.value(entry.revision)));
    yield digested(Buffer.concat(frames));
    next = last.revision + 1;
    await nextTurn();
  }
  yield digested(Buffer.alloc(frameHeaderSize));
  yield hash.digest();
}

function frame(revision: number, record: Parameters<typeof writeLogRecord>[2], value: Uint8Array | undefined): Buffer {
  const keyBytes = Buffer.byteLength(record.key);
  const head = Buffer.alloc(frameHeaderSize + logHeaderSize + keyBytes);
  writeRevisionKey(head, revision);
  head.writeUInt32BE(logHeaderSize + keyBytes, 8);
  head.writeUInt32BE(value?.length ?? noValue, 12);
  writeLogRecord(head, frameHeaderSize, record);
  return value === undefined ? head : Buffer.concat([head, value]);
}

/**
 * Fills a new data directory from a snapshot. Rejects with a DataDirectoryError: `foreign` when the
 * directory holds a store already, `damaged` when the snapshot is cut short or altered (the directory
 * is then marked unfinished, and opening it is refused).
 */
export async function restoreSnapshot(dataDir: string, snapshot: AsyncIterable<Uint8Array>): Promise<void> {
  using directory = openDataDirectory(dataDir);
  const database = Database.open(directory.databasePath);
  try {
    if (database.meta('cluster') !== undefined) {
      throw new DataDirectoryError('foreign', `data directory ${dataDir} holds a store already`);
    }
    await restoreInto(database, new SnapshotReader(snapshot));
  } finally {
    await database.close();
  }
}

async function restoreInto(database: Database, reader: SnapshotReader): Promise<void> {
  if ((await reader.line()) !== firstLine.trimEnd()) throw damaged('it is not a kubets snapshot');
  const header = JSON.parse(await reader.line()) as SnapshotHeader;
  await database.commit((transaction) => transaction.setMeta('restoring', {}));
  for (let more = true; more;) {
    const frames: Buffer[][] = [];
    let bytes = 0;
    while (more && bytes < restoreStepBytes) {
      const next = await reader.frame();
      if (next === undefined) more = false;
      else frames.push(next);
      bytes += next?.[2]?.length ?? 0;
    }
    await database.commit((transaction) => {
      for (const [revision, record, value] of frames) {
        if (revision === undefined || record === undefined) continue;
        transaction.put(readRevisionKey(revision), readLogRecord(record), value);
      }
      transaction.setMeta('restoring', {});
    });
  }
  await reader.verifyDigest();
  const { compacted, removed, revision } = header;
  await database.commit((transaction) => {
    transaction.setMeta('restoring', undefined);
    transaction.setMeta('cluster', { id: header.clusterId });
    transaction.setMeta('compaction', { compacted, removed, revision });
    transaction.setMeta('lease-ids', { last: header.lastLease });
    for (const { id, ttlSeconds } of header.leases) transaction.setMeta(`lease:${id}`, { ttlSeconds });
  });
}

function damaged(why: string): DataDirectoryError {
  return new DataDirectoryError('damaged', `the snapshot cannot be restored: ${why}`);
}

/** Takes the stream apart, whatever its chunks are. */
class SnapshotReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #hash: Hash = createHash('sha256');
  #rest: Buffer = Buffer.alloc(0);

  constructor(snapshot: AsyncIterable<Uint8Array>) {
    this.#chunks = snapshot[Symbol.asyncIterator]();
  }

  async #fill(): Promise<void> {
    const { value, done } = await this.#chunks.next();
    if (done) throw damaged('it is cut short');
    this.#rest = Buffer.concat([this.#rest, value]);
  }

  async #take(size: number): Promise<Buffer> {
    while (this.#rest.length < size) await this.#fill();
    const taken = this.#rest.subarray(0, size);
    this.#rest = this.#rest.subarray(size);
    return taken;
  }

  async #digested(size: number): Promise<Buffer> {
    const taken = await this.#take(size);
    this.#hash.update(taken);
    return taken;
  }

  async line(): Promise<string> {
    let end = this.#rest.indexOf(10);
    while (end < 0) {
      if (this.#rest.length > restoreStepBytes) throw damaged('it is not a kubets snapshot');
      await this.#fill();
      end = this.#rest.indexOf(10);
    }
    return (await this.#digested(end + 1)).toString('utf8', 0, end);
  }

  /** Revision key, log record, value; undefined at the end. */
  async frame(): Promise<Buffer[] | undefined> {
    const head = await this.#digested(frameHeaderSize);
    if (readRevisionKey(head) === 0) return undefined;
    const record = await this.#digested(head.readUInt32BE(8));
    const valueSize = head.readUInt32BE(12);
    return valueSize === noValue ? [head, record] : [head, record, await this.#digested(valueSize)];
  }

  async verifyDigest(): Promise<void> {
    const expected = this.#hash.digest();
    if (!expected.equals(await this.#take(digestSize))) throw damaged('its checksum does not match');
  }
}
