/** The Node object of a simulated node (upstream `pkg/kubelet/kubelet_node_status.go`, `initialNode`, and `nodestatus/setters.go`). */
import type { Random } from '@kubets/apimachinery/clock';
import { formatTime } from '@kubets/apimachinery/time';
import type { DeclarableFeature } from '@kubets/api/core/helpers/node-declared-features';
import type { Node, NodeCondition, NodeStatus, Taint } from '@kubets/api/types/core-v1';

/** Label, and key of the taint, by which simulated nodes are told apart. */
export const simulatedMark = 'kubets.dev/simulated';
/** Annotation of a Node: while it is `true`, the node does not answer: no heartbeats, and its pods stand still. */
export const unresponsiveAnnotation = 'kubets.dev/unresponsive';

export interface NodeShape {
  /** `v1.36.2`; the node's version says that it is simulated. */
  readonly kubernetesVersion: string;
  /** Quantities by resource; all can be allocated. */
  readonly capacity: Readonly<Record<string, string>>;
  /** Effect of the taint; undefined: none. */
  readonly taint: Taint['effect'] | undefined;
  /** Nodes are spread over so many zones; 0: no zone labels. */
  readonly zones: number;
}

/**
 * What simulated nodes declare that they can, in order: containers of all kinds are resized in place, as their statuses then say.
 * Pod-level amounts are not reported, rules about restarts not followed, streams and user namespaces not there.
 */
export const simulatedFeatures: readonly DeclarableFeature[] = [
  'GuaranteedQoSPodCPUResize',
  'InPlacePodVerticalScalingInitContainers',
];

/** Name of the node of that index. */
export const nodeName = (index: number): string => `sim-${index}`;

/** Of the machine that the node pretends to be: 65,000 of them have addresses. */
export const nodeAddress = (index: number): string => `172.30.${Math.floor(index / 250) % 256}.${(index % 250) + 1}`;

function labels(index: number, zones: number): Record<string, string> {
  const zone = `zone-${index % Math.max(1, zones)}`;
  return {
    'beta.kubernetes.io/arch': 'amd64',
    'beta.kubernetes.io/os': 'linux',
    [simulatedMark]: 'true',
    'kubernetes.io/arch': 'amd64',
    'kubernetes.io/hostname': nodeName(index),
    'kubernetes.io/os': 'linux',
    ...(zones > 0 && { 'topology.kubernetes.io/zone': zone }),
  };
}

const healthy: readonly (readonly [type: string, status: string, reason: string, message: string])[] = [
  ['MemoryPressure', 'False', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'],
  ['DiskPressure', 'False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'],
  ['PIDPressure', 'False', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'],
  ['Ready', 'True', 'KubeletReady', 'kubelet is posting ready status'],
];

/** The conditions of a healthy node; times of change are kept where `old` says the same. */
export function nodeConditions(now: number, old: readonly NodeCondition[] = []): NodeCondition[] {
  const at = formatTime(now);
  return healthy.map(([type, status, reason, message]) => {
    const before = old.find((condition) => condition.type === type);
    const lastTransitionTime = before?.status === status ? (before.lastTransitionTime ?? at) : at;
    return { type, status, lastHeartbeatTime: at, lastTransitionTime, reason, message };
  });
}

/** Whether a node's conditions say what a kubelet has to say. */
export function isReportedHealthy(node: Readonly<Node>): boolean {
  const conditions = node.status?.conditions ?? [];
  return healthy.every(([type, status]) => conditions.some((c) => c.type === type && c.status === status));
}

/** What a node has, and what it is. The machine keeps its ids. */
export function nodeStatus(
  index: number,
  shape: NodeShape,
  { now, random, old }: { readonly now: number; readonly random: Random; readonly old?: Readonly<Node> },
): NodeStatus {
  const info = old?.status?.nodeInfo;
  const capacity = { ...shape.capacity };
  return {
    capacity,
    allocatable: capacity,
    conditions: nodeConditions(now, old?.status?.conditions),
    addresses: [
      { type: 'InternalIP', address: nodeAddress(index) },
      { type: 'Hostname', address: nodeName(index) },
    ],
    daemonEndpoints: { kubeletEndpoint: { Port: 10_250 } },
    nodeInfo: {
      machineID: info?.machineID || random.uuid().replaceAll('-', ''),
      systemUUID: info?.systemUUID || random.uuid(),
      bootID: info?.bootID || random.uuid(),
      kernelVersion: 'simulated',
      osImage: 'kubets simulated node',
      containerRuntimeVersion: `simulated://${shape.kubernetesVersion.replace(/^v/, '')}`,
      kubeletVersion: `${shape.kubernetesVersion}-kubets-sim`,
      kubeProxyVersion: '',
      operatingSystem: 'linux',
      architecture: 'amd64',
    },
    declaredFeatures: [...simulatedFeatures],
  } as NodeStatus;
}

/** A node that registers itself. */
export function newNode(index: number, shape: NodeShape, { now, random }: { now: number; random: Random }): Node {
  const taint: Taint | undefined = shape.taint && { key: simulatedMark, effect: shape.taint };
  return {
    kind: 'Node',
    apiVersion: 'v1',
    metadata: {
      name: nodeName(index),
      labels: labels(index, shape.zones),
      annotations: { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' },
    },
    spec: taint === undefined ? {} : { taints: [taint] },
    status: nodeStatus(index, shape, { now, random }),
  } as Node;
}

/** What an existing Node lacks to be as it is now described; undefined: nothing. Taints are no kubelet's to change. */
export function nodeLabelPatch(index: number, shape: NodeShape, node: Readonly<Node>): object | undefined {
  const wanted = Object.entries(labels(index, shape.zones));
  const missing = wanted.filter(([key, value]) => node.metadata.labels?.[key] !== value);
  return missing.length === 0 ? undefined : { metadata: { labels: Object.fromEntries(missing) } };
}

/** Whether the status has to be written anew at a start: another version, capacity or other features, or not healthy. */
export function isStatusStale(node: Readonly<Node>, shape: NodeShape): boolean {
  const { capacity = {}, nodeInfo, declaredFeatures } = node.status ?? {};
  if (nodeInfo?.kubeletVersion !== `${shape.kubernetesVersion}-kubets-sim`) return true;
  if (declaredFeatures?.join() !== simulatedFeatures.join()) return true;
  const same = Object.entries(shape.capacity).every(([resource, quantity]) => capacity[resource] === quantity);
  return !same || !isReportedHealthy(node);
}
