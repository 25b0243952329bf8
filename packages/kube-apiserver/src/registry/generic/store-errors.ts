/** The store's errors as Status errors (`apiserver/pkg/registry/generic/registry/storage_factory.go`, `api/errors/storage/storage.go`). */
import type { GroupResource } from '@kubets/apimachinery/meta';
import {
  failure,
  newAlreadyExists,
  newConflict,
  newNotFound,
  newRequestEntityTooLarge,
  newServiceUnavailable,
  optimisticLockMessage,
  type StatusError,
} from '@kubets/apimachinery/status';
import { storageErrorCode } from '@kubets/etcd';

/** `undefined` for errors that are not the store's. */
export function statusOfStorageError(error: unknown, gr: GroupResource, name: string): StatusError | undefined {
  const code = storageErrorCode(error);
  if (code === undefined) return undefined;
  const message = error instanceof Error ? error.message : String(error);
  switch (code) {
    case 'exists':
      return newAlreadyExists(gr, name);
    case 'not-found':
      return newNotFound(gr, name);
    case 'conflict':
      return newConflict(gr, name, optimisticLockMessage);
    case 'too-large':
      return newRequestEntityTooLarge(message);
    case 'compacted':
    case 'future-revision':
    case 'lease-not-found':
      return failure('InternalError', `Internal error occurred: ${message}`, { cause: error });
    case 'unavailable':
    case 'closed':
      return newServiceUnavailable(message);
  }
}

/** Throws the error as the API shows it. */
export function rethrowStorageError(error: unknown, gr: GroupResource, name: string): never {
  throw statusOfStorageError(error, gr, name) ?? error;
}
