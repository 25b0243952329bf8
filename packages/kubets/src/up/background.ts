/** Components that run beside the API server, until they are told to end. */
import { sleep, type Clock } from '@kubets/apimachinery/clock';
import type { Log } from '@kubets/apimachinery/log';

export interface BackgroundOptions {
  /** For the log. */
  readonly name: string;
  readonly clock: Clock;
  readonly log: Log;
  /** How long it may take to end; then it is left behind. */
  readonly stopMs: number;
  /** Runs until the signal is aborted. */
  run(signal: AbortSignal): Promise<void>;
}

/** Starts it; disposing tells it to end and waits for that. A failure is logged: the others go on without it. */
export function background({ name, clock, log, stopMs, run }: BackgroundOptions): AsyncDisposable {
  const stop = new AbortController();
  const ended = run(stop.signal).catch((error: unknown) => {
    const stack = error instanceof Error ? error.stack : String(error);
    if (!stop.signal.aborted) log.error({ component: name, stack }, 'a component has ended');
  });
  return {
    async [Symbol.asyncDispose]() {
      stop.abort(new Error('kubets is stopping'));
      const over = new AbortController();
      const late = sleep(clock, stopMs, over.signal).then(
        () => log.warn({ component: name }, 'a component did not end in time: left behind'),
        () => undefined,
      );
      await Promise.race([ended, late]);
      over.abort(new Error('it has ended'));
    },
  };
}
