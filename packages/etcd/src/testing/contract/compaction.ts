import { describe, expect, it } from 'vitest';
import { RecordingSink } from '../recording-sink.ts';
import { bytes, refusal, refusalCode, type Run, text } from './run.ts';

/** Forgetting the past. */
export function compactionContract(run: Run): void {
  describe('compaction', () => {
    it('forgets states below its revision and keeps those from it on', () =>
      run(async ({ storage }) => {
        const r1 = await storage.create('/a', bytes('1'));
        const r2 = await storage.update('/a', bytes('2'), r1);
        const r3 = await storage.create('/b', bytes('3'));
        const r4 = await storage.update('/a', bytes('4'), r2);
        await storage.compact(r3);
        expect(await storage.compactedRevision()).toBe(r3);
        const error = await refusal(storage.range('/', '0', { revision: r2 }));
        expect(error).toMatchObject({ code: 'compacted', compactedRevision: r3 });
        const at3 = await storage.range('/', '0', { revision: r3 });
        expect(at3.records.map((r) => text(r.value))).toEqual(['2', '3']);
        const at4 = await storage.range('/', '0', { revision: r4 });
        expect(at4.records.map((r) => text(r.value))).toEqual(['4', '3']);
      }));

    it('refuses the past and the future', () =>
      run(async ({ storage }) => {
        const r1 = await storage.create('/a', bytes('1'));
        const r2 = await storage.update('/a', bytes('2'), r1);
        expect(await refusalCode(storage.compact(r2 + 1))).toBe('future-revision');
        await storage.compact(r2);
        expect(await refusalCode(storage.compact(r2))).toBe('compacted');
        expect(await refusalCode(storage.compact(r1))).toBe('compacted');
      }));

    it('ends watches that ask for what is forgotten, and only these', () =>
      run(async ({ storage }) => {
        const r1 = await storage.create('/a', bytes('1'));
        const r2 = await storage.update('/a', bytes('2'), r1);
        const r3 = await storage.update('/a', bytes('3'), r2);
        await storage.compact(r2);
        const old = new RecordingSink();
        storage.watch({ start: '/', end: '0', fromRevision: r2 }, old);
        expect(await old.untilEnd()).toMatchObject({ code: 'compacted', compactedRevision: r2 });
        const good = new RecordingSink();
        storage.watch({ start: '/', end: '0', fromRevision: r2 + 1 }, good);
        await good.untilSeen(r3);
        expect(good.texts).toEqual([`put /a@${r3}`]);
      }));

    it('does not disturb live watches, keys deleted before it, or keys made again', () =>
      run(async ({ storage }) => {
        const base = await storage.currentRevision();
        const sink = new RecordingSink();
        storage.watch({ start: '/', end: '0', fromRevision: base + 1 }, sink);
        const r1 = await storage.create('/a', bytes('1'));
        await storage.create('/b', bytes('2'));
        const r3 = await storage.delete('/a', r1);
        await storage.compact(r3);
        const r4 = await storage.create('/a', bytes('4'));
        await sink.untilSeen(r4);
        expect(sink.texts).toHaveLength(4);
        expect(await storage.latest('/a')).toMatchObject({ createRevision: r4, modRevision: r4 });
        const { records } = await storage.range('/', '0', { revision: r3 });
        expect(records.map((r) => r.key)).toEqual(['/b']);
      }));
  });
}
