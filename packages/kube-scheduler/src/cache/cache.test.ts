import { describe, expect, it } from 'vitest';
import type { Node, Pod } from '@kubets/api/types/core-v1';
import { PodInfo } from '../framework/pod-info.ts';
import { SchedulerCache } from './cache.ts';
import { compareCache } from './compare.ts';

const node = (name: string, cpu = '4'): Node =>
  ({
    metadata: { name, labels: { zone: 'z' } },
    status: { allocatable: { cpu, memory: '8Gi', pods: '10' } },
  }) as unknown as Node;

const pod = (name: string, nodeName?: string, cpu = '1'): Pod => ({
  metadata: { name, uid: name, namespace: 'default', labels: { app: 'a' } },
  spec: {
    containers: [{ name: 'c', resources: { requests: { cpu } } }],
    volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'claim' } }],
    ...(nodeName === undefined ? {} : { nodeName }),
  },
});

function setUp(): SchedulerCache {
  const cache = new SchedulerCache();
  cache.cluster.setNode(node('n1'));
  cache.cluster.setNode(node('n2'));
  return cache;
}

const cpuOn = (cache: SchedulerCache, name: string): number | undefined => cache.cluster.get(name)?.requested.milliCpu;

describe('SchedulerCache', () => {
  it('counts an assumed pod until it is forgotten', () => {
    const cache = setUp();
    cache.assume(new PodInfo(pod('a')), 'n1');
    expect(cpuOn(cache, 'n1')).toBe(1000);
    expect(cache.sizes).toEqual({ nodes: 2, pods: 1, assumed_pods: 1 });
    expect(cache.cluster.isClaimUsed('default/claim')).toBe(true);
    expect(cache.forget('a')).toBe(true);
    expect(cpuOn(cache, 'n1')).toBe(0);
    expect(cache.cluster.isClaimUsed('default/claim')).toBe(false);
  });

  it('refuses to assume a pod twice', () => {
    const cache = setUp();
    cache.assume(new PodInfo(pod('a')), 'n1');
    expect(() => cache.assume(new PodInfo(pod('a')), 'n2')).toThrow("is in the cache, so can't be assumed");
  });

  it('keeps what the API has confirmed', () => {
    const cache = setUp();
    cache.assume(new PodInfo(pod('a')), 'n1');
    cache.setPod(new PodInfo(pod('a', 'n1')));
    expect(cache.isAssumed('a')).toBe(false);
    expect(cache.forget('a')).toBe(false);
    expect(cpuOn(cache, 'n1')).toBe(1000);
  });

  it('believes the API about where a pod is', () => {
    const cache = setUp();
    cache.assume(new PodInfo(pod('a')), 'n1');
    cache.setPod(new PodInfo(pod('a', 'n2')));
    expect([cpuOn(cache, 'n1'), cpuOn(cache, 'n2')]).toEqual([0, 1000]);
  });

  it('counts a changed pod anew', () => {
    const cache = setUp();
    cache.setPod(new PodInfo(pod('a', 'n1')));
    cache.setPod(new PodInfo(pod('a', 'n1', '2')));
    expect(cpuOn(cache, 'n1')).toBe(2000);
  });

  it('remembers pods of nodes that it does not know (any more)', () => {
    const cache = setUp();
    cache.setPod(new PodInfo(pod('a', 'n3')));
    expect(cache.cluster.get('n3')).toBe(undefined);
    expect(cache.cluster.size).toBe(2);
    cache.cluster.setNode(node('n3'));
    expect(cpuOn(cache, 'n3')).toBe(1000);
    cache.cluster.removeNode('n3');
    expect(cache.cluster.list().map(({ name }) => name)).toEqual(['n1', 'n2']);
    cache.removePod(pod('a', 'n3'));
    cache.cluster.setNode(node('n3'));
    expect(cpuOn(cache, 'n3')).toBe(0);
  });

  it('gives rows of nodes that have gone to others', () => {
    const cache = setUp();
    for (let i = 0; i < 500; i++) {
      cache.cluster.setNode(node(`x${i}`));
      cache.cluster.removeNode(`x${i}`);
    }
    expect(cache.cluster.table.limit).toBe(3);
  });

  it('does not take a heartbeat for a change', () => {
    const cache = setUp();
    const before = cache.cluster.table.nodesVersion;
    const beating = { ...node('n1'), status: { ...node('n1').status, conditions: [] } } as Node;
    expect(cache.cluster.setNode(beating)).toBe(false);
    expect(cache.cluster.get('n1')?.node).toBe(beating);
    expect(cache.cluster.table.nodesVersion).toBe(before);
    expect(cache.cluster.setNode(node('n1', '8'))).toBe(true);
  });
});

describe('compareCache', () => {
  it('finds what is missing, what is too much, and what waits', () => {
    const cache = setUp();
    cache.setPod(new PodInfo(pod('gone', 'n1')));
    cache.assume(new PodInfo(pod('assumed')), 'n1');
    const api = {
      nodes: [node('n2'), node('n3')],
      pods: [pod('new', 'n2'), pod('waiting', 'n2'), pod('assumed'), pod('unassigned')],
    };
    expect(compareCache({ cache, queued: [pod('waiting')] }, api)).toEqual({
      missedNodes: ['n3'],
      redundantNodes: ['n1'],
      missedPods: ['new'],
      redundantPods: ['gone'],
      wrongSums: [],
    });
  });
});
