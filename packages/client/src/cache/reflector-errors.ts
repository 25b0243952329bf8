/** What failures of list and watch mean (client-go `tools/cache/reflector.go`, `DefaultWatchErrorHandler`). */
import { isExpired, isTimeout, type Status } from '@kubets/apimachinery/status';

const causesOf = (error: unknown): readonly { reason?: string; message?: string }[] =>
  (error as { status?: Partial<Status> } | undefined)?.status?.details?.causes ?? [];

/**
 * The server has not seen a version that new: it is behind another one that we have read from, or
 * its data was restored from a backup (upstream's `isTooLargeResourceVersionError`).
 */
export function isTooLargeResourceVersion(error: unknown): boolean {
  const causes = causesOf(error);
  if (causes.some((cause) => cause.reason === 'ResourceVersionTooLarge')) return true;
  // Servers before 1.20 name no reason.
  return isTimeout(error) && causes.some((cause) => cause.message === 'Too large resource version');
}

type Step = 'listing' | 'streaming-list' | 'watching';

const attempts: Readonly<Record<Step, string>> = {
  listing: 'list',
  'streaming-list': 'stream the list of',
  watching: 'watch',
};

const remedies: Readonly<Record<Step, string>> = {
  listing: 'listing again',
  'streaming-list': 'streaming the list again',
  watching: 'resuming the watch',
};

/** One line for a log: `failed to watch pods: connection reset; resuming the watch`. */
export function reflectorErrorText(
  name: string,
  error: unknown,
  step: { readonly failed: Step; readonly next: Step },
): string {
  const why = error instanceof Error ? error.message : String(error);
  const what =
    step.failed === 'watching' && isExpired(error)
      ? `watch of ${name} closed as its resource version is too old`
      : `failed to ${attempts[step.failed]} ${name}`;
  return `${what}: ${why}; ${remedies[step.next]}`;
}
