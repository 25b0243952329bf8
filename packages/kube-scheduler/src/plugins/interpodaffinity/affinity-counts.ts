/** The counters behind the terms of a class of pods, and the verdicts on all rows. */
import type { CarriedTerm } from '../../cache/carried-term.ts';
import type { Cluster } from '../../cache/cluster.ts';
import type { PodCounter } from '../../cache/pod-counter.ts';
import { noValue, type TopologyColumn } from '../../cache/topology-column.ts';
import type { TopologySums } from '../../cache/topology-sums.ts';
import type { Candidates } from '../../fast/kernel.ts';
import type { AffinityTerm } from '../../framework/affinity-term.ts';
import type { PodInfo } from '../../framework/pod-info.ts';
import { Status } from '../../framework/status.ts';
import { matcherOfAll, termMatches } from './pod-matchers.ts';

export const affinityName = 'InterPodAffinity';
export const affinityViolated = Status.unresolvable("node(s) didn't match pod affinity rules").by(affinityName);
export const antiAffinityViolated = Status.unschedulable("node(s) didn't match pod anti-affinity rules").by(
  affinityName,
);
export const existingViolated = Status.unschedulable("node(s) didn't satisfy existing pods anti-affinity rules").by(
  affinityName,
);

export interface Weighted {
  readonly sums: TopologySums;
  readonly weight: number;
}

export class AffinityCounts {
  /** Of the pods that all required affinity terms mean, by each term's topology. */
  readonly required: readonly TopologySums[];
  readonly anti: readonly TopologySums[];
  readonly preferred: readonly Weighted[];
  readonly #cluster: Cluster;
  readonly #counters: PodCounter[] = [];

  constructor(cluster: Cluster, { terms }: PodInfo) {
    this.#cluster = cluster;
    const { requiredAffinity, requiredAntiAffinity, preferredAffinity, preferredAntiAffinity } = terms;
    const all = requiredAffinity.length === 0 ? undefined : this.#counter(requiredAffinity);
    this.required = all === undefined ? [] : requiredAffinity.map((term) => all.by(this.#column(term)));
    this.anti = requiredAntiAffinity.map((term) => this.#sums(term));
    this.preferred = [
      ...preferredAffinity.map(({ term, weight }) => ({ sums: this.#sums(term), weight })),
      ...preferredAntiAffinity.map(({ term, weight }) => ({ sums: this.#sums(term), weight: -weight })),
    ];
  }

  release(): void {
    for (const counter of this.#counters) this.#cluster.counts.release(counter);
  }

  /** Terms of pods on nodes that mean this pod. */
  carried(pod: PodInfo): readonly CarriedTerm[] {
    const { counts } = this.#cluster;
    return counts.carriedBy(counts.labelSet(pod.namespace, pod.labels));
  }

  /** Whether the pod is the first of its kind: no pod matches yet, and it matches its own terms. */
  isFirst(pod: PodInfo): boolean {
    for (const sums of this.required) if (sums.total > 0) return false;
    return matchesOwnTerms(this.#cluster, pod);
  }

  #column({ topologyKey }: AffinityTerm): TopologyColumn {
    return this.#cluster.table.topology(topologyKey);
  }

  #counter(terms: readonly AffinityTerm[]): PodCounter {
    const counter = this.#cluster.counts.counter(matcherOfAll(terms));
    this.#counters.push(counter);
    return counter;
  }

  #sums(term: AffinityTerm): TopologySums {
    return this.#counter([term]).by(this.#column(term));
  }
}

export function matchesOwnTerms({ counts }: Cluster, pod: PodInfo): boolean {
  const labels = counts.namespaceLabels(pod.namespace);
  return pod.terms.requiredAffinity.every((term) => termMatches(term, pod, labels));
}

/** Rows that the pod's own required affinity allows. */
export function filterRequired(required: readonly TopologySums[], first: boolean, candidates: Candidates): void {
  for (const sums of required) {
    const { column } = sums;
    const { values } = sums;
    const { rows } = candidates;
    let left = 0;
    for (let i = 0; i < candidates.count; i++) {
      const row = rows[i] as number;
      const value = column.of[row] as number;
      if (value !== noValue && (first || (values[value] as number) > 0)) rows[left++] = row;
      else candidates.reject(row, affinityViolated);
    }
    candidates.count = left;
  }
}

/** Rows in whose domain no pod is counted. */
export function filterAnti(sums: TopologySums, status: Status, candidates: Candidates): void {
  const { column, values } = sums;
  const { rows } = candidates;
  let left = 0;
  for (let i = 0; i < candidates.count; i++) {
    const row = rows[i] as number;
    const value = column.of[row] as number;
    if (value === noValue || (values[value] as number) === 0) rows[left++] = row;
    else candidates.reject(row, status);
  }
  candidates.count = left;
}

export interface Scoring {
  readonly rows: Int32Array;
  readonly count: number;
  readonly scores: Float64Array;
}

/** Adds the weight once for each pod in the row's domain. */
export function addWeighted({ column, values }: TopologySums, weight: number, { rows, count, scores }: Scoring): void {
  const { of } = column;
  for (let i = 0; i < count; i++) {
    const value = of[rows[i] as number] as number;
    if (value !== noValue) scores[i] = (scores[i] as number) + weight * (values[value] as number);
  }
}
