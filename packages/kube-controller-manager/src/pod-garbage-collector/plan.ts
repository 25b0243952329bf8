/** Which pods nobody will ever end or remove (upstream `pkg/controller/podgc/gc_controller.go`). */
import type { Node, Pod } from '@kubets/api/types/core-v1';

/** As the metric `pod_gc_collector_force_delete_pods_total` names it. */
export type Reason = 'terminated' | 'out-of-service' | 'orphaned' | 'unscheduled';

export interface Removal {
  readonly pod: Readonly<Pod>;
  readonly reason: Reason;
}

export interface Observed {
  readonly pods: readonly Readonly<Pod>[];
  readonly node: (name: string) => Readonly<Node> | undefined;
  /** Nodes that are gone for sure. */
  readonly goneNodes: ReadonlySet<string>;
  /** So many ended pods may stay; 0 or less: all. */
  readonly terminatedThreshold: number;
}

const outOfService = 'node.kubernetes.io/out-of-service';
const endless: ReadonlySet<string | undefined> = new Set(['Pending', 'Running', 'Unknown']);

/** The pods to remove, each once. */
export function planRemovals(observed: Observed): Removal[] {
  const { pods, node, goneNodes, terminatedThreshold } = observed;
  const removals: Removal[] = [];
  const ended: Readonly<Pod>[] = [];
  for (const pod of pods) {
    const reason = reasonFor(pod, node, goneNodes);
    if (reason !== undefined) removals.push({ pod, reason });
    else if (!endless.has(pod.status?.phase)) ended.push(pod);
  }
  const surplus = terminatedThreshold > 0 ? Math.max(0, ended.length - terminatedThreshold) : 0;
  const oldest = surplus === 0 ? [] : ended.toSorted(byEvictionAndAge).slice(0, surplus);
  return [...removals, ...oldest.map((pod) => ({ pod, reason: 'terminated' as const }))];
}

function reasonFor(
  pod: Readonly<Pod>,
  node: Observed['node'],
  goneNodes: ReadonlySet<string>,
): Exclude<Reason, 'terminated'> | undefined {
  const name = pod.spec?.nodeName ?? '';
  const isTerminating = pod.metadata.deletionTimestamp !== undefined;
  if (name === '') return isTerminating ? 'unscheduled' : undefined;
  if (goneNodes.has(name)) return 'orphaned';
  if (!isTerminating) return undefined;
  const host = node(name);
  return host !== undefined && isOutOfService(host) ? 'out-of-service' : undefined;
}

/** An administrator has said that the node is shut down, and its kubelet says nothing to the contrary. */
function isOutOfService({ spec, status }: Readonly<Node>): boolean {
  if (spec?.taints?.some(({ key }) => key === outOfService) !== true) return false;
  return status?.conditions?.find(({ type }) => type === 'Ready')?.status !== 'True';
}

/** Evicted pods first: they say least. */
function byEvictionAndAge(a: Readonly<Pod>, b: Readonly<Pod>): number {
  const evicted = Number(b.status?.reason === 'Evicted') - Number(a.status?.reason === 'Evicted');
  if (evicted !== 0) return evicted;
  // Times of creation are all written alike: as text they sort as they are, and there may be very many.
  const [x, y] = [a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? ''];
  if (x !== y) return x < y ? -1 : 1;
  return (a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1;
}

/** The names of nodes that pods are bound to and the cache does not know. */
export function unknownNodes(pods: readonly Readonly<Pod>[], node: Observed['node']): Set<string> {
  const names = new Set<string>();
  for (const { spec } of pods) {
    const name = spec?.nodeName ?? '';
    if (name !== '' && !names.has(name) && node(name) === undefined) names.add(name);
  }
  return names;
}

/**
 * How a pod is marked before it is removed: as no kubelet does it, it would stay Running until its end; undefined where it has
 * ended (`markFailedAndDeletePodWithCondition`).
 */
export function failurePatch({ pod, reason }: Removal, time: string): object | undefined {
  const { phase } = pod.status ?? {};
  if (phase === 'Succeeded' || phase === 'Failed') return undefined;
  const { uid, generation } = pod.metadata;
  const observedGeneration = generation === undefined ? {} : { observedGeneration: generation };
  const condition = {
    type: 'DisruptionTarget',
    ...observedGeneration,
    status: 'True',
    lastTransitionTime: time,
    reason: 'DeletionByPodGC',
    message: 'PodGC: node no longer exists',
  };
  const conditions = reason === 'orphaned' ? { conditions: [condition] } : {};
  return { metadata: { uid }, status: { ...observedGeneration, phase: 'Failed', ...conditions } };
}
