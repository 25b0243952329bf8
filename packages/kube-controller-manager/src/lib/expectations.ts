/**
 * What a controller has asked for and not yet seen (upstream `pkg/controller/controller_utils.go`,
 * `ControllerExpectations` and `UIDTrackingControllerExpectations`): with a slow watch, nothing is made twice.
 */
import type { Clock } from '@kubets/apimachinery/clock';

/** After so long an unfulfilled expectation is given up: a watch event may have been lost. */
export const expectationsTimeoutMs = 5 * 60_000;

interface Expected {
  creations: number;
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
    if (expected === undefined) return true;
    if (expected.creations <= 0 && expected.deletions.size === 0) return true;
    return this.#clock.monotonic() - expected.since >= expectationsTimeoutMs;
  }

  /** Replaces what was expected by so many creations. */
  expectCreations(key: string, creations: number): void {
    this.#byKey.set(key, { creations, deletions: new Set(), since: this.#clock.monotonic() });
  }

  /** Replaces what was expected by these deletions. */
  expectDeletions(key: string, identities: readonly string[]): void {
    this.#byKey.set(key, { creations: 0, deletions: new Set(identities), since: this.#clock.monotonic() });
  }

  /** Both at once, replacing what was expected. */
  expect(key: string, creations: number, identities: readonly string[]): void {
    this.#byKey.set(key, { creations, deletions: new Set(identities), since: this.#clock.monotonic() });
  }

  /** One was seen, or the request failed. */
  creationObserved(key: string): void {
    const expected = this.#byKey.get(key);
    if (expected !== undefined && expected.creations > 0) expected.creations--;
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
