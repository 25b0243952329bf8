/**
 * What an informer holds, with what was written since (upstream `pkg/controller/volume/persistentvolume/pv_controller_base.go`,
 * `storeObjectUpdate`): a volume that was just bound must not look free because the watch is slow.
 */
import type { ApiObject } from '@kubets/apimachinery/meta';
import { keyOf, type SharedInformer } from '@kubets/client';
import { compareResourceVersions } from '../lib/written-versions.ts';

export class LatestCache<T extends ApiObject> {
  readonly #informer: SharedInformer<T>;
  /** Newer than what the informer has. */
  readonly #written = new Map<string, Readonly<T>>();

  constructor(informer: SharedInformer<T>) {
    this.#informer = informer;
    informer.addEventHandler({ onDelete: (object) => void this.#written.delete(keyOf(object)) });
  }

  /** Remembers what the server answered to a write. */
  wrote(object: Readonly<T>): void {
    this.#written.set(keyOf(object), object);
  }

  get(key: string): Readonly<T> | undefined {
    const cached = this.#informer.store.get(key);
    const written = this.#written.get(key);
    if (written === undefined) return cached;
    if (cached !== undefined && isAsNew(cached, written)) {
      this.#written.delete(key);
      return cached;
    }
    // Only what is, or was, in the informer's store can be written; if it has gone from there, it has gone.
    return cached === undefined ? undefined : written;
  }

  /** Of the objects that an index finds, the newest version of each. */
  byIndex(index: string, value: string): Readonly<T>[] {
    return this.#informer.store.byIndex(index, value).flatMap((object) => this.get(keyOf(object)) ?? []);
  }

  /** Values of an index. */
  indexValues(index: string): string[] {
    return this.#informer.store.indexValues(index);
  }

  keys(): string[] {
    return this.#informer.store.keys();
  }
}

/** Another uid is another object: what the informer has is newer then. */
function isAsNew(cached: Readonly<ApiObject>, written: Readonly<ApiObject>): boolean {
  if (cached.metadata.uid !== written.metadata.uid) return true;
  const { resourceVersion: now = '' } = cached.metadata;
  return compareResourceVersions(now, written.metadata.resourceVersion ?? '') >= 0;
}
