import { describe, expect, it } from 'vitest';
import type { Storage } from '../../storage.ts';
import { eventRevision, RecordingSink } from '../recording-sink.ts';
import { bytes, type Run } from './run.ts';

function watch(storage: Storage, fromRevision: number, start = '/', end = '0') {
  const sink = new RecordingSink();
  return { sink, watch: storage.watch({ start, end, fromRevision }, sink) };
}

/** Watches: history, live events, the seam between them. */
export function watchContract(run: Run): void {
  describe('watches', () => {
    it('tell of writes before these are acknowledged', () =>
      run(async ({ storage }) => {
        const base = await storage.currentRevision();
        const { sink } = watch(storage, base + 1);
        await sink.untilSeen(base);
        const created = await storage.create('/a', bytes('1'));
        expect(sink.texts).toEqual([`put /a@${created}`]);
        const updated = await storage.update('/a', bytes('2'), created);
        const deleted = await storage.delete('/a', updated);
        expect(sink.texts.slice(1)).toEqual([`put /a@${updated}`, `delete /a@${deleted}`]);
        expect(sink.events[1]).toMatchObject({ record: { createRevision: created, modRevision: updated } });
      }));

    it('tell the history first, from the revision asked for', () =>
      run(async ({ storage }) => {
        const r1 = await storage.create('/a', bytes('1'));
        const r2 = await storage.update('/a', bytes('2'), r1);
        const r3 = await storage.delete('/a', r2);
        const { sink } = watch(storage, r2);
        const r4 = await storage.create('/a', bytes('4'));
        await sink.untilSeen(r4);
        expect(sink.texts).toEqual([`put /a@${r2}`, `delete /a@${r3}`, `put /a@${r4}`]);
      }));

    it('tell only of their range, and the progress of the rest', () =>
      run(async ({ storage }) => {
        const base = await storage.currentRevision();
        const one = watch(storage, base + 1, '/a/1', '');
        const prefix = watch(storage, base + 1, '/a/', '/a0');
        const all = watch(storage, base + 1);
        await Promise.all([one.sink.untilSeen(base), prefix.sink.untilSeen(base), all.sink.untilSeen(base)]);
        const r1 = await storage.create('/a/1', bytes('1'));
        const r2 = await storage.create('/a/10', bytes('2'));
        const r3 = await storage.create('/b', bytes('3'));
        await Promise.all([one.sink.untilSeen(r3), prefix.sink.untilSeen(r3), all.sink.untilSeen(r3)]);
        expect(one.sink.texts).toEqual([`put /a/1@${r1}`]);
        expect(prefix.sink.texts).toEqual([`put /a/1@${r1}`, `put /a/10@${r2}`]);
        expect(all.sink.events).toHaveLength(3);
      }));

    it('may start in the future', () =>
      run(async ({ storage }) => {
        const base = await storage.currentRevision();
        const { sink } = watch(storage, base + 3);
        for (const key of ['/1', '/2', '/3', '/4']) await storage.create(key, bytes('x'));
        await sink.untilSeen(base + 4);
        expect(sink.texts).toEqual([`put /3@${base + 3}`, `put /4@${base + 4}`]);
      }));

    it('say nothing after they were cancelled', () =>
      run(async ({ storage }) => {
        const base = await storage.currentRevision();
        const cancelled = watch(storage, base + 1);
        const early = watch(storage, base + 1);
        early.watch.cancel();
        const other = watch(storage, base + 1);
        await other.sink.untilSeen(base);
        await storage.create('/a', bytes('1'));
        cancelled.watch.cancel();
        cancelled.watch.cancel();
        const last = await storage.create('/b', bytes('2'));
        await other.sink.untilSeen(last);
        expect(cancelled.sink.texts).toEqual([`put /a@${base + 1}`]);
        expect(early.sink.texts).toEqual([]);
        expect(cancelled.sink.error).toBeUndefined();
      }));

    it('miss and repeat nothing when they start amid writes', () =>
      run(async ({ storage }) => {
        const base = await storage.currentRevision();
        const sinks: RecordingSink[] = [];
        const writers = Array.from({ length: 8 }, async (_, writer) => {
          for (let i = 0; i < 40; i++) {
            const revision = await storage.create(`/${writer}/${i}`, bytes('x'));
            if (i % 5 === writer % 5) sinks.push(watch(storage, base + 1).sink);
            if (i % 7 === writer % 7) sinks.push(watch(storage, revision + 1 - (i % 3)).sink);
          }
        });
        await Promise.all(writers);
        const last = await storage.currentRevision();
        expect(last).toBe(base + 320);
        for (const sink of sinks) {
          await sink.untilSeen(last);
          const first = sink.events[0];
          expect(sink.events).toHaveLength(first === undefined ? 0 : last - eventRevision(first) + 1);
        }
        expect(sinks.filter((sink) => sink.events.length === 320).length).toBeGreaterThan(30);
      }));

    it('hand attachments through', () =>
      run(async ({ storage, attachments }) => {
        if (!attachments) return;
        const base = await storage.currentRevision();
        const { sink } = watch(storage, base + 1);
        await sink.untilSeen(base);
        const attachment = { parsed: true };
        const created = await storage.create('/a', bytes('1'), { attachment });
        await storage.delete('/a', created, { attachment });
        await sink.untilSeen(base + 2);
        expect(sink.events[0]?.attachment).toBe(attachment);
        expect(sink.events[1]?.attachment).toBe(attachment);
      }));

    it('end with closed when the store closes', () =>
      run(async ({ storage }) => {
        const { sink } = watch(storage, 1);
        const write = storage.create('/a', bytes('1'));
        await storage[Symbol.asyncDispose]();
        await write;
        expect(await sink.untilEnd()).toMatchObject({ code: 'closed' });
        const late = watch(storage, 1);
        expect(await late.sink.untilEnd()).toMatchObject({ code: 'closed' });
      }));
  });
}
