import { describe, expect, it } from 'vitest';
import { bytes, refusal, refusalCode, type Run, text } from './run.ts';

/** Creates, updates and deletes with compare-and-swap. */
export function writeContract(run: Run): void {
  describe('writes', () => {
    it('number themselves one after the other', () =>
      run(async ({ storage }) => {
        const base = await storage.currentRevision();
        expect(await storage.create('/a', bytes('1'))).toBe(base + 1);
        expect(await storage.create('/b', bytes('2'))).toBe(base + 2);
        expect(await storage.update('/a', bytes('3'), base + 1)).toBe(base + 3);
        expect(await storage.delete('/b', base + 2)).toBe(base + 4);
        expect(await storage.currentRevision()).toBe(base + 4);
      }));

    it('keep the create revision over updates and start anew after a deletion', () =>
      run(async ({ storage }) => {
        const created = await storage.create('/a', bytes('1'));
        const updated = await storage.update('/a', bytes('2'), created);
        expect(await storage.latest('/a')).toMatchObject({ createRevision: created, modRevision: updated, lease: 0 });
        await storage.delete('/a', updated);
        expect(await storage.latest('/a')).toBeUndefined();
        const again = await storage.create('/a', bytes('3'));
        const record = await storage.latest('/a');
        expect(record).toMatchObject({ key: '/a', createRevision: again, modRevision: again });
        expect(text(record?.value)).toBe('3');
      }));

    it('are decided at once: the latest revision is that of the latest record', () =>
      run(async ({ storage }) => {
        if (storage.latestRevision === undefined) return;
        expect(storage.latestRevision('/a')).toBe(0);
        const creating = storage.create('/a', bytes('1'));
        expect(storage.latestRevision('/a')).toBe((await storage.latest('/a'))?.modRevision);
        const created = await creating;
        expect(storage.latestRevision('/a')).toBe(created);
        await storage.delete('/a', created);
        expect(storage.latestRevision('/a')).toBe(0);
      }));

    it('refuse to create what exists, with the current record', () =>
      run(async ({ storage }) => {
        const created = await storage.create('/a', bytes('1'));
        const error = await refusal(storage.create('/a', bytes('2')));
        expect(error.code).toBe('exists');
        expect(error.current).toMatchObject({ key: '/a', modRevision: created });
        expect(text(error.current?.value)).toBe('1');
      }));

    it('refuse to change what has changed, with the current record', () =>
      run(async ({ storage }) => {
        const created = await storage.create('/a', bytes('1'));
        const updated = await storage.update('/a', bytes('2'), created);
        for (const attempt of [storage.update('/a', bytes('3'), created), storage.delete('/a', created)]) {
          const error = await refusal(attempt);
          expect(error.code).toBe('conflict');
          expect(error.current?.modRevision).toBe(updated);
          expect(text(error.current?.value)).toBe('2');
        }
      }));

    it('refuse to change what is not there', () =>
      run(async ({ storage }) => {
        expect(await refusalCode(storage.update('/a', bytes('1'), 1))).toBe('not-found');
        expect(await refusalCode(storage.delete('/a', 1))).toBe('not-found');
        const created = await storage.create('/a', bytes('1'));
        await storage.delete('/a', created);
        expect(await refusalCode(storage.delete('/a', created))).toBe('not-found');
      }));

    it('let exactly one of many concurrent creates win', () =>
      run(async ({ storage }) => {
        const attempts = Array.from({ length: 20 }, (_, i) => storage.create('/a', bytes(String(i))));
        const outcomes = await Promise.allSettled(attempts);
        expect(outcomes.filter((outcome) => outcome.status === 'fulfilled')).toHaveLength(1);
      }));

    it('let concurrent read-change-write loops lose nothing', () =>
      run(async ({ storage }) => {
        await storage.create('/n', bytes('0'));
        const increment = async (): Promise<void> => {
          for (;;) {
            const current = await storage.latest('/n');
            if (current === undefined) throw new Error('gone');
            const next = bytes(String(Number(text(current.value)) + 1));
            const code = await storage.update('/n', next, current.modRevision).then(() => '', codeOf);
            if (code === '') return;
            expect(code).toBe('conflict');
          }
        };
        await Promise.all(Array.from({ length: 12 }, increment));
        expect(text((await storage.latest('/n'))?.value)).toBe('12');
      }));

    it('take keys of 1024 bytes and values of 1.5 MiB, and no more', () =>
      run(async ({ storage }) => {
        const key = `/${'k'.repeat(1023)}`;
        await storage.create(key, new Uint8Array(1.5 * 1024 * 1024));
        const { records } = await storage.range('/k', '/l');
        expect(records[0]?.key).toBe(key);
        expect(records[0]?.value.length).toBe(1.5 * 1024 * 1024);
        const value = await refusal(storage.create('/v', new Uint8Array(1.5 * 1024 * 1024 + 1)));
        expect(value.code).toBe('too-large');
        expect(value.message).toContain('etcdserver: request is too large');
        expect(await refusalCode(storage.create(`${key}k`, bytes('1')))).toBe('too-large');
      }));

    it('keep empty values, binary values and keys beyond ASCII', () =>
      run(async ({ storage }) => {
        const binary = Uint8Array.from({ length: 256 }, (_, i) => i);
        await storage.create('/empty', new Uint8Array(0));
        await storage.create('/binär/ключ', binary);
        const { records } = await storage.range('/', '0');
        expect(records.map((record) => record.key)).toEqual(['/binär/ключ', '/empty']);
        expect(Uint8Array.from(records[0]!.value)).toEqual(binary);
        expect(records[1]!.value.length).toBe(0);
      }));

    it('are refused once the store is closed', () =>
      run(async ({ storage }) => {
        await storage.create('/a', bytes('1'));
        await storage[Symbol.asyncDispose]();
        await storage[Symbol.asyncDispose]();
        expect(await refusalCode(storage.create('/b', bytes('1')))).toBe('closed');
        expect(await refusalCode(storage.range('/', '0'))).toBe('closed');
        expect(await refusalCode(storage.currentRevision())).toBe('closed');
        expect(await refusalCode(() => storage.latest('/a'))).toBe('closed');
      }));
  });
}

const codeOf = (error: unknown): string => (error as { code: string }).code;
