import { describe, expect, it } from 'vitest';
import { formatTime } from '@kubets/apimachinery/time';
import type { Pod } from '@kubets/api/types/core-v1';
import { podsToDelete } from './pod-ranking.ts';

const now = Date.UTC(2026, 0, 1);

interface Traits {
  readonly node?: string;
  readonly phase?: string;
  readonly readyForMs?: number;
  readonly cost?: string;
  readonly restarts?: number;
  readonly sidecarRestarts?: number;
  readonly ageMs?: number;
}

function pod(name: string, traits: Traits = {}): Pod {
  const { node = 'n1', phase = 'Running', readyForMs, cost, restarts = 0, sidecarRestarts = 0, ageMs = 0 } = traits;
  const ready = { type: 'Ready', status: 'True', lastTransitionTime: formatTime(now - (readyForMs ?? 0)) };
  const status = { name: 'c', ready: true, image: '', imageID: '' };
  return {
    metadata: {
      name,
      uid: name,
      creationTimestamp: formatTime(now - ageMs),
      ...(cost !== undefined && { annotations: { 'controller.kubernetes.io/pod-deletion-cost': cost } }),
    },
    spec: { nodeName: node, containers: [], initContainers: [{ name: 's', restartPolicy: 'Always' }] },
    status: {
      phase: phase as 'Running',
      ...(readyForMs !== undefined && { conditions: [ready] }),
      containerStatuses: [{ ...status, restartCount: restarts }],
      initContainerStatuses: [
        { ...status, name: 's', restartCount: sidecarRestarts },
        { ...status, name: 'setup', restartCount: 99 },
      ],
    },
  };
}

const hour = 3_600_000;

/** The first of each pair goes first. */
const pairs: readonly (readonly [string, Pod, Pod])[] = [
  ['not assigned', pod('b', { node: '' }), pod('a')],
  ['pending before unknown', pod('b', { phase: 'Pending' }), pod('a', { phase: 'Unknown' })],
  ['unknown before running', pod('b', { phase: 'Unknown' }), pod('a')],
  ['not ready', pod('b'), pod('a', { readyForMs: hour })],
  ['cheaper', pod('b', { cost: '-5' }), pod('a', { cost: '3' })],
  ['cheap is cheaper than none', pod('b', { cost: '-1' }), pod('a')],
  ['ready for less time', pod('b', { readyForMs: hour }), pod('a', { readyForMs: 5 * hour })],
  ['ready for about as long: by uid', pod('a', { readyForMs: 3 * hour }), pod('b', { readyForMs: 2.5 * hour })],
  ['more restarts', pod('b', { restarts: 3 }), pod('a', { restarts: 1 })],
  ['more restarts of sidecars', pod('b', { sidecarRestarts: 3 }), pod('a', { sidecarRestarts: 1 })],
  ['younger', pod('b', { ageMs: hour }), pod('a', { ageMs: 10 * hour })],
];

describe('podsToDelete', () => {
  it.each(pairs)('%s', (_title, first, second) => {
    const options = { now, related: [], deletionCost: true };
    expect(podsToDelete([second, first], 1, options)).toEqual([first]);
    expect(podsToDelete([first, second], 1, options)).toEqual([first]);
  });

  it('relieves nodes that hold more of the same workload', () => {
    const crowded = pod('b', { node: 'full', readyForMs: 9 * hour });
    const alone = pod('a', { node: 'free', readyForMs: hour });
    const related = [crowded, alone, pod('other', { node: 'full' }), pod('ended', { node: 'free', phase: 'Failed' })];
    expect(podsToDelete([alone, crowded], 1, { now, related, deletionCost: true })).toEqual([crowded]);
    expect(podsToDelete([alone, crowded], 1, { now, related: [], deletionCost: true })).toEqual([alone]);
  });

  it('ignores costs that are no numbers, and all of them when the gate is off', () => {
    const options = { now, related: [], deletionCost: true };
    expect(podsToDelete([pod('a', { cost: '1' }), pod('b', { cost: '+-7' })], 1, options)[0]?.metadata.name).toBe('b');
    const off = { ...options, deletionCost: false };
    const [x, y] = [pod('x', { cost: '9', ageMs: hour }), pod('y', { cost: '1', ageMs: 10 * hour })];
    expect(podsToDelete([y, x], 1, off)).toEqual([x]);
  });

  it('takes all when all must go', () => {
    const all = [pod('a'), pod('b')];
    expect(podsToDelete(all, 2, { now, related: [], deletionCost: true })).toBe(all);
  });
});
