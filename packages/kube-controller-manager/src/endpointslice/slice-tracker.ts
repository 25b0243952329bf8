/**
 * Which slices a controller has written and not yet seen in its cache (upstream
 * `staging/src/k8s.io/endpointslice/util/endpointslice_tracker.go`).
 */
import type { Clock } from '@kubets/apimachinery/clock';
import type { ApiObject } from '@kubets/apimachinery/meta';
import { serviceNameLabel } from './slice.ts';

type Slice = Readonly<ApiObject>;

/** Instead of a generation: it is to go. */
const deletionExpected = -1;

/**
 * What was written may be gone again without the cache ever having had it (somebody deletes it while the watch is being opened
 * anew): after so long it is waited for no more. (Upstream waits for ever.)
 */
const staleLimitMs = 10_000;

interface Tracked {
  owner: string;
  writtenAt: number;
  readonly generations: Map<string, number>;
}

/** The key of the Service (or Endpoints) to which a slice belongs; undefined when it does not say. */
export function serviceKeyOf(slice: Slice): string | undefined {
  const name = slice.metadata.labels?.[serviceNameLabel] ?? '';
  return name === '' ? undefined : `${slice.metadata.namespace ?? ''}/${name}`;
}

const uidOf = (slice: Slice): string => slice.metadata.uid ?? '';
const generationOf = (slice: Slice): number => slice.metadata.generation ?? 0;

/** By the key of the Service. */
export class SliceTracker {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #services = new Map<string, Tracked>();

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
  }

  /** Whether the slice is not just what was written. */
  shouldSync(slice: Slice): boolean {
    const known = this.#of(slice)?.get(uidOf(slice));
    return known === undefined || generationOf(slice) > known;
  }

  /**
   * Whether the cache lags behind what was written for the Service. What was written for an earlier one of the same name
   * (another uid) counts no more, nor what was written long ago.
   */
  isStale(key: string, owner: Readonly<ApiObject>, slices: readonly Slice[]): boolean {
    const uid = owner.metadata.uid ?? '';
    const tracked = this.#services.get(key);
    const outdated = tracked === undefined || this.#clock.monotonic() - tracked.writtenAt >= staleLimitMs;
    if (outdated || (tracked.owner !== '' && tracked.owner !== uid)) {
      this.#services.set(key, { owner: uid, writtenAt: this.#clock.monotonic(), generations: new Map() });
      return false;
    }
    tracked.owner = uid;
    const seen = new Set<string>();
    for (const slice of slices) {
      seen.add(uidOf(slice));
      const known = tracked.generations.get(uidOf(slice));
      if (known !== undefined && (known === deletionExpected || known > generationOf(slice))) return true;
    }
    return tracked.generations.entries().some(([id, known]) => known !== deletionExpected && !seen.has(id));
  }

  /** It was written: the cache is to show it, or something newer. */
  written(slice: Slice): void {
    this.#make(slice).set(uidOf(slice), generationOf(slice));
  }

  /** It was deleted: the cache is to lose it. */
  expectDeletion(slice: Slice): void {
    this.#make(slice).set(uidOf(slice), deletionExpected);
  }

  /**
   * It has gone from the cache. Returns whether that was expected. (Upstream expects it of slices that it has not written since
   * its start, too: those that others delete then stay away.)
   */
  deleted(slice: Slice): boolean {
    const generations = this.#of(slice);
    const known = generations?.get(uidOf(slice));
    generations?.delete(uidOf(slice));
    return known === deletionExpected;
  }

  /** The Service is gone. */
  forget(key: string): void {
    this.#services.delete(key);
  }

  #of(slice: Slice): Map<string, number> | undefined {
    return this.#services.get(serviceKeyOf(slice) ?? '')?.generations;
  }

  #make(slice: Slice): Map<string, number> {
    const key = serviceKeyOf(slice) ?? '';
    let tracked = this.#services.get(key);
    const writtenAt = this.#clock.monotonic();
    if (tracked === undefined) this.#services.set(key, (tracked = { owner: '', writtenAt, generations: new Map() }));
    tracked.writtenAt = writtenAt;
    return tracked.generations;
  }
}
