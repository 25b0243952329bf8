/**
 * A map that forgets what has not been used for long.
 *
 * It remembers at least the `limit` keys used last and never more than twice as many: keys in use move from the older of two
 * maps to the younger one, which becomes the older one when it is full. Forgetting thus costs nothing per key, where taking
 * the first key of a `Map` from which much has been deleted walks over all that is gone.
 */

export class RecentlyUsed<V> {
  readonly #limit: number;
  #young = new Map<string, V>();
  #old = new Map<string, V>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  get(key: string): V | undefined {
    const value = this.#young.get(key);
    if (value !== undefined || this.#old.size === 0) return value;
    const older = this.#old.get(key);
    if (older !== undefined) this.set(key, older);
    return older;
  }

  set(key: string, value: V): void {
    this.#young.set(key, value);
    if (this.#young.size < this.#limit) return;
    this.#old = this.#young;
    this.#young = new Map();
  }
}
