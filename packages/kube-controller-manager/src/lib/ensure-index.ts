/** Indexes on informers that several controllers share. */
import type { ApiObject } from '@kubets/apimachinery/meta';
import type { IndexFunction, SharedInformer } from '@kubets/client';

const known = new WeakMap<object, Set<string>>();

/** Adds an index unless this function has added it before; controllers that share an index share its name and function. */
export function ensureIndex<T extends ApiObject>(
  informer: SharedInformer<T>,
  name: string,
  indexFunction: IndexFunction<T>,
): void {
  let names = known.get(informer);
  if (names === undefined) known.set(informer, (names = new Set()));
  if (names.has(name)) return;
  names.add(name);
  informer.addIndexes({ [name]: indexFunction });
}
