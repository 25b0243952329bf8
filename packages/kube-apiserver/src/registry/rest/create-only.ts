/** Resources that are only created, and stored nowhere: reviews. */
import type { ApiRequest, ApiResult } from '../../server/types.ts';
import { methodNotAllowed, notServed } from './errors.ts';

/** Reviews implement no table convertor (`apiserver/pkg/endpoints/handlers/rest.go`, `AllowsMediaTypeTransform`). */
function withoutTables(result: ApiResult): ApiResult {
  return result.type === 'object' ? { ...result, tables: false } : result;
}

/** The handler behind the checks of verb and path. Throws 405 for other verbs, 404 for a path of the other scope. */
export function createOnly(
  namespaced: boolean,
  handler: (request: ApiRequest) => Promise<ApiResult>,
): (request: ApiRequest) => Promise<ApiResult> {
  return async (request) => {
    const { verb, name, namespace } = request.info;
    if (namespaced !== (namespace !== '')) throw notServed();
    if (verb !== 'create' || name !== '') throw methodNotAllowed();
    return withoutTables(await handler(request));
  };
}
