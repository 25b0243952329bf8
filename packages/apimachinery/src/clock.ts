/**
 * Time as a value: nothing outside an adapter reads the clock or sets a timer by itself.
 */

export interface Timer {
  /** Idempotent. */
  cancel(): void;
}

export interface Clock {
  /** Milliseconds since the Unix epoch; may jump when the machine's clock is set. */
  now(): number;
  /** Milliseconds since some fixed point; never goes back. Measure durations with this. */
  monotonic(): number;
  /** Calls back once after at least `ms`; does not keep the process alive. */
  setTimer(ms: number, callback: () => void): Timer;
}

/** Random numbers as a value, for jitter, names and uids. */
export interface Random {
  /** Uniform in [0, 1). */
  float(): number;
  /** A version 4 UUID. */
  uuid(): string;
}

/** Resolves after `ms`, or rejects with the signal's reason when it is aborted first. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  if (signal?.aborted) {
    reject(signal.reason as Error);
    return promise;
  }
  const onAbort = (): void => {
    timer.cancel();
    reject(signal?.reason as Error);
  };
  const timer = clock.setTimer(ms, () => {
    signal?.removeEventListener('abort', onAbort);
    resolve();
  });
  signal?.addEventListener('abort', onAbort, { once: true });
  return promise;
}
