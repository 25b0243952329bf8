/** DELETE of a collection (`apiserver/pkg/registry/generic/registry/store.go`, `DeleteCollection`). */
import { isNotFound } from '@kubets/apimachinery/status';
import type { ApiRequest, ApiResult } from '../../server/types.ts';
import type { CacheEntry } from '../../storage/cache-entry.ts';
import type { DeleteOptions } from '../generic/delete-options.ts';
import { deleteObject } from '../generic/store-delete.ts';
import { WriteContext } from '../generic/write-context.ts';
import { deleteOptionsOf, deleteValidation } from './delete.ts';
import { parseListOptions } from './list-options.ts';
import { listPage } from './list.ts';
import { servedEntry } from './results.ts';
import type { ResourceScope } from './scope.ts';

/** Deletions under way at a time: they share durable commits, so more than upstream's one worker. */
const workers = 64;

/** Not atomic: it stops at the first failure. Answers with what the list held. */
export async function deleteCollection(scope: ResourceScope, request: ApiRequest): Promise<ApiResult> {
  const options = await deleteOptionsOf(request);
  const context = new WriteContext(scope.environment, request, (options.dryRun?.length ?? 0) > 0);
  const page = await listPage(scope, parseListOptions(scope, request));
  const queue = page.entries.values();
  await Promise.all(Array.from({ length: workers }, () => drain(scope, context, queue, options)));
  return {
    type: 'list',
    status: 200,
    gvk: scope.gvk,
    entries: page.entries.map((entry) => servedEntry(scope, entry)),
    resourceVersion: String(page.revision),
    continue: page.continueToken,
    remainingItemCount: page.remaining,
  };
}

async function drain(
  scope: ResourceScope,
  context: WriteContext,
  queue: Iterator<CacheEntry>,
  options: DeleteOptions,
): Promise<void> {
  for (let next = queue.next(); next.done !== true; next = queue.next()) {
    const { name, namespace } = next.value;
    // A list over all namespaces deletes in each object's own.
    const own = context.inNamespace(namespace);
    const validate = deleteValidation(scope, own, name, options);
    try {
      await deleteObject(scope.store, own, { name, options, validate });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}
