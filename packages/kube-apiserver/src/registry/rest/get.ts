/** GET of one object. */
import { newNotFound } from '@kubets/apimachinery/status';
import type { ApiRequest, ApiResult } from '../../server/types.ts';
import { parseResourceVersion } from '../generic/metadata.ts';
import { entryResult } from './results.ts';
import type { ResourceScope } from './scope.ts';

/**
 * Without a resourceVersion: the newest state; `0`: what the cache has; others: at least that
 * revision (`cacher.Get`). Synchronous when the cache is as far. Throws 404, 400, 504.
 */
export function getResource(scope: ResourceScope, request: ApiRequest): ApiResult | Promise<ApiResult> {
  const { directory } = scope.environment;
  const text = request.query.size === 0 ? '' : (request.query.get('resourceVersion') ?? '');
  const ready = text === '' ? directory.consistent() : directory.atLeast(parseResourceVersion(text));
  return ready === undefined ? lookUp(scope, request) : ready.then(() => lookUp(scope, request));
}

function lookUp(scope: ResourceScope, request: ApiRequest): ApiResult {
  const { namespace, name } = request.info;
  const entry = scope.store.cache.get(namespace, name);
  if (entry === undefined) throw newNotFound(scope.groupResource, name);
  return entryResult(scope, entry);
}
