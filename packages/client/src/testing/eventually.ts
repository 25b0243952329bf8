/** Waiting on conditions instead of sleeping. */
import type { FakeClock } from '@kubets/apimachinery/fake-clock';

/** Lets everything that is ready run: promise callbacks, microtasks, immediates. */
export async function settle(rounds = 20): Promise<void> {
  for (let i = 0; i < rounds; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** Advances the clock in steps until the condition holds. Throws when it does not within `steps`. */
export async function eventually(
  clock: FakeClock,
  condition: () => boolean,
  options: { stepMs?: number; steps?: number } = {},
): Promise<void> {
  const { stepMs = 500, steps = 400 } = options;
  for (let i = 0; i < steps; i++) {
    await settle(3);
    if (condition()) return;
    clock.advance(stepMs);
  }
  throw new Error(
    `the condition did not come true within ${(steps * stepMs) / 1000} s of the clock: ${condition.toString()}`,
  );
}
