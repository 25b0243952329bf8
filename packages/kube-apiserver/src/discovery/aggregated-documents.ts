/**
 * Aggregated discovery: everything in two documents (`apidiscovery.k8s.io/v2`,
 * `apiserver/pkg/endpoints/discovery/aggregated`).
 */
import type {
  DiscoveryGroup,
  DiscoveryGroupVersion,
  DiscoveryResource,
  DiscoverySubresource,
} from './discovery-registry.ts';

type Json = Record<string, unknown>;

/** `/api` has the core group, `/apis` all others. */
export function apiGroupDiscoveryList(groups: readonly DiscoveryGroup[]): Json {
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: 'apidiscovery.k8s.io/v2',
    metadata: {},
    items: groups.map(groupItem),
  };
}

function groupItem(group: DiscoveryGroup): Json {
  const metadata: Json = group.name === '' ? {} : { name: group.name };
  return { metadata, versions: group.versions.map(versionItem) };
}

function versionItem(gv: DiscoveryGroupVersion): Json {
  return { version: gv.version, resources: gv.resources.map((r) => resourceItem(gv, r)), freshness: gv.freshness };
}

function resourceItem(gv: DiscoveryGroupVersion, resource: DiscoveryResource): Json {
  const item: Json = {
    resource: resource.resource,
    responseKind: { group: gv.group, version: gv.version, kind: resource.kind },
    scope: resource.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: resource.singularName,
    verbs: resource.verbs,
  };
  if (resource.shortNames.length > 0) item['shortNames'] = resource.shortNames;
  if (resource.categories.length > 0) item['categories'] = resource.categories;
  if (resource.subresources.length > 0) item['subresources'] = resource.subresources.map(subresourceItem);
  return item;
}

function subresourceItem(sub: DiscoverySubresource): Json {
  const { group, version, kind } = sub.gvk;
  return { subresource: sub.name, responseKind: { group, version, kind }, verbs: sub.verbs };
}
