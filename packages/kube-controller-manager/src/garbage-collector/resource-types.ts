/** Which resources there are, as far as garbage collection is concerned (`garbagecollector.go` `GetDeletableResources`). */
import { apiVersionOf } from '@kubets/apimachinery/meta';
import { discover, DiscoveryError, type DiscoveredResource, type Transport } from '@kubets/client';

/** A reference names a kind that the API server does not serve, at least not yet. */
export class NoMatchError extends Error {
  override readonly name = 'NoMatchError';

  constructor(apiVersion: string, kind: string) {
    super(`unable to get REST mapping for ${apiVersion}/${kind}.`);
  }
}

/** Events come and go by themselves, in numbers (`ignoredResources`). */
const ignored: ReadonlySet<string> = new Set(['/events', 'events.k8s.io/events']);

const needed = ['delete', 'list', 'watch'];

export class ResourceTypes {
  readonly #byKind: ReadonlyMap<string, DiscoveredResource>;
  readonly #resources: readonly DiscoveredResource[];
  /** Group versions that could not be asked for. */
  readonly failed: ReadonlySet<string>;

  constructor(resources: readonly DiscoveredResource[], failed: readonly string[] = []) {
    this.#resources = resources;
    this.failed = new Set(failed);
    const byKind = new Map<string, DiscoveredResource>();
    for (const resource of resources) {
      const key = `${apiVersionOf(resource)}/${resource.kind}`;
      if (!byKind.has(key)) byKind.set(key, resource);
    }
    this.#byKind = byKind;
  }

  get isEmpty(): boolean {
    return this.#resources.length === 0;
  }

  /** The resource of a kind. Throws {@link NoMatchError}. */
  forKind(apiVersion: string, kind: string): DiscoveredResource {
    const resource = this.#byKind.get(`${apiVersion}/${kind}`);
    if (resource === undefined) throw new NoMatchError(apiVersion, kind);
    return resource;
  }

  /** Those that can own, be owned and be deleted, each in its preferred version. */
  collectable(): DiscoveredResource[] {
    const chosen = new Map<string, DiscoveredResource>();
    for (const resource of this.#resources) {
      const name = `${resource.group}/${resource.resource}`;
      if (chosen.has(name) || ignored.has(name)) continue;
      if (needed.every((verb) => resource.verbs.includes(verb))) chosen.set(name, resource);
    }
    return [...chosen.values()];
  }
}

/** Asks the API server. Rejects when it does not answer at all. */
export async function discoverTypes(transport: Transport): Promise<ResourceTypes> {
  try {
    return new ResourceTypes(await discover(transport));
  } catch (error) {
    if (!(error instanceof DiscoveryError)) throw error;
    const failed = error.failures.map(({ groupVersion }) => groupVersion);
    return new ResourceTypes(error.resources, failed);
  }
}
