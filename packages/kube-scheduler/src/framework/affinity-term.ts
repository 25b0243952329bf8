/** Terms of pod affinity, compiled (`pkg/scheduler/framework/types.go`, `AffinityTerm`). */
import { compileLabelSelector } from '@kubets/apimachinery/label-selector';
import type { Labels, Selector } from '@kubets/apimachinery/labels';
import type { Pod, PodAffinityTerm, WeightedPodAffinityTerm } from '@kubets/api/types/core-v1';

/** Immutable. */
export class AffinityTerm {
  readonly selector: Selector;
  readonly topologyKey: string;
  /** Named ones; the pod's own when the term names none. Sorted. */
  readonly namespaces: readonly string[];
  /** Of labels of namespaces, which count besides the named ones; selects nothing when the term has none. */
  readonly namespaceSelector: Selector;
  /** The same text for terms that mean the same pods. */
  readonly podsKey: string;
  /** The same text for terms that mean the same pods and the same topology. */
  readonly key: string;

  /** Throws on an invalid selector; the API server lets none through. */
  constructor(term: Readonly<PodAffinityTerm>, ownNamespace: string) {
    const { namespaces = [], namespaceSelector } = term;
    this.selector = compileLabelSelector(term.labelSelector);
    this.topologyKey = term.topologyKey;
    this.namespaces =
      namespaces.length === 0 && namespaceSelector === undefined ? [ownNamespace] : namespaces.toSorted();
    this.namespaceSelector = compileLabelSelector(namespaceSelector);
    this.podsKey = JSON.stringify([selectorKey(this.selector), this.namespaces, selectorKey(this.namespaceSelector)]);
    this.key = `${this.topologyKey} ${this.podsKey}`;
  }

  /** Whether the term means a pod of these labels in this namespace (`AffinityTerm.Matches`). */
  matches(namespace: string, labels: Labels | undefined, namespaceLabels: Labels | undefined): boolean {
    return this.selectsNamespace(namespace, namespaceLabels) && this.selector.matches(labels);
  }

  selectsNamespace(namespace: string, namespaceLabels: Labels | undefined): boolean {
    return this.namespaces.includes(namespace) || this.namespaceSelector.matches(namespaceLabels);
  }
}

export interface WeightedAffinityTerm {
  readonly term: AffinityTerm;
  readonly weight: number;
}

/** A text that is the same for selectors that select the same by the same requirements. */
export function selectorKey(selector: Selector): string | null {
  return selector.selectsNothing ? null : selector.toString();
}

const compiled = (terms: readonly PodAffinityTerm[] | undefined, namespace: string): readonly AffinityTerm[] =>
  terms === undefined || terms.length === 0 ? noTerms : terms.map((term) => new AffinityTerm(term, namespace));

const weighted = (
  terms: readonly WeightedPodAffinityTerm[] | undefined,
  namespace: string,
): readonly WeightedAffinityTerm[] =>
  terms === undefined || terms.length === 0
    ? noWeightedTerms
    : terms.map(({ weight, podAffinityTerm }) => ({ weight, term: new AffinityTerm(podAffinityTerm, namespace) }));

const noTerms: readonly AffinityTerm[] = [];
const noWeightedTerms: readonly WeightedAffinityTerm[] = [];

/** All terms of a pod. */
export interface PodAffinityTerms {
  readonly requiredAffinity: readonly AffinityTerm[];
  readonly requiredAntiAffinity: readonly AffinityTerm[];
  readonly preferredAffinity: readonly WeightedAffinityTerm[];
  readonly preferredAntiAffinity: readonly WeightedAffinityTerm[];
}

/** Of a pod that has none. */
export const noAffinityTerms: PodAffinityTerms = {
  requiredAffinity: noTerms,
  requiredAntiAffinity: noTerms,
  preferredAffinity: noWeightedTerms,
  preferredAntiAffinity: noWeightedTerms,
};

/** Queueing hints ask about the same pods over and over. */
const compiledTerms = new WeakMap<Readonly<Pod>, PodAffinityTerms>();

/** The terms of a pod, compiled once for each object. */
export function affinityTermsOf(pod: Readonly<Pod>): PodAffinityTerms {
  const { podAffinity, podAntiAffinity } = pod.spec?.affinity ?? {};
  if (podAffinity === undefined && podAntiAffinity === undefined) return noAffinityTerms;
  let terms = compiledTerms.get(pod);
  if (terms === undefined) compiledTerms.set(pod, (terms = compileTerms(pod)));
  return terms;
}

function compileTerms(pod: Readonly<Pod>): PodAffinityTerms {
  const { podAffinity, podAntiAffinity } = pod.spec?.affinity ?? {};
  const { namespace = '' } = pod.metadata;
  return {
    requiredAffinity: compiled(podAffinity?.requiredDuringSchedulingIgnoredDuringExecution, namespace),
    requiredAntiAffinity: compiled(podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution, namespace),
    preferredAffinity: weighted(podAffinity?.preferredDuringSchedulingIgnoredDuringExecution, namespace),
    preferredAntiAffinity: weighted(podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution, namespace),
  };
}
