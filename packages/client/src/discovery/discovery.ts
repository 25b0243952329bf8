/** What an API server serves (client-go `discovery`, `restmapper`). */
import { apiVersionOf, type ApiObject, type GroupVersion, type GroupVersionKind } from '@kubets/apimachinery/meta';
import type { Resource } from '../rest/resource-client.ts';
import type { Transport } from '../transport.ts';

export interface DiscoveredResource extends Resource {
  readonly singularName: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly verbs: readonly string[];
  readonly subresources: readonly string[];
}

interface AggregatedResource {
  resource: string;
  responseKind?: { kind: string };
  scope: 'Namespaced' | 'Cluster';
  singularResource: string;
  shortNames?: string[];
  categories?: string[];
  verbs?: string[];
  subresources?: { subresource: string }[];
}

interface AggregatedGroup {
  metadata: { name?: string };
  /** Preferred first. `Stale`: the aggregated server behind it does not answer; what is here is old or nothing. */
  versions: { version: string; resources?: AggregatedResource[]; freshness?: 'Current' | 'Stale' }[];
}

interface LegacyGroup {
  name: string;
  versions: { version: string }[];
  preferredVersion?: { version: string };
}

interface LegacyResource {
  name: string;
  singularName: string;
  namespaced: boolean;
  kind: string;
  verbs: string[];
  shortNames?: string[];
  categories?: string[];
}

const aggregatedAccept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json';

function fromAggregated(group: AggregatedGroup): DiscoveredResource[] {
  return group.versions.flatMap(({ version, resources = [] }) =>
    resources.map((r) => ({
      group: group.metadata.name ?? '',
      version,
      resource: r.resource,
      kind: r.responseKind?.kind ?? '',
      namespaced: r.scope === 'Namespaced',
      singularName: r.singularResource,
      shortNames: r.shortNames ?? [],
      categories: r.categories ?? [],
      verbs: r.verbs ?? [],
      subresources: (r.subresources ?? []).map((s) => s.subresource),
    })),
  );
}

function fromLegacy(group: string, version: string, list: readonly LegacyResource[]): DiscoveredResource[] {
  const subresourcesOf = (name: string): string[] =>
    list.filter((r) => r.name.startsWith(`${name}/`)).map((r) => r.name.slice(name.length + 1));
  return list
    .filter((r) => !r.name.includes('/'))
    .map((r) => ({
      group,
      version,
      resource: r.name,
      kind: r.kind,
      namespaced: r.namespaced,
      singularName: r.singularName,
      shortNames: r.shortNames ?? [],
      categories: r.categories ?? [],
      verbs: r.verbs,
      subresources: subresourcesOf(r.name),
    }));
}

async function get<T>(transport: Transport, path: string, accept?: string): Promise<Readonly<ApiObject> & T> {
  const headers = accept === undefined ? {} : { headers: { accept } };
  const { object } = await transport.request({ method: 'GET', path, ...headers });
  return object as Readonly<ApiObject> & T;
}

/** A group version that could not be asked for. */
export interface DiscoveryFailure {
  /** `metrics.k8s.io/v1beta1`. */
  readonly groupVersion: string;
  readonly error: unknown;
}

/** Some group versions could not be asked for (client-go `discovery.ErrGroupDiscoveryFailed`); the rest is known. */
export class DiscoveryError extends Error {
  readonly resources: readonly DiscoveredResource[];
  readonly failures: readonly DiscoveryFailure[];

  constructor(resources: readonly DiscoveredResource[], failures: readonly DiscoveryFailure[]) {
    const what = failures.map(
      ({ groupVersion, error }) => `${groupVersion}: ${error instanceof Error ? error.message : String(error)}`,
    );
    super(`unable to retrieve the complete list of server APIs: ${what.join(', ')}`, { cause: failures[0]?.error });
    this.name = 'DiscoveryError';
    this.resources = resources;
    this.failures = failures;
  }
}

interface Found {
  readonly resources: readonly DiscoveredResource[];
  readonly failures: readonly DiscoveryFailure[];
}

function foundInAggregated(groups: readonly AggregatedGroup[]): Found {
  const stale = groups.flatMap((group) =>
    group.versions
      .filter((v) => v.freshness === 'Stale')
      .map((v) => apiVersionOf({ group: group.metadata.name ?? '', version: v.version })),
  );
  const error = new Error('stale GroupVersion discovery');
  return {
    resources: groups.flatMap(fromAggregated),
    failures: stale.map((groupVersion) => ({ groupVersion, error })),
  };
}

/** The preferred version first, the others as they come. */
function versionsOf({ name, versions, preferredVersion }: LegacyGroup): GroupVersion[] {
  const preferred = preferredVersion?.version;
  return versions
    .map(({ version }) => ({ group: name, version }))
    .toSorted((a, b) => Number(b.version === preferred) - Number(a.version === preferred));
}

async function discoverVersion(transport: Transport, gv: GroupVersion): Promise<Found> {
  const groupVersion = apiVersionOf(gv);
  try {
    const path = `${gv.group === '' ? '/api' : '/apis'}/${groupVersion}`;
    const { resources } = await get<{ resources?: LegacyResource[] }>(transport, path);
    return { resources: fromLegacy(gv.group, gv.version, resources ?? []), failures: [] };
  } catch (error) {
    return { resources: [], failures: [{ groupVersion, error }] };
  }
}

const merge = (found: readonly Found[]): Found => ({
  resources: found.flatMap((f) => f.resources),
  failures: found.flatMap((f) => f.failures),
});

async function discoverRoot(transport: Transport, root: '/api' | '/apis'): Promise<Found> {
  const answer = await get<{ items?: AggregatedGroup[]; versions?: string[]; groups?: LegacyGroup[] }>(
    transport,
    root,
    aggregatedAccept,
  );
  if (answer.kind === 'APIGroupDiscoveryList') return foundInAggregated(answer.items ?? []);
  // Servers before 1.27 answer with the names of versions only: one more request for each.
  const versions =
    root === '/api'
      ? (answer.versions ?? []).map((version) => ({ group: '', version }))
      : (answer.groups ?? []).flatMap(versionsOf);
  return merge(await Promise.all(versions.map((gv) => discoverVersion(transport, gv))));
}

/**
 * All resources, the server's preferred version of each group first. Group versions that could not be
 * asked for (an aggregated server is down) are told to `onFailure`; without it a DiscoveryError is thrown,
 * which holds what was found.
 */
export async function discover(
  transport: Transport,
  onFailure?: (failure: DiscoveryFailure) => void,
): Promise<DiscoveredResource[]> {
  const { resources, failures } = merge(
    await Promise.all([discoverRoot(transport, '/api'), discoverRoot(transport, '/apis')]),
  );
  if (failures.length > 0 && onFailure === undefined) throw new DiscoveryError(resources, failures);
  for (const failure of failures) onFailure?.(failure);
  return [...resources];
}

/** Finds resources by what users and manifests call them. */
export class RestMapper {
  readonly #resources: readonly DiscoveredResource[];

  constructor(resources: readonly DiscoveredResource[]) {
    this.#resources = resources;
  }

  /** For a manifest's kind; without a version the preferred one. */
  forKind(gvk: Pick<GroupVersionKind, 'group' | 'kind'> & { version?: string }): DiscoveredResource | undefined {
    return this.#resources.find(
      (r) => r.group === gvk.group && r.kind === gvk.kind && (gvk.version === undefined || r.version === gvk.version),
    );
  }

  /**
   * For `pods`, `pod`, `po`, `deployments.apps` or `deployments.v1.apps`, in any case of letters. A full
   * name counts more than a singular, and that more than a short name, of whatever group.
   */
  forName(name: string): DiscoveredResource | undefined {
    const [first = '', ...rest] = name.toLowerCase().split('.');
    const suffix = rest.join('.');
    const candidates = this.#resources.filter(
      (r) => suffix === '' || suffix === r.group || suffix === `${r.version}.${r.group}`,
    );
    return (
      candidates.find((r) => r.resource === first) ??
      candidates.find((r) => r.singularName === first) ??
      candidates.find((r) => r.shortNames.includes(first))
    );
  }
}
