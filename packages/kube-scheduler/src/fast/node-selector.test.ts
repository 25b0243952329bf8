import { describe, expect, it } from 'vitest';
import type { Node, Pod } from '@kubets/api/types/core-v1';
import { PodInfo } from '../framework/pod-info.ts';
import { OfflineScheduler } from '../testing/offline-scheduler.ts';

const node = (name: string, labels: Record<string, string> = {}): Node =>
  ({
    metadata: { name, labels: { 'kubernetes.io/hostname': name, ...labels } },
    status: { allocatable: { cpu: '4', memory: '8Gi', pods: '110' } },
  }) as unknown as Node;

const pod = (name: string, spec: Partial<Pod['spec']> = {}): Pod => ({
  metadata: { name, uid: name, namespace: 'default' },
  spec: { containers: [{ name: 'c', resources: { requests: { cpu: '1' } } }], ...spec },
});

function withNodes(count: number, percentageOfNodesToScore?: number): OfflineScheduler {
  const scheduler = new OfflineScheduler({ percentageOfNodesToScore });
  for (let i = 0; i < count; i++) scheduler.setNode(node(`n${i}`));
  return scheduler;
}

describe('NodeSelector', () => {
  it('looks at all nodes by default', () => {
    expect(withNodes(400).ask(pod('a')).feasible.length).toBe(400);
  });

  it('stops when it has found as many as wanted, and goes on from there', () => {
    const scheduler = withNodes(400, 50);
    const first = scheduler.ask(pod('a')).feasible;
    const second = scheduler.ask(pod('b')).feasible;
    expect([first.length, second.length]).toEqual([200, 200]);
    expect(new Set([...first, ...second]).size).toBe(400);
  });

  it('never stops below a hundred', () => {
    expect(withNodes(400, 1).ask(pod('a')).feasible.length).toBe(100);
    expect(withNodes(60, 1).ask(pod('a')).feasible.length).toBe(60);
  });

  it('finds the one node that fits, wherever it is', () => {
    const scheduler = withNodes(400, 1);
    scheduler.setNode(node('n399', { disk: 'ssd' }));
    for (let i = 0; i < 3; i++) {
      expect(scheduler.ask(pod(`p${i}`, { nodeSelector: { disk: 'ssd' } })).feasible).toEqual(['n399']);
    }
  });

  it('leaves room for pods of the same or a higher priority that are nominated', () => {
    const scheduler = withNodes(1);
    const nominated = pod('nominated', {
      priority: 10,
      containers: [{ name: 'c', resources: { requests: { cpu: '4' } } }],
    });
    scheduler.nominator.addNominatedPod(new PodInfo(nominated), 'n0');
    expect(scheduler.ask(pod('low')).reasons.get('n0')?.reasons).toEqual(['Insufficient cpu']);
    expect(scheduler.ask(pod('high', { priority: 11 })).feasible).toEqual(['n0']);
    expect(scheduler.ask(nominated).feasible).toEqual(['n0']);
  });

  it('tries the nominated node first, and it alone when it fits', () => {
    const scheduler = withNodes(5);
    const nominated = { ...pod('a'), status: { nominatedNodeName: 'n3' } };
    expect(scheduler.ask(nominated).feasible).toEqual(['n3']);
    expect(scheduler.ask({ ...nominated, status: { nominatedNodeName: 'gone' } }).feasible.length).toBe(5);
  });
});
