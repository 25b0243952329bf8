import { FakeClock } from '@kubets/apimachinery/fake-clock';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DueQueue } from './due-queue.ts';

function queue() {
  const clock = new FakeClock(0);
  const due: string[] = [];
  return { clock, due, queue: new DueQueue<string>(clock, (items) => due.push(...items)) };
}

describe('DueQueue', () => {
  it('calls back in order of time, with one timer', () => {
    const { clock, due, queue: q } = queue();
    q.set('b', 20);
    q.set('a', 10);
    q.set('c', 20);
    expect(clock.timers).toBe(1);
    clock.advance(15);
    expect(due).toEqual(['a']);
    clock.advance(15);
    expect(due).toEqual(['a', 'b', 'c']);
    expect(clock.timers).toBe(0);
  });

  it('knows one time for each item', () => {
    const { clock, due, queue: q } = queue();
    q.set('a', 10);
    q.set('a', 30);
    q.set('b', 10);
    q.set('b', Infinity);
    q.set('c', 10);
    q.delete('c');
    clock.advance(29);
    expect([due, q.size]).toEqual([[], 1]);
    clock.advance(1);
    expect([due, q.size]).toEqual([['a'], 0]);
  });

  it('is silent once stopped', () => {
    const { clock, due, queue: q } = queue();
    q.set('a', 10);
    q.stop();
    q.set('b', 10);
    clock.advance(20);
    expect(due).toEqual([]);
  });

  it('agrees with sorting', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(50), { maxLength: 60 }), (times) => {
        const { clock, due, queue: q } = queue();
        times.forEach((at, i) => q.set(`${i}`, at));
        clock.advance(60);
        const sorted = times.map((at, i) => [at, i] as const).toSorted((a, b) => a[0] - b[0] || a[1] - b[1]);
        expect(due).toEqual(sorted.map(([, i]) => `${i}`));
      }),
    );
  });
});
