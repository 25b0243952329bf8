/** Conditions that are waited for: one object, one collection, or whatever is looked at. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Obj } from './cluster.ts';
import { Refused, type Collection, type Query, type WriteOptions } from './collection.ts';

const pauseMs = 25;
const patienceSeconds = 30;

/** Resolves to what `look` sees once it `holds`; fails with what was seen last. */
export async function eventually<T>(
  look: () => Promise<T>,
  holds: (seen: T) => boolean,
  what: string,
  seconds = patienceSeconds,
): Promise<T> {
  const end = performance.now() + seconds * 1000;
  for (;;) {
    const seen = await look();
    if (holds(seen)) return seen;
    if (performance.now() > end) {
      throw new Error(`not within ${seconds} s: ${what}; seen last: ${JSON.stringify(seen)?.slice(0, 3000)}`);
    }
    await sleep(pauseMs);
  }
}

/** The object, or nothing where there is none of that name. */
export async function find(collection: Collection, name: string): Promise<Obj | undefined> {
  try {
    return await collection.get(name);
  } catch (error) {
    if (error instanceof Refused && error.code === 404) return undefined;
    throw error;
  }
}

/** Resolves to the object once it exists and `holds` is true of it. */
export async function becomes(
  collection: Collection,
  name: string,
  holds: (object: Obj) => boolean,
  what = holds.toString(),
): Promise<Obj> {
  const fits = (object: Obj | undefined): boolean => object !== undefined && holds(object);
  const seen = await eventually(() => find(collection, name), fits, `${collection.path}/${name}: ${what}`);
  if (seen === undefined) throw new Error('unreachable');
  return seen;
}

/** Resolves once there is no object of that name; of that uid, where one is given. */
export async function vanishes(collection: Collection, name: string, uid?: string): Promise<void> {
  const gone = (object: Obj | undefined): boolean =>
    object === undefined || (uid !== undefined && object.metadata.uid !== uid);
  await eventually(() => find(collection, name), gone, `${collection.path}/${name} is gone`);
}

/** Resolves to the objects of a list once `holds` is true of them. */
export async function lists(
  collection: Collection,
  query: Query,
  holds: (objects: readonly Obj[]) => boolean,
  what = holds.toString(),
): Promise<readonly Obj[]> {
  const look = async (): Promise<readonly Obj[]> => (await collection.list(query)).items;
  return await eventually(look, holds, `${collection.path} ${JSON.stringify(query)}: ${what}`);
}

/** Replaces what `made` makes of the newest state, however often others are faster. */
export async function change(
  collection: Collection,
  name: string,
  made: (object: Obj) => Obj,
  options?: WriteOptions,
): Promise<Obj> {
  for (;;) {
    try {
      return await collection.replace(made(await collection.get(name)), options);
    } catch (error) {
      if (!(error instanceof Refused) || error.code !== 409) throw error;
    }
  }
}
