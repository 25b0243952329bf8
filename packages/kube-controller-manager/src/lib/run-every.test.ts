import { expect, it } from 'vitest';
import { FakeClock } from '@kubets/apimachinery/fake-clock';
import { settle } from '@kubets/client/testing';
import { runEvery } from './run-every.ts';

it('runs at intervals, goes on after failures, and ends with the signal', async () => {
  const clock = new FakeClock();
  const stop = new AbortController();
  const errors: string[] = [];
  let passes = 0;
  const running = runEvery(clock, 100, {
    signal: stop.signal,
    pass: async () => {
      if (++passes === 2) throw new Error('once');
    },
    onError: (error) => errors.push(String(error)),
  });
  for (const expected of [1, 2, 3]) {
    await settle(3);
    expect(passes).toBe(expected);
    clock.advance(100);
  }
  expect(errors).toEqual(['Error: once']);
  stop.abort(new Error('enough'));
  await running;
  expect(clock.timers).toBe(0);
});
