/** DELETE (`apiserver/pkg/registry/generic/registry/store.go`: `Delete`, `updateForGracefulDeletionAndFinalizers`). */
import type { ApiObject, ObjectMeta } from '@kubets/apimachinery/meta';
import { newConflict, newNotFound, type Status, type StatusError } from '@kubets/apimachinery/status';
import { storageErrorCode } from '@kubets/etcd';
import type { DeleteOptions } from './delete-options.ts';
import { deletionFinalizers } from './finalizers.ts';
import { deletionMark, planGracefulDelete } from './graceful-delete.ts';
import type { Latest, ResourceStore, WriteResult } from './store.ts';
import { rethrowStorageError } from './store-errors.ts';
import type { WriteContext } from './write-context.ts';

/** Admission of a deletion, with the object as it is. */
export type DeleteValidation = (old: Readonly<ApiObject>) => void | Promise<void>;

export interface DeleteRequest {
  readonly name: string;
  readonly options: DeleteOptions;
  readonly validate: DeleteValidation;
}

export type DeleteResult =
  /** Gone: the last state. */
  | { readonly deleted: true; readonly object: Readonly<ApiObject> }
  /** Waits for its grace period or its finalizers: the state it has now. */
  | { readonly deleted: false; readonly result: WriteResult };

/** Throws 404, 409 for preconditions. Starts anew when another writer was faster. */
export async function deleteObject(
  store: ResourceStore,
  context: WriteContext,
  request: DeleteRequest,
): Promise<DeleteResult> {
  const key = store.keyOf(context, request.name);
  for (;;) {
    const latest = await store.latest(key);
    if (latest === undefined) {
      await store.whenDurable(key);
      throw newNotFound(store.groupResource, request.name);
    }
    const failed = failedPrecondition(store, latest, request);
    if (failed !== undefined) {
      await store.whenDurable(key);
      throw failed;
    }
    try {
      return await deleteOnce(store, context, { ...request, latest });
    } catch (error) {
      const code = storageErrorCode(error);
      if (code !== 'conflict' && code !== 'not-found') rethrowStorageError(error, store.groupResource, request.name);
    }
  }
}

async function deleteOnce(
  store: ResourceStore,
  context: WriteContext,
  request: DeleteRequest & { readonly latest: Latest },
): Promise<DeleteResult> {
  const { latest, options } = request;
  const { object } = latest;
  const { strategy } = store.options;
  const validating = request.validate(object);
  if (validating !== undefined) await validating;
  const postponed = store.options.hooks?.postponeDeletion?.(context, object);
  if (postponed === 'as-it-is') return unchanged(store, latest);
  if (postponed !== undefined) {
    const finalizers = deletionFinalizers(object.metadata, strategy.defaultGarbageCollection, options);
    if (finalizers !== undefined) postponed.metadata.finalizers = finalizers;
    return { deleted: false, result: await store.write(context, latest, postponed) };
  }
  const graceful = planGracefulDelete(context, strategy, object, options);
  // A deletion under way is not changed by asking again, its finalizers neither.
  if (graceful.type === 'pending') return unchanged(store, latest);
  const finalizers = deletionFinalizers(object.metadata, strategy.defaultGarbageCollection, options);
  const held = (finalizers ?? object.metadata.finalizers ?? []).length > 0;
  if (graceful.type === 'now' && !held) return await remove(store, context, latest);
  const changes: Partial<ObjectMeta> =
    graceful.type === 'graceful' ? { ...graceful.changes } : deletionMark(context, object.metadata);
  if (finalizers !== undefined) changes.finalizers = finalizers;
  if (graceful.type === 'graceful' && graceful.seconds === 0 && !held) {
    return await remove(store, context, latest, changes);
  }
  const marked = { ...object, metadata: { ...object.metadata, ...changes } };
  return { deleted: false, result: await store.write(context, latest, marked) };
}

/** `changes`: what the answer shows besides, as if they had been written first. */
async function remove(
  store: ResourceStore,
  context: WriteContext,
  latest: Latest,
  changes?: Partial<ObjectMeta>,
): Promise<DeleteResult> {
  const object = await store.remove(context, latest);
  if (changes === undefined) return { deleted: true, object };
  return { deleted: true, object: { ...object, metadata: { ...object.metadata, ...changes } } };
}

async function unchanged(store: ResourceStore, latest: Latest): Promise<DeleteResult> {
  return { deleted: false, result: await store.current(latest) };
}

function failedPrecondition(store: ResourceStore, latest: Latest, request: DeleteRequest): StatusError | undefined {
  const { uid, resourceVersion } = request.options.preconditions ?? {};
  const { metadata } = latest.object;
  const kind = { group: store.groupResource.group, resource: store.options.gvk.kind };
  if (uid !== undefined && uid !== metadata.uid) {
    const why = `the UID in the precondition (${uid}) does not match the UID in record (${metadata.uid ?? ''}). The object might have been deleted and then recreated`;
    return newConflict(kind, request.name, why);
  }
  const revision = String(latest.record.modRevision);
  if (resourceVersion !== undefined && resourceVersion !== revision) {
    const why = `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${revision}). The object might have been modified`;
    return newConflict(kind, request.name, why);
  }
  return undefined;
}

/** `{"kind":"Status","status":"Success","details":{…}}`, the usual answer to DELETE; `kind` is the resource, as upstream has it. */
export function deletedStatus(store: ResourceStore, object: Readonly<ApiObject>): Status {
  const { group, resource } = store.groupResource;
  const { name, uid } = object.metadata;
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: { ...(name && { name }), ...(group && { group }), kind: resource, ...(uid && { uid }) },
  };
}
