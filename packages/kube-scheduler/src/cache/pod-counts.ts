/**
 * Which pods are where, as selectors ask: counts kept up to date with each pod that comes and goes, so that spreading and
 * affinity never walk over all pods. (Upstream walks: `podtopologyspread/filtering.go`, `interpodaffinity/filtering.go`.)
 *
 * Pods are told apart by namespace and labels only ({@link LabelSet}): a selector is evaluated once per label set, not per pod.
 */
import type { Labels } from '@kubets/apimachinery/labels';
import type { AffinityTerm } from '../framework/affinity-term.ts';
import type { PodInfo } from '../framework/pod-info.ts';
import { CarriedTerm, type CarriedKind } from './carried-term.ts';
import { LabelSet } from './label-set.ts';
import type { NodeTable } from './node-table.ts';
import { PodCounter, type PodMatcher } from './pod-counter.ts';

/** Label sets without pods are swept when there are so many more sets than at the last sweep. */
const sweepAfter = 4096;

export class PodCounts {
  readonly #table: NodeTable;
  readonly #sets = new Map<string, LabelSet>();
  readonly #counters = new Map<string, PodCounter>();
  readonly #carried = new Map<string, CarriedTerm>();
  /** In the order in which they appeared; those that are empty by now included. */
  #carriedList: CarriedTerm[] = [];
  #carriedEpoch = 0;
  readonly #namespaceLabels = new Map<string, Labels | undefined>();
  #sweepAt = sweepAfter;

  constructor(table: NodeTable) {
    this.#table = table;
  }

  /** Labels of a namespace; undefined: it is gone. */
  setNamespaceLabels(namespace: string, labels: Labels | undefined): void {
    const before = this.#namespaceLabels.get(namespace);
    if (JSON.stringify(before) === JSON.stringify(labels)) return;
    if (labels === undefined) this.#namespaceLabels.delete(namespace);
    else this.#namespaceLabels.set(namespace, labels);
    const counters = [...this.#counters.values()].filter(({ matcher }) => matcher.readsNamespaceLabels);
    if (counters.length > 0) {
      for (const set of this.#sets.values()) if (set.namespace === namespace) this.#rematch(set, counters);
    }
    // Terms with a namespace selector may select other pods now.
    this.#carriedEpoch++;
  }

  namespaceLabels(namespace: string): Labels | undefined {
    return this.#namespaceLabels.get(namespace);
  }

  labelSet(namespace: string, labels: Labels | undefined): LabelSet {
    const key = labels === undefined ? namespace : namespace + JSON.stringify(labels);
    let set = this.#sets.get(key);
    if (set === undefined) {
      if (this.#sets.size >= this.#sweepAt) this.#sweep();
      set = new LabelSet(namespace, labels);
      this.#sets.set(key, set);
      for (const counter of this.#counters.values()) if (this.#counts(counter, set)) set.counters.push(counter);
    }
    return set;
  }

  /** A pod has come to a row (1), or left it (-1). */
  change(pod: PodInfo, row: number, delta: 1 | -1): void {
    const { terminating, terms, shape } = pod;
    const set = this.labelSet(pod.namespace, pod.labels);
    set.add(row, terminating, delta);
    for (const counter of set.counters) {
      if (!terminating || !counter.matcher.liveOnly) counter.add(row, delta);
    }
    if (!shape.hasAffinity) return;
    for (const term of terms.requiredAffinity) this.#carry(term, { kind: 'requiredAffinity', weight: 0 }, row, delta);
    for (const term of terms.requiredAntiAffinity) {
      this.#carry(term, { kind: 'requiredAntiAffinity', weight: 0 }, row, delta);
    }
    for (const { term, weight } of terms.preferredAffinity)
      this.#carry(term, { kind: 'preferred', weight }, row, delta);
    for (const { term, weight } of terms.preferredAntiAffinity) {
      this.#carry(term, { kind: 'preferred', weight: -weight }, row, delta);
    }
  }

  /** The counter of a matcher, shared by all who ask with the same key. Give it back with {@link release}. */
  counter(matcher: PodMatcher): PodCounter {
    let counter = this.#counters.get(matcher.key);
    if (counter === undefined) {
      counter = new PodCounter(matcher);
      this.#counters.set(matcher.key, counter);
      for (const set of this.#sets.values()) {
        if (!this.#counts(counter, set)) continue;
        set.counters.push(counter);
        counter.addAll(set, 1);
      }
    }
    counter.users++;
    return counter;
  }

  release(counter: PodCounter): void {
    if (--counter.users > 0) return;
    this.#counters.delete(counter.matcher.key);
    for (const set of this.#sets.values()) {
      const at = set.counters.indexOf(counter);
      if (at >= 0) set.counters.splice(at, 1);
    }
  }

  /** Terms carried by pods on nodes that select pods of this label set. Some may be empty by now. */
  carriedBy(set: LabelSet): readonly CarriedTerm[] {
    if (set.carriedEpoch !== this.#carriedEpoch) {
      set.carried = [];
      set.carriedSeen = 0;
      set.carriedEpoch = this.#carriedEpoch;
    }
    const list = this.#carriedList;
    for (; set.carriedSeen < list.length; set.carriedSeen++) {
      const carried = list[set.carriedSeen] as CarriedTerm;
      const labels = this.#namespaceLabels.get(set.namespace);
      if (!carried.isEmpty && carried.term.matches(set.namespace, set.labels, labels)) set.carried.push(carried);
    }
    return set.carried;
  }

  #counts({ matcher }: PodCounter, { namespace, labels }: LabelSet): boolean {
    return matcher.matches(namespace, labels, this.#namespaceLabels.get(namespace));
  }

  #rematch(set: LabelSet, counters: readonly PodCounter[]): void {
    for (const counter of counters) {
      const at = set.counters.indexOf(counter);
      const counts = this.#counts(counter, set);
      if (counts === at >= 0) continue;
      if (counts) set.counters.push(counter);
      else set.counters.splice(at, 1);
      counter.addAll(set, counts ? 1 : -1);
    }
  }

  #carry(term: AffinityTerm, how: { kind: CarriedKind; weight: number }, row: number, delta: 1 | -1): void {
    const key = `${how.kind} ${how.weight} ${term.key}`;
    let carried = this.#carried.get(key);
    if (carried === undefined) {
      const column = this.#table.topology(term.topologyKey);
      carried = new CarriedTerm(term, how.kind, { weight: how.weight, column });
      this.#carried.set(key, carried);
      this.#carriedList.push(carried);
    }
    carried.add(row, delta);
    if (!carried.isEmpty) return;
    // Whoever selects it sees that it is empty; when it comes back, it is another one.
    this.#carried.delete(key);
    if (this.#carriedList.length > 2 * this.#carried.size + 64) this.#compact();
  }

  #compact(): void {
    this.#carriedList = this.#carriedList.filter((carried) => !carried.isEmpty);
    this.#carriedEpoch++;
  }

  #sweep(): void {
    for (const [key, set] of this.#sets) if (set.isEmpty) this.#sets.delete(key);
    this.#sweepAt = this.#sets.size + sweepAfter;
  }
}
