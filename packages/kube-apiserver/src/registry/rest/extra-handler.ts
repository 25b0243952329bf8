/** The port for endpoints that are not simply stored objects. */
import type { ApiRequest, ApiResult } from '../../server/types.ts';
import type { ResourceScope } from './scope.ts';

/**
 * Answers requests to one resource or subresource, for all verbs. `scope`: the stored resource of the
 * path; absent for resources without storage.
 */
export type ExtraHandler = (request: ApiRequest, scope: ResourceScope | undefined) => ApiResult | Promise<ApiResult>;
