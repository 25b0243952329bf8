/** Cached objects and watch sources for tests. */
import type { ApiObject } from '@kubets/apimachinery/meta';
import type { CachedObject } from '../../storage/cache.ts';
import type { WatchResultEvent, WatchSource } from '../types.ts';

export function fakeEntry(object: ApiObject): CachedObject {
  const { namespace = '', name = '', resourceVersion = '0', labels } = object.metadata;
  return {
    key: `/registry/x/${namespace}/${name}`,
    namespace,
    name,
    resourceVersion: Number(resourceVersion),
    labels,
    json: Buffer.from(JSON.stringify(object)),
    object,
  };
}

export function fakePod(name: string, resourceVersion: number): ApiObject {
  return {
    kind: 'Pod',
    apiVersion: 'v1',
    metadata: { name, namespace: 'default', uid: `uid-${name}`, resourceVersion: String(resourceVersion) },
    spec: { containers: [{ name: 'c', image: 'nginx' }] },
  };
}

/** A source that the test feeds. */
export class FakeWatchSource implements WatchSource {
  ended = false;
  closed = false;
  readonly pending: WatchResultEvent[] = [];
  /** Largest number of events ever asked for and taken. */
  taken = 0;
  #ready: (() => void) | undefined;

  push(...events: WatchResultEvent[]): void {
    this.pending.push(...events);
    this.#wake();
  }

  finish(): void {
    this.ended = true;
    this.#wake();
  }

  #wake(): void {
    const ready = this.#ready;
    this.#ready = undefined;
    ready?.();
  }

  take(max: number): readonly WatchResultEvent[] {
    const events = this.pending.splice(0, max);
    this.taken += events.length;
    return events;
  }

  onReady(callback: () => void): void {
    this.#ready = callback;
  }

  close(): void {
    this.closed = true;
  }
}
