/** The answer of actions that are created but leave no object: binding, eviction. */
import type { Status } from '@kubets/apimachinery/status';
import type { ApiResult } from '../../server/types.ts';

export function createdStatus(): ApiResult {
  const status: Status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 };
  return { type: 'object', status: 201, object: status };
}
