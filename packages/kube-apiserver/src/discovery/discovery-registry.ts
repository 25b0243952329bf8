/**
 * What the server serves, group by group: the source of all discovery documents
 * (`apiserver/pkg/endpoints/discovery/aggregated/handler.go`, kube-aggregator `pkg/apiserver/handler_apis.go`).
 *
 * Built-in groups are there from the start; custom resources and aggregated servers come and go.
 */
import { apiVersionOf, type GroupVersion, type GroupVersionKind } from '@kubets/apimachinery/meta';
import { servedGroupVersions, type GroupVersionInfo, type ResourceInfo } from '@kubets/api/resources';

export interface DiscoverySubresource {
  readonly name: string;
  readonly gvk: GroupVersionKind;
  readonly verbs: readonly string[];
}

/** A {@link ResourceInfo} is one; so is what a custom resource definition makes. */
export interface DiscoveryResource {
  readonly resource: string;
  readonly singularName: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly verbs: readonly string[];
  readonly subresources: readonly DiscoverySubresource[];
  readonly storageVersionHash: string;
}

export interface DiscoveryGroupVersion {
  readonly group: string;
  readonly version: string;
  /** Groups of higher priority come first. */
  readonly groupPriorityMinimum: number;
  /** Versions of higher priority come first within their group; the first one is preferred. */
  readonly versionPriority: number;
  readonly resources: readonly DiscoveryResource[];
  /** `Stale` when an aggregated server cannot be asked at present. */
  readonly freshness: 'Current' | 'Stale';
}

/** The versions of one group, the preferred one first. */
export interface DiscoveryGroup {
  readonly name: string;
  readonly versions: readonly DiscoveryGroupVersion[];
}

/** The aggregator itself stands before all it aggregates. */
const aggregatorPriority = 20_000;

function builtin(info: GroupVersionInfo): DiscoveryGroupVersion {
  return {
    group: info.group,
    version: info.version,
    // The aggregator's own group has no APIService, and so no priority among the facts.
    groupPriorityMinimum: (info.groupPriorityMinimum as number | undefined) ?? aggregatorPriority,
    versionPriority: (info.versionPriority as number | undefined) ?? 1,
    resources: info.resources satisfies readonly ResourceInfo[],
    freshness: 'Current',
  };
}

/** Mutable; every change makes {@link version} larger, which is how documents know that they are old. */
export class DiscoveryRegistry {
  readonly #groupVersions = new Map<string, DiscoveryGroupVersion>();
  #version = 1;
  #groups: readonly DiscoveryGroup[] | undefined;

  constructor(served: readonly GroupVersionInfo[] = servedGroupVersions()) {
    for (const info of served) this.#groupVersions.set(apiVersionOf(info), builtin(info));
  }

  get version(): number {
    return this.#version;
  }

  /** Adds or replaces one group version. */
  set(groupVersion: DiscoveryGroupVersion): void {
    this.#groupVersions.set(apiVersionOf(groupVersion), groupVersion);
    this.#changed();
  }

  /** Removes one group version; false when it was not there. */
  remove(gv: GroupVersion): boolean {
    const removed = this.#groupVersions.delete(apiVersionOf(gv));
    if (removed) this.#changed();
    return removed;
  }

  #changed(): void {
    this.#version++;
    this.#groups = undefined;
  }

  get(gv: GroupVersion): DiscoveryGroupVersion | undefined {
    return this.#groupVersions.get(apiVersionOf(gv));
  }

  /** All groups in discovery order, the core group (`''`) included. */
  groups(): readonly DiscoveryGroup[] {
    return (this.#groups ??= orderGroups([...this.#groupVersions.values()]));
  }
}

function orderGroups(groupVersions: readonly DiscoveryGroupVersion[]): DiscoveryGroup[] {
  const byName = Map.groupBy(groupVersions, (gv) => gv.group);
  const groups = [...byName].map(([name, versions]) => ({ name, versions: versions.toSorted(compareVersions) }));
  return groups.toSorted((a, b) => priorityOf(b) - priorityOf(a) || (a.name < b.name ? -1 : 1));
}

function priorityOf(group: DiscoveryGroup): number {
  return Math.max(...group.versions.map((v) => v.groupPriorityMinimum));
}

function compareVersions(a: DiscoveryGroupVersion, b: DiscoveryGroupVersion): number {
  return b.versionPriority - a.versionPriority || compareKubeAwareVersions(b.version, a.version);
}

const kubeVersion = /^v(\d+)(?:(alpha|beta)(\d+))?$/;
const stages: Readonly<Record<string, number>> = { alpha: 0, beta: 1 };

/**
 * GA before beta before alpha, then newer before older; other names behind, in reverse alphabetical order
 * (apimachinery `pkg/version/helpers.go` CompareKubeAwareVersionStrings). Negative when `a` is the lesser one.
 */
export function compareKubeAwareVersions(a: string, b: string): number {
  if (a === b) return 0;
  const left = kubeVersion.exec(a);
  const right = kubeVersion.exec(b);
  if (left === null || right === null) return left !== null ? 1 : right !== null ? -1 : a < b ? 1 : -1;
  const stage = (stages[left[2] ?? ''] ?? 2) - (stages[right[2] ?? ''] ?? 2);
  return stage || Number(left[1]) - Number(right[1]) || Number(left[3] ?? 0) - Number(right[3] ?? 0);
}
