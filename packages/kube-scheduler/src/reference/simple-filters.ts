/** Filters that look at one node and the pods on it (upstream `pkg/scheduler/framework/plugins/<plugin>`). */
import { CompiledNodeSelector, RequiredNodeAffinity } from '@kubets/api/core/helpers/node-affinity';
import { findUntoleratedTaint, tolerationsTolerateTaint } from '@kubets/api/core/helpers/taints';
import type { ContainerPort, Node, NodeSelectorTerm, Pod } from '@kubets/api/types/core-v1';
import { podsOn, unresolvable, unschedulable, type Question, type Rejection } from './cluster.ts';

/** `nodename/node_name.go`. */
export function nodeName({ pod }: Question, node: Node): Rejection | undefined {
  const wanted = pod.spec?.nodeName ?? '';
  if (wanted === '' || wanted === node.metadata.name) return undefined;
  return unresolvable("node(s) didn't match the requested node name");
}

/** `nodeunschedulable/node_unschedulable.go`. */
export function nodeUnschedulable({ pod }: Question, node: Node): Rejection | undefined {
  if (node.spec?.unschedulable !== true) return undefined;
  const taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' } as const;
  if (tolerationsTolerateTaint(pod.spec?.tolerations, taint)) return undefined;
  return unresolvable('node(s) were unschedulable');
}

/** `tainttoleration/taint_toleration.go`; the first taint that is not tolerated is named. */
export function taintToleration({ pod }: Question, node: Node): Rejection | undefined {
  const taint = findUntoleratedTaint(node.spec?.taints, pod.spec?.tolerations);
  if (taint === undefined) return undefined;
  return unresolvable(`node(s) had untolerated taint {${taint.key}: ${taint.value ?? ''}}`);
}

/** `nodeaffinity/node_affinity.go`, Filter. */
export function nodeAffinity({ pod, profile }: Question, node: Node): Rejection | undefined {
  const { required } = profile.addedAffinity;
  if (required !== undefined && !new CompiledNodeSelector(required).matches(node)) {
    return unresolvable("node(s) didn't match scheduler-enforced node affinity");
  }
  if (!new RequiredNodeAffinity(pod.spec).matches(node)) {
    return unresolvable("node(s) didn't match Pod's node affinity/selector");
  }
  return undefined;
}

/** The names that one term allows; undefined when it does not speak of names. */
function namesOfTerm(term: NodeSelectorTerm): Set<string> | undefined {
  const lists = (term.matchFields ?? [])
    .filter((field) => field.key === 'metadata.name' && field.operator === 'In')
    .map((field) => new Set(field.values ?? []));
  return lists.length === 0 ? undefined : lists.reduce((a, b) => a.intersection(b));
}

/**
 * The only nodes worth a look, when the required node affinity names nodes; undefined: all are (`node_affinity.go`, PreFilter).
 * Empty: the terms contradict each other.
 */
export function namedNodes(pod: Pod): Set<string> | undefined {
  const terms = pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  if (terms === undefined || terms.length === 0) return undefined;
  const all = terms.map(namesOfTerm);
  if (all.includes(undefined)) return undefined;
  return all.reduce((a: Set<string>, b) => a.union(b ?? new Set()), new Set<string>());
}

/** Ports of the host that a pod takes: of its containers and sidecars (`util.GetHostPorts`). */
function hostPorts(pod: Pod): ContainerPort[] {
  const sidecars = (pod.spec?.initContainers ?? []).filter((container) => container.restartPolicy === 'Always');
  return [...(pod.spec?.containers ?? []), ...sidecars]
    .flatMap((container) => container.ports ?? [])
    .filter((port) => (port.hostPort ?? 0) > 0);
}

/** Two ports collide when protocol and number agree, and the addresses do or one of them is all addresses. */
function portsCollide(a: ContainerPort, b: ContainerPort): boolean {
  const [first, second] = [a.hostIP, b.hostIP].map((ip) => (ip === undefined || ip === '' ? '0.0.0.0' : ip));
  if (a.hostPort !== b.hostPort || (a.protocol ?? 'TCP') !== (b.protocol ?? 'TCP')) return false;
  return first === second || first === '0.0.0.0' || second === '0.0.0.0';
}

/** `nodeports/node_ports.go`. */
export function nodePorts({ pod, cluster }: Question, node: Node): Rejection | undefined {
  const taken = podsOn(cluster, node).flatMap(hostPorts);
  const collides = hostPorts(pod).some((wanted) => taken.some((other) => portsCollide(wanted, other)));
  return collides ? unschedulable("node(s) didn't have free ports for the requested pod ports") : undefined;
}

/** `nodedeclaredfeatures/nodedeclaredfeatures.go`: what a pod needs is declared by the node, feature by feature. */
export function nodeDeclaredFeatures({ pod }: Question, node: Node): Rejection | undefined {
  const needed = new Set<string>();
  for (const container of [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])]) {
    for (const { action } of container.restartPolicyRules ?? []) {
      if (action === 'RestartAllContainers') needed.add('RestartAllContainersOnContainerExits');
    }
  }
  if (pod.spec?.hostNetwork === true && pod.spec.hostUsers === false) needed.add('UserNamespacesHostNetworkSupport');
  if (needed.isSubsetOf(new Set(node.status?.declaredFeatures ?? []))) return undefined;
  return unresolvable("node(s) didn't match Pod's required features");
}
