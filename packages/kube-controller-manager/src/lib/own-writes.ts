/**
 * What a controller has written and its caches have not shown yet (upstream `pkg/controller/util/consistency`, feature gates
 * StaleControllerConsistency…): deciding on a cache that is older than one's own writes does things twice.
 *
 * This is for what a controller makes: it waits for the cache as a whole, so that an object which is gone again by the time the
 * cache catches up is not waited for. For changes of objects that are in the cache `written-versions.ts` looks at the object.
 */
import type { ApiObject } from '@kubets/apimachinery/meta';

/** The part of an informer that says how far it has come. */
export interface Progress {
  readonly lastSyncResourceVersion: string;
}

export class OwnWrites {
  readonly #byKey = new Map<string, Map<Progress, number>>();

  /** An answer of the server to a write done for `key`; `informer` is to show it. */
  wrote(key: string, informer: Progress, object: Readonly<ApiObject>): void {
    const version = Number(object.metadata?.resourceVersion ?? 0);
    if (!(version > 0)) return;
    let awaited = this.#byKey.get(key);
    if (awaited === undefined) this.#byKey.set(key, (awaited = new Map()));
    awaited.set(informer, Math.max(version, awaited.get(informer) ?? 0));
  }

  /** Whether all informers show what was written for `key`. */
  seen(key: string): boolean {
    const awaited = this.#byKey.get(key);
    if (awaited === undefined) return true;
    for (const [informer, version] of awaited) {
      if (Number(informer.lastSyncResourceVersion) < version) return false;
    }
    this.#byKey.delete(key);
    return true;
  }

  /** The controller's object is gone. */
  forget(key: string): void {
    this.#byKey.delete(key);
  }
}
