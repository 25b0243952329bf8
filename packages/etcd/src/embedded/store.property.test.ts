import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Comparison, step } from '../testing/comparison.ts';
import { temporaryStore } from '../testing/temporary-store.ts';

describe('the embedded store against the reference model', () => {
  it('agrees in every outcome, state and event', { timeout: 300_000 }, async () => {
    const runs = Number(process.env['STORE_PROPERTY_RUNS'] ?? 25);
    const property = fc.asyncProperty(fc.array(step, { maxLength: 80, size: 'max' }), async (steps) => {
      await using subject = await temporaryStore();
      const comparison = new Comparison(subject);
      for (const one of steps) await comparison.take(one);
      await comparison.finish();
    });
    expect(fc.defaultReportMessage(await fc.check(property, { numRuns: runs }))).toBeUndefined();
  });
});
