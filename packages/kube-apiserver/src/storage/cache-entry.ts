/** One object of the watch cache: bytes first, everything else made from them on demand. */
import type { ApiObject } from '@kubets/apimachinery/meta';
import type { CachedObject } from './cache.ts';
import type { Parsed, ParsedObjects } from './parsed-objects.ts';
import { replaceResourceVersion, splicedLength, spliceResourceVersion } from './splice.ts';

/** What all entries of a resource share. */
export interface EntryContext {
  readonly parsed: ParsedObjects;
  /** Selectable fields besides metadata.name and metadata.namespace. */
  selectableFields(object: Readonly<ApiObject>): Readonly<Record<string, string>>;
  /** Tests freeze objects, to see that nobody changes them. */
  readonly freeze: boolean;
}

export interface EntrySource {
  readonly key: string;
  readonly namespace: string;
  readonly name: string;
  readonly resourceVersion: number;
}

const noLabels: Readonly<Record<string, string>> = {};

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const child of Object.values(value)) deepFreeze(child);
  return value;
}

export class CacheEntry implements CachedObject, Parsed {
  readonly key: string;
  readonly namespace: string;
  readonly name: string;
  readonly resourceVersion: number;
  parsedGeneration = 0;
  /** Stored bytes until the first use of {@link json}, final bytes from then on. */
  #bytes: Uint8Array;
  #final: boolean;
  #object: Readonly<ApiObject> | undefined;
  /** Of a dropped object: an informer in this process may hold it, and then there is one copy of it, not two. */
  #dropped: WeakRef<Readonly<ApiObject>> | undefined;
  #labels: Readonly<Record<string, string>> | undefined;
  #fields: Readonly<Record<string, string>> | undefined;
  readonly #context: EntryContext;

  /** `bytes`: as stored, without resourceVersion, or final. The entry owns them from now on. */
  constructor(source: EntrySource, bytes: Uint8Array, context: EntryContext, final = false) {
    this.key = source.key;
    this.namespace = source.namespace;
    this.name = source.name;
    this.resourceVersion = source.resourceVersion;
    this.#bytes = bytes;
    this.#final = final;
    this.#object = undefined;
    this.#dropped = undefined;
    this.#labels = undefined;
    this.#fields = undefined;
    this.#context = context;
  }

  get json(): Buffer {
    if (!this.#final) {
      this.#bytes = spliceResourceVersion(this.#bytes, this.resourceVersion);
      this.#final = true;
    }
    return this.#bytes as Buffer;
  }

  /** Bytes held by this entry. */
  get size(): number {
    return this.#bytes.length;
  }

  /** The length of the bytes as stored, without the resourceVersion. */
  get storedSize(): number {
    return this.#final ? this.#bytes.length - splicedLength(this.resourceVersion) : this.#bytes.length;
  }

  /** Whether these, without a resourceVersion, are the bytes as stored. */
  stores(bytes: Buffer): boolean {
    if (bytes.length !== this.storedSize) return false;
    return this.#final
      ? spliceResourceVersion(bytes, this.resourceVersion).equals(this.#bytes)
      : bytes.equals(this.#bytes);
  }

  get object(): Readonly<ApiObject> {
    const object = (this.#object ??= this.#dropped?.deref() ?? this.#parse());
    this.#context.parsed.touch(this, this.#bytes.length);
    return object;
  }

  #parse(): Readonly<ApiObject> {
    const object = JSON.parse(this.json.toString()) as ApiObject;
    return this.#context.freeze ? deepFreeze(object) : object;
  }

  get labels(): Readonly<Record<string, string>> | undefined {
    const labels = (this.#labels ??= this.object.metadata.labels ?? noLabels);
    return labels === noLabels ? undefined : labels;
  }

  /** Selectable fields, metadata.name and metadata.namespace among them. */
  get fields(): Readonly<Record<string, string>> {
    return (this.#fields ??= {
      ...this.#context.selectableFields(this.object),
      'metadata.name': this.name,
      'metadata.namespace': this.namespace,
    });
  }

  /**
   * Takes over the object its writer had in hand, so that it need not be parsed. The writer must not
   * change it any more; its resourceVersion is set here.
   */
  adopt(object: ApiObject): void {
    if (!Object.isFrozen(object)) object.metadata.resourceVersion = String(this.resourceVersion);
    this.#object = this.#context.freeze ? deepFreeze(object) : object;
    this.#context.parsed.touch(this, this.#bytes.length);
  }

  drop(): void {
    if (this.#object !== undefined) this.#dropped = new WeakRef(this.#object);
    this.#object = undefined;
  }

  /** The same object with another resourceVersion, as events of deletions show it. */
  atRevision(revision: number): CacheEntry {
    const source = { key: this.key, namespace: this.namespace, name: this.name, resourceVersion: revision };
    const bytes = replaceResourceVersion(this.json, this.resourceVersion, revision);
    const entry = new CacheEntry(source, bytes, this.#context, true);
    entry.#labels = this.#labels;
    entry.#fields = this.#fields;
    return entry;
  }
}
