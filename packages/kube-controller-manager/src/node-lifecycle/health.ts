/**
 * What is known of a node's health, and what follows (upstream `pkg/controller/nodelifecycle/node_lifecycle_controller.go`,
 * `tryUpdateNodeHealth`). Pure.
 *
 * Neither the node's clock nor the server's is trusted: what counts is when this controller saw a sign of life, by its own
 * monotonic clock.
 */
import { formatTime } from '@kubets/apimachinery/time';
import type { Lease } from '@kubets/api/types/coordination-v1';
import type { Node, NodeCondition } from '@kubets/api/types/core-v1';

/** What a controller remembers of a node between two looks. */
export interface NodeHealth {
  /** When the last sign of life was seen, milliseconds of the monotonic clock. */
  readonly probedAt: number;
  /** The Ready condition at the last sign of life, or as this controller has written it. */
  readonly ready: Readonly<NodeCondition> | undefined;
  readonly lease: Readonly<Lease> | undefined;
}

export interface HealthInput {
  readonly node: Readonly<Node>;
  readonly lease: Readonly<Lease> | undefined;
  readonly health: NodeHealth | undefined;
  readonly monotonic: number;
  readonly now: number;
  readonly gracePeriodMs: number;
  /** For nodes whose kubelet has never reported. */
  readonly startupGracePeriodMs: number;
}

export interface HealthFinding {
  readonly health: NodeHealth;
  /** The status of Ready as found; `Unknown` where it was never reported. */
  readonly observed: string;
  /** Ready as it is to be; undefined where it was never reported and there still is time. */
  readonly current: Readonly<NodeCondition> | undefined;
  /** All conditions as they are to be written, if they are. */
  readonly conditions: readonly NodeCondition[] | undefined;
}

/** The condition of a type, if there is one. */
export function nodeCondition(node: Readonly<Node>, type: string): Readonly<NodeCondition> | undefined {
  const conditions = node.status?.conditions;
  if (conditions === undefined) return undefined;
  for (const condition of conditions) if (condition.type === type) return condition;
  return undefined;
}

/** Those that a kubelet reports; the network's state is somebody else's. */
const kubeletConditions = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'];

function unknownConditions(node: Readonly<Node>, now: number): NodeCondition[] {
  const lastTransitionTime = formatTime(now);
  const conditions = (node.status?.conditions ?? []).map((condition) => {
    if (!kubeletConditions.includes(condition.type) || condition.status === 'Unknown') return { ...condition };
    const unknown = { status: 'Unknown', reason: 'NodeStatusUnknown', message: 'Kubelet stopped posting node status.' };
    return { ...condition, ...unknown, lastTransitionTime };
  });
  const { creationTimestamp } = node.metadata;
  for (const type of kubeletConditions) {
    if (conditions.some((condition) => condition.type === type)) continue;
    conditions.push({
      type,
      status: 'Unknown',
      ...(typeof creationTimestamp === 'string' && { lastHeartbeatTime: creationTimestamp }),
      lastTransitionTime,
      reason: 'NodeStatusNeverUpdated',
      message: 'Kubelet never posted node status.',
    });
  }
  return conditions;
}

/** When a node that never reported showed up, by the monotonic clock. */
function createdAt({ node, monotonic, now }: HealthInput): number {
  const { creationTimestamp } = node.metadata;
  const age = typeof creationTimestamp === 'string' ? now - Date.parse(creationTimestamp) : 0;
  return monotonic - Math.max(0, age);
}

/** What is known after this look: a new heartbeat or a renewed lease is a sign of life. */
function remember(input: HealthInput, ready: Readonly<NodeCondition> | undefined): NodeHealth {
  const { health, lease, monotonic } = input;
  let { probedAt, ready: saved } = health ?? { probedAt: createdAt(input), ready: undefined };
  const appeared = (saved === undefined) !== (ready === undefined);
  const beat = saved !== ready && saved?.lastHeartbeatTime !== ready?.lastHeartbeatTime;
  if (appeared || beat) [probedAt, saved] = [monotonic, ready];
  const renewTime = lease?.spec?.renewTime;
  const renewed = renewTime !== undefined && renewTime > (health?.lease?.spec?.renewTime ?? '');
  if (renewed) probedAt = monotonic;
  return { probedAt, ready: saved, lease: renewed ? lease : health?.lease };
}

/** Looks at a node: what is known of it now, and whether its conditions are to be given up as unknown. */
export function examine(input: HealthInput): HealthFinding {
  const { node, monotonic, now } = input;
  const ready = nodeCondition(node, 'Ready');
  const health = remember(input, ready);
  const grace = ready === undefined ? input.startupGracePeriodMs : input.gracePeriodMs;
  const observed = ready?.status ?? 'Unknown';
  if (monotonic - health.probedAt <= grace || ready?.status === 'Unknown') {
    return { health, observed, current: ready, conditions: undefined };
  }
  const conditions = unknownConditions(node, now);
  const current = conditions.find((condition) => condition.type === 'Ready');
  return { health: { ...health, ready: current }, observed, current, conditions };
}
