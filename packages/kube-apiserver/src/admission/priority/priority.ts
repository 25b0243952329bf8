/** Priorities of pods by their class (`plugin/pkg/admission/priority/admission.go`). */
import type { Pod } from '@kubets/api/types/core-v1';
import type { PriorityClass } from '@kubets/api/types/scheduling-v1';
import type { CacheDirectory, CachedObject, CacheEvent, ResourceCache } from '../../storage/cache.ts';
import { forbid, isResource } from '../common/attributes.ts';
import type { AdmissionAttributes, AdmissionPlugin } from '../plugin.ts';

const group = 'scheduling.k8s.io';

interface Resolved {
  readonly className: string;
  readonly priority: number;
  readonly preemptionPolicy: 'Never' | 'PreemptLowerPriority' | undefined;
}

const noClass: Resolved = { className: '', priority: 0, preemptionPolicy: 'PreemptLowerPriority' };

/** Finds the global default without a walk per pod. */
class DefaultClass {
  readonly #cache: ResourceCache;
  #known: CachedObject | undefined;
  #valid = false;

  constructor(cache: ResourceCache) {
    this.#cache = cache;
    cache.subscribe((_: CacheEvent) => {
      this.#valid = false;
    });
  }

  /** Of several defaults the one with the lowest value. */
  get(): CachedObject | undefined {
    if (!this.#valid) {
      this.#known = undefined;
      for (const entry of this.#cache.list()) {
        const candidate = classOf(entry);
        if (candidate.globalDefault !== true) continue;
        if (this.#known === undefined || valueOf(this.#known) > valueOf(entry)) this.#known = entry;
      }
      this.#valid = true;
    }
    return this.#known;
  }
}

/** A class without a value stands for zero. */
const valueOf = (entry: CachedObject): number => classOf(entry).value ?? 0;

const classOf = (entry: CachedObject): PriorityClass => entry.object as unknown as PriorityClass;

const resolvedOf = (entry: CachedObject): Resolved => ({
  className: entry.name,
  priority: valueOf(entry),
  preemptionPolicy: classOf(entry).preemptionPolicy as Resolved['preemptionPolicy'],
});

export function priority(deps: { caches: CacheDirectory }): AdmissionPlugin {
  const cache = deps.caches.of({ group, resource: 'priorityclasses' });
  const defaultClass = new DefaultClass(cache);
  return {
    name: 'Priority',
    handles: (operation) => operation === 'CREATE' || operation === 'UPDATE',
    admit(attributes) {
      if (!isResource(attributes, '', 'pods')) return;
      if (attributes.operation === 'UPDATE') keepPriority(attributes);
      else setPriority(attributes, resolve(attributes, cache, defaultClass));
    },
    validate(attributes) {
      if (!isResource(attributes, group, 'priorityclasses')) return;
      const added = attributes.object as unknown as PriorityClass;
      if (added.globalDefault !== true) return;
      const known = defaultClass.get();
      if (known === undefined || known.name === added.metadata.name) return;
      throw forbid(attributes, `PriorityClass ${known.name} is already marked as default. Only one default can exist`);
    },
  };
}

function resolve(attributes: AdmissionAttributes, cache: ResourceCache, defaultClass: DefaultClass): Resolved {
  const name = (attributes.object as unknown as Pod).spec?.priorityClassName ?? '';
  if (name === '') {
    const known = defaultClass.get();
    return known === undefined ? noClass : resolvedOf(known);
  }
  const entry = cache.get('', name);
  if (entry === undefined) throw forbid(attributes, `no PriorityClass with name ${name} was found`);
  return resolvedOf(entry);
}

/** Clients that do not know the fields must not lose them. */
function keepPriority(attributes: AdmissionAttributes): void {
  const { spec } = attributes.object as unknown as Pod;
  const old = (attributes.oldObject as unknown as Pod).spec;
  if (spec === undefined || old === undefined) return;
  if (spec.priority === undefined && old.priority !== undefined) spec.priority = old.priority;
  if (spec.preemptionPolicy === undefined && old.preemptionPolicy !== undefined)
    spec.preemptionPolicy = old.preemptionPolicy;
}

function setPriority(attributes: AdmissionAttributes, resolved: Resolved): void {
  const { spec } = attributes.object as unknown as Pod;
  if (spec === undefined) return;
  if (resolved.className !== '') spec.priorityClassName = resolved.className;
  if (spec.priority !== undefined && spec.priority !== resolved.priority) {
    throw forbid(
      attributes,
      `the integer value of priority (${spec.priority}) must not be provided in pod spec; priority admission controller computed ${resolved.priority} from the given PriorityClass name`,
    );
  }
  spec.priority = resolved.priority;
  const policy = resolved.preemptionPolicy;
  if (policy === undefined) return;
  if (spec.preemptionPolicy !== undefined && spec.preemptionPolicy !== policy) {
    throw forbid(
      attributes,
      `the string value of PreemptionPolicy (${spec.preemptionPolicy}) must not be provided in pod spec; priority admission controller computed ${policy} from the given PriorityClass name`,
    );
  }
  spec.preemptionPolicy = policy;
}
