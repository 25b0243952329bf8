/** Which object of a kind is marked as the default one (`pkg/volume/util/storageclass.go` GetDefaultClass and its kin). */
import type { CachedObject, ResourceCache } from '../../storage/cache.ts';

/** The newest of those with one of the annotations at `"true"`; of equally old ones the first by name. */
export function defaultClass(cache: ResourceCache, annotations: readonly string[]): CachedObject | undefined {
  let best: CachedObject | undefined;
  for (const entry of cache.list()) {
    const given = entry.object.metadata.annotations;
    if (!annotations.some((annotation) => given?.[annotation] === 'true')) continue;
    if (best === undefined || createdAt(entry) > createdAt(best)) best = entry;
  }
  return best;
}

const createdAt = (entry: CachedObject): string => entry.object.metadata.creationTimestamp ?? '';
