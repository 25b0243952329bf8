import type { FakeClock } from '@kubets/apimachinery/fake-clock';
import { silentLog } from '@kubets/apimachinery/log';
import { systemRandom } from '@kubets/apimachinery/system-clock';
import type { Pod } from '@kubets/api/types/core-v1';
import { settle } from '@kubets/client/testing';
import { TestControlPlane } from '@kubets/kube-apiserver/testing/test-control-plane';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { NodeShape } from './node-object.ts';
import { SimulatedNodes } from './simulated-nodes.ts';
import { readStages } from './stages.ts';

const shape: NodeShape = {
  kubernetesVersion: 'v1.36.2',
  capacity: { cpu: '4', memory: '32Gi', pods: '110' },
  taint: 'PreferNoSchedule',
  zones: 0,
};

let plane: TestControlPlane;
let clock: FakeClock;
beforeEach(async () => {
  plane = await TestControlPlane.start();
  ({ clock } = plane);
});
afterEach(() => plane[Symbol.asyncDispose]());

async function start(count = 1, stages?: unknown): Promise<SimulatedNodes> {
  const nodes = new SimulatedNodes({
    count,
    shape,
    stages: readStages(stages),
    clock,
    random: systemRandom,
    log: silentLog,
    transport: plane.transport(),
    transportFor: (name) => plane.transport(`system:node:${name}`, ['system:nodes', 'system:authenticated']),
  });
  await nodes.start(new AbortController().signal);
  await settle(30);
  return nodes;
}

async function advance(ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 1000) {
    clock.advance(Math.min(left, 1000));
    await settle(30);
  }
}

const pods = () => plane.client.pods('default');
const podOf = (name: string, spec: Partial<Pod['spec']> = {}, metadata: Pod['metadata'] = {}): Pod =>
  ({
    metadata: { name, ...metadata },
    spec: { nodeName: 'sim-0', containers: [{ name: 'c', image: 'nginx' }], ...spec },
  }) as Pod;

async function create(pod: Pod): Promise<void> {
  await pods().create(pod);
  await settle(30);
}

/** What `kubectl get pods` shows of it. */
async function shown(name: string): Promise<string> {
  const { status } = await pods().get(name);
  const [container] = status?.containerStatuses ?? [];
  const reason = container?.state?.waiting?.reason ?? container?.state?.terminated?.reason ?? '';
  const ready = status?.conditions?.find(({ type }) => type === 'Ready')?.status;
  return [status?.phase, reason, `ready=${ready ?? ''}`, `restarts=${container?.restartCount ?? 0}`].join(' ');
}

describe('SimulatedNodes', () => {
  it('registers nodes that are visibly simulated, and keeps their leases', async () => {
    await using _nodes = await start(2);
    const { items } = await plane.client.nodes().list();
    expect(items.map(({ metadata }) => metadata.name)).toEqual(['sim-0', 'sim-1']);
    expect(items[0]).toMatchObject({
      metadata: { labels: { 'kubets.dev/simulated': 'true' } },
      spec: { taints: expect.arrayContaining([{ key: 'kubets.dev/simulated', effect: 'PreferNoSchedule' }]) },
      status: { nodeInfo: { kubeletVersion: 'v1.36.2-kubets-sim' }, allocatable: { cpu: '4' } },
    });
    const lease = async () => (await plane.client.leases('kube-node-lease').get('sim-1')).spec?.renewTime;
    const first = await lease();
    await advance(16_000);
    expect(await lease()).not.toBe(first);
  });

  it('runs a pod and makes it ready, in one write', async () => {
    await using _nodes = await start();
    await create(podOf('a'));
    const before = await pods().get('a');
    await advance(1000);
    expect(await shown('a')).toBe('Running  ready=True restarts=0');
    const { status, metadata } = await pods().get('a');
    expect(Number(metadata.resourceVersion)).toBe(Number(before.metadata.resourceVersion) + 1);
    expect(status).toMatchObject({ hostIP: '172.30.0.1', podIP: '100.64.0.2', podIPs: [{ ip: '100.64.0.2' }] });
    expect(status?.conditions?.map(({ type, status: is }) => `${type}=${is}`)).toEqual([
      'PodReadyToStartContainers=True',
      'Initialized=True',
      'Ready=True',
      'ContainersReady=True',
      'PodScheduled=True',
    ]);
    await advance(120_000);
    expect((await pods().get('a')).metadata.resourceVersion).toBe(metadata.resourceVersion);
  });

  it('lets go of a deleted pod: its last status, then it is gone', async () => {
    await using nodes = await start(1, { stages: [{ terminate: '2s' }] });
    await create(podOf('a'));
    await advance(1000);
    const last: string[] = [];
    await using watch = await plane.client.pods('default').watch({ resourceVersion: '0' });
    const reading = (async () => {
      for await (const { type, object } of watch) {
        last.push(`${type} ${(object as Pod).status?.phase}`);
        if (type === 'DELETED') return;
      }
    })();
    await pods().delete('a');
    await settle(30);
    await advance(1000);
    expect(nodes.podCount).toBe(1);
    await advance(2000);
    await reading;
    expect(last.slice(1)).toEqual(['MODIFIED Running', 'MODIFIED Succeeded', 'DELETED Succeeded']);
    expect(nodes.podCount).toBe(0);
  });

  it('ends pods as their stages say', async () => {
    await using _nodes = await start();
    const annotations = (fields: Record<string, string>) => ({
      annotations: Object.fromEntries(Object.entries(fields).map(([key, v]) => [`stages.kubets.dev/${key}`, v])),
    });
    await create(podOf('done', { restartPolicy: 'Never' }, annotations({ run: '3s' })));
    await create(podOf('fails', { restartPolicy: 'Never' }, annotations({ run: '3s', exitCodes: '3' })));
    await create(podOf('retries', { restartPolicy: 'OnFailure' }, annotations({ run: '1s', exitCodes: '1,1,0' })));
    await create(podOf('loops', {}, annotations({ run: '1s', exitCodes: '1' })));
    await create(podOf('late', {}, annotations({ ready: '5s' })));
    await create(podOf('image', { containers: [{ name: 'c', image: 'nginx:missing' }] }));
    await advance(3000);
    expect(await shown('done')).toBe('Running  ready=True restarts=0');
    expect(await shown('late')).toBe('Running  ready=False restarts=0');
    await advance(5000);
    expect(await shown('done')).toBe('Succeeded Completed ready=False restarts=0');
    expect(await shown('fails')).toBe('Failed Error ready=False restarts=0');
    expect(await shown('retries')).toBe('Running CrashLoopBackOff ready=False restarts=1');
    expect(await shown('loops')).toBe('Running CrashLoopBackOff ready=False restarts=1');
    expect(await shown('late')).toBe('Running  ready=True restarts=0');
    expect(await shown('image')).toBe('Pending ErrImagePull ready=False restarts=0');
    await advance(20_000);
    expect(await shown('retries')).toBe('Succeeded Completed ready=False restarts=2');
    expect(await shown('loops')).toBe('Running CrashLoopBackOff ready=False restarts=2');
    expect(await shown('image')).toBe('Pending ImagePullBackOff ready=False restarts=0');
  });

  it('goes on after a restart, and takes nothing back', async () => {
    const annotations = { 'stages.kubets.dev/run': '20s' };
    {
      await using _nodes = await start();
      await create(podOf('a', { restartPolicy: 'Never' }, { annotations }));
      await advance(5000);
    }
    const before = await pods().get('a');
    await using _nodes = await start();
    await advance(5000);
    expect((await pods().get('a')).metadata.resourceVersion).toBe(before.metadata.resourceVersion);
    await create(podOf('b'));
    await advance(15_000);
    expect(await shown('a')).toBe('Succeeded Completed ready=False restarts=0');
    expect((await pods().get('b')).status?.podIP).not.toBe(before.status?.podIP);
  });

  it('declares what it can, and resizes pods in place as far as that goes', async () => {
    await using _nodes = await start();
    const declared = async () => (await plane.client.nodes().get('sim-0')).status?.declaredFeatures;
    expect(await declared()).toEqual(['GuaranteedQoSPodCPUResize', 'InPlacePodVerticalScalingInitContainers']);
    const amounts = (cpu: string) => ({
      resources: { requests: { cpu, memory: '1Gi' }, limits: { cpu, memory: '1Gi' } },
    });
    const resize = (cpu: string) =>
      pods().patch('a', {
        type: 'application/strategic-merge-patch+json',
        body: { spec: { containers: [{ name: 'c', ...amounts(cpu) }] } },
        subresource: 'resize',
      });
    await create(podOf('a', { containers: [{ name: 'c', image: 'nginx', ...amounts('1') }] }));
    await advance(1000);
    await resize('3');
    await advance(1000);
    expect((await pods().get('a')).status?.containerStatuses?.[0]?.allocatedResources?.['cpu']).toBe('3');
    await expect(resize('5')).rejects.toThrow(
      'pods "a" is forbidden: Node didn\'t have enough allocatable resources: cpu, requested: 5000, allocatable: 4000',
    );
    await plane.client.nodes().patch('sim-0', {
      type: 'application/merge-patch+json',
      body: { status: { declaredFeatures: null } },
      subresource: 'status',
    });
    await expect(resize('2')).rejects.toThrow(
      'pods "a" is forbidden: pod update requires features GuaranteedQoSPodCPUResize which are not available on node "sim-0"',
    );
  });

  it('declares its features anew at a start', async () => {
    {
      await using _nodes = await start();
    }
    const body = { status: { declaredFeatures: ['Old'] } };
    const type = 'application/merge-patch+json';
    await plane.client.nodes().patch('sim-0', { type, body, subresource: 'status' });
    await using _nodes = await start();
    const { status } = await plane.client.nodes().get('sim-0');
    expect(status?.declaredFeatures).toContain('GuaranteedQoSPodCPUResize');
  });

  it('makes true again what others have changed', async () => {
    await using _nodes = await start();
    await create(podOf('a'));
    await advance(1000);
    const type = 'application/strategic-merge-patch+json';
    const body = { status: { conditions: [{ type: 'Ready', status: 'False' }] } };
    await pods().patch('a', { type, body, subresource: 'status' });
    await settle(30);
    expect(await shown('a')).toBe('Running  ready=True restarts=0');
  });

  it('sees what others wrote just before its own write', async () => {
    await using _nodes = await start();
    await create(podOf('a', { readinessGates: [{ conditionType: 'open' }] }));
    const opened = pods().patch('a', {
      type: 'application/strategic-merge-patch+json',
      body: { status: { conditions: [{ type: 'open', status: 'True' }] } },
      subresource: 'status',
    });
    // The node decides before the gate is open, and writes after it.
    clock.advance(1000);
    await opened;
    await settle(60);
    expect(await shown('a')).toBe('Running  ready=True restarts=0');
  });

  it('stands still while a node does not answer', async () => {
    await using _nodes = await start();
    const mark = (value: string) =>
      plane.client.nodes().patch('sim-0', {
        type: 'application/merge-patch+json',
        body: { metadata: { annotations: { 'kubets.dev/unresponsive': value } } },
      });
    await mark('true');
    await create(podOf('a'));
    await advance(30_000);
    expect((await pods().get('a')).status?.phase).toBe('Pending');
    await mark('false');
    await settle(30);
    await advance(1000);
    expect(await shown('a')).toBe('Running  ready=True restarts=0');
  });

  it('removes the nodes of an earlier, larger start', async () => {
    await (await start(3))[Symbol.asyncDispose]();
    await using _nodes = await start(1);
    expect((await plane.client.nodes().list()).items.map(({ metadata }) => metadata.name)).toEqual(['sim-0']);
  });

  it('runs init containers one after the other; sidecars stay', async () => {
    await using _nodes = await start(1, { stages: [{ init: '2s' }] });
    const container = (name: string, more: object = {}) => ({ name, image: 'busybox', ...more });
    const initContainers = [container('first'), container('proxy', { restartPolicy: 'Always' }), container('last')];
    await create(podOf('a', { initContainers }));
    await advance(3000);
    const status = async () => (await pods().get('a')).status;
    expect((await status())?.conditions?.find(({ type }) => type === 'Initialized')).toMatchObject({
      status: 'False',
      message: 'containers with incomplete status: [proxy last]',
    });
    await advance(4000);
    expect(await shown('a')).toBe('Running  ready=True restarts=0');
    const states = (await status())?.initContainerStatuses?.map(({ state, ready }) => [
      Object.keys(state ?? {}),
      ready,
    ]);
    expect(states).toEqual([
      [['terminated'], true],
      [['running'], true],
      [['terminated'], true],
    ]);
  });
});
