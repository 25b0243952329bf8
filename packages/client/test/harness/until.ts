/** Waiting on conditions that real sockets bring about. */

export interface UntilOptions {
  /** Run before each look at the condition, e.g. to advance a fake clock. */
  readonly tick?: () => void;
  readonly seconds?: number;
}

/** Looks at the condition every few milliseconds. Throws when it does not come true in time. */
export async function until(condition: () => boolean, options: UntilOptions = {}): Promise<void> {
  const end = performance.now() + (options.seconds ?? 20) * 1000;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`not in time: ${condition.toString()}`);
    options.tick?.();
    await new Promise((resolve) => setTimeout(resolve, 3));
  }
}
