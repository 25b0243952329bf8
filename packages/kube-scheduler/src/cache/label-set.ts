/** Pods of one namespace with the same labels: what selectors see of a pod. */
import type { Labels } from '@kubets/apimachinery/labels';
import type { CarriedTerm } from './carried-term.ts';
import type { PodCounter } from './pod-counter.ts';

export class LabelSet {
  readonly namespace: string;
  readonly labels: Labels | undefined;
  /** How many such pods are on each row; pods being deleted apart from the rest. */
  readonly live = new Map<number, number>();
  readonly terminating = new Map<number, number>();
  /** Those that count these pods. */
  counters: PodCounter[] = [];
  /** Terms of pods on nodes that select these pods, up to `carriedSeen` of the list of all; see `PodCounts.carriedBy`. */
  carried: CarriedTerm[] = [];
  carriedSeen = 0;
  carriedEpoch = 0;

  constructor(namespace: string, labels: Labels | undefined) {
    this.namespace = namespace;
    this.labels = labels;
  }

  get isEmpty(): boolean {
    return this.live.size === 0 && this.terminating.size === 0;
  }

  add(row: number, terminating: boolean, delta: 1 | -1): void {
    const rows = terminating ? this.terminating : this.live;
    const count = (rows.get(row) ?? 0) + delta;
    if (count === 0) rows.delete(row);
    else rows.set(row, count);
  }
}
