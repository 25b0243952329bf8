/**
 * Every resource that the API server knows, GA and beta, with the facts of discovery and storage.
 * A group version that is off by default is listed with `enabledByDefault: false` and served on request only.
 */
import type { GroupVersionKind, GroupVersionResource } from '@kubets/apimachinery/meta';
import { apiVersionOf } from '@kubets/apimachinery/meta';
import { json } from './generated/facts/resources.ts';
import { lazy } from './lazy.ts';

export interface SubresourceInfo {
  /** `status`, `scale`, `eviction`. */
  readonly name: string;
  /** The kind of the request's body and of the answer. */
  readonly gvk: GroupVersionKind;
  readonly verbs: readonly string[];
}

export interface ResourceInfo {
  readonly group: string;
  readonly version: string;
  /** Plural, lower case. */
  readonly resource: string;
  readonly singularName: string;
  readonly kind: string;
  /** `PodList`. */
  readonly listKind: string;
  readonly namespaced: boolean;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  /** Sorted, as discovery lists them. */
  readonly verbs: readonly string[];
  readonly subresources: readonly SubresourceInfo[];
  /** The version whose JSON is stored; `undefined` for resources that store nothing (reviews, bindings). */
  readonly storage: GroupVersionKind | undefined;
  /** `/registry/pods/`, with both slashes; the namespace and the name follow. Empty when nothing is stored. */
  readonly etcdPrefix: string;
  readonly storageVersionHash: string;
  readonly stage: 'GA' | 'beta';
  readonly enabledByDefault: boolean;
  /** Minor version that introduced and that removes it (`1.41`); empty when unknown. */
  readonly introduced: string;
  readonly removed: string;
}

export interface GroupVersionInfo {
  readonly group: string;
  readonly version: string;
  /** `v1`, `apps/v1`. */
  readonly apiVersion: string;
  readonly stage: 'GA' | 'beta';
  /** The group's preferred version. */
  readonly preferred: boolean;
  readonly enabledByDefault: boolean;
  /** Of the APIService that stands for it. */
  readonly groupPriorityMinimum: number;
  readonly versionPriority: number;
  readonly resources: readonly ResourceInfo[];
}

interface RawSubresource {
  name: string;
  kind: string;
  group?: string;
  version?: string;
  verbs: string[];
}

interface RawResource {
  name: string;
  singularName: string;
  kind: string;
  namespaced: boolean;
  shortNames?: string[];
  categories?: string[];
  verbs: string[];
  storage?: GroupVersionKind & { etcdPath: string; storageVersionHash: string };
  introduced?: string;
  removed?: string;
  subresources?: RawSubresource[];
}

interface RawGroupVersion {
  group: string;
  version: string;
  stage: 'GA' | 'beta';
  preferred?: boolean;
  enabledByDefault: boolean;
  groupPriorityMinimum: number;
  versionPriority: number;
  resources: RawResource[];
}

function subresourceInfo(gv: RawGroupVersion, raw: RawSubresource): SubresourceInfo {
  return {
    name: raw.name,
    gvk: { group: raw.group ?? gv.group, version: raw.version ?? gv.version, kind: raw.kind },
    verbs: raw.verbs,
  };
}

function storageFacts(
  storage: RawResource['storage'],
): Pick<ResourceInfo, 'storage' | 'etcdPrefix' | 'storageVersionHash'> {
  if (storage === undefined) return { storage: undefined, etcdPrefix: '', storageVersionHash: '' };
  const { group, version, kind, etcdPath, storageVersionHash } = storage;
  return {
    storage: { group, version, kind },
    etcdPrefix: etcdPath.slice(0, etcdPath.indexOf('{')),
    storageVersionHash,
  };
}

function resourceInfo(gv: RawGroupVersion, raw: RawResource): ResourceInfo {
  return {
    group: gv.group,
    version: gv.version,
    resource: raw.name,
    singularName: raw.singularName,
    kind: raw.kind,
    listKind: `${raw.kind}List`,
    namespaced: raw.namespaced,
    shortNames: raw.shortNames ?? [],
    categories: raw.categories ?? [],
    verbs: raw.verbs,
    subresources: (raw.subresources ?? []).map((s) => subresourceInfo(gv, s)),
    ...storageFacts(raw.storage),
    stage: gv.stage,
    enabledByDefault: gv.enabledByDefault,
    introduced: raw.introduced ?? '',
    removed: raw.removed ?? '',
  };
}

const groupVersions = lazy((): readonly GroupVersionInfo[] =>
  (JSON.parse(json) as RawGroupVersion[]).map((gv) => ({
    group: gv.group,
    version: gv.version,
    apiVersion: apiVersionOf(gv),
    stage: gv.stage,
    preferred: gv.preferred ?? false,
    enabledByDefault: gv.enabledByDefault,
    groupPriorityMinimum: gv.groupPriorityMinimum,
    versionPriority: gv.versionPriority,
    resources: gv.resources.map((raw) => resourceInfo(gv, raw)),
  })),
);

const served = lazy(() => servedGroupVersions().flatMap((gv) => gv.resources));
const byResource = lazy(() => new Map(served().map((r) => [`${r.group}/${r.version}/${r.resource}`, r])));
const byKind = lazy(() => {
  const map = new Map<string, ResourceInfo>();
  for (const r of served())
    map.set(`${r.group}/${r.version}/${r.kind}`, map.get(`${r.group}/${r.version}/${r.kind}`) ?? r);
  return map;
});

/** All group versions, those that are off by default too, in discovery order. */
export function knownGroupVersions(): readonly GroupVersionInfo[] {
  return groupVersions();
}

const enabled = lazy(() => groupVersions().filter((gv) => gv.enabledByDefault));

/** The group versions served by default, in discovery order. */
export function servedGroupVersions(): readonly GroupVersionInfo[] {
  return enabled();
}

/** The resources served by default, in discovery order. */
export function servedResources(): readonly ResourceInfo[] {
  return served();
}

/** A served resource by its plural name. */
export function resourceByGVR(gvr: GroupVersionResource): ResourceInfo | undefined {
  return byResource().get(`${gvr.group}/${gvr.version}/${gvr.resource}`);
}

/** The served resource whose objects are of this kind. */
export function resourceByGVK(gvk: GroupVersionKind): ResourceInfo | undefined {
  return byKind().get(`${gvk.group}/${gvk.version}/${gvk.kind}`);
}
