import { describe, expect, it } from 'vitest';
import { settleConcurrently } from './concurrent.ts';

describe('settleConcurrently', () => {
  it('has no more under way than allowed, and gives all outcomes in order', async () => {
    let [running, most] = [0, 0];
    const outcomes = await settleConcurrently(
      10,
      async (i) => {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setImmediate(resolve));
        running--;
        if (i === 3) throw new Error('three');
        return i;
      },
      4,
    );
    expect(most).toBe(4);
    expect(outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : 'failed'))).toEqual([
      0,
      1,
      2,
      'failed',
      4,
      5,
      6,
      7,
      8,
      9,
    ]);
  });

  it('does nothing for nothing', async () => {
    expect(await settleConcurrently(0, () => Promise.reject(new Error('never')))).toEqual([]);
  });
});
