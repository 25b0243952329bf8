/** The devices that drivers report, by pool (upstream `k8s.io/dynamic-resource-allocation/structured/internal/…/pools.go`). */
import { CompiledNodeSelector } from '@kubets/api/core/helpers/node-affinity';
import type { Node, NodeSelector } from '@kubets/api/types/core-v1';
import type { Counter, Device, ResourceSlice } from '@kubets/api/types/resource-v1';

/** A pool as its driver has reported it last. */
export interface Pool {
  readonly driver: string;
  readonly name: string;
  readonly generation: number;
  readonly slices: readonly Readonly<ResourceSlice>[];
  /** Whether all slices of the generation are there: until then nothing of it is given away. */
  readonly complete: boolean;
  /** By set and counter: what its devices share. */
  readonly counters: ReadonlyMap<string, Readonly<Record<string, Counter>>>;
}

/** A device that can be reached from a node. */
export interface PooledDevice {
  /** `driver/pool/device`: unique in the cluster. */
  readonly id: string;
  readonly pool: Pool;
  readonly device: Readonly<Device>;
  /** The node it belongs to, when to one alone. */
  readonly nodeName: string | undefined;
  /** The nodes it can be reached from, when to some. */
  readonly nodeSelector: Readonly<NodeSelector> | undefined;
}

export const deviceId = (driver: string, pool: string, device: string): string => `${driver}/${pool}/${device}`;

/** Groups slices into pools; of each only the newest generation counts. */
export function gatherPools(slices: Iterable<Readonly<ResourceSlice>>): readonly Pool[] {
  const byPool = new Map<string, Readonly<ResourceSlice>[]>();
  for (const slice of slices) {
    const { driver, pool } = slice.spec;
    const key = `${driver}/${pool.name}`;
    const known = byPool.get(key);
    const generation = known?.[0]?.spec.pool.generation ?? -1;
    if (known === undefined || pool.generation > generation) byPool.set(key, [slice]);
    else if (pool.generation === generation) known.push(slice);
  }
  return Array.from(byPool.values(), poolOf);
}

function poolOf(slices: readonly Readonly<ResourceSlice>[]): Pool {
  const [first] = slices as [Readonly<ResourceSlice>];
  const { driver, pool } = first.spec;
  const counters = new Map(
    slices.flatMap(({ spec }) => (spec.sharedCounters ?? []).map((set) => [set.name, set.counters] as const)),
  );
  const complete = slices.length === pool.resourceSliceCount;
  return { driver, name: pool.name, generation: pool.generation, slices, complete, counters };
}

/** Where something can be reached from. */
interface Reach {
  readonly nodeName?: string;
  readonly nodeSelector?: NodeSelector;
  readonly allNodes?: boolean;
}

const compiled = new WeakMap<Readonly<NodeSelector>, CompiledNodeSelector>();

function reaches({ nodeName = '', nodeSelector, allNodes }: Readonly<Reach>, node: Readonly<Node>): boolean {
  if (nodeName !== '') return nodeName === node.metadata.name;
  if (allNodes === true) return true;
  if (nodeSelector === undefined) return false;
  let selector = compiled.get(nodeSelector);
  if (selector === undefined) compiled.set(nodeSelector, (selector = new CompiledNodeSelector(nodeSelector)));
  return selector.matches(node);
}

/** All devices of the pools that the node can reach, those of incomplete pools too. */
export function devicesFor(pools: readonly Pool[], node: Readonly<Node>): readonly PooledDevice[] {
  const devices: PooledDevice[] = [];
  for (const pool of pools) {
    for (const { spec } of pool.slices) {
      const each = spec.perDeviceNodeSelection === true;
      if (!each && !reaches(spec, node)) continue;
      for (const device of spec.devices ?? []) {
        const reach: Readonly<Reach> = each ? device : spec;
        if (each && !reaches(device, node)) continue;
        const { nodeName, nodeSelector } = reach;
        const id = deviceId(pool.driver, pool.name, device.name);
        devices.push({ id, pool, device, nodeName: nodeName === '' ? undefined : nodeName, nodeSelector });
      }
    }
  }
  return devices;
}
