import { FakeClock } from '@kubets/apimachinery/fake-clock';
import { describe, expect, it } from 'vitest';
import type { ApiRequest, ApiResult } from '../types.ts';
import { withTurns } from './turns.ts';

const result: ApiResult = { type: 'bytes', status: 200, contentType: 'text/plain', bytes: '' };
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Requests of `ms` each; what happened in which order. */
function busy(ms: number) {
  const clock = new FakeClock();
  const filter = withTurns(clock, 10);
  const begun: number[] = [];
  const ask = (i: number): Promise<ApiResult> | ApiResult =>
    filter({} as ApiRequest, () => {
      begun.push(i);
      clock.advance(ms);
      return result;
    });
  return { begun, ask };
}

describe('withTurns', () => {
  it('lets few requests through at once', () => {
    const { begun, ask } = busy(1);
    expect([0, 1, 2].map((i) => ask(i))).toEqual([result, result, result]);
    expect(begun).toEqual([0, 1, 2]);
  });

  it('spreads many over turns, in order', async () => {
    const { begun, ask } = busy(3);
    const all = Promise.all(Array.from({ length: 50 }, async (_, i) => await ask(i)));
    expect(begun).toEqual([0, 1, 2, 3]);
    const perTurn: number[] = [];
    for (let before = begun.length; before < 50; before = begun.length) {
      await turn();
      perTurn.push(begun.length - before);
    }
    expect(Math.max(...perTurn)).toBeLessThanOrEqual(5);
    expect(begun).toEqual(Array.from({ length: 50 }, (_, i) => i));
    expect(await all).toHaveLength(50);
  });

  it('lets what comes later wait behind what waits, and is open again afterwards', async () => {
    const { begun, ask } = busy(20);
    const first = [0, 1, 2].map(async (i) => await ask(i));
    await turn();
    const last = (async () => await ask(3))();
    await Promise.all([...first, last]);
    expect(begun).toEqual([0, 1, 2, 3]);
    await turn();
    await turn();
    expect(ask(4)).toBe(result);
  });
});
