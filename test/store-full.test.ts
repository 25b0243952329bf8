/** The embedded store on a full disk: a small tmpfs, so it needs root. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@kubets/apimachinery/system-clock';
import { type EmbeddedStore, openEmbeddedStore, storageErrorCode } from '@kubets/etcd';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkStore } from '../packages/etcd/src/testing/check-store.ts';
import { RecordingSink } from '../packages/etcd/src/testing/recording-sink.ts';

const mount = mkdtempSync(join(tmpdir(), 'kubets-full-'));
const mounted =
  process.getuid?.() === 0 && spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', mount]).status === 0;
if (!mounted) console.warn('skipped: the disk-full tests mount a tmpfs, which needs root');

const filler = join(mount, 'filler');
const dataDir = join(mount, 'data');
const open = (): Promise<EmbeddedStore> => openEmbeddedStore({ dataDir, clock: systemClock, compactionIntervalMs: 0 });

interface Filled {
  /** Key → revision of every acknowledged write. */
  readonly acknowledged: Map<string, number>;
  readonly refusals: Error[];
}

/** Eight writers create until each has been refused. */
async function fill(store: EmbeddedStore, prefix: string): Promise<Filled> {
  const filled: Filled = { acknowledged: new Map(), refusals: [] };
  const writer = async (name: string): Promise<void> => {
    for (let i = 0; ; i++) {
      const key = `/${prefix}/${name}/${i}`;
      try {
        filled.acknowledged.set(key, await store.create(key, Buffer.alloc(4300, i)));
      } catch (error) {
        filled.refusals.push(error as Error);
        return;
      }
    }
  };
  await Promise.all(Array.from({ length: 8 }, (_, i) => writer(String(i))));
  return filled;
}

async function expectAll(store: EmbeddedStore, prefix: string, acknowledged: Map<string, number>): Promise<void> {
  const { records } = await store.range(`/${prefix}/`, `/${prefix}0`);
  const found = new Map(records.map((record) => [record.key, record.modRevision]));
  for (const [key, revision] of acknowledged) expect(found.get(key)).toBe(revision);
  expect(found.size).toBe(acknowledged.size);
}

describe.skipIf(!mounted)('a full disk', () => {
  beforeAll(() => writeFileSync(filler, Buffer.alloc(3 << 20)));
  afterAll(() => {
    spawnSync('umount', [mount]);
    rmSync(mount, { recursive: true, force: true });
  });

  it('is told clearly, loses nothing, and is got over when space returns', async () => {
    let store = await open();
    const sink = new RecordingSink();
    store.watch({ start: '/', end: '0', fromRevision: 1 }, sink);

    const first = await fill(store, 'a');
    expect(first.acknowledged.size).toBeGreaterThan(100);
    expect(first.refusals).toHaveLength(8);
    for (const refusal of first.refusals) {
      expect(storageErrorCode(refusal)).toBe('unavailable');
      expect(refusal.message).toContain('no space left on device');
    }

    // Nothing changes while it stays full.
    const revision = await store.currentRevision();
    expect(revision).toBe(Math.max(...first.acknowledged.values()));
    await expect(store.create('/a/more', Buffer.alloc(100_000))).rejects.toMatchObject({ code: 'unavailable' });
    expect(store.latest('/a/more')).toBeUndefined();
    expect(await store.currentRevision()).toBe(revision);
    await expectAll(store, 'a', first.acknowledged);
    expect(sink.events).toHaveLength(first.acknowledged.size);

    rmSync(filler);
    const second = await fill(store, 'b');
    expect(second.acknowledged.size).toBeGreaterThan(100);
    expect(Math.min(...second.acknowledged.values())).toBeGreaterThan(revision);
    await sink.untilSeen(await store.currentRevision());
    expect(sink.events).toHaveLength(first.acknowledged.size + second.acknowledged.size);

    await store[Symbol.asyncDispose]();
    store = await open();
    await expectAll(store, 'a', first.acknowledged);
    await expectAll(store, 'b', second.acknowledged);
    await checkStore(store);
    await store[Symbol.asyncDispose]();
  });

  it('is got over by deletions and compaction in a larger room', async () => {
    spawnSync('mount', ['-o', 'remount,size=9m', mount]);
    await using store = await open();
    const { records } = await store.range('/', '0');
    await Promise.all(records.map((record) => store.delete(record.key, record.modRevision)));
    await store.compact(await store.currentRevision());
    await store.parts.writer.drain();
    const before = store.fileBytes;
    const again = await fill(store, 'c');
    expect(again.acknowledged.size).toBeGreaterThan(records.length / 2);
    expect(store.fileBytes).toBeLessThanOrEqual(before + (1 << 20));
    await expectAll(store, 'c', again.acknowledged);
    await checkStore(store);
  });
});
