/** Built-in roles and bindings at start (`pkg/registry/rbac/rest/storage_rbac.go` EnsureRBACPolicy). */
import { rbacBootstrap } from '@kubets/api/facts';
import type { ApiObject, GroupVersionResource } from '@kubets/apimachinery/meta';
import { isAlreadyExists } from '@kubets/apimachinery/status';
import { rbacGroup, type BindingObject, type PolicyRule, type RoleObject } from '../../authorization/rbac/types.ts';
import type { CacheDirectory } from '../../storage/cache.ts';
import { ensureNamespace } from '../ensure.ts';
import type { InternalClient } from '../internal-client.ts';
import { withAggregatedRules } from './aggregation.ts';
import { reconcileBinding, reconcileRole, type Reconciled } from './reconcile.ts';

const resource = (name: string): GroupVersionResource => ({ group: rbacGroup, version: 'v1', resource: name });

/** The facts are shared: every use gets its own copy. */
const copyOf = <T>(list: readonly unknown[]): T[] => structuredClone(list) as T[];

/** All built-in cluster roles, aggregated ones with their rules. */
export function bootstrapClusterRoles(): RoleObject[] {
  const facts = rbacBootstrap();
  return withAggregatedRules(copyOf<RoleObject>([...facts['cluster-roles'], ...facts['controller-roles']]));
}

/** The rules of `system:node`, which the node authorizer applies by itself. */
export function nodeRules(): PolicyRule[] {
  return (
    copyOf<RoleObject>(rbacBootstrap()['cluster-roles']).find((role) => role.metadata.name === 'system:node')?.rules ??
    []
  );
}

/**
 * Makes sure that every built-in role and binding is there and grants what it should. Idempotent; reads from the
 * caches and writes only what differs. Throws the first error; call it again then.
 */
export async function ensureBootstrapRoles(client: InternalClient, caches: CacheDirectory): Promise<void> {
  const facts = rbacBootstrap();
  const ensure = new Ensure(client, caches);
  await ensure.all('clusterroles', bootstrapClusterRoles(), reconcileRole);
  const clusterBindings = copyOf<BindingObject>([
    ...facts['cluster-role-bindings'],
    ...facts['controller-role-bindings'],
  ]);
  await ensure.all('clusterrolebindings', clusterBindings, reconcileBinding);
  const roles = copyOf<RoleObject>(facts['namespace-roles']);
  const bindings = copyOf<BindingObject>(facts['namespace-role-bindings']);
  for (const namespace of new Set([...roles, ...bindings].map((object) => object.metadata.namespace ?? ''))) {
    await ensureNamespace(client, caches, namespace);
  }
  await ensure.all('roles', roles, reconcileRole);
  await ensure.all('rolebindings', bindings, reconcileBinding);
}

class Ensure {
  readonly #client: InternalClient;
  readonly #caches: CacheDirectory;

  constructor(client: InternalClient, caches: CacheDirectory) {
    this.#client = client;
    this.#caches = caches;
  }

  /** Writes go out together: they share one commit. */
  async all<T extends ApiObject>(
    name: string,
    expected: readonly T[],
    reconcile: (expected: T, existing: T | undefined) => Reconciled<T>,
  ): Promise<void> {
    const cache = this.#caches.of({ group: rbacGroup, resource: name });
    const one = async (wanted: T): Promise<void> => {
      const existing = cache.get(wanted.metadata.namespace ?? '', wanted.metadata.name ?? '');
      await this.#apply(resource(name), reconcile(wanted, existing?.object as T | undefined));
    };
    await Promise.all(expected.map(one));
  }

  async #apply<T extends ApiObject>(gvr: GroupVersionResource, result: Reconciled<T>): Promise<void> {
    if (result.action === 'none') return;
    const { object, action } = result;
    const { namespace = '', name = '' } = object.metadata;
    if (action === 'update') {
      await this.#client.update(gvr, namespace, object);
      return;
    }
    if (action === 'recreate') await this.#client.delete(gvr, namespace, name);
    try {
      await this.#client.create(gvr, namespace, object);
    } catch (error) {
      // Another API server was faster, with the same object.
      if (!isAlreadyExists(error)) throw error;
    }
  }
}
