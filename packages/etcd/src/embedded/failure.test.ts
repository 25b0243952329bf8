import { describe, expect, it } from 'vitest';
import { checkStore } from '../testing/check-store.ts';
import { RecordingSink } from '../testing/recording-sink.ts';
import { type TemporaryStore, temporaryStore } from '../testing/temporary-store.ts';
import { StorageError } from '../storage.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text);
const failure = (): StorageError => new StorageError('unavailable', 'the disk is gone');

/** Makes the next commits fail, after they have been carried out if `landed`. */
function breakCommits({ store }: TemporaryStore, count: number, landed = false): void {
  const { database } = store.parts;
  const commit = database.commit.bind(database);
  let left = count;
  database.commit = async (write) => {
    if (left-- <= 0) return commit(write);
    if (landed) await commit(write);
    throw failure();
  };
}

const codes = async (promises: Promise<unknown>[]): Promise<unknown[]> =>
  (await Promise.allSettled(promises)).map((result) =>
    result.status === 'fulfilled' ? result.value : (result.reason as StorageError).code,
  );

describe('a failed flush', () => {
  it('refuses all that is not durable and returns to the durable state', async () => {
    await using subject = await temporaryStore();
    const { store } = subject;
    const r1 = await store.create('/a', bytes('1'));
    const sink = new RecordingSink();
    store.watch({ start: '/', end: '0', fromRevision: 1 }, sink);
    breakCommits(subject, 1);
    const inFlight = [store.update('/a', bytes('2'), r1), store.create('/b', bytes('b')), store.compact(r1)];
    const pending = store.latest('/a')?.modRevision ?? 0;
    inFlight.push(store.update('/a', bytes('3'), pending), store.delete('/b', pending + 1));
    expect(await codes(inFlight)).toEqual(Array.from({ length: 5 }, () => 'unavailable'));
    expect(store.latest('/a')?.modRevision).toBe(r1);
    expect(store.latest('/b')).toBeUndefined();
    expect(await store.currentRevision()).toBe(r1);
    expect(await store.compactedRevision()).toBe(0);

    // Revisions that someone may have seen through `latest` are not given to other writes.
    const next = await store.update('/a', bytes('4'), r1);
    expect(next).toBeGreaterThan(pending);
    expect(sink.texts).toEqual([`put /a@${r1}`, `put /a@${next}`]);
    await checkStore(store);
    expect((await subject.reopen()).revision).toBe(next);
    await checkStore(subject.store);
  });

  it('takes writes decided during it down with it', async () => {
    await using subject = await temporaryStore();
    const { store } = subject;
    const { database } = store.parts;
    const { promise, resolve } = Promise.withResolvers<void>();
    const commit = database.commit.bind(database);
    database.commit = async () => {
      database.commit = commit;
      resolve();
      await Promise.resolve();
      throw failure();
    };
    const first = store.create('/a', bytes('1'));
    const second = promise.then(() => store.update('/a', bytes('2'), 1));
    expect(await codes([first, second])).toEqual(['unavailable', 'unavailable']);
    expect(store.keyCount).toBe(0);
    await store.create('/a', bytes('3'));
    await checkStore(store);
  });

  it('removes what landed in the file although it was reported as failed', async () => {
    await using subject = await temporaryStore();
    const { store } = subject;
    await store.create('/a', bytes('1'));
    breakCommits(subject, 1, true);
    expect(await codes([store.create('/b', bytes('2')), store.create('/c', bytes('3'))])).toEqual([
      'unavailable',
      'unavailable',
    ]);
    expect((await store.range('/', '0')).count).toBe(1);
    await checkStore(store);
    await store.create('/b', bytes('4'));
    await checkStore(store);
    await subject.reopen();
    expect((await subject.store.range('/', '0')).records.map((record) => record.key)).toEqual(['/a', '/b']);
    await checkStore(subject.store);
  });

  it('gives keys their leases back', async () => {
    await using subject = await temporaryStore();
    const { store } = subject;
    const lease = await store.grantLease(10);
    const r1 = await store.create('/a', bytes('1'), { lease });
    const r2 = await store.create('/b', bytes('2'));
    breakCommits(subject, 1);
    const attempts = [store.update('/a', bytes('3'), r1), store.update('/b', bytes('4'), r2, { lease })];
    attempts.push(store.grantLease(5));
    expect(await codes(attempts)).toEqual(['unavailable', 'unavailable', 'unavailable']);
    await checkStore(store);
    await store.revokeLease(lease);
    expect((await store.range('/', '0')).records.map((record) => record.key)).toEqual(['/b']);
    await checkStore(store);
  });

  it('lets a lease expire later when its deletions fail', async () => {
    await using subject = await temporaryStore();
    const { store, clock } = subject;
    const lease = await store.grantLease(10);
    await store.create('/a', bytes('1'), { lease });
    breakCommits(subject, 1);
    clock.advance(11_000);
    await store.parts.writer.drain();
    expect(store.latest('/a')).toBeDefined();
    const sink = new RecordingSink();
    store.watch({ start: '/', end: '0', fromRevision: store.revision + 1 }, sink);
    await sink.untilSeen(store.revision);
    clock.advance(1000);
    await sink.until(() => sink.events.length === 1);
    expect(store.latest('/a')).toBeUndefined();
    await checkStore(store);
  });

  it('answers unavailable while the file cannot be reopened, and recovers', async () => {
    await using subject = await temporaryStore();
    const { store } = subject;
    await store.update('/a', bytes('2'), await store.create('/a', bytes('1')));
    breakCommits(subject, 1);
    const { database } = store.parts;
    const reopen = database.reopen.bind(database);
    let attempts = 0;
    database.reopen = () => Promise.reject(new Error(`no such directory ${attempts++}`));
    expect(await codes([store.compact(2)])).toEqual(['unavailable']);
    await expect(store.create('/b', bytes('2'))).rejects.toThrow('cannot be reopened: no such directory');
    await store.parts.writer.drain();
    expect(attempts).toBe(1);
    database.reopen = reopen;
    const write = store.create('/b', bytes('3'));
    await Promise.resolve();
    expect((await store.range('/', '0')).count).toBeGreaterThan(0);
    await write;
    await checkStore(store);
  });

  it('does not retry the removal of superseded records in a busy loop', async () => {
    await using subject = await temporaryStore();
    const { store } = subject;
    await store.update('/a', bytes('2'), await store.create('/a', bytes('1')));
    await store.compact(2);
    breakCommits(subject, 1);
    const { database, compactor, writer } = store.parts;
    const reopen = database.reopen.bind(database);
    let attempts = 0;
    database.reopen = () => Promise.reject(new Error(`attempt ${attempts++}`));
    await writer.drain();
    expect(compactor.removedRevision).toBe(0);
    expect(await codes([store.create('/b', bytes('2'))])).toEqual(['unavailable']);
    await writer.drain();
    expect(attempts).toBe(1);
    database.reopen = reopen;
    await store.create('/b', bytes('3'));
    await writer.drain();
    expect(compactor.removedRevision).toBe(2);
    await checkStore(store);
  });
});
