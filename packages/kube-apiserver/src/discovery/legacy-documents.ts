/**
 * The discovery documents of old: one per group and version (`apiserver/pkg/endpoints/discovery/{root,group,version,legacy}.go`).
 *
 * Their shape has the accidents of Go's encoder: those of the core group and the list of groups say `apiVersion`
 * only where upstream's do.
 */
import { apiVersionOf } from '@kubets/apimachinery/meta';
import type {
  DiscoveryGroup,
  DiscoveryGroupVersion,
  DiscoveryResource,
  DiscoverySubresource,
} from './discovery-registry.ts';

type Json = Record<string, unknown>;

/** `/api`. `serverAddress` is host and port as clients inside the cluster reach it. */
export function apiVersions(core: DiscoveryGroup | undefined, serverAddress: string): Json {
  return {
    kind: 'APIVersions',
    versions: (core?.versions ?? []).map((v) => v.version),
    serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress }],
  };
}

function groupBody(group: DiscoveryGroup): Json {
  const versions = group.versions.map((gv) => ({ groupVersion: apiVersionOf(gv), version: gv.version }));
  return { name: group.name, versions, preferredVersion: versions[0] };
}

/** `/apis`. */
export function apiGroupList(groups: readonly DiscoveryGroup[]): Json {
  return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups.map(groupBody) };
}

/** `/apis/<group>`. */
export function apiGroup(group: DiscoveryGroup): Json {
  return { kind: 'APIGroup', apiVersion: 'v1', ...groupBody(group) };
}

/** `/api/v1` and `/apis/<group>/<version>`. */
export function apiResourceList(gv: DiscoveryGroupVersion): Json {
  const resources = gv.resources.flatMap((r) => [
    resourceEntry(gv, r),
    ...r.subresources.map((s) => subresourceEntry(gv, r, s)),
  ]);
  const head: Json = { kind: 'APIResourceList' };
  if (gv.group !== '') head['apiVersion'] = 'v1';
  return { ...head, groupVersion: apiVersionOf(gv), resources };
}

function resourceEntry(gv: DiscoveryGroupVersion, resource: DiscoveryResource): Json {
  const entry: Json = {
    name: resource.resource,
    singularName: resource.singularName,
    namespaced: resource.namespaced,
    ...foreign(gv, responseKind(gv, resource)),
    kind: resource.kind,
    verbs: resource.verbs,
  };
  if (resource.shortNames.length > 0) entry['shortNames'] = resource.shortNames;
  if (resource.categories.length > 0) entry['categories'] = resource.categories;
  if (resource.storageVersionHash !== '') entry['storageVersionHash'] = resource.storageVersionHash;
  return entry;
}

function subresourceEntry(gv: DiscoveryGroupVersion, resource: DiscoveryResource, sub: DiscoverySubresource): Json {
  return {
    name: `${resource.resource}/${sub.name}`,
    singularName: '',
    namespaced: resource.namespaced,
    ...foreign(gv, sub.gvk),
    kind: sub.gvk.kind,
    verbs: sub.verbs,
  };
}

/** Group and version are told only when they are not those of the list. */
function foreign(gv: DiscoveryGroupVersion, kind: { group: string; version: string }): Json {
  if (kind.group === gv.group && kind.version === gv.version) return {};
  return { ...(kind.group !== '' && { group: kind.group }), version: kind.version };
}

function responseKind(
  gv: DiscoveryGroupVersion,
  resource: DiscoveryResource,
): { group: string; version: string; kind: string } {
  return { group: gv.group, version: gv.version, kind: resource.kind };
}
