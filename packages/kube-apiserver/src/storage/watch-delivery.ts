/** What a watcher gets: made once per change, shared by all watchers that see it alike. */
import type { WatchResultEvent } from '../server/types.ts';
import type { CacheEntry } from './cache-entry.ts';

export class WatchDelivery {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly entry: CacheEntry;
  readonly eventRevision: number;
  #json: Buffer | undefined;

  constructor(type: 'ADDED' | 'MODIFIED' | 'DELETED', entry: CacheEntry, eventRevision: number) {
    this.type = type;
    this.entry = entry;
    this.eventRevision = eventRevision;
    this.#json = undefined;
  }

  /** `{"type":"MODIFIED","object":…}` with a newline; the same Buffer for every caller. */
  get jsonLine(): Buffer {
    return (this.#json ??= frame(this.type, this.entry.json));
  }
}

const heads = {
  ADDED: Buffer.from('{"type":"ADDED","object":'),
  MODIFIED: Buffer.from('{"type":"MODIFIED","object":'),
  DELETED: Buffer.from('{"type":"DELETED","object":'),
};

function frame(type: keyof typeof heads, json: Buffer): Buffer {
  const head = heads[type];
  const out = Buffer.allocUnsafe(head.length + json.length + 2);
  head.copy(out);
  json.copy(out, head.length);
  out[out.length - 2] = 0x7d;
  out[out.length - 1] = 0x0a;
  return out;
}

/**
 * The JSON line of a watch event about an object in its stored version, encoded once for all watchers;
 * `undefined` for events made in another way (bookmarks, errors, converted objects).
 */
export function sharedJsonLine(event: WatchResultEvent): Buffer | undefined {
  return event instanceof WatchDelivery ? event.jsonLine : undefined;
}
