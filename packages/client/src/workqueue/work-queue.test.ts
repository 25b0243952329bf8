import { FakeClock } from '@kubets/apimachinery/fake-clock';
import { describe, expect, it } from 'vitest';
import { settle } from '../testing/index.ts';
import { defaultControllerRateLimiter, ItemBackoff, TokenBucket } from './rate-limiter.ts';
import { runWorkers, WorkQueue } from './work-queue.ts';

function setUp() {
  const clock = new FakeClock();
  const queue = new WorkQueue<string>({ clock, rateLimiter: new ItemBackoff() });
  return { clock, queue };
}

describe('WorkQueue', () => {
  it('hands out each key once, in order', async () => {
    const { queue } = setUp();
    for (const key of ['a', 'b', 'a', 'c']) queue.add(key);
    expect(queue.length).toBe(3);
    expect([await queue.take(), await queue.take(), await queue.take()]).toEqual(['a', 'b', 'c']);
  });

  it('hands a key out again after done when it was added meanwhile, never to two at a time', async () => {
    const { queue } = setUp();
    queue.add('a');
    expect(await queue.take()).toBe('a');
    queue.add('a');
    expect(queue.length).toBe(0);
    queue.done('a');
    expect(await queue.take()).toBe('a');
  });

  it('delays, and of two delays takes the earlier', async () => {
    const { clock, queue } = setUp();
    queue.addAfter('a', 1000);
    queue.addAfter('a', 100);
    queue.addAfter('a', 500);
    clock.advance(99);
    expect(queue.length).toBe(0);
    clock.advance(1);
    expect(await queue.take()).toBe('a');
    clock.advance(1000);
    expect(queue.length).toBe(0);
  });

  it('doubles the pause of a key that keeps failing, until it is forgotten', () => {
    const { clock, queue } = setUp();
    queue.addRateLimited('a');
    clock.advance(5);
    expect(queue.length).toBe(1);
    expect(queue.retries('a')).toBe(1);
    const limiter = new ItemBackoff<string>(5, 1000);
    expect([1, 2, 3].map(() => limiter.when('x'))).toEqual([5, 10, 20]);
    for (let i = 0; i < 100; i++) limiter.when('x');
    expect(limiter.when('x')).toBe(1000);
    limiter.forget('x');
    expect(limiter.when('x')).toBe(5);
  });

  it('shuts down: takers get undefined, what is taken may finish', async () => {
    const { queue } = setUp();
    queue.add('a');
    await queue.take();
    const waiting = queue.take();
    let down = false;
    const shutDown = queue.shutDown().then(() => (down = true));
    expect(await waiting).toBeUndefined();
    await settle();
    expect(down).toBe(false);
    queue.done('a');
    await shutDown;
    queue.add('b');
    expect(queue.length).toBe(0);
  });

  it('runs workers that retry what fails', async () => {
    const { clock, queue } = setUp();
    const tried: string[] = [];
    const errors: string[] = [];
    const workers = runWorkers(queue, 2, {
      reconcile: async (key) => {
        tried.push(key);
        await Promise.resolve();
        if (key === 'bad' && tried.filter((k) => k === 'bad').length < 3) throw new Error('again');
      },
      onError: (key) => errors.push(key),
    });
    queue.add('bad');
    queue.add('good');
    for (let i = 0; i < 5; i++) {
      await settle(3);
      clock.advance(100);
    }
    expect(tried.toSorted()).toEqual(['bad', 'bad', 'bad', 'good']);
    expect(errors).toEqual(['bad', 'bad']);
    expect(queue.retries('bad')).toBe(0);
    await queue.shutDown();
    await workers;
  });
});

describe('TokenBucket', () => {
  it('lets a burst through, then a steady rate', () => {
    const clock = new FakeClock();
    const bucket = new TokenBucket({ perSecond: 10, burst: 2, clock });
    expect([bucket.when(), bucket.when(), bucket.when(), bucket.when()]).toEqual([0, 0, 100, 200]);
    clock.advance(1000);
    expect(bucket.when()).toBe(0);
  });

  it('is part of the default limiter', () => {
    const limiter = defaultControllerRateLimiter<string>(new FakeClock());
    const waits = Array.from({ length: 102 }, (_, i) => limiter.when(`key-${i}`));
    expect(waits[0]).toBe(5);
    expect(waits[101]).toBe(200);
  });
});

describe('WorkQueue metrics and fairness', () => {
  it('reports depth, adds, times and retries', async () => {
    const clock = new FakeClock();
    const log: string[] = [];
    const metrics = {
      depth: (keys: number) => void log.push(`depth ${keys}`),
      add: () => void log.push('add'),
      retry: () => void log.push('retry'),
      queueDuration: (seconds: number) => void log.push(`queued ${seconds}`),
      workDuration: (seconds: number) => void log.push(`worked ${seconds}`),
    };
    const queue = new WorkQueue<string>({ clock, rateLimiter: new ItemBackoff<string>(), metrics });
    queue.add('a');
    queue.add('a');
    clock.advance(2000);
    expect(await queue.take()).toBe('a');
    clock.advance(1000);
    expect(queue.unfinishedWorkSeconds).toBe(1);
    queue.add('a');
    clock.advance(3000);
    expect(queue.longestRunningProcessorSeconds).toBe(4);
    queue.done('a');
    expect(queue.longestRunningProcessorSeconds).toBe(0);
    expect(await queue.take()).toBe('a');
    queue.addRateLimited('b');
    expect(log).toEqual([
      'add',
      'depth 1',
      'depth 0',
      'queued 2',
      'add',
      'worked 4',
      'depth 1',
      'depth 0',
      'queued 3',
      'retry',
    ]);
  });

  it('lets a key that is always added again wait for its turn', async () => {
    const queue = new WorkQueue<string>({ clock: new FakeClock(), rateLimiter: new ItemBackoff<string>() });
    for (const key of ['busy', 'a', 'b']) queue.add(key);
    const order: string[] = [];
    for (let i = 0; i < 5; i++) {
      const key = (await queue.take()) ?? '';
      order.push(key);
      queue.add('busy');
      queue.done(key);
    }
    expect(order).toEqual(['busy', 'a', 'b', 'busy', 'busy']);
  });

  it('a key added during its work before the shut-down is still handed out', async () => {
    const queue = new WorkQueue<string>({ clock: new FakeClock(), rateLimiter: new ItemBackoff<string>() });
    queue.add('a');
    await queue.take();
    queue.add('a');
    const down = queue.shutDown();
    queue.done('a');
    await down;
    expect(await queue.take()).toBe('a');
    queue.done('a');
    expect(await queue.take()).toBeUndefined();
  });
});

describe('runWorkers with thousands of keys', () => {
  it('leaves the event loop its turns although no work waits, and works on each key once', async () => {
    const { clock, queue } = setUp();
    for (let i = 0; i < 300; i++) queue.add(`k${i}`);
    const seen: string[] = [];
    let turns = 0;
    let inTurn = 0;
    let most = 0;
    const running = runWorkers(queue, 3, {
      onError: () => undefined,
      reconcile: async (key) => {
        seen.push(key);
        clock.advance(1);
        most = Math.max(most, ++inTurn);
        // What is added while it waits for its turn is one with what waits already.
        if (key === 'k1') queue.add('k299');
      },
    });
    for (; seen.length < 300; turns++) {
      // What came before the first turn of this loop belongs to another one.
      inTurn = turns === 1 ? (most = 0) : 0;
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(seen).toEqual(Array.from({ length: 300 }, (_, i) => `k${i}`));
    expect(most).toBeLessThanOrEqual(6);
    expect(turns).toBeGreaterThan(30);
    await queue.shutDown();
    await running;
  });

  it('wakes workers that have nothing to do, and finishes what is ready after shut-down', async () => {
    const { queue } = setUp();
    const seen: string[] = [];
    const reconcile = async (key: string): Promise<void> => {
      seen.push(key);
      await settle(1);
    };
    const running = runWorkers(queue, 2, { reconcile, onError: () => undefined });
    await settle(2);
    for (const key of ['a', 'b', 'c', 'd']) queue.add(key);
    await queue.shutDown();
    await running;
    expect(seen.toSorted()).toEqual(['a', 'b', 'c', 'd']);
  });
});
