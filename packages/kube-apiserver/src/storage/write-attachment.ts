/** What a writer sends along with a write, and finds filled in when the write is durable. */
import type { ApiObject } from '@kubets/apimachinery/meta';
import type { CacheEntry } from './cache-entry.ts';

export class WriteAttachment {
  /** The object written. Immutable from the moment it is attached. */
  readonly object: ApiObject;
  #entry: CacheEntry | undefined;

  constructor(object: ApiObject) {
    this.object = object;
    this.#entry = undefined;
  }

  /** The cached entry of this very write (perhaps no longer the newest); set before the write's promise resolves. */
  get entry(): CacheEntry | undefined {
    return this.#entry;
  }

  /** Called by the cache. */
  written(entry: CacheEntry): void {
    entry.adopt(this.object);
    this.#entry = entry;
  }
}
