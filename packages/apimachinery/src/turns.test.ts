import { describe, expect, it } from 'vitest';
import { FakeClock } from './fake-clock.ts';
import { eachInTurns, Turns, turnsOf } from './turns.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Workers that each do pieces of `ms`; what was done in which order. */
function busy(ms: number, budgetMs = 6) {
  const clock = new FakeClock();
  const turns = new Turns(clock, budgetMs);
  const done: string[] = [];
  const work = async (name: string, pieces: number): Promise<void> => {
    for (let i = 0; i < pieces; i++) {
      const wait = turns.enter();
      if (wait !== undefined) await wait;
      done.push(`${name}${i}`);
      clock.advance(ms);
    }
  };
  return { clock, turns, done, work };
}

describe('Turns', () => {
  it('goes on at once while there is time, and whenever the clock stands still', () => {
    const { turns } = busy(0);
    for (let i = 0; i < 1000; i++) expect(turns.enter()).toBeUndefined();
  });

  it('does no more in a turn than its budget, and the rest in the turns after', async () => {
    const { done, work } = busy(2);
    const all = work('a', 20);
    const perTurn = [done.length];
    while (done.length < 20) {
      const before = done.length;
      await turn();
      perTurn.push(done.length - before);
    }
    expect(Math.max(...perTurn)).toBeLessThanOrEqual(4);
    await all;
  });

  it('lets workers take turns', async () => {
    const { done, work } = busy(6);
    await Promise.all([work('a', 4), work('b', 4)]);
    expect(done).toEqual(
      ['a0', 'a1', 'b0', 'a2', 'b1', 'a3', 'b2', 'b3'].toSorted((x, y) => done.indexOf(x) - done.indexOf(y)),
    );
    expect(done.indexOf('b1')).toBeLessThan(done.indexOf('a3') + 2);
  });

  it('is the same for all who share a clock', () => {
    const clock = new FakeClock();
    expect(turnsOf(clock)).toBe(turnsOf(clock));
    expect(turnsOf(new FakeClock())).not.toBe(turnsOf(clock));
  });

  it('lets news in before work', async () => {
    const { clock, turns } = busy(0);
    expect(turns.enter()).toBeUndefined();
    clock.advance(10);
    const order: string[] = [];
    const enter = async (lane: 'news' | 'work'): Promise<void> => {
      await turns.enter(lane);
      order.push(lane);
    };
    await Promise.all([enter('work'), enter('work'), enter('news'), enter('news')]);
    expect(order).toEqual(['news', 'news', 'work', 'work']);
  });

  it('visits items in order, in pieces, and fails when a visit does', async () => {
    const { clock, turns } = busy(0);
    const seen: number[] = [];
    const items = Array.from({ length: 100 }, (_, i) => i);
    const visit = (i: number): void => {
      seen.push(i);
      clock.advance(0.5);
    };
    const visited = eachInTurns(turns, items, visit);
    expect(seen.length).toBeLessThan(20);
    await visited;
    expect(seen).toEqual(items);
    expect(eachInTurns(new Turns(new FakeClock()), items, () => undefined)).toBeUndefined();
    const failing = eachInTurns(turns, items, (i) => {
      visit(i);
      if (i === 50) throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
  });
});
