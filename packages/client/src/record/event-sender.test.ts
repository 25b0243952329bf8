import { FakeClock } from '@kubets/apimachinery/fake-clock';
import { describe, expect, it } from 'vitest';
import { settle } from '../testing/index.ts';
import { EventSender } from './event-sender.ts';

/** Writes arrive when they are let through. */
function setUp() {
  const clock = new FakeClock();
  const dropped: string[] = [];
  const sent: string[] = [];
  const waiting = new Map<string, () => void>();
  const random = { float: () => 0.5, uuid: () => '' };
  const sender = new EventSender<string>(
    { clock, random, onDropped: (reason) => void dropped.push(reason) },
    {
      write: async (event) => {
        await new Promise<void>((resolve) => waiting.set(event, resolve));
        waiting.delete(event);
        sent.push(event);
      },
      describe: (event) => event,
    },
  );
  const release = async (event: string): Promise<void> => {
    waiting.get(event)?.();
    await settle();
  };
  return { clock, dropped, sent, waiting, sender, release };
}

describe('EventSender', () => {
  it('sends several at once, but about one object in order', async () => {
    const { sent, waiting, sender, release } = setUp();
    for (let i = 0; i < 100; i++) {
      sender.send(`object-${i} first`, `object-${i}`);
      sender.send(`object-${i} second`, `object-${i}`);
    }
    await settle();
    expect(sent).toEqual([]);
    expect(waiting.size).toBe(8);
    while (waiting.size > 0) for (const event of [...waiting.keys()].toReversed()) await release(event);
    await sender.flush();
    expect(sent).toHaveLength(200);
    for (let i = 0; i < 100; i++) {
      expect(sent.indexOf(`object-${i} first`)).toBeLessThan(sent.indexOf(`object-${i} second`));
    }
  });

  it('gives up what cannot be sent soon when it is closed, and says so', async () => {
    const { clock, dropped, sent, waiting, sender, release } = setUp();
    sender.send('a', 'one');
    sender.send('b', 'one');
    sender.send('c', 'one');
    await settle();
    const closed = sender[Symbol.asyncDispose]();
    sender.send('d', 'one');
    expect(dropped).toEqual(['d: the recorder is closed']);
    await release('a');
    expect([...waiting.keys()]).toEqual(['b']);
    clock.advance(750);
    await closed;
    expect(dropped[1]).toBe('2 events could not be sent before the end');
    await release('b');
    expect(sent).toEqual(['a', 'b']);
    expect(waiting.size).toBe(0);
    expect(clock.timers).toBe(0);
  });

  it('ends at once when nothing waits', async () => {
    const { clock, dropped, sender, release } = setUp();
    sender.send('a', 'one');
    await settle();
    await release('a');
    await sender[Symbol.asyncDispose]();
    expect(dropped).toEqual([]);
    expect(clock.timers).toBe(0);
  });
});
