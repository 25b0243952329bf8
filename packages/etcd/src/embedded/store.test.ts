import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FakeClock } from '@kubets/apimachinery/fake-clock';
import { describe, expect, it } from 'vitest';
import { checkStore } from '../testing/check-store.ts';
import { RecordingSink } from '../testing/recording-sink.ts';
import { temporaryStore } from '../testing/temporary-store.ts';
import { openEmbeddedStore } from './open.ts';
import { restoreSnapshot } from './snapshot.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text);

describe('compaction of the embedded store', () => {
  it('runs every interval and keeps the history of one interval', async () => {
    await using subject = await temporaryStore({ compactionIntervalMs: 300_000 });
    const { store, clock } = subject;
    const interval = async (): Promise<void> => {
      clock.advance(300_000);
      await store.parts.writer.drain();
    };
    const r1 = await store.create('/a', bytes('1'));
    await interval();
    expect(await store.compactedRevision()).toBe(0);
    const r2 = await store.update('/a', bytes('2'), r1);
    const r3 = await store.update('/a', bytes('3'), r2);
    await interval();
    expect(await store.compactedRevision()).toBe(r1);
    await interval();
    expect(await store.compactedRevision()).toBe(r3);
    await interval();
    expect(await store.compactedRevision()).toBe(r3);
    expect(store.parts.database.logEntries(1).map((entry) => entry.revision)).toEqual([r3]);
    await checkStore(store);
  });

  it('lets a file not grow under churn', async () => {
    await using subject = await temporaryStore();
    const { store } = subject;
    const value = Buffer.alloc(4300, 7);
    let revisions = await Promise.all(Array.from({ length: 100 }, (_, i) => store.create(`/${i}`, value)));
    let settled = 0;
    for (let round = 0; round < 40; round++) {
      revisions = await Promise.all(revisions.map((revision, i) => store.update(`/${i}`, value, revision)));
      await store.compact(store.revision);
      await store.parts.writer.drain();
      if (round === 9) settled = store.fileBytes;
    }
    expect(store.fileBytes).toBeLessThanOrEqual(settled * 1.2);
    expect(store.keyCount).toBe(100);
    await checkStore(store);
  });

  it('goes on where it was after a restart, and keeps the revision when all is gone', async () => {
    await using subject = await temporaryStore();
    const r1 = await subject.store.create('/a', bytes('1'));
    const r2 = await subject.store.delete('/a', r1);
    await subject.store.compact(r2);
    await subject.reopen();
    await subject.store.parts.writer.drain();
    expect(subject.store.parts.database.logEntries(1)).toEqual([]);
    await subject.reopen();
    expect(subject.store.revision).toBe(r2);
    expect(subject.store.keyCount).toBe(0);
    expect(await subject.store.create('/a', bytes('2'))).toBe(r2 + 1);
    await checkStore(subject.store);
  });

  it('spares what a slow reader needs', async () => {
    await using subject = await temporaryStore();
    const { store } = subject;
    const value = Buffer.alloc(100_000, 1);
    const first = await Promise.all(Array.from({ length: 60 }, (_, i) => store.create(`/${i}`, value)));
    const sink = new RecordingSink();
    store.watch({ start: '/', end: '0', fromRevision: 1 }, sink);
    const reading = store.range('/', '0');
    await Promise.all(first.map((revision, i) => store.delete(`/${i}`, revision)));
    await store.compact(store.revision);
    expect((await reading).records).toHaveLength(60);
    await sink.until(() => sink.events.length === 120);
    await store.parts.writer.drain();
    expect(store.keyCount).toBe(0);
    await checkStore(store);
  });
});

describe('leases of the embedded store', () => {
  it('have their full time again after a restart', async () => {
    await using subject = await temporaryStore();
    const lease = await subject.store.grantLease(100);
    await subject.store.create('/a', bytes('1'), { lease });
    subject.clock.advance(90_000);
    await subject.reopen();
    await checkStore(subject.store);
    subject.clock.advance(90_000);
    await subject.store.parts.writer.drain();
    expect(subject.store.latest('/a')).toMatchObject({ lease });
    subject.clock.advance(11_000);
    await subject.store.parts.writer.drain();
    expect(subject.store.latest('/a')).toBeUndefined();
    await subject.reopen();
    expect(await subject.store.grantLease(1)).toBeGreaterThan(lease);
    await checkStore(subject.store);
  });
});

describe('watches of the embedded store', () => {
  it('do not let one owner harm another', async () => {
    const thrown: unknown[] = [];
    await using subject = await temporaryStore({ onSinkError: (error) => thrown.push(error) });
    const { store } = subject;
    const bad = {
      onEvents: () => {
        throw new Error('mine');
      },
      onProgress: () => {},
      onEnd: () => {},
    };
    store.watch({ start: '/', end: '0', fromRevision: 1 }, bad);
    const good = new RecordingSink();
    store.watch({ start: '/', end: '0', fromRevision: 1 }, good);
    await store.create('/a', bytes('1'));
    await good.untilSeen(1);
    expect(good.texts).toEqual(['put /a@1']);
    expect(thrown).toHaveLength(1);
  });
});

describe('keys', () => {
  it('must be some, and text', async () => {
    await using subject = await temporaryStore();
    await expect(subject.store.create('', bytes('1'))).rejects.toBeInstanceOf(RangeError);
    await expect(subject.store.create('/\ud800', bytes('1'))).rejects.toBeInstanceOf(RangeError);
    await checkStore(subject.store);
  });
});

describe('closing', () => {
  it('makes durable what is decided and ends reads that are under way', async () => {
    await using subject = await temporaryStore();
    const { store } = subject;
    await Promise.all(Array.from({ length: 40 }, (_, i) => store.create(`/${i}`, Buffer.alloc(200_000))));
    const reading = store.range('/', '0').then(
      (result) => String(result.count),
      (error: { code: string }) => error.code,
    );
    const writing = store.create('/last', bytes('1'));
    await store[Symbol.asyncDispose]();
    expect(await writing).toBe(41);
    expect(['40', 'unavailable']).toContain(await reading);
    await subject.reopen();
    expect(subject.store.latest('/last')).toBeDefined();
    await checkStore(subject.store);
  });
});

describe('trimming memory', () => {
  it('goes unnoticed by readers, writers and watches', async () => {
    await using subject = await temporaryStore();
    const { store } = subject;
    const sink = new RecordingSink();
    store.watch({ start: '/', end: '0', fromRevision: 1 }, sink);
    const writes = Array.from({ length: 50 }, (_, i) => store.create(`/${i}`, Buffer.alloc(60_000, i)));
    await store.trimMemory();
    await Promise.all(writes);
    const trims = [store.range('/', '0'), store.trimMemory(), store.range('/', '0'), store.create('/x', bytes('1'))];
    const late = new RecordingSink();
    store.watch({ start: '/', end: '0', fromRevision: 1 }, late);
    await Promise.all([...trims, store.trimMemory(), store.range('/', '0')]);
    await late.untilSeen(51);
    expect(late.events).toHaveLength(51);
    expect(sink.events).toHaveLength(51);
    await checkStore(store);
  });
});

describe('the quota', () => {
  it('refuses growth and lets deletions through', async () => {
    await using subject = await temporaryStore({ quotaBytes: 2 << 20 });
    const { store } = subject;
    let refused = '';
    for (let i = 0; refused === '' && i < 2000; i++) {
      await store.create(`/${i}`, Buffer.alloc(20_000)).catch((error: Error) => (refused = error.message));
    }
    expect(refused).toBe('etcdserver: mvcc: database space exceeded');
    const { records } = await store.range('/', '0');
    await Promise.all(records.map((record) => store.delete(record.key, record.modRevision)));
    await store.compact(store.revision);
    await store.parts.writer.drain();
    // Looked at every few commits.
    for (let i = 0; i < 20; i++) await store.grantLease(60);
    await store.create('/again', bytes('1'));
    await checkStore(store);
  });
});

describe('snapshots', () => {
  const target = (): string => mkdtempSync(join(tmpdir(), 'kubets-restored-'));

  it('carry the whole store over', async () => {
    await using subject = await temporaryStore();
    const { store } = subject;
    const lease = await store.grantLease(50);
    const first = await Promise.all(
      Array.from({ length: 200 }, (_, i) => store.create(`/k/${i}`, Buffer.alloc(i % 30, i), i === 3 ? { lease } : {})),
    );
    for (const [i, revision] of first.entries()) if (i % 3 === 0) await store.delete(`/k/${i}`, revision);
    await store.compact(150);
    const chunks: Uint8Array[] = [];
    const revision = store.revision;
    for await (const chunk of store.snapshot()) {
      chunks.push(chunk);
      if (chunks.length < 3) await store.create(`/later/${chunks.length}`, bytes('x'));
    }
    const dataDir = target();
    await restoreSnapshot(dataDir, pieces(Buffer.concat(chunks), 1000));
    await checkStore(dataDir);
    await using restored = await openEmbeddedStore({ dataDir, clock: new FakeClock() });
    expect(restored.revision).toBe(revision);
    expect(restored.clusterId).toBe(store.clusterId);
    for (const at of [150, 180, revision]) {
      expect(await restored.range('/', '0', { revision: at })).toEqual(await store.range('/', '0', { revision: at }));
    }
    await expect(restored.range('/', '0', { revision: 149 })).rejects.toMatchObject({ code: 'compacted' });
    expect(restored.parts.leases.ids).toEqual([lease]);
    rmSync(dataDir, { recursive: true, force: true });
  });

  it('are refused when damaged, and where there is a store', async () => {
    await using subject = await temporaryStore();
    await subject.store.create('/a', Buffer.alloc(100, 1));
    const chunks = await Array.fromAsync(subject.store.snapshot());
    const whole = Buffer.concat(chunks);
    const altered = Buffer.from(whole);
    altered[whole.length - 80]! ^= 1;
    for (const [bad, why] of [
      [whole.subarray(0, -40), 'cut short'],
      [altered, 'checksum'],
      [Buffer.from('poetry\n'), 'not a kubets snapshot'],
    ] as const) {
      const dataDir = target();
      await expect(restoreSnapshot(dataDir, pieces(bad, 64))).rejects.toThrow(why);
      rmSync(dataDir, { recursive: true, force: true });
    }
    const dataDir = target();
    await restoreSnapshot(dataDir, pieces(whole, 64));
    await expect(restoreSnapshot(dataDir, pieces(whole, 64))).rejects.toMatchObject({ code: 'foreign' });
    rmSync(dataDir, { recursive: true, force: true });
  });
});

async function* pieces(whole: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < whole.length; at += size) yield whole.subarray(at, at + size);
}
