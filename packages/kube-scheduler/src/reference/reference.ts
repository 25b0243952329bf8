/** The two questions: where does a pod fit, and how good is each place? Volumes and devices are not looked at. */
import type { Node, Pod } from '@kubets/api/types/core-v1';
import {
  defaultReferenceProfile,
  type Question,
  type ReferenceCluster,
  type ReferenceProfile,
  type Rejection,
} from './cluster.ts';
import { interPodAffinity, interPodAffinityScores } from './inter-pod-affinity.ts';
import { asksForBalancedResources, balancedAllocationScore, fitScore, nodeResourcesFit } from './node-resources.ts';
import {
  namedNodes,
  nodeAffinity,
  nodeDeclaredFeatures,
  nodeName,
  nodePorts,
  nodeUnschedulable,
  taintToleration,
} from './simple-filters.ts';
import { imageLocalityScore, nodeAffinityScores, taintTolerationScores } from './simple-scores.ts';
import { podTopologySpread, podTopologySpreadScores } from './topology-spread.ts';

/** Filters in the order of the default profile: the first that rejects a node has the say about it. */
const filters: readonly (readonly [string, (question: Question, node: Node) => Rejection | undefined])[] = [
  ['NodeUnschedulable', nodeUnschedulable],
  ['NodeName', nodeName],
  ['TaintToleration', taintToleration],
  ['NodeAffinity', nodeAffinity],
  ['NodePorts', nodePorts],
  ['NodeResourcesFit', nodeResourcesFit],
  ['PodTopologySpread', podTopologySpread],
  ['InterPodAffinity', interPodAffinity],
  ['NodeDeclaredFeatures', nodeDeclaredFeatures],
];

/** Why a node was turned down, and by which plugin. */
export interface NodeRejection extends Rejection {
  readonly plugin: string;
}

export interface Feasible {
  /** Names, in the order of the cluster's nodes. */
  readonly nodes: readonly string[];
  /** By node name, for all others. */
  readonly reasons: ReadonlyMap<string, NodeRejection>;
}

function firstRejection(question: Question, node: Node): NodeRejection | undefined {
  const named = namedNodes(question.pod);
  if (named?.size === 0) {
    return { plugin: 'NodeAffinity', code: 'UnschedulableAndUnresolvable', reasons: ['pod affinity terms conflict'] };
  }
  if (named !== undefined && !named.has(node.metadata.name ?? '')) {
    const reasons = ["node(s) didn't satisfy plugin(s) [NodeAffinity]"];
    return { plugin: '', code: 'UnschedulableAndUnresolvable', reasons };
  }
  for (const [plugin, filter] of filters) {
    const rejection = filter(question, node);
    if (rejection !== undefined) return { ...rejection, plugin };
  }
  return undefined;
}

/** The nodes that the pod fits on, and what is wrong with the others. */
export function feasible(
  pod: Pod,
  cluster: ReferenceCluster,
  profile: ReferenceProfile = defaultReferenceProfile,
): Feasible {
  const question = { pod, cluster, profile };
  const reasons = new Map<string, NodeRejection>();
  const nodes: string[] = [];
  for (const node of cluster.nodes) {
    const name = node.metadata.name ?? '';
    const rejection = firstRejection(question, node);
    if (rejection === undefined) nodes.push(name);
    else reasons.set(name, rejection);
  }
  return { nodes, reasons };
}

export interface Scores {
  /** By plugin and node: after normalisation, before weights. Plugins that had nothing to say are not there. */
  readonly plugins: ReadonlyMap<string, ReadonlyMap<string, number>>;
  /** By node: the weighted sum. */
  readonly total: ReadonlyMap<string, number>;
}

/** The scores of the nodes given; by default of all that are feasible. */
export function scores(
  pod: Pod,
  cluster: ReferenceCluster,
  profile: ReferenceProfile = defaultReferenceProfile,
  among: readonly string[] = feasible(pod, cluster, profile).nodes,
): Scores {
  const question = { pod, cluster, profile };
  const nodes = cluster.nodes.filter((node) => among.includes(node.metadata.name ?? ''));
  const answers: readonly (readonly [string, readonly number[] | undefined])[] = [
    ['TaintToleration', taintTolerationScores(question, nodes)],
    ['NodeAffinity', nodeAffinityScores(question, nodes)],
    ['NodeResourcesFit', nodes.map((node) => fitScore(question, node))],
    ['PodTopologySpread', podTopologySpreadScores(question, nodes)],
    ['InterPodAffinity', interPodAffinityScores(question, nodes)],
    [
      'NodeResourcesBalancedAllocation',
      asksForBalancedResources(question) ? nodes.map((node) => balancedAllocationScore(question, node)) : undefined,
    ],
    ['ImageLocality', nodes.map((node) => imageLocalityScore(question, node))],
  ];
  const names = nodes.map((node) => node.metadata.name ?? '');
  const plugins = new Map<string, ReadonlyMap<string, number>>();
  const total = new Map(names.map((name) => [name, 0]));
  for (const [plugin, values] of answers) {
    const weight = profile.weights[plugin];
    if (values === undefined || weight === undefined) continue;
    plugins.set(plugin, new Map(names.map((name, i) => [name, values[i] ?? 0])));
    for (const [i, name] of names.entries()) total.set(name, (total.get(name) ?? 0) + weight * (values[i] ?? 0));
  }
  return { plugins, total };
}
