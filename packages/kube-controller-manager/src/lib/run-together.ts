/** Several loops that make one controller. */

/**
 * Runs all until the signal is aborted and they have ended. When one fails the others are stopped too, and its failure is
 * thrown once they have ended: nothing of a controller that is made anew goes on behind its back.
 */
export async function runTogether(
  signal: AbortSignal,
  loops: readonly ((signal: AbortSignal) => Promise<void>)[],
): Promise<void> {
  const failed = new AbortController();
  const both = AbortSignal.any([signal, failed.signal]);
  await Promise.all(
    loops.map(async (loop) => {
      try {
        await loop(both);
      } catch (error) {
        // Only the first one's is kept: the others may fail because they are stopped.
        failed.abort(error);
      }
    }),
  );
  if (failed.signal.aborted && !signal.aborted) throw failed.signal.reason;
}
