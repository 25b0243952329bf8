/** Which pods the terms of a pod mean. */
import type { PodMatcher } from '../../cache/pod-counter.ts';
import type { AffinityTerm } from '../../framework/affinity-term.ts';
import type { PodInfo } from '../../framework/pod-info.ts';
import type { Labels } from '@kubets/apimachinery/labels';

/** Pods that all of the terms mean; pods being deleted count, they are still there. */
export function matcherOfAll(terms: readonly AffinityTerm[]): PodMatcher {
  return {
    key: JSON.stringify(['terms', ...new Set(terms.map(({ podsKey }) => podsKey))]),
    readsNamespaceLabels: terms.some(({ namespaceSelector }) => !namespaceSelector.selectsNothing),
    liveOnly: false,
    matches: (namespace, labels, namespaceLabels) => {
      for (const term of terms) if (!term.matches(namespace, labels, namespaceLabels)) return false;
      return true;
    },
  };
}

/** Whether one term means a pod. */
export function termMatches(term: AffinityTerm, pod: PodInfo, namespaceLabels: Labels | undefined): boolean {
  return term.matches(pod.namespace, pod.labels, namespaceLabels);
}
