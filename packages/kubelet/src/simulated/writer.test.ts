import { settle } from '@kubets/client/testing';
import { describe, expect, it } from 'vitest';
import { Writer } from './writer.ts';

function writer(width: number) {
  const log: string[] = [];
  const gates = new Map<string, PromiseWithResolvers<void>>();
  const made = new Writer<string>({
    width,
    work: (item) => {
      log.push(item);
      const gate = Promise.withResolvers<void>();
      gates.set(item, gate);
      return gate.promise;
    },
    onError: (item, error) => log.push(`${item}: ${String(error)}`),
  });
  const finish = async (item: string, error?: string): Promise<void> => {
    if (error === undefined) gates.get(item)?.resolve();
    else gates.get(item)?.reject(error);
    await settle(3);
  };
  return { log, finish, writer: made };
}

describe('Writer', () => {
  it('works on so many at a time, in order, each once while it waits', async () => {
    const { log, finish, writer: w } = writer(2);
    for (const item of ['a', 'b', 'c', 'd', 'c']) w.add(item);
    expect(log).toEqual(['a', 'b']);
    await finish('a');
    expect(log).toEqual(['a', 'b', 'c']);
    await finish('b', 'no');
    expect(log).toEqual(['a', 'b', 'c', 'b: no', 'd']);
  });

  it('works once more on what changed meanwhile', async () => {
    const { log, finish, writer: w } = writer(2);
    w.add('a');
    w.add('a');
    w.add('a');
    expect(log).toEqual(['a']);
    await finish('a');
    expect(log).toEqual(['a', 'a']);
    await finish('a');
    await w.idle();
    expect(log).toEqual(['a', 'a']);
  });

  it('begins nothing once stopped, and is idle when the last has ended', async () => {
    const { log, finish, writer: w } = writer(1);
    w.add('a');
    w.add('b');
    w.stop();
    w.add('c');
    const idle = w.idle().then(() => log.push('idle'));
    await finish('a');
    await idle;
    expect(log).toEqual(['a', 'idle']);
  });
});
