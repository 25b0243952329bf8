/** Managed fields of creates, updates and patches (`endpoints/handlers/fieldmanager`). */
import { update } from '@kubets/apimachinery/apply/field-manager';
import { managerOrUserAgent } from '@kubets/apimachinery/apply/validate-managed-fields';
import type { ApiObject } from '@kubets/apimachinery/meta';
import type { WriteContext } from '../generic/write-context.ts';
import type { ResourceScope } from './scope.ts';

/** Who writes: the named manager, else the user agent's first word. */
export function managerOf(context: WriteContext, fieldManager: string): string {
  return managerOrUserAgent(fieldManager, context.request.headers['user-agent'] ?? '');
}

/**
 * Records in `obj` who changed what against `live` (absent on create). Objects are those of the served
 * version: managed fields name it.
 */
export function trackUpdate(
  scope: ResourceScope,
  context: WriteContext,
  change: {
    obj: ApiObject;
    live: Readonly<ApiObject> | undefined;
    manager: string;
    subresource?: string;
    resetFields: readonly string[];
  },
): void {
  const { obj, live, manager, subresource = '', resetFields } = change;
  update({
    schema: scope.kind.schema,
    apiVersion: scope.kind.apiVersion,
    manager,
    subresource,
    now: context.now,
    resetFields,
    live,
    obj,
  });
}
