import { describe, expect, it } from 'vitest';
import { runTogether } from './run-together.ts';

const untilAborted = async (signal: AbortSignal): Promise<void> => {
  const { promise, resolve } = Promise.withResolvers<void>();
  signal.addEventListener('abort', () => resolve());
  if (signal.aborted) resolve();
  await promise;
};

describe('runTogether', () => {
  it('ends when all have ended', async () => {
    const stop = new AbortController();
    let ended = 0;
    const loop = (signal: AbortSignal): Promise<void> => untilAborted(signal).then(() => void ended++);
    const running = runTogether(stop.signal, [loop, loop]);
    stop.abort(new Error('enough'));
    await running;
    expect(ended).toBe(2);
  });

  it('stops the others when one fails, and says why', async () => {
    let ended = false;
    const other = (signal: AbortSignal): Promise<void> => untilAborted(signal).then(() => void (ended = true));
    const fails = (): Promise<void> => Promise.reject(new Error('broken'));
    await expect(runTogether(new AbortController().signal, [other, fails])).rejects.toThrow('broken');
    expect(ended).toBe(true);
  });

  it('does not mind failures while stopping', async () => {
    const stop = new AbortController();
    const fails = (signal: AbortSignal): Promise<void> =>
      untilAborted(signal).then(() => Promise.reject(new Error('late')));
    const running = runTogether(stop.signal, [fails]);
    stop.abort(new Error('enough'));
    await expect(running).resolves.toBeUndefined();
  });
});
