/** Owners that are known to be gone: uids never come back (`pkg/controller/garbagecollector/uid_cache.go`). */
import type { Identity } from './graph-node.ts';

/** Identities, of which those used last are kept. */
export class AbsentOwners {
  readonly #size: number;
  readonly #keys = new Set<string>();

  constructor(size = 500) {
    this.#size = size;
  }

  add(identity: Identity): void {
    const key = keyOf(identity);
    this.#keys.delete(key);
    this.#keys.add(key);
    if (this.#keys.size <= this.#size) return;
    for (const oldest of this.#keys) {
      this.#keys.delete(oldest);
      return;
    }
  }

  has(identity: Identity): boolean {
    const key = keyOf(identity);
    if (!this.#keys.delete(key)) return false;
    this.#keys.add(key);
    return true;
  }
}

const keyOf = ({ apiVersion, kind, namespace, name, uid }: Identity): string =>
  `${uid}|${apiVersion}|${kind}|${namespace}|${name}`;
