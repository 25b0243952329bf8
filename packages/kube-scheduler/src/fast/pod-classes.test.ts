import { describe, expect, it } from 'vitest';
import type { Node, Pod } from '@kubets/api/types/core-v1';
import { OfflineScheduler } from '../testing/offline-scheduler.ts';

const node = (name: string): Node =>
  ({
    metadata: { name, labels: { 'kubernetes.io/hostname': name, zone: `z${name.length % 2}` } },
    status: { allocatable: { cpu: '64', memory: '256Gi', pods: '1000' } },
  }) as unknown as Node;

/** Of a shape, and with labels, that no other pod has. */
const pod = (i: number): Pod => ({
  metadata: { name: `p${i}`, uid: `p${i}`, namespace: 'default', labels: { app: `a${i}` } },
  spec: {
    containers: [{ name: 'c', resources: { requests: { cpu: `${i + 1}m` } } }],
    topologySpreadConstraints: [
      {
        maxSkew: 1,
        topologyKey: 'zone',
        whenUnsatisfiable: 'DoNotSchedule',
        labelSelector: { matchLabels: { app: `a${i}` } },
      },
    ],
  },
});

describe('kinds of pods', () => {
  it('are forgotten when there are too many, and worked out again', () => {
    // Room for so few that they push each other out.
    const scheduler = new OfflineScheduler({}, { keptBytes: 1 });
    for (let i = 0; i < 20; i++) scheduler.setNode(node(`n${i}`));
    const kinds = 60;
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < kinds; i += round === 0 ? 1 : 20) {
        const { feasible } = scheduler.ask(pod(i));
        expect(feasible.length).toBeGreaterThan(0);
        const bound = pod(i);
        const named = { ...bound, metadata: { ...bound.metadata, name: `b${round}-${i}`, uid: `b${round}-${i}` } };
        scheduler.setPod({ ...named, spec: { containers: [], ...named.spec, nodeName: feasible[0] ?? '' } });
      }
    }
    // One pod in one zone, then one in the other: both are counted, though the kind was forgotten in between.
    expect(scheduler.ask(pod(0)).feasible.length).toBe(20);
  });
});
