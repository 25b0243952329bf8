/** The quality of service class of a pod (`pkg/apis/core/helper/qos/qos.go`, `ComputePodQOS`). */
import { parseQuantity, type Quantity } from '@kubets/apimachinery/quantity';
import type { PodSpec, ResourceRequirements } from '../../generated/types/core-v1.ts';
import { isPodLevelResource } from './container-resources.ts';

export type QOSClass = 'Guaranteed' | 'Burstable' | 'BestEffort';

type Totals = Map<string, Quantity>;
type List = Readonly<Record<string, string>> | undefined;

/** Adds CPU and memory; answers whether both are there. */
function add(totals: Totals, list: List): boolean {
  let found = 0;
  for (const name of ['cpu', 'memory']) {
    const text = list?.[name];
    if (text === undefined) continue;
    const quantity = parseQuantity(text);
    if (quantity.sign() <= 0) continue;
    found++;
    totals.set(name, totals.get(name)?.add(quantity) ?? quantity);
  }
  return found === 2;
}

function hasPodLevel(resources: ResourceRequirements | undefined): boolean {
  if (!resources) return false;
  return [...Object.keys(resources.limits ?? {}), ...Object.keys(resources.requests ?? {})].some(isPodLevelResource);
}

/** Guaranteed: every container limits CPU and memory to what it requests. BestEffort: none asks for anything. */
export function computePodQOS(spec: PodSpec, podLevelResources: boolean): QOSClass {
  const requests: Totals = new Map();
  const limits: Totals = new Map();
  let guaranteed = true;
  if (podLevelResources && hasPodLevel(spec.resources)) {
    add(requests, spec.resources?.requests);
    guaranteed = add(limits, spec.resources?.limits);
  } else {
    for (const containers of [spec.containers, spec.initContainers]) {
      for (const { resources } of containers ?? []) {
        add(requests, resources?.requests);
        if (!add(limits, resources?.limits)) guaranteed = false;
      }
    }
  }
  if (requests.size === 0 && limits.size === 0) return 'BestEffort';
  if (!guaranteed || requests.size !== limits.size) return 'Burstable';
  for (const [name, request] of requests) {
    const limit = limits.get(name);
    if (limit === undefined || limit.compare(request) !== 0) return 'Burstable';
  }
  return 'Guaranteed';
}
