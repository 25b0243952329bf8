/** PodTopologySpread (upstream `pkg/scheduler/framework/plugins/podtopologyspread`, `plugins/helper/spread.go`). */
import { RequiredNodeAffinity } from '@kubets/api/core/helpers/node-affinity';
import { findUntoleratedTaint } from '@kubets/api/core/helpers/taints';
import { compileLabelSelector } from '@kubets/apimachinery/label-selector';
import { Selector } from '@kubets/apimachinery/labels';
import type { Node, Pod, TopologySpreadConstraint } from '@kubets/api/types/core-v1';
import {
  div,
  labelsOf,
  namespaceOf,
  podsOn,
  unresolvable,
  unschedulable,
  type Question,
  type ReferenceCluster,
  type Rejection,
} from './cluster.ts';

const hostname = 'kubernetes.io/hostname';

/** What applies to pods that have no constraints of their own (`plugin.go`, systemDefaultConstraints). */
const systemConstraints: readonly TopologySpreadConstraint[] = [
  { topologyKey: hostname, whenUnsatisfiable: 'ScheduleAnyway', maxSkew: 3 },
  { topologyKey: 'topology.kubernetes.io/zone', whenUnsatisfiable: 'ScheduleAnyway', maxSkew: 5 },
];

interface Constraint {
  readonly key: string;
  readonly maxSkew: number;
  readonly minDomains: number;
  readonly selector: Selector;
  readonly honorsAffinity: boolean;
  readonly honorsTaints: boolean;
}

function compile(constraint: TopologySpreadConstraint, pod: Pod): Constraint {
  const own = Object.fromEntries(
    (constraint.matchLabelKeys ?? []).flatMap((key) => {
      const value = labelsOf(pod)[key];
      return value === undefined ? [] : [[key, value]];
    }),
  );
  const selector = compileLabelSelector(constraint.labelSelector);
  return {
    key: constraint.topologyKey,
    maxSkew: constraint.maxSkew,
    minDomains: constraint.minDomains ?? 1,
    // A selector of nothing becomes one of the pod's own labels: upstream merges its requirements, of which it has none.
    selector: Object.keys(own).length === 0 ? selector : Selector.fromLabels(own).and(...selector.requirements),
    honorsAffinity: constraint.nodeAffinityPolicy !== 'Ignore',
    honorsTaints: constraint.nodeTaintsPolicy === 'Honor',
  };
}

/** All that services and the pod's controller select, taken together (`helper.DefaultSelector`). */
function defaultSelector(pod: Pod, cluster: ReferenceCluster): Selector {
  const namespace = namespaceOf(pod);
  const services = cluster.services.filter(
    ({ metadata, spec }) =>
      metadata.namespace === namespace &&
      spec?.selector !== undefined &&
      Selector.fromLabels(spec.selector).matches(labelsOf(pod)),
  );
  let wanted: Record<string, string> = Object.assign({}, ...services.map((service) => service.spec?.selector));
  const owner = pod.metadata.ownerReferences?.find((reference) => reference.controller === true);
  const named = <T extends { metadata: { name?: string; namespace?: string } }>(objects: readonly T[]): T | undefined =>
    objects.find(({ metadata }) => metadata.namespace === namespace && metadata.name === owner?.name);
  if (owner?.kind === 'ReplicationController' && owner.apiVersion === 'v1') {
    wanted = { ...wanted, ...named(cluster.replicationControllers)?.spec?.selector };
  }
  const selector = Selector.fromLabels(wanted);
  if (owner?.apiVersion !== 'apps/v1') return selector;
  const sets =
    owner.kind === 'ReplicaSet' ? cluster.replicaSets : owner.kind === 'StatefulSet' ? cluster.statefulSets : [];
  const set = named<{ metadata: { name?: string; namespace?: string }; spec?: { selector?: object } }>(sets);
  if (set === undefined) return selector;
  return selector.and(...compileLabelSelector(set.spec?.selector ?? null).requirements);
}

function constraintsOf(
  { pod, cluster, profile }: Question,
  action: TopologySpreadConstraint['whenUnsatisfiable'],
): Constraint[] {
  const chosen = (constraints: readonly TopologySpreadConstraint[]): Constraint[] =>
    constraints.filter((c) => c.whenUnsatisfiable === action).map((c) => compile(c, pod));
  const own = pod.spec?.topologySpreadConstraints ?? [];
  if (own.length > 0) return chosen(own);
  const selector = defaultSelector(pod, cluster);
  if (selector.empty) return [];
  return chosen(profile.defaultConstraints ?? systemConstraints).map((constraint) => ({ ...constraint, selector }));
}

/** Whether pods on the node count for the constraint. */
function includes(constraint: Constraint, pod: Pod, node: Node): boolean {
  if (constraint.honorsAffinity && !new RequiredNodeAffinity(pod.spec).matches(node)) return false;
  return !constraint.honorsTaints || findUntoleratedTaint(node.spec?.taints, pod.spec?.tolerations) === undefined;
}

const hasAllKeys = (node: Node, constraints: readonly Constraint[]): boolean =>
  constraints.every(({ key }) => labelsOf(node)[key] !== undefined);

/** Pods on the node that the selector matches, of the pod's namespace; those being deleted do not count. */
function matching({ pod, cluster }: Question, node: Node, selector: Selector): number {
  return podsOn(cluster, node).filter(
    (other) =>
      other.metadata.deletionTimestamp === undefined &&
      namespaceOf(other) === namespaceOf(pod) &&
      selector.matches(labelsOf(other)),
  ).length;
}

/** Matching pods by the value of the topology key, over the nodes that count (`calPreFilterState`). */
function domains(question: Question, constraint: Constraint, all: readonly Constraint[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const node of question.cluster.nodes) {
    if (!hasAllKeys(node, all) || !includes(constraint, question.pod, node)) continue;
    const value = labelsOf(node)[constraint.key] ?? '';
    counts.set(value, (counts.get(value) ?? 0) + matching(question, node, constraint.selector));
  }
  return counts;
}

/** `filtering.go`, Filter. */
export function podTopologySpread(question: Question, node: Node): Rejection | undefined {
  const constraints = constraintsOf(question, 'DoNotSchedule');
  for (const constraint of constraints) {
    const value = labelsOf(node)[constraint.key];
    if (value === undefined) {
      return unresolvable("node(s) didn't match pod topology spread constraints (missing required label)");
    }
    const counts = domains(question, constraint, constraints);
    const least = counts.size < constraint.minDomains ? 0 : Math.min(...counts.values());
    const self = constraint.selector.matches(labelsOf(question.pod)) ? 1 : 0;
    const skew = (counts.get(value) ?? 0) + self - least;
    if (skew > constraint.maxSkew) return unschedulable("node(s) didn't match pod topology spread constraints");
  }
  return undefined;
}

interface Soft {
  readonly constraints: readonly Constraint[];
  /** Nodes without one of the keys score 0, when the constraints were given by somebody. */
  readonly demandsKeys: boolean;
}

function softConstraints(question: Question): Soft {
  const own = question.pod.spec?.topologySpreadConstraints ?? [];
  const demandsKeys = own.length > 0 || question.profile.defaultConstraints !== undefined;
  return { constraints: constraintsOf(question, 'ScheduleAnyway'), demandsKeys };
}

/** How many domains the constraint has among the nodes that are scored; the more, the more each pod weighs. */
function normalizingWeight({ key }: Constraint, scored: readonly Node[]): number {
  const size = key === hostname ? scored.length : new Set(scored.map((node) => labelsOf(node)[key] ?? '')).size;
  return Math.log(size + 2);
}

function countFor(question: Question, constraint: Constraint, soft: Soft, node: Node): number {
  if (constraint.key === hostname) return matching(question, node, constraint.selector);
  const value = labelsOf(node)[constraint.key];
  const sameDomain = question.cluster.nodes.filter(
    (other) =>
      (labelsOf(other)[constraint.key] ?? '') === value &&
      (!soft.demandsKeys || hasAllKeys(other, soft.constraints)) &&
      includes(constraint, question.pod, other),
  );
  return sameDomain.reduce((sum, other) => sum + matching(question, other, constraint.selector), 0);
}

/** `scoring.go`: normalised scores of the feasible nodes; undefined when no constraint asks for scores. */
export function podTopologySpreadScores(question: Question, feasible: readonly Node[]): number[] | undefined {
  const soft = softConstraints(question);
  if (soft.constraints.length === 0) return undefined;
  const scored = feasible.filter((node) => !soft.demandsKeys || hasAllKeys(node, soft.constraints));
  const raw = feasible.map((node) => {
    if (!scored.includes(node)) return undefined;
    let score = 0;
    for (const constraint of soft.constraints) {
      if (labelsOf(node)[constraint.key] === undefined) continue;
      const weight = normalizingWeight(constraint, scored);
      score += countFor(question, constraint, soft, node) * weight + (constraint.maxSkew - 1);
    }
    return Math.round(score);
  });
  const known = raw.filter((score) => score !== undefined);
  const [least, most] = [Math.min(...known), Math.max(0, ...known)];
  return raw.map((score) => {
    if (score === undefined) return 0;
    return most === 0 ? 100 : div(100 * (most + least - score), most);
  });
}
