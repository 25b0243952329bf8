import { describe, expect, it } from 'vitest';
import type { RangeResult, Storage } from '../../storage.ts';
import { bytes, refusalCode, type Run, text } from './run.ts';

const show = (result: RangeResult): string[] => result.records.map((r) => `${r.key}=${text(r.value)}`);

async function fill(storage: Storage, keys: readonly string[]): Promise<void> {
  await Promise.all(keys.map((key) => storage.create(key, bytes(key))));
}

/** Reads at the newest and at past revisions. */
export function rangeContract(run: Run): void {
  describe('ranges', () => {
    it('give keys in order, start included, end not', () =>
      run(async ({ storage }) => {
        await fill(storage, ['/b/2', '/a', '/b/1', '/c', '/b/10', '/b']);
        expect((await storage.range('/b/', '/b0')).records.map((r) => r.key)).toEqual(['/b/1', '/b/10', '/b/2']);
        expect((await storage.range('/b', '/b/2')).records.map((r) => r.key)).toEqual(['/b', '/b/1', '/b/10']);
        expect((await storage.range('/x', '/y')).records).toEqual([]);
      }));

    it('give the one key when there is no end', () =>
      run(async ({ storage }) => {
        await fill(storage, ['/b', '/b/1']);
        const result = await storage.range('/b', '');
        expect(show(result)).toEqual(['/b=/b']);
        expect(result).toMatchObject({ count: 1, more: false, revision: await storage.currentRevision() });
        expect((await storage.range('/c', '')).count).toBe(0);
      }));

    it('limit and count', () =>
      run(async ({ storage }) => {
        await fill(storage, ['/a/1', '/a/2', '/a/3', '/b']);
        const page = await storage.range('/a/', '/a0', { limit: 2 });
        expect(page.records.map((r) => r.key)).toEqual(['/a/1', '/a/2']);
        expect(page).toMatchObject({ count: 3, more: true });
        expect(await storage.range('/a/', '/a0', { limit: 3 })).toMatchObject({ count: 3, more: false });
        const counted = await storage.range('/a/', '/a0', { countOnly: true });
        expect(counted).toMatchObject({ count: 3, more: false, records: [] });
      }));

    it('show every write acknowledged before, and none that is only decided', () =>
      run(async ({ storage }) => {
        const created = await storage.create('/a', bytes('1'));
        const update = storage.update('/a', bytes('2'), created);
        const early = await storage.range('/a', '');
        expect(early.records[0]?.modRevision).toBe(early.revision);
        await update;
        expect(show(await storage.range('/a', ''))).toEqual(['/a=2']);
      }));

    it('give past states', () =>
      run(async ({ storage }) => {
        const r1 = await storage.create('/a', bytes('1'));
        const r2 = await storage.create('/b', bytes('2'));
        const r3 = await storage.update('/a', bytes('3'), r1);
        const r4 = await storage.delete('/b', r2);
        const r5 = await storage.create('/b', bytes('5'));
        const at = async (revision: number): Promise<string[]> => show(await storage.range('/', '0', { revision }));
        expect(await at(r1)).toEqual(['/a=1']);
        expect(await at(r2)).toEqual(['/a=1', '/b=2']);
        expect(await at(r3)).toEqual(['/a=3', '/b=2']);
        expect(await at(r4)).toEqual(['/a=3']);
        expect(await at(r5)).toEqual(['/a=3', '/b=5']);
        const past = await storage.range('/', '0', { revision: r2, limit: 1 });
        expect(past).toMatchObject({ revision: r2, count: 2, more: true });
        expect(past.records).toMatchObject([{ key: '/a', createRevision: r1, modRevision: r1 }]);
      }));

    it('refuse the future', () =>
      run(async ({ storage }) => {
        const revision = await storage.create('/a', bytes('1'));
        expect(await refusalCode(storage.range('/', '0', { revision: revision + 1 }))).toBe('future-revision');
      }));

    it('page through a fixed revision while writes go on', () =>
      run(async ({ storage }) => {
        const keys = Array.from({ length: 300 }, (_, i) => `/k/${String(i).padStart(4, '0')}`);
        await fill(storage, keys);
        const revision = await storage.currentRevision();
        const seen: string[] = [];
        for (let start = '/k/'; start !== '';) {
          const page = await storage.range(start, '/k0', { revision, limit: 37 });
          seen.push(...page.records.map((r) => r.key));
          const last = page.records.at(-1);
          const changed = page.records[0];
          if (changed !== undefined) await storage.delete(changed.key, changed.modRevision);
          await storage.create(`/k/${String(seen.length).padStart(4, '0')}+`, bytes('new'));
          start = page.more && last !== undefined ? `${last.key}\0` : '';
        }
        expect(seen).toEqual(keys);
      }));
  });
}
