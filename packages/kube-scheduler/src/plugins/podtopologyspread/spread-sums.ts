/** For one constraint of a class of pods: how many matching pods each domain has, over the nodes that count. */
import { RequiredNodeAffinity } from '@kubets/api/core/helpers/node-affinity';
import { findUntoleratedTaint } from '@kubets/api/core/helpers/taints';
import type { Labels } from '@kubets/apimachinery/labels';
import type { Pod } from '@kubets/api/types/core-v1';
import type { Cluster } from '../../cache/cluster.ts';
import type { NodeTable } from '../../cache/node-table.ts';
import type { PodCounter, PodMatcher, RowListener } from '../../cache/pod-counter.ts';
import { noValue, type TopologyColumn } from '../../cache/topology-column.ts';
import { selectorKey } from '../../framework/affinity-term.ts';
import type { Constraint } from './constraint.ts';

/** Pods of one namespace that are not being deleted. */
function matcherOf({ selector }: Constraint, ownNamespace: string): PodMatcher {
  return {
    key: JSON.stringify(['spread', ownNamespace, selectorKey(selector)]),
    readsNamespaceLabels: false,
    liveOnly: true,
    matches: (namespace: string, labels: Labels | undefined) => namespace === ownNamespace && selector.matches(labels),
  };
}

export interface SpreadScope {
  readonly pod: Readonly<Pod>;
  /** Labels that a node must have to count at all. */
  readonly requiredKeys: readonly string[];
}

export class SpreadSums implements RowListener {
  readonly constraint: Constraint;
  readonly column: TopologyColumn;
  readonly counter: PodCounter;
  /** 1 when the pod itself matches the constraint's selector. */
  readonly selfMatch: number;
  readonly #cluster: Cluster;
  readonly #table: NodeTable;
  readonly #pod: Readonly<Pod>;
  readonly #required: readonly TopologyColumn[];
  readonly #affinity: RequiredNodeAffinity | undefined;
  #counts = new Uint8Array(0);
  #sums = new Int32Array(0);
  #nodes = new Int32Array(0);
  #domains = 0;
  /** Of the nodes, when this was built. */
  #version = -1;

  constructor(cluster: Cluster, constraint: Constraint, { pod, requiredKeys }: SpreadScope) {
    const { table, counts } = cluster;
    this.constraint = constraint;
    this.#cluster = cluster;
    this.#table = table;
    this.#pod = pod;
    this.column = table.topology(constraint.topologyKey);
    this.#required = requiredKeys.map((key) => table.topology(key));
    const affinity = new RequiredNodeAffinity(pod.spec);
    this.#affinity = constraint.honorsAffinity && !affinity.isEmpty ? affinity : undefined;
    this.selfMatch = constraint.selector.matches(pod.metadata.labels) ? 1 : 0;
    this.counter = counts.counter(matcherOf(constraint, pod.metadata.namespace ?? ''));
    this.counter.listen(this);
  }

  release(): void {
    this.counter.unlisten(this);
    this.#cluster.counts.release(this.counter);
  }

  /** Pods by value id, over the nodes that count. */
  get sums(): Int32Array {
    this.#refresh();
    return this.#sums;
  }

  /** Nodes that count, by value id: a value with none is no domain. */
  get nodes(): Int32Array {
    this.#refresh();
    return this.#nodes;
  }

  get domains(): number {
    this.#refresh();
    return this.#domains;
  }

  /** Whether pods on the row count. */
  countsRow(row: number): boolean {
    this.#refresh();
    return this.#counts[row] === 1;
  }

  changed(row: number, delta: number): void {
    if (this.#version !== this.#table.nodesVersion || this.#counts[row] !== 1) return;
    const value = this.column.of[row] as number;
    if (value !== noValue) this.#sums[value] = (this.#sums[value] as number) + delta;
  }

  #refresh(): void {
    if (this.#version !== this.#table.nodesVersion) this.#build();
  }

  #build(): void {
    const table = this.#table;
    const { column, counter } = this;
    const counts = new Uint8Array(table.capacity);
    const sums = new Int32Array(column.idLimit);
    const nodes = new Int32Array(column.idLimit);
    let domains = 0;
    for (let row = 0; row < table.limit; row++) {
      const value = column.of[row] as number;
      if (value === noValue || !this.#includes(row)) continue;
      counts[row] = 1;
      sums[value] = (sums[value] as number) + counter.at(row);
      if (nodes[value] === 0) domains++;
      nodes[value] = (nodes[value] as number) + 1;
    }
    this.#counts = counts;
    this.#sums = sums;
    this.#nodes = nodes;
    this.#domains = domains;
    this.#version = table.nodesVersion;
  }

  #includes(row: number): boolean {
    const node = this.#table.infos[row]?.node;
    if (node === undefined) return false;
    for (const column of this.#required) if (column.of[row] === noValue) return false;
    if (this.#affinity !== undefined && !this.#affinity.matches(node)) return false;
    if (!this.constraint.honorsTaints) return true;
    return findUntoleratedTaint(node.spec?.taints, this.#pod.spec?.tolerations) === undefined;
  }
}

/** The fewest matching pods in any domain; what upstream calls the global minimum. Without a domain nothing is too much. */
export function fewest(
  constraint: Constraint,
  { sums, nodes, domains }: Pick<SpreadSums, 'sums' | 'nodes' | 'domains'>,
): number {
  if (domains < constraint.minDomains) return 0;
  let min = 0x7fffffff;
  for (let value = 0; value < sums.length; value++) {
    if ((nodes[value] as number) > 0 && (sums[value] as number) < min) min = sums[value] as number;
  }
  return min;
}
