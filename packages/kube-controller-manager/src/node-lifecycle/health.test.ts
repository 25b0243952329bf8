import { describe, expect, it } from 'vitest';
import type { Lease } from '@kubets/api/types/coordination-v1';
import type { Node, NodeCondition } from '@kubets/api/types/core-v1';
import { conditionTaints, labelsToSet } from './condition-taints.ts';
import { examine, type HealthInput, type NodeHealth } from './health.ts';

const now = Date.UTC(2026, 0, 1, 1);
const at = (ms: number): string => new Date(now + ms).toISOString().replace('.000Z', 'Z');

const ready = (status: string, heartbeat = 0): NodeCondition => ({
  type: 'Ready',
  status,
  lastHeartbeatTime: at(heartbeat),
  lastTransitionTime: at(0),
});
const node = (conditions: NodeCondition[], createdMs = 0): Node =>
  ({ metadata: { name: 'n', creationTimestamp: at(createdMs) }, status: { conditions } }) as Node;
const lease = (ms: number): Lease => ({ metadata: {}, spec: { renewTime: at(ms).replace('Z', '.000000Z') } });

const look = (input: Partial<HealthInput>, health?: NodeHealth) =>
  examine({
    node: node([ready('True')]),
    lease: undefined,
    health,
    monotonic: 100_000,
    now,
    gracePeriodMs: 50_000,
    startupGracePeriodMs: 60_000,
    ...input,
  });

describe('examine', () => {
  it('begins to count when a node is first seen', () => {
    const first = look({});
    expect(first).toMatchObject({ observed: 'True', conditions: undefined });
    expect(look({ monotonic: 150_000 }, first.health).conditions).toBeUndefined();
    expect(look({ monotonic: 150_001 }, first.health).conditions).toBeDefined();
  });

  it('takes heartbeats and leases for signs of life, whatever their time', () => {
    const first = look({ lease: lease(0) });
    const beat = look({ monotonic: 140_000, node: node([ready('True', -5_000_000)]) }, first.health);
    expect(beat.health.probedAt).toBe(140_000);
    const renewed = look({ monotonic: 145_000, lease: lease(10_000) }, first.health);
    expect(renewed.health.probedAt).toBe(145_000);
    const old = look({ monotonic: 145_000, lease: lease(-10_000) }, first.health);
    expect(old.health.probedAt).toBe(100_000);
  });

  it('gives conditions up as unknown, the network aside', () => {
    const network = { type: 'NetworkUnavailable', status: 'False' };
    const memory = { type: 'MemoryPressure', status: 'False', reason: 'Fine' };
    const one = node([network, memory, ready('True')]);
    const { health } = look({ node: one });
    const found = look({ node: one, monotonic: 160_000 }, health);
    expect(found.observed).toBe('True');
    expect(found.current?.status).toBe('Unknown');
    const unknown = { status: 'Unknown', reason: 'NodeStatusUnknown', message: 'Kubelet stopped posting node status.' };
    expect(found.conditions).toMatchObject([
      network,
      { type: 'MemoryPressure', ...unknown, lastTransitionTime: at(0) },
      { type: 'Ready', ...unknown },
      { type: 'DiskPressure', status: 'Unknown', reason: 'NodeStatusNeverUpdated' },
      { type: 'PIDPressure', status: 'Unknown', reason: 'NodeStatusNeverUpdated' },
    ]);
    const after = look({ node: node([...found.conditions!]), monotonic: 170_000 }, found.health);
    expect(after).toMatchObject({ observed: 'Unknown', conditions: undefined });
  });

  it('gives a node that never reported more time, from its creation', () => {
    const young = node([], -30_000);
    const first = look({ node: young });
    expect(first).toMatchObject({ observed: 'Unknown', current: undefined, conditions: undefined });
    expect(look({ node: young, monotonic: 130_000 }, first.health).conditions).toBeUndefined();
    const late = look({ node: young, monotonic: 130_001 }, first.health);
    expect(late.conditions).toHaveLength(4);
    expect(late.conditions?.[0]).toEqual({
      type: 'Ready',
      status: 'Unknown',
      lastHeartbeatTime: at(-30_000),
      lastTransitionTime: at(0),
      reason: 'NodeStatusNeverUpdated',
      message: 'Kubelet never posted node status.',
    });
  });
});

describe('taints and labels by what a node says', () => {
  const taintOf = (key: string) => ({ key: `node.kubernetes.io/${key}`, effect: 'NoSchedule' as const });
  it.each([
    ['Ready', 'False', 'not-ready'],
    ['Ready', 'Unknown', 'unreachable'],
    ['MemoryPressure', 'True', 'memory-pressure'],
    ['DiskPressure', 'True', 'disk-pressure'],
    ['PIDPressure', 'True', 'pid-pressure'],
    ['NetworkUnavailable', 'True', 'network-unavailable'],
  ])('%s=%s: %s', (type, status, key) => {
    const tainted = { ...node([{ type, status }]), spec: { taints: [taintOf(key)] } };
    expect(conditionTaints(node([{ type, status }]))).toEqual({ add: [taintOf(key)], remove: [] });
    expect(conditionTaints(tainted)).toBeUndefined();
    expect(conditionTaints({ ...tainted, status: {} })).toEqual({ add: [], remove: [taintOf(key)] });
  });

  it('follows spec.unschedulable, and leaves other taints alone', () => {
    const others = [
      { key: 'mine', effect: 'NoSchedule' as const },
      { ...taintOf('not-ready'), effect: 'NoExecute' as const },
    ];
    const one: Node = { ...node([ready('True')]), spec: { unschedulable: true, taints: others } };
    expect(conditionTaints(one)).toEqual({ add: [taintOf('unschedulable')], remove: [] });
    expect(conditionTaints({ ...one, spec: { taints: others } })).toBeUndefined();
  });

  it('keeps the older labels', () => {
    const labels = { 'kubernetes.io/os': 'linux', 'kubernetes.io/arch': 'amd64', 'beta.kubernetes.io/arch': 'arm' };
    expect(labelsToSet({ metadata: { labels } })).toEqual({
      'beta.kubernetes.io/os': 'linux',
      'beta.kubernetes.io/arch': 'amd64',
    });
    expect(labelsToSet({ metadata: { labels: { 'beta.kubernetes.io/os': 'x' } } })).toBeUndefined();
  });
});
