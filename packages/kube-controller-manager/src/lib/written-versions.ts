/**
 * Reading one's own writes of single objects (upstream `pkg/controller/util/consistency/consistency.go`): a controller does
 * not act on a copy of an object that is older than what it wrote itself; the watch brings the newer one soon, and with it the
 * next turn. `own-writes.ts` is for what a controller makes.
 */
import type { ApiObject } from '@kubets/apimachinery/meta';
import { keyOf } from '@kubets/client';

interface Written {
  readonly uid: string;
  readonly resourceVersion: string;
}

/** Orders resource versions of one resource: negative when `a` is older (`resourceversion.CompareResourceVersion`). */
export function compareResourceVersions(a: string, b: string): number {
  if (a.length !== b.length) return a.length - b.length;
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** The newest versions of objects of one resource that were written. */
export class WrittenVersions {
  readonly #written = new Map<string, Written>();

  /** Remembers what the server answered to a write. */
  wrote(object: Readonly<ApiObject>): void {
    const { uid = '', resourceVersion = '' } = object.metadata;
    this.#written.set(keyOf(object), { uid, resourceVersion });
  }

  /**
   * Whether a cached object is at least as new as what was written. An object of another uid counts as new: the one that was
   * written to is gone, or else the watch brings it.
   */
  seen(cached: Readonly<ApiObject>): boolean {
    const key = keyOf(cached);
    const written = this.#written.get(key);
    if (written === undefined) return true;
    const { uid, resourceVersion = '' } = cached.metadata;
    if (uid === written.uid && compareResourceVersions(resourceVersion, written.resourceVersion) < 0) return false;
    this.#written.delete(key);
    return true;
  }

  /** The object is gone. */
  forget(key: string): void {
    this.#written.delete(key);
  }
}
