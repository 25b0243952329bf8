/** The adapter to the machine's clock, timers and random numbers: the one place where they are read. */
import type { Clock, Random } from './clock.ts';

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimer(ms, callback) {
    const handle: unknown = setTimeout(callback, ms);
    // A browser's handle is a number and has no unref.
    if (typeof handle === 'object' && handle !== null && 'unref' in handle) (handle as { unref(): void }).unref();
    return { cancel: () => clearTimeout(handle as Parameters<typeof clearTimeout>[0]) };
  },
};

export const systemRandom: Random = {
  float: () => Math.random(),
  uuid: () => globalThis.crypto.randomUUID(),
};
