/** Waiting for the user to stop us. */
import type { Clock } from '@kubets/apimachinery/clock';

/** Ctrl-C under npm arrives twice: from the terminal, and passed on by npm. That is one wish, not two. */
const sameWishMs = 1_000;

/**
 * Resolves with the first SIGINT or SIGTERM. A second one, of either kind and a second or more
 * later, ends the process at once with the code shells use for it; what was acknowledged is on disk.
 */
export async function stopSignal(clock: Clock): Promise<NodeJS.Signals> {
  const { promise, resolve } = Promise.withResolvers<NodeJS.Signals>();
  let first: number | undefined;
  const onSignal = (signal: NodeJS.Signals): void => {
    const now = clock.monotonic();
    first ??= now;
    resolve(signal);
    if (now - first >= sameWishMs) process.exit(signal === 'SIGINT' ? 130 : 143);
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return await promise;
}
