/** InterPodAffinity (upstream `pkg/scheduler/framework/plugins/interpodaffinity`). */
import { compileLabelSelector } from '@kubets/apimachinery/label-selector';
import type { Node, Pod, PodAffinityTerm } from '@kubets/api/types/core-v1';
import {
  labelsOf,
  namespaceOf,
  podsOn,
  unresolvable,
  unschedulable,
  type Question,
  type ReferenceCluster,
  type Rejection,
} from './cluster.ts';

/** Whether `other` is one of those that a term of `owner` speaks of (`AffinityTerm.Matches`). */
function matches(term: PodAffinityTerm, owner: Pod, other: Pod, cluster: ReferenceCluster): boolean {
  return inNamespace(term, owner, other, cluster) && compileLabelSelector(term.labelSelector).matches(labelsOf(other));
}

/** Namespaces by name, by their labels, or, where neither is said, the owner's own. */
function inNamespace(term: PodAffinityTerm, owner: Pod, other: Pod, cluster: ReferenceCluster): boolean {
  const names = term.namespaces ?? [];
  if (names.length === 0 && term.namespaceSelector === undefined) return namespaceOf(owner) === namespaceOf(other);
  if (names.includes(namespaceOf(other))) return true;
  const namespace = cluster.namespaces.find(({ metadata }) => metadata.name === namespaceOf(other));
  return compileLabelSelector(term.namespaceSelector).matches(namespace === undefined ? {} : labelsOf(namespace));
}

const requiredAffinity = (pod: Pod): readonly PodAffinityTerm[] =>
  pod.spec?.affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
const requiredAntiAffinity = (pod: Pod): readonly PodAffinityTerm[] =>
  pod.spec?.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
const preferredAffinity = (pod: Pod) =>
  pod.spec?.affinity?.podAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
const preferredAntiAffinity = (pod: Pod) =>
  pod.spec?.affinity?.podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];

/** Both nodes have the label, with the same value. */
function sameTopology(a: Node, b: Node, key: string): boolean {
  const value = labelsOf(a)[key];
  return value !== undefined && labelsOf(b)[key] === value;
}

interface Placed {
  readonly pod: Pod;
  readonly node: Node;
}

const placedPods = (cluster: ReferenceCluster): Placed[] =>
  cluster.nodes.flatMap((node) => podsOn(cluster, node).map((pod) => ({ pod, node })));

/** The pod's own demands: a pod that matches all of its terms stands in each term's domain, or it is the first of its kind. */
function satisfiesAffinity({ pod, cluster }: Question, node: Node): boolean {
  const terms = requiredAffinity(pod);
  if (terms.length === 0) return true;
  const matchesAll = (other: Pod): boolean => terms.every((term) => matches(term, pod, other, cluster));
  if (terms.some((term) => labelsOf(node)[term.topologyKey] === undefined)) return false;
  const friends = placedPods(cluster).filter(({ pod: other }) => matchesAll(other));
  const inDomain = (term: PodAffinityTerm): boolean =>
    friends.some((friend) => sameTopology(friend.node, node, term.topologyKey));
  if (terms.every(inDomain)) return true;
  const none = !friends.some((friend) => terms.some((term) => labelsOf(friend.node)[term.topologyKey] !== undefined));
  return none && matchesAll(pod);
}

function satisfiesAntiAffinity({ pod, cluster }: Question, node: Node): boolean {
  return !requiredAntiAffinity(pod).some((term) =>
    placedPods(cluster).some(
      (other) => matches(term, pod, other.pod, cluster) && sameTopology(other.node, node, term.topologyKey),
    ),
  );
}

/** No pod that is there already objects to the newcomer. */
function satisfiesExistingAntiAffinity({ pod, cluster }: Question, node: Node): boolean {
  return !placedPods(cluster).some((other) =>
    requiredAntiAffinity(other.pod).some(
      (term) => matches(term, other.pod, pod, cluster) && sameTopology(other.node, node, term.topologyKey),
    ),
  );
}

/** `filtering.go`, Filter. */
export function interPodAffinity(question: Question, node: Node): Rejection | undefined {
  if (!satisfiesAffinity(question, node)) return unresolvable("node(s) didn't match pod affinity rules");
  if (!satisfiesAntiAffinity(question, node)) return unschedulable("node(s) didn't match pod anti-affinity rules");
  if (!satisfiesExistingAntiAffinity(question, node)) {
    return unschedulable("node(s) didn't satisfy existing pods anti-affinity rules");
  }
  return undefined;
}

interface Weighted {
  readonly term: PodAffinityTerm;
  readonly weight: number;
  readonly owner: Pod;
  /** Whom the term must match for its weight to count. */
  readonly target: Pod;
}

/** Every preference that speaks of the pod and the other one, whichever of them has it. */
function preferences({ pod, profile }: Question, other: Pod): Weighted[] {
  const of = (owner: Pod, target: Pod): Weighted[] => [
    ...preferredAffinity(owner).map(({ weight, podAffinityTerm: term }) => ({ term, weight, owner, target })),
    ...preferredAntiAffinity(owner).map(({ weight, podAffinityTerm: term }) => ({
      term,
      weight: -weight,
      owner,
      target,
    })),
  ];
  const hard = requiredAffinity(other).map((term) => ({
    term,
    weight: profile.hardPodAffinityWeight,
    owner: other,
    target: pod,
  }));
  return [...of(pod, other), ...of(other, pod), ...(profile.hardPodAffinityWeight > 0 ? hard : [])];
}

/** `scoring.go`: normalised scores of the feasible nodes; undefined when no preference applies anywhere. */
export function interPodAffinityScores(question: Question, feasible: readonly Node[]): number[] | undefined {
  const { pod, cluster, profile } = question;
  const own = preferredAffinity(pod).length + preferredAntiAffinity(pod).length;
  if (profile.ignorePreferredTermsOfExistingPods && own === 0) return undefined;
  const applicable = placedPods(cluster).flatMap((other) =>
    preferences(question, other.pod)
      .filter(({ term, owner, target }) => matches(term, owner, target, cluster))
      .filter(({ term }) => labelsOf(other.node)[term.topologyKey] !== undefined)
      .map(({ term, weight }) => ({ key: term.topologyKey, weight, at: other.node })),
  );
  if (applicable.length === 0) return undefined;
  const raw = feasible.map((node) =>
    applicable.filter(({ key, at }) => sameTopology(at, node, key)).reduce((sum, { weight }) => sum + weight, 0),
  );
  const [least, most] = [Math.min(...raw), Math.max(...raw)];
  return raw.map((score) => (most === least ? 0 : Math.trunc(100 * ((score - least) / (most - least)))));
}
