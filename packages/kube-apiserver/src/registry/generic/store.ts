/**
 * The generic registry: creates, updates and deletes the objects of one stored resource
 * (`apiserver/pkg/registry/generic/registry/store.go`).
 *
 * Writers work on the newest decided state, durable or not, so that they do not wait for each other's
 * flush. What they answer with is the cache's entry of their own write, after the flush.
 */
import { invalid, Path } from '@kubets/apimachinery/field';
import type { ApiObject, GroupResource, GroupVersionKind } from '@kubets/apimachinery/meta';
import { generateName } from '@kubets/apimachinery/names';
import {
  failure,
  isAlreadyExists,
  newAlreadyExists,
  newConflict,
  newInvalid,
  newNotFound,
  optimisticLockMessage,
  type StatusError,
} from '@kubets/apimachinery/status';
import { storageErrorCode, type Storage, type StoredRecord } from '@kubets/etcd';
import { CacheEntry } from '../../storage/cache-entry.ts';
import type { WatchCache } from '../../storage/watch-cache.ts';
import { WriteAttachment } from '../../storage/write-attachment.ts';
import type { Strategy, UpdateStrategy } from '../strategy.ts';
import { beforeCreate, beforeUpdate, type KindFacts } from './before-write.ts';
import { completesDeletion } from './graceful-delete.ts';
import { canonicalObject, fillSystemFields, resourceVersionOf } from './metadata.ts';
import { sameButForTimes } from './no-op.ts';
import { statusOfStorageError } from './store-errors.ts';
import type { LeaseSource } from './ttl-leases.ts';
import type { WriteContext } from './write-context.ts';

/** Told once whether the write succeeded. */
export type FinishWrite = (succeeded: boolean) => void | Promise<void>;

export interface StoreHooks {
  /**
   * Runs before preparation and validation of a create or update, when name and uid are set, e.g. to
   * allocate addresses (`Store.BeginCreate`, `Store.BeginUpdate`). What it returns is told whether the
   * write succeeded, and waited for when it returns a promise; it must not fail. `old` is absent on create.
   */
  begin?(
    context: WriteContext,
    obj: ApiObject,
    old: Readonly<ApiObject> | undefined,
  ): FinishWrite | undefined | Promise<FinishWrite | undefined>;
  /** After an object has gone for good; the answer waits for the promise. Must not fail. */
  afterDelete?(context: WriteContext, obj: Readonly<ApiObject>): void | Promise<void>;
  /**
   * Keeps an object that is to be deleted: its new state, or `as-it-is` when nothing changes. `undefined`:
   * the deletion takes its usual course.
   */
  postponeDeletion?(context: WriteContext, obj: Readonly<ApiObject>): ApiObject | 'as-it-is' | undefined;
  /** A further condition for completing a deletion on update (namespaces look at spec.finalizers). */
  mayCompleteDeletion?(obj: Readonly<ApiObject>): boolean;
}

export interface ResourceStoreOptions {
  readonly groupResource: GroupResource;
  /** Of the stored version. */
  readonly gvk: GroupVersionKind;
  readonly namespaced: boolean;
  readonly strategy: Strategy;
  readonly storage: Storage;
  readonly cache: WatchCache;
  /** Objects vanish after some time (events). */
  readonly leases?: LeaseSource | undefined;
  readonly hooks?: StoreHooks | undefined;
  /** DELETE answers with the object instead of a Status (`Store.ReturnDeletedObject`). */
  readonly returnDeletedObject?: boolean;
}

/** What a write answers with: the cached entry, or (dry run, deletion) an object. */
export type WriteResult =
  | { readonly type: 'entry'; readonly entry: CacheEntry; readonly created: boolean }
  | { readonly type: 'object'; readonly object: Readonly<ApiObject>; readonly created: boolean };

/** Validating admission of a write; absent results mean: done, synchronously. */
export interface WriteValidation {
  validateCreate(obj: ApiObject): void | Promise<void>;
  validateUpdate(obj: ApiObject, old: Readonly<ApiObject>): void | Promise<void>;
}

/** One update, asked for its new state each time the basis has changed. */
export interface UpdatePlan extends WriteValidation {
  readonly name: string;
  readonly strategy: UpdateStrategy;
  /** Creates the object when it is missing, whatever the strategy says (apply). */
  readonly forceCreate: boolean;
  /** The uid the object must have. */
  readonly uid?: string | undefined;
  /**
   * The new object, owned by the store from then on; managed fields and mutating admission included.
   * `current` is shared; its resourceVersion is set. Absent when there is no such object.
   */
  next(current: Readonly<ApiObject> | undefined): ApiObject | Promise<ApiObject>;
}

/** The newest decided state of one object. */
export interface Latest {
  readonly record: DecidedRecord;
  readonly object: Readonly<ApiObject>;
  /** Where its bytes are: in the cache, or as the store gave them. */
  readonly bytes: CacheEntry | Uint8Array;
}

type DecidedRecord = Pick<StoredRecord, 'key' | 'modRevision'>;

/** As upstream's `maxNameGenerationCreateAttempts`. */
const nameAttempts = 8;

export class ResourceStore {
  readonly options: ResourceStoreOptions;
  readonly cache: WatchCache;
  readonly #facts: KindFacts;
  readonly #storage: Storage;
  /** Objects of writes under way, by the value given to the store. */
  readonly #pending = new Map<Uint8Array, ApiObject>();

  constructor(options: ResourceStoreOptions) {
    this.options = options;
    this.cache = options.cache;
    this.#storage = options.storage;
    this.#facts = { kind: options.gvk, namespaced: options.namespaced };
  }

  get groupResource(): GroupResource {
    return this.options.groupResource;
  }

  keyOf(context: Pick<WriteContext, 'namespace'>, name: string): string {
    return this.cache.keyOf(context.namespace, name);
  }

  /** Throws 409 for a taken name, 400 and 422 for bad objects. Owns `obj`. */
  async create(context: WriteContext, obj: ApiObject, validation: WriteValidation): Promise<WriteResult> {
    const meta = obj.metadata;
    const base = meta.name ? '' : (meta.generateName ?? '');
    for (let attempt = 1; ; attempt++) {
      this.#identify(context, obj, base);
      const begun = this.options.hooks?.begin?.(context, obj, undefined);
      const finish = begun instanceof Promise ? await begun : begun;
      try {
        const result = await this.#createOnce(context, this.#prepareCreate(context, obj), validation);
        const finishing = finish?.(true);
        if (finishing !== undefined) await finishing;
        return result;
      } catch (error) {
        const finishing = finish?.(false);
        if (finishing !== undefined) await finishing;
        const again = base !== '' && attempt < nameAttempts && storageErrorCode(error) === 'exists';
        if (again) continue;
        await this.whenDurable(this.keyOf(context, obj.metadata.name ?? ''));
        throw this.#createError(error, obj, base !== '');
      }
    }
  }

  /** Throws 404, 409, 422. Does nothing when nothing changes. */
  async update(context: WriteContext, plan: UpdatePlan): Promise<WriteResult> {
    const key = this.keyOf(context, plan.name);
    for (;;) {
      const latest = await this.latest(key);
      try {
        const result = await this.#updateOnce(context, plan, latest);
        return result;
      } catch (error) {
        const retry = latest === undefined ? isAlreadyExists(error) : isLostRace(error);
        if (retry) continue;
        await this.whenDurable(key);
        throw this.#statusOf(error, plan.name);
      }
    }
  }

  /** A refusal may rest on a write that is not durable yet: the client hears of it when it can also read it. */
  async whenDurable(key: string): Promise<void> {
    await this.#storage.whenDurable?.(key);
  }

  /** The newest decided state, as a basis for a write. */
  latest(key: string): Latest | undefined | Promise<Latest | undefined> {
    const decided = this.#storage.latestRevision?.(key);
    const entry = decided === undefined ? undefined : this.cache.byKey(key);
    // The usual case: what is decided is durable and in the cache, and need not be read.
    if (entry !== undefined && entry.resourceVersion === decided) return latestInCache(entry);
    const record = this.#storage.latest(key);
    if (record instanceof Promise) return record.then((r) => r && this.#latestOf(r));
    return record && this.#latestOf(record);
  }

  /** Writes the new state over the one it was made from. Lost races reject with the store's `conflict` or `not-found`. */
  async write(context: WriteContext, latest: Latest, obj: ApiObject): Promise<WriteResult> {
    const stored = canonicalObject(obj, this.options.gvk);
    const bytes = Buffer.from(JSON.stringify(stored));
    if (this.#unchanged(bytes, stored, latest)) return this.current(latest);
    if (context.dryRun) return { type: 'object', object: withRevision(stored, latest.record), created: false };
    const attachment = new WriteAttachment(stored);
    const { key, modRevision } = latest.record;
    const lease = this.options.leases === undefined ? undefined : await this.options.leases.current();
    this.#pending.set(bytes, stored);
    try {
      const options = lease ? { attachment, lease } : { attachment };
      const revision = await this.#storage.update(key, bytes, modRevision, options);
      return this.#written({ key, bytes, revision, attachment, created: false });
    } finally {
      this.#pending.delete(bytes);
    }
  }

  /** Removes the state it was given; resolves to the last state. Lost races as in {@link write}. */
  async remove(context: WriteContext, latest: Latest): Promise<Readonly<ApiObject>> {
    const { key, modRevision } = latest.record;
    if (context.dryRun) return latest.object;
    const revision = await this.#storage.delete(key, modRevision);
    const gone = withResourceVersion(latest.object, revision);
    const finishing = this.options.hooks?.afterDelete?.(context, gone);
    if (finishing !== undefined) await finishing;
    return gone;
  }

  /** Nothing to write: the state as it is. It may not be durable yet, then the answer waits for it. */
  async current(latest: Latest): Promise<WriteResult> {
    const { key, modRevision } = latest.record;
    await this.cache.whenSeen(modRevision);
    const cached = this.cache.byKey(key);
    if (cached?.resourceVersion === modRevision) return { type: 'entry', entry: cached, created: false };
    const { bytes } = latest;
    const entry = bytes instanceof CacheEntry ? bytes : this.cache.entry(key, bytes, modRevision);
    return { type: 'entry', entry, created: false };
  }

  #latestOf(record: StoredRecord): Latest {
    const entry = this.cache.byKey(record.key);
    if (entry?.resourceVersion === record.modRevision) return latestInCache(entry);
    const object = this.#pending.get(record.value) ?? (JSON.parse(Buffer.from(record.value).toString()) as ApiObject);
    // Nobody has seen the object of a write under way: the revision it will have may be set.
    if (!Object.isFrozen(object.metadata)) object.metadata.resourceVersion = String(record.modRevision);
    return { record, object, bytes: record.value };
  }

  #identify(context: WriteContext, obj: ApiObject, base: string): void {
    const { random } = context.environment;
    const meta = obj.metadata;
    if (meta.resourceVersion) {
      throw failure('BadRequest', 'resourceVersion should not be set on objects to be created');
    }
    fillSystemFields(meta, random.uuid(), context.now);
    if (base !== '') meta.name = generateName(base, random);
  }

  #prepareCreate(context: WriteContext, obj: ApiObject): ApiObject {
    beforeCreate(context, this.#facts, this.options.strategy, obj);
    return canonicalObject(obj, this.options.gvk);
  }

  async #createOnce(context: WriteContext, stored: ApiObject, validation: WriteValidation): Promise<WriteResult> {
    const validating = validation.validateCreate(stored);
    if (validating !== undefined) await validating;
    const key = this.keyOf(context, stored.metadata.name ?? '');
    if (context.dryRun) {
      if ((await this.latest(key)) !== undefined)
        throw newAlreadyExists(this.groupResource, stored.metadata.name ?? '');
      return { type: 'object', object: stored, created: true };
    }
    const bytes = Buffer.from(JSON.stringify(stored));
    const attachment = new WriteAttachment(stored);
    const lease = this.options.leases === undefined ? undefined : await this.options.leases.current();
    this.#pending.set(bytes, stored);
    try {
      const revision = await this.#storage.create(key, bytes, lease ? { attachment, lease } : { attachment });
      return this.#written({ key, bytes, revision, attachment, created: true });
    } finally {
      this.#pending.delete(bytes);
    }
  }

  #written(write: {
    key: string;
    bytes: Buffer;
    revision: number;
    attachment: WriteAttachment;
    created: boolean;
  }): WriteResult {
    const { key, bytes, revision, attachment, created } = write;
    return { type: 'entry', entry: attachment.entry ?? this.cache.entry(key, bytes, revision), created };
  }

  async #updateOnce(context: WriteContext, plan: UpdatePlan, latest: Latest | undefined): Promise<WriteResult> {
    this.#checkUid(this.keyOf(context, plan.name), plan, latest);
    if (latest === undefined) {
      if (!plan.forceCreate && !this.options.strategy.allowCreateOnUpdate) {
        throw newNotFound(this.groupResource, plan.name);
      }
      const made = plan.next(undefined);
      const fresh = made instanceof Promise ? await made : made;
      delete fresh.metadata.resourceVersion;
      return await this.create(context, fresh, plan);
    }
    const old = latest.object;
    const made = plan.next(old);
    const obj = made instanceof Promise ? await made : made;
    this.#checkResourceVersion(plan, obj, latest.record.modRevision);
    const begun = this.options.hooks?.begin?.(context, obj, old);
    const finish = begun instanceof Promise ? await begun : begun;
    let succeeded = false;
    try {
      beforeUpdate(context, this.#facts, plan.strategy, { obj, old });
      const validating = plan.validateUpdate(obj, old);
      if (validating !== undefined) await validating;
      const result = this.#completes(obj, old)
        ? await this.#complete(context, obj, latest)
        : await this.write(context, latest, obj);
      succeeded = true;
      return result;
    } finally {
      const finishing = finish?.(succeeded);
      if (finishing !== undefined) await finishing;
    }
  }

  #completes(obj: ApiObject, old: Readonly<ApiObject>): boolean {
    return completesDeletion(obj, old) && (this.options.hooks?.mayCompleteDeletion?.(obj) ?? true);
  }

  /** The last finalizer has gone: the object goes, and the answer shows its last state. */
  async #complete(context: WriteContext, obj: ApiObject, latest: Latest): Promise<WriteResult> {
    await this.remove(context, latest);
    return { type: 'object', object: canonicalWith(obj, this.options.gvk, latest.record), created: false };
  }

  #checkUid(key: string, plan: UpdatePlan, latest: Latest | undefined): void {
    const { uid } = plan;
    if (uid === undefined || uid === '') return;
    const actual = latest?.object.metadata.uid ?? '';
    if (uid === actual) return;
    const why = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${actual}`;
    const text = `StorageError: invalid object, Code: 4, Key: ${key}, ResourceVersion: 0, AdditionalErrorMsg: ${why}`;
    throw newConflict(this.groupResource, plan.name, text);
  }

  #checkResourceVersion(plan: UpdatePlan, obj: ApiObject, revision: number): void {
    const given = resourceVersionOf(obj.metadata);
    const { resource, group } = this.groupResource;
    if (given === 0 && !this.options.strategy.allowUnconditionalUpdate) {
      const error = invalid(Path.of('metadata', 'resourceVersion'), 0, 'must be specified for an update');
      throw newInvalid({ group, kind: resource }, plan.name, [error]);
    }
    if (given !== 0 && given !== revision) {
      throw newConflict(this.groupResource, plan.name, optimisticLockMessage);
    }
    obj.metadata.resourceVersion = String(revision);
  }

  #unchanged(bytes: Buffer, stored: ApiObject, latest: Latest): boolean {
    const before = latest.bytes;
    const size = before instanceof CacheEntry ? before.storedSize : before.length;
    if (bytes.length !== size) return false;
    const equal = before instanceof CacheEntry ? before.stores(bytes) : bytes.equals(before);
    return equal || sameButForTimes(stored, latest.object);
  }

  #statusOf(error: unknown, name: string): unknown {
    return statusOfStorageError(error, this.groupResource, name) ?? error;
  }

  #createError(error: unknown, obj: ApiObject, generated: boolean): unknown {
    if (storageErrorCode(error) !== 'exists') return this.#statusOf(error, obj.metadata.name ?? '');
    if (generated) return generateNameConflict(this.groupResource, obj.metadata.name ?? '');
    const exists = newAlreadyExists(this.groupResource, obj.metadata.name ?? '');
    const entry = this.cache.get(obj.metadata.namespace ?? '', obj.metadata.name ?? '');
    if (entry?.object.metadata.deletionTimestamp === undefined) return exists;
    return failure('AlreadyExists', `object is being deleted: ${exists.message}`, {
      ...(exists.status.details && { details: exists.status.details }),
    });
  }
}

/** `NewGenerateNameConflict`. */
function generateNameConflict(gr: GroupResource, name: string): StatusError {
  const { status } = newAlreadyExists(gr, name);
  const message = `${status.message}, the server was not able to generate a unique name for the object`;
  return failure('AlreadyExists', message, { details: { ...status.details, retryAfterSeconds: 1 } });
}

/** Another writer was faster: look again and retry. */
function isLostRace(error: unknown): boolean {
  const code = storageErrorCode(error);
  return code === 'conflict' || code === 'not-found';
}

function withResourceVersion(object: Readonly<ApiObject>, revision: number): ApiObject {
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } };
}

function latestInCache(entry: CacheEntry): Latest {
  return { record: { key: entry.key, modRevision: entry.resourceVersion }, object: entry.object, bytes: entry };
}

function withRevision(stored: ApiObject, record: DecidedRecord): ApiObject {
  stored.metadata.resourceVersion = String(record.modRevision);
  return stored;
}

function canonicalWith(obj: ApiObject, gvk: GroupVersionKind, record: DecidedRecord): ApiObject {
  return withRevision(canonicalObject(obj, gvk), record);
}
