/** Pauses of loops that look at their signal themselves. */
import { sleep, type Clock } from '@kubets/apimachinery/clock';

/** Resolves after `ms`, or when the signal is aborted first. */
export async function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  // It fails for no other reason than the signal.
  await sleep(clock, ms, signal).catch(() => undefined);
}
