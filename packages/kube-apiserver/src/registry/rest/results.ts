/** Answers of the verbs, in the version that was asked for. */
import type { ApiObject } from '@kubets/apimachinery/meta';
import type { ApiResult } from '../../server/types.ts';
import type { CachedObject } from '../../storage/cache.ts';
import type { WriteResult } from '../generic/store.ts';
import type { Convert, ResourceScope } from './scope.ts';

/** A cached object in another version; converted once, on first use. */
class ConvertedEntry implements CachedObject {
  readonly #entry: CachedObject;
  readonly #convert: Convert;
  #object: Readonly<ApiObject> | undefined;
  #json: Buffer | undefined;

  constructor(entry: CachedObject, convert: Convert) {
    this.#entry = entry;
    this.#convert = convert;
    this.#object = undefined;
    this.#json = undefined;
  }

  get key(): string {
    return this.#entry.key;
  }

  get namespace(): string {
    return this.#entry.namespace;
  }

  get name(): string {
    return this.#entry.name;
  }

  get resourceVersion(): number {
    return this.#entry.resourceVersion;
  }

  get labels(): Readonly<Record<string, string>> | undefined {
    return this.#entry.labels;
  }

  get object(): Readonly<ApiObject> {
    return (this.#object ??= this.#convert(this.#entry.object));
  }

  get json(): Buffer {
    return (this.#json ??= Buffer.from(JSON.stringify(this.object)));
  }
}

const converted = new WeakMap<Convert, WeakMap<CachedObject, ConvertedEntry>>();

/** The entry in the version of the scope; the same one each time. */
export function servedEntry(scope: ResourceScope, entry: CachedObject): CachedObject {
  const convert = scope.fromStorage;
  if (convert === undefined) return entry;
  let known = converted.get(convert);
  if (known === undefined) converted.set(convert, (known = new WeakMap()));
  let served = known.get(entry);
  if (served === undefined) known.set(entry, (served = new ConvertedEntry(entry, convert)));
  return served;
}

export function servedObject(scope: ResourceScope, object: Readonly<ApiObject>): Readonly<ApiObject> {
  return scope.fromStorage === undefined ? object : scope.fromStorage(object);
}

export function entryResult(scope: ResourceScope, entry: CachedObject, status = 200): ApiResult {
  return { type: 'cached', status, entry: servedEntry(scope, entry), gvk: scope.gvk };
}

export function objectResult(scope: ResourceScope, object: Readonly<ApiObject>, status = 200): ApiResult {
  return { type: 'object', status, object: servedObject(scope, object), gvk: scope.gvk };
}

/** 201 for a creation, else 200. */
export function writeResult(scope: ResourceScope, result: WriteResult): ApiResult {
  const status = result.created ? 201 : 200;
  return result.type === 'entry'
    ? entryResult(scope, result.entry, status)
    : objectResult(scope, result.object, status);
}
