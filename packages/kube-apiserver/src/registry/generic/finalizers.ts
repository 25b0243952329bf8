/**
 * Finalizers that a deletion adds or removes for the garbage collector
 * (`apiserver/pkg/registry/generic/registry/store.go`: `deletionFinalizersForGarbageCollection`).
 */
import type { ObjectMeta } from '@kubets/apimachinery/meta';
import type { Strategy } from '../strategy.ts';
import type { DeleteOptions } from './delete-options.ts';

const orphanFinalizer = 'orphan';
const foregroundFinalizer = 'foregroundDeletion';

type Wish = 'orphan' | 'foreground' | 'none';

/** What the client asked for; `undefined` when it left the choice to the object and its kind. */
function wishOfOptions(options: DeleteOptions): Wish | undefined {
  if (typeof options.orphanDependents === 'boolean') return options.orphanDependents ? 'orphan' : 'none';
  switch (options.propagationPolicy) {
    case 'Orphan':
      return 'orphan';
    case 'Foreground':
      return 'foreground';
    case 'Background':
      return 'none';
    default:
      return undefined;
  }
}

/** What finalizers already on the object say: the first of the two counts. */
function wishOfObject(finalizers: readonly string[]): Wish | undefined {
  for (const finalizer of finalizers) {
    if (finalizer === orphanFinalizer) return 'orphan';
    if (finalizer === foregroundFinalizer) return 'foreground';
  }
  return undefined;
}

/**
 * The finalizers the object should have from now on; `undefined` when that is what it has.
 */
export function deletionFinalizers(
  meta: Readonly<ObjectMeta>,
  policy: Strategy['defaultGarbageCollection'],
  options: DeleteOptions,
): string[] | undefined {
  const before = meta.finalizers ?? [];
  const wish =
    policy === 'unsupported' ? 'none' : (wishOfOptions(options) ?? wishOfObject(before) ?? defaultWish(policy));
  const after = before.filter((f) => f !== orphanFinalizer && f !== foregroundFinalizer);
  if (wish === 'orphan') after.push(orphanFinalizer);
  if (wish === 'foreground') after.push(foregroundFinalizer);
  const same = after.length === before.length && after.every((f) => before.includes(f));
  return same ? undefined : after;
}

function defaultWish(policy: Strategy['defaultGarbageCollection']): Wish {
  return policy === 'orphan' ? 'orphan' : 'none';
}
