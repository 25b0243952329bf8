/** What an API server serves (client-go `discovery`, `restmapper`). */
import type { ApiObject, GroupVersionKind } from '@kubets/apimachinery/meta';
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
  versions: { version: string; resources?: AggregatedResource[] }[];
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

async function discoverRoot(transport: Transport, root: '/api' | '/apis'): Promise<DiscoveredResource[]> {
  const answer = await get<{
    items?: AggregatedGroup[];
    versions?: string[];
    groups?: { name: string; versions: { version: string }[] }[];
  }>(transport, root, aggregatedAccept);
  if (answer.kind === 'APIGroupDiscoveryList') return (answer.items ?? []).flatMap(fromAggregated);
  // Servers before 1.27 answer with the names of versions only: one more request for each.
  const versions =
    root === '/api'
      ? (answer.versions ?? []).map((version) => ({ group: '', version }))
      : (answer.groups ?? []).flatMap((g) => g.versions.map(({ version }) => ({ group: g.name, version })));
  const lists = await Promise.all(
    versions.map(async ({ group, version }) => {
      const path = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
      const { resources } = await get<{ resources: LegacyResource[] }>(transport, path);
      return fromLegacy(group, version, resources);
    }),
  );
  return lists.flat();
}

/** All resources, the server's preferred versions of each group first. */
export async function discover(transport: Transport): Promise<DiscoveredResource[]> {
  const [core, groups] = await Promise.all([discoverRoot(transport, '/api'), discoverRoot(transport, '/apis')]);
  return [...core, ...groups];
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

  /** For `pods`, `pod`, `po`, `deployments.apps` or `deployments.v1.apps`, in any case of letters. */
  forName(name: string): DiscoveredResource | undefined {
    const [first = '', ...rest] = name.toLowerCase().split('.');
    const suffix = rest.join('.');
    return this.#resources.find(
      (r) =>
        (r.resource === first || r.singularName === first || r.shortNames.includes(first)) &&
        (suffix === '' || suffix === r.group || suffix === `${r.version}.${r.group}`),
    );
  }
}
