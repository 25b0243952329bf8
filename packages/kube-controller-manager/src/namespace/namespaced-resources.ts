/** Which resources a namespace can hold, as the API server says (`client-go/discovery` `ServerPreferredNamespacedResources`). */
import type { Clock } from '@kubets/apimachinery/clock';
import { discover, DiscoveryError, type DiscoveredResource, type Transport } from '@kubets/client';

export interface NamespacedResources {
  /** All that can be deleted, once each. */
  readonly resources: readonly DiscoveredResource[];
  /** Why there may be more: the API server, or some aggregated one, did not answer. */
  readonly error?: unknown;
}

/** However well it fits otherwise: nothing older than this is used. */
const maxAgeMs = 30_000;

/** Each resource in its preferred version; what is stored once is in the list once. */
export function deletableResources(discovered: readonly DiscoveredResource[]): DiscoveredResource[] {
  const chosen = new Map<string, DiscoveredResource>();
  for (const resource of discovered) {
    if (!resource.namespaced || !resource.verbs.includes('delete')) continue;
    const name = `${resource.group}/${resource.resource}`;
    // The server names the preferred version first.
    if (!chosen.has(name)) chosen.set(name, resource);
  }
  // Both groups of Events show the same objects.
  if (chosen.has('/events')) chosen.delete('events.k8s.io/events');
  return [...chosen.values()];
}

/**
 * Discovery, shared: nothing can be created in a namespace that is going away, so what was served at any moment after the
 * deletion began is good for it.
 */
export class NamespacedResourceDiscovery {
  readonly #transport: Transport;
  readonly #clock: Clock;
  #latest: { readonly startedAt: number; readonly found: Promise<NamespacedResources> } | undefined;

  constructor(transport: Transport, clock: Clock) {
    this.#transport = transport;
    this.#clock = clock;
  }

  /** What was served at `since` (of the monotonic clock) or later. Never rejects; failures are asked for anew each time. */
  async asOf(since: number): Promise<NamespacedResources> {
    const now = this.#clock.monotonic();
    const known = this.#latest;
    if (known !== undefined && known.startedAt >= since && now - known.startedAt < maxAgeMs) return await known.found;
    const found = this.#discover();
    const latest = { startedAt: now, found };
    this.#latest = latest;
    const result = await found;
    if (result.error !== undefined && this.#latest === latest) this.#latest = undefined;
    return result;
  }

  async #discover(): Promise<NamespacedResources> {
    try {
      return { resources: deletableResources(await discover(this.#transport)) };
    } catch (error) {
      return { resources: error instanceof DiscoveryError ? deletableResources(error.resources) : [], error };
    }
  }
}
