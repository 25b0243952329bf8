/** Doing something at intervals (client-go's `wait.UntilWithContext`). */
import type { Clock } from '@kubets/apimachinery/clock';
import { pause } from './pause.ts';

/** Runs `pass`, pauses, and again, until the signal is aborted. What a pass throws goes to `onError`, and does not end it. */
export async function runEvery(
  clock: Clock,
  intervalMs: number,
  {
    signal,
    pass,
    onError,
  }: {
    readonly signal: AbortSignal;
    readonly pass: () => Promise<void>;
    readonly onError: (error: unknown) => void;
  },
): Promise<void> {
  while (!signal.aborted) {
    try {
      await pass();
    } catch (error) {
      if (!signal.aborted) onError(error);
    }
    await pause(clock, intervalMs, signal);
  }
}
