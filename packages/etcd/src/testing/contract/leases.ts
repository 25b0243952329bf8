import { describe, expect, it } from 'vitest';
import { RecordingSink } from '../recording-sink.ts';
import { bytes, refusalCode, type Run } from './run.ts';

/** Keys that end with their lease. */
export function leaseContract(run: Run): void {
  describe('leases', () => {
    it('end their keys when they run out', () =>
      run(async ({ storage, advance }) => {
        const lease = await storage.grantLease(10);
        const r1 = await storage.create('/a', bytes('1'), { lease });
        await storage.create('/b', bytes('2'), { lease });
        await storage.create('/c', bytes('3'));
        expect(await storage.latest('/a')).toMatchObject({ lease });
        const sink = new RecordingSink();
        storage.watch({ start: '/', end: '0', fromRevision: r1 }, sink);
        await advance(9_000);
        expect((await storage.range('/', '0')).count).toBe(3);
        await advance(2_000);
        await sink.until(() => sink.events.filter((event) => event.type === 'delete').length === 2);
        expect((await storage.range('/', '0')).records.map((r) => r.key)).toEqual(['/c']);
        expect(await refusalCode(storage.keepAliveLease(lease))).toBe('lease-not-found');
      }));

    it('live on when kept alive', () =>
      run(async ({ storage, advance }) => {
        const lease = await storage.grantLease(10);
        await storage.create('/a', bytes('1'), { lease });
        for (let i = 0; i < 3; i++) {
          await advance(8_000);
          expect(await storage.keepAliveLease(lease)).toBe(10);
        }
        expect((await storage.range('/a', '')).count).toBe(1);
      }));

    it('end their keys when revoked', () =>
      run(async ({ storage }) => {
        const lease = await storage.grantLease(10);
        await storage.create('/a', bytes('1'), { lease });
        await storage.revokeLease(lease);
        expect(await storage.latest('/a')).toBeUndefined();
        expect((await storage.range('/', '0')).count).toBe(0);
        expect(await refusalCode(storage.revokeLease(lease))).toBe('lease-not-found');
      }));

    it('let go of keys that are written without them', () =>
      run(async ({ storage }) => {
        const [first, second] = [await storage.grantLease(10), await storage.grantLease(10)];
        const r1 = await storage.create('/a', bytes('1'), { lease: first });
        const r2 = await storage.create('/b', bytes('2'), { lease: first });
        await storage.update('/a', bytes('3'), r1);
        await storage.update('/b', bytes('4'), r2, { lease: second });
        await storage.revokeLease(first);
        expect((await storage.range('/', '0')).records).toMatchObject([{ lease: 0 }, { lease: second }]);
        await storage.revokeLease(second);
        expect((await storage.range('/', '0')).records.map((r) => r.key)).toEqual(['/a']);
      }));

    it('must exist', () =>
      run(async ({ storage }) => {
        expect(await refusalCode(storage.create('/a', bytes('1'), { lease: 4711 }))).toBe('lease-not-found');
        const created = await storage.create('/a', bytes('1'));
        expect(await refusalCode(storage.update('/a', bytes('1'), created, { lease: 4711 }))).toBe('lease-not-found');
        expect(await refusalCode(storage.keepAliveLease(4711))).toBe('lease-not-found');
        const [a, b] = [await storage.grantLease(5), await storage.grantLease(5)];
        expect(a).not.toBe(b);
      }));
  });
}
