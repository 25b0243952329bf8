/**
 * Roles and bindings as the authorizer needs them: bindings by subject, rules by resource. Kept up to
 * date event by event; a change costs what the one changed object costs.
 */
import type { GroupResource } from '@kubets/apimachinery/meta';
import type { CacheDirectory, CachedObject, CacheEvent, ResourceCache } from '../../storage/cache.ts';
import { CompiledRules } from './compiled-rules.ts';
import { describeSubject, subjectKey } from './subjects.ts';
import { rbacGroup, type BindingObject, type RoleObject, type RoleRef } from './types.ts';

/** A binding as seen from one of its subjects. */
export interface BoundRole {
  /** Which binding: the key of its object. */
  readonly bindingKey: string;
  readonly roleRef: RoleRef;
  /** '' for a ClusterRoleBinding. */
  readonly namespace: string;
  /** Text of an allowing decision, made once. */
  readonly allowReason: string;
}

/** No binding at all: shared, never changed. */
const none: readonly BoundRole[] = [];

type BySubject = Map<string, BoundRole[]>;

function describeBinding(entry: CachedObject): string {
  return entry.namespace === ''
    ? `ClusterRoleBinding ${JSON.stringify(entry.name)}`
    : `RoleBinding ${JSON.stringify(`${entry.name}/${entry.namespace}`)}`;
}

/** Start it with {@link RbacIndex.start}; dispose it to stop following the caches. */
export class RbacIndex {
  readonly #clusterRoles = new Map<string, CompiledRules>();
  readonly #roles = new Map<string, CompiledRules>();
  readonly #clusterBindings: BySubject = new Map();
  readonly #bindings = new Map<string, BySubject>();
  readonly #stops: (() => void)[] = [];

  private constructor() {}

  /** Reads what the caches hold and follows them from there. */
  static start(caches: CacheDirectory): RbacIndex {
    const index = new RbacIndex();
    const of = (resource: string): ResourceCache => caches.of({ group: rbacGroup, resource } satisfies GroupResource);
    index.#follow(of('clusterroles'), (entry, present) => index.#setRole(index.#clusterRoles, entry, present));
    index.#follow(of('roles'), (entry, present) => index.#setRole(index.#roles, entry, present));
    index.#follow(of('clusterrolebindings'), (entry, present) => index.#setBinding(entry, present));
    index.#follow(of('rolebindings'), (entry, present) => index.#setBinding(entry, present));
    return index;
  }

  [Symbol.dispose](): void {
    for (const stop of this.#stops.splice(0)) stop();
  }

  clusterBindingsOf(key: string): readonly BoundRole[] {
    return this.#clusterBindings.get(key) ?? none;
  }

  bindingsOf(namespace: string, key: string): readonly BoundRole[] {
    return this.#bindings.get(namespace)?.get(key) ?? none;
  }

  /** The rules behind a reference made in `namespace` ('' for cluster bindings); `undefined` when the role is missing. */
  rulesOf(ref: RoleRef, namespace: string): CompiledRules | undefined {
    if (ref.kind === 'ClusterRole') return this.#clusterRoles.get(ref.name);
    if (ref.kind === 'Role') return this.#roles.get(`${namespace}/${ref.name}`);
    return undefined;
  }

  #follow(cache: ResourceCache, set: (entry: CachedObject, present: boolean) => void): void {
    this.#stops.push(
      cache.subscribe((event: CacheEvent) => {
        if (event.type !== 'added') set(event.previous, false);
        if (event.type !== 'deleted') set(event.current, true);
      }),
    );
    for (const entry of cache.list()) set(entry, true);
  }

  #setRole(into: Map<string, CompiledRules>, entry: CachedObject, present: boolean): void {
    const key = entry.namespace === '' ? entry.name : `${entry.namespace}/${entry.name}`;
    if (present) into.set(key, new CompiledRules((entry.object as RoleObject).rules ?? []));
    else into.delete(key);
  }

  #setBinding(entry: CachedObject, present: boolean): void {
    const index = this.#subjectsIn(entry.namespace);
    const binding = entry.object as BindingObject;
    const seen = new Set<string>();
    for (const subject of binding.subjects ?? []) {
      const key = subjectKey(subject, entry.namespace);
      if (key === undefined || seen.has(key)) continue;
      seen.add(key);
      removeBinding(index, key, entry.key);
      if (!present) continue;
      const described = `${describeBinding(entry)} of ${binding.roleRef.kind} ${JSON.stringify(binding.roleRef.name)}`;
      addBinding(index, key, {
        bindingKey: entry.key,
        roleRef: binding.roleRef,
        namespace: entry.namespace,
        allowReason: `RBAC: allowed by ${described} to ${describeSubject(subject, entry.namespace)}`,
      });
    }
    if (entry.namespace !== '' && index.size === 0) this.#bindings.delete(entry.namespace);
  }

  #subjectsIn(namespace: string): BySubject {
    if (namespace === '') return this.#clusterBindings;
    let index = this.#bindings.get(namespace);
    if (index === undefined) {
      index = new Map();
      this.#bindings.set(namespace, index);
    }
    return index;
  }
}

function addBinding(index: BySubject, key: string, bound: BoundRole): void {
  const list = index.get(key);
  if (list === undefined) index.set(key, [bound]);
  else list.push(bound);
}

function removeBinding(index: BySubject, key: string, bindingKey: string): void {
  const list = index.get(key);
  if (list === undefined) return;
  const at = list.findIndex((bound) => bound.bindingKey === bindingKey);
  if (at < 0) return;
  if (list.length === 1) index.delete(key);
  else list.splice(at, 1);
}
