/**
 * Deletions that a controller has asked for and not yet seen (upstream `pkg/controller/controller_utils.go`,
 * `UIDTrackingControllerExpectations`): with a slow watch, no second pod is deleted for the first.
 *
 * Creations need no counting: {@link OwnWrites} waits until the cache has come as far as the last of them. An object that was
 * made and went away while the watch was down would never be counted, and be waited for in vain.
 */
import type { Clock } from '@kubets/apimachinery/clock';

/** After so long an unfulfilled expectation is given up: a watch event may have been lost. */
export const expectationsTimeoutMs = 5 * 60_000;

interface Expected {
  /** Keys (or uids) of objects whose deletion has been asked for. */
  readonly deletions: Set<string>;
  readonly since: number;
}

/** Per controller key. Deletions are tracked by the object's identity: a pod is seen going only once, however often events repeat. */
export class Expectations {
  readonly #clock: Clock;
  readonly #byKey = new Map<string, Expected>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether all that was asked for has been seen, or the wait has lasted too long, or nothing was ever expected. */
  satisfied(key: string): boolean {
    const expected = this.#byKey.get(key);
    if (expected === undefined || expected.deletions.size === 0) return true;
    return this.#clock.monotonic() - expected.since >= expectationsTimeoutMs;
  }

  /** Replaces what was expected by these deletions. */
  expectDeletions(key: string, identities: readonly string[]): void {
    this.#byKey.set(key, { deletions: new Set(identities), since: this.#clock.monotonic() });
  }

  /** It was seen going (deletion timestamp or gone), or the request failed. */
  deletionObserved(key: string, identity: string): void {
    this.#byKey.get(key)?.deletions.delete(identity);
  }

  /** The controller's object is gone. */
  forget(key: string): void {
    this.#byKey.delete(key);
  }
}
