/** Work that is tried until it succeeds, once or again and again. */
import { sleep, type Clock } from '@kubets/apimachinery/clock';

export interface RetryOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Told of every failed try. */
  onError(error: unknown): void;
}

const firstDelayMs = 100;
const longestDelayMs = 5_000;

/** Resolves with the first success; waits longer after each failure. Rejects only when the signal is aborted. */
export async function retry<T>(options: RetryOptions, work: () => Promise<T>): Promise<T> {
  const { clock, signal, onError } = options;
  for (let delay = firstDelayMs; ; delay = Math.min(delay * 2, longestDelayMs)) {
    signal.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      onError(error);
    }
    await sleep(clock, delay, signal);
  }
}

/** Repeats the work every `ms` after the first time has been left to the caller; ends quietly with the signal. */
export async function repeat(options: RetryOptions, ms: number, work: () => Promise<unknown>): Promise<void> {
  const { clock, signal, onError } = options;
  try {
    for (;;) {
      await sleep(clock, ms, signal);
      try {
        await work();
      } catch (error) {
        onError(error);
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
