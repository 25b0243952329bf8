/**
 * Namespaces go in two steps: a deletion marks them Terminating; when whoever empties them has removed
 * the finalizers of their spec, they vanish (`pkg/registry/core/namespace/storage/storage.go`).
 */
import type { ApiObject } from '@kubets/apimachinery/meta';
import type { StoreHooks } from './store.ts';

interface Namespace extends ApiObject {
  spec?: { finalizers?: string[] };
  status?: { phase?: string; [field: string]: unknown };
}

function isHeld(namespace: Readonly<ApiObject>): boolean {
  return ((namespace as Readonly<Namespace>).spec?.finalizers?.length ?? 0) > 0;
}

export const namespaceHooks: StoreHooks = {
  mayCompleteDeletion: (namespace) => !isHeld(namespace),
  postponeDeletion(context, namespace) {
    if (!isHeld(namespace)) return undefined;
    if (namespace.metadata.deletionTimestamp !== undefined) return 'as-it-is';
    const { status } = namespace as Readonly<Namespace>;
    return {
      ...namespace,
      metadata: { ...namespace.metadata, deletionTimestamp: context.now },
      status: { ...status, phase: 'Terminating' },
    };
  },
};
