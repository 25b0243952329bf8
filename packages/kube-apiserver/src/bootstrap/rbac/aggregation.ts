/**
 * Cluster roles made of others (`pkg/controller/clusterroleaggregation/clusterroleaggregation_controller.go`).
 *
 * The controller manager has a controller for this; until it runs, the API server does the same work, so that
 * `admin`, `edit` and `view` grant something.
 */
import { aggregatedRules } from '@kubets/api/rbac/helpers/aggregated-rules';
import { isConflict, isNotFound } from '@kubets/apimachinery/status';
import { rbacGroup, type RoleObject } from '../../authorization/rbac/types.ts';
import { semanticEqual } from '../../registry/generic/semantic-equal.ts';
import type { CacheDirectory, ResourceCache } from '../../storage/cache.ts';
import type { InternalClient } from '../internal-client.ts';

export const clusterRoles = { group: rbacGroup, version: 'v1', resource: 'clusterroles' } as const;

/** Fills in the rules of a whole set of roles, aggregates of aggregates included. Pure. */
export function withAggregatedRules(roles: readonly Readonly<RoleObject>[]): RoleObject[] {
  const resolved = new Map<string, RoleObject>(roles.map((role) => [role.metadata.name ?? '', { ...role }]));
  for (let changed = true; changed;) {
    changed = false;
    for (const role of resolved.values()) {
      if (role.aggregationRule === undefined) continue;
      const rules = aggregatedRules(role, [...resolved.values()]);
      if (semanticEqual(rules, role.rules)) continue;
      role.rules = rules;
      changed = true;
    }
  }
  return [...resolved.values()];
}

export interface AggregationDeps {
  readonly caches: CacheDirectory;
  readonly client: InternalClient;
  /** Told of a write that failed; the role is looked at again with the next change of any cluster role. */
  onError(error: unknown): void;
}

/** Keeps aggregated cluster roles current until disposed. Changes of one moment are handled in one pass. */
export class ClusterRoleAggregation implements AsyncDisposable {
  readonly #deps: AggregationDeps;
  readonly #cache: ResourceCache;
  #stop: (() => void) | undefined;
  #running: Promise<void> | undefined;
  #again = false;

  constructor(deps: AggregationDeps) {
    this.#deps = deps;
    this.#cache = deps.caches.of(clusterRoles);
  }

  /** Looks at all roles now and after each change. */
  start(): void {
    this.#stop = this.#cache.subscribe(() => this.#wake());
    this.#wake();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop?.();
    this.#stop = undefined;
    this.#again = false;
    await this.#running;
  }

  /** Resolves when nothing is left to do. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  #wake(): void {
    this.#again = true;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  async #run(): Promise<void> {
    while (this.#again) {
      this.#again = false;
      await this.#pass();
    }
  }

  async #pass(): Promise<void> {
    const all = [...this.#cache.list()].map((entry) => entry.object as RoleObject);
    for (const role of all) {
      if (role.aggregationRule === undefined) continue;
      try {
        const rules = aggregatedRules(role, all);
        if (semanticEqual(rules, role.rules)) continue;
        await this.#deps.client.update(clusterRoles, '', {
          ...structuredClone(role),
          rules: structuredClone(rules),
        } as RoleObject);
      } catch (error) {
        // A newer version of the role is on its way to the cache, or its deletion: the event wakes us.
        if (!isConflict(error) && !isNotFound(error)) this.#deps.onError(error);
      }
    }
  }
}
