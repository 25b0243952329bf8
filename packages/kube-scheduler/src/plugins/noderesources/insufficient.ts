/** What a node lacks to run a pod (`pkg/scheduler/framework/plugins/noderesources/fit.go`, `fitsRequest`). */
import { isExtendedResource } from '@kubets/api/core/helpers/resource-names';
import type { NodeInfo } from '../../framework/node-info.ts';
import type { Resource } from '../../framework/resource.ts';
import { Status } from '../../framework/status.ts';

export const fitName = 'NodeResourcesFit';

/** Extended resources that somebody else takes care of. */
export interface IgnoredResources {
  readonly names: ReadonlySet<string>;
  /** The part of the name before the slash. */
  readonly groups: ReadonlySet<string>;
}

const interned = new Map<string, Status>();

/** The status of these reasons: one object for each list of reasons, so that nodes can be counted by it. */
export function insufficientStatus(reasons: readonly string[], unresolvable: boolean): Status {
  const key = `${unresolvable} ${reasons.join(',')}`;
  let status = interned.get(key);
  if (status === undefined) {
    status = (unresolvable ? Status.unresolvable(...reasons) : Status.unschedulable(...reasons)).by(fitName);
    interned.set(key, status);
  }
  return status;
}

function isIgnored(name: string, { names, groups }: IgnoredResources): boolean {
  if (names.size === 0 && groups.size === 0) return false;
  return isExtendedResource(name) && (names.has(name) || groups.has(name.slice(0, name.indexOf('/'))));
}

/** Undefined when the pod fits. */
export function insufficient(requests: Resource, node: NodeInfo, ignored: IgnoredResources): Status | undefined {
  const { allocatable, requested, pods } = node;
  let reasons: string[] | undefined;
  let unresolvable = false;
  const lacks = (reason: string, beyond: boolean): void => {
    (reasons ??= []).push(reason);
    unresolvable ||= beyond;
  };
  if (pods.length + 1 > allocatable.allowedPodNumber) lacks('Too many pods', false);
  const { milliCpu, memory, ephemeralStorage, scalar } = requests;
  if (milliCpu > 0 && milliCpu > allocatable.milliCpu - requested.milliCpu) {
    lacks('Insufficient cpu', milliCpu > allocatable.milliCpu);
  }
  if (memory > 0 && memory > allocatable.memory - requested.memory) {
    lacks('Insufficient memory', memory > allocatable.memory);
  }
  if (ephemeralStorage > 0 && ephemeralStorage > allocatable.ephemeralStorage - requested.ephemeralStorage) {
    lacks('Insufficient ephemeral-storage', ephemeralStorage > allocatable.ephemeralStorage);
  }
  for (const [name, amount] of scalar ?? noScalars) {
    if (amount === 0 || isIgnored(name, ignored)) continue;
    const total = allocatable.scalar?.get(name) ?? 0;
    if (amount > total - (requested.scalar?.get(name) ?? 0)) lacks(`Insufficient ${name}`, amount > total);
  }
  return reasons === undefined ? undefined : insufficientStatus(reasons, unresolvable);
}

const noScalars: ReadonlyMap<string, number> = new Map();
