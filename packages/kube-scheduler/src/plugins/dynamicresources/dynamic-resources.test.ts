import { describe, expect, it } from 'vitest';
import type { Pod } from '@kubets/api/types/core-v1';
import type { DeviceClaim, ResourceClaim } from '@kubets/api/types/resource-v1';
import { CycleState } from '../../framework/cycle-state.ts';
import type { PodInfo } from '../../framework/pod-info.ts';
import { PluginFixture, podInfo, statusesOf } from '../../testing/plugin-fixture.ts';
import { nodeIn } from '../../testing/volume-objects.ts';
import { dynamicResources, type DynamicResources } from './dynamic-resources.ts';

const driver = 'gpu.example.com';
const one: DeviceClaim = { requests: [{ name: 'r', exactly: { deviceClassName: 'gpu' } }] };

/** Two nodes, each with one device of one class. */
async function start(claims: Record<string, DeviceClaim>) {
  const fixture = await PluginFixture.start();
  const plugin = dynamicResources({}, fixture.handle) as DynamicResources;
  const { client } = fixture;
  await client
    .deviceClasses()
    .create({ kind: 'DeviceClass', apiVersion: 'resource.k8s.io/v1', metadata: { name: 'gpu' }, spec: {} });
  for (const name of ['n1', 'n2']) {
    await fixture.addNode(nodeIn(name, 'z'));
    await client.resourceSlices().create({
      kind: 'ResourceSlice',
      apiVersion: 'resource.k8s.io/v1',
      metadata: { name },
      spec: { driver, nodeName: name, pool: { name, generation: 1, resourceSliceCount: 1 }, devices: [{ name: 'd' }] },
    });
  }
  for (const [name, devices] of Object.entries(claims)) {
    await client.resourceClaims('default').create({
      kind: 'ResourceClaim',
      apiVersion: 'resource.k8s.io/v1',
      metadata: { name, namespace: 'default' },
      spec: { devices },
    });
  }
  await fixture.sync();
  const pod = async (name: string, ...uses: string[]): Promise<PodInfo> =>
    podInfo(await client.pods('default').create(podWith(name, uses)));
  const get = (name: string): Promise<Readonly<ResourceClaim>> => client.resourceClaims('default').get(name);
  /** From PreFilter to Filter: the nodes that are left, or why there are none. */
  const filter = (info: PodInfo, state = new CycleState()): string[] | string => {
    const before = plugin.preFilter(state, info);
    if (before !== undefined) return before.code === 'Skip' ? 'Skip' : before.message;
    return fixture.nodes.list().flatMap((node) => (plugin.filter(state, info, node) === undefined ? [node.name] : []));
  };
  return { fixture, plugin, pod, get, filter, [Symbol.asyncDispose]: () => fixture[Symbol.asyncDispose]() };
}

function podWith(name: string, uses: readonly string[]): Pod {
  const resourceClaims = uses.map((resourceClaimName) => ({ name: resourceClaimName, resourceClaimName }));
  return {
    kind: 'Pod',
    apiVersion: 'v1',
    metadata: { name, namespace: 'default' },
    spec: { containers: [{ name: 'c', image: 'i' }], ...(uses.length > 0 && { resourceClaims }) },
  };
}

describe('DynamicResources', () => {
  it('has nothing to do with pods without claims', async () => {
    await using w = await start({});
    const plain = await w.pod('p');
    expect(w.filter(plain)).toBe('Skip');
    expect(w.plugin.preEnqueue(plain.pod)).toBeUndefined();
    expect(w.plugin.preBindPreFlight(new CycleState())?.code).toBe('Skip');
    const { status } = await w.plugin.postFilter(new CycleState(), plain);
    expect(status).toMatchObject({ code: 'Unschedulable', reasons: ['no new claims to deallocate'] });
  });

  it('gives a claim its devices on the node chosen, and keeps others off them meanwhile', async () => {
    await using w = await start({ a: one, b: one });
    const state = new CycleState();
    const pod = await w.pod('p', 'a');
    expect(w.filter(pod, state)).toEqual(['n1', 'n2']);
    expect(w.plugin.reserve(state, pod, 'n1')).toBeUndefined();
    expect(w.filter(await w.pod('q', 'b'))).toEqual(['n2']);
    expect(w.filter(await w.pod('same', 'a'))).toBe('resource claim is in the process of being allocated');
    expect(await w.plugin.preBind(state, pod)).toBeUndefined();
    const bound = await w.get('a');
    expect(bound.metadata.finalizers).toEqual(['resource.kubernetes.io/delete-protection']);
    expect(bound.status).toMatchObject({
      allocation: { devices: { results: [{ request: 'r', driver, pool: 'n1', device: 'd' }] } },
      reservedFor: [{ resource: 'pods', name: 'p', uid: pod.uid }],
    });
    // At once, whether the watch has told or not.
    expect(w.filter(await w.pod('r', 'b'))).toEqual(['n2']);
    expect(w.filter(await w.pod('s', 'a'))).toEqual(['n1']);
  });

  it('forgets what was promised when the pod does not get there', async () => {
    await using w = await start({ a: one, b: one });
    const state = new CycleState();
    const pod = await w.pod('p', 'a');
    w.filter(pod, state);
    w.plugin.reserve(state, pod, 'n1');
    w.plugin.unreserve(state, pod);
    expect(w.filter(await w.pod('q', 'b'))).toEqual(['n1', 'n2']);
  });

  it('gives up its reservation when binding fails later', async () => {
    await using w = await start({ a: one });
    const state = new CycleState();
    const pod = await w.pod('p', 'a');
    w.filter(pod, state);
    w.plugin.reserve(state, pod, 'n1');
    await w.plugin.preBind(state, pod);
    w.plugin.unreserve(state, pod);
    await w.fixture.idle();
    const after = await w.get('a');
    expect(after.status?.reservedFor ?? []).toEqual([]);
    expect(after.status?.allocation).toBeDefined();
  });

  it('takes devices back from a claim that is stuck on a node the pod cannot use', async () => {
    await using w = await start({ a: one });
    const first = new CycleState();
    const pod = await w.pod('p', 'a');
    w.filter(pod, first);
    w.plugin.reserve(first, pod, 'n1');
    await w.plugin.preBind(first, pod);
    await w.fixture.client.nodes().delete('n1');
    await w.fixture.sync();
    const state = new CycleState();
    expect(w.filter(pod, state)).toEqual([]);
    const node = w.fixture.nodes.get('n2')!;
    expect(statusesOf(w.fixture.nodes, (n) => w.plugin.filter(state, pod, n)).get(node.name).message).toBe(
      'resourceclaim not available on the node',
    );
    const { status } = await w.plugin.postFilter(state, pod);
    expect(status?.message).toBe('deallocation of ResourceClaim completed');
    expect((await w.get('a')).status?.allocation).toBeUndefined();
    expect(w.filter(pod)).toEqual(['n2']);
  });

  it.each([
    {
      name: 'a claim that is not there',
      uses: ['absent'],
      message: 'resourceclaim.resource.k8s.io "absent" not found',
    },
    {
      name: 'a class that is not there',
      uses: ['classless'],
      message: 'request r: device class strange does not exist',
    },
    {
      name: 'an expression nobody can evaluate',
      uses: ['picky'],
      message:
        'CEL selectors are not supported: "device.driver == \'gpu.example.com\'" cannot be evaluated; without selectors, any device of the class will do',
    },
  ])('says what is wrong: $name', async ({ uses, message }) => {
    await using w = await start({
      classless: { requests: [{ name: 'r', exactly: { deviceClassName: 'strange' } }] },
      picky: {
        requests: [
          {
            name: 'r',
            exactly: { deviceClassName: 'gpu', selectors: [{ cel: { expression: `device.driver == '${driver}'` } }] },
          },
        ],
      },
    });
    expect(w.filter(await w.pod('p', ...uses))).toBe(message);
  });

  it('keeps pods out of the queue until their claims are made', async () => {
    await using w = await start({});
    const pod = podWith('p', []);
    const waiting = { ...pod, spec: { ...pod.spec!, resourceClaims: [{ name: 'g', resourceClaimTemplateName: 't' }] } };
    expect(w.plugin.preEnqueue(waiting)?.message).toBe('pod "default/p": ResourceClaim not created yet');
    const none = { ...waiting, status: { resourceClaimStatuses: [{ name: 'g' }] } };
    expect(w.plugin.preEnqueue(none)).toBeUndefined();
  });

  it('prefers nodes where the first way works', async () => {
    const prioritized: DeviceClaim = {
      requests: [
        {
          name: 'r',
          firstAvailable: [
            { name: 'two', deviceClassName: 'gpu', count: 2 },
            { name: 'one', deviceClassName: 'gpu' },
          ],
        },
      ],
    };
    await using w = await start({ a: prioritized, plain: one });
    const slices = w.fixture.client.resourceSlices();
    const slice = await slices.get('n2');
    await slices.update({ ...slice, spec: { ...slice.spec, devices: [{ name: 'd' }, { name: 'e' }] } });
    await w.fixture.sync();
    const state = new CycleState();
    const pod = await w.pod('p', 'a');
    expect(w.filter(pod, state)).toEqual(['n1', 'n2']);
    expect(w.plugin.preScore(state)).toBeUndefined();
    const scores = w.fixture.nodes.list().map((node) => ({ node, score: w.plugin.score(state, pod, node) }));
    w.plugin.normalizeScore(state, pod, scores);
    expect(scores.map(({ node, score }) => [node.name, score])).toEqual([
      ['n1', 87],
      ['n2', 100],
    ]);
    const plain = new CycleState();
    w.filter(await w.pod('q', 'plain'), plain);
    expect(w.plugin.preScore(plain)?.code).toBe('Skip');
  });

  it('is told when devices come free', async () => {
    await using w = await start({ a: one });
    const hint = w.plugin.eventsToRegister().find(({ event }) => event.resource === 'ResourceClaim')?.hint;
    const pod = await w.pod('p', 'a');
    const mine = await w.get('a');
    const other = { ...mine, metadata: { ...mine.metadata, uid: 'other', name: 'other' } };
    const allocated = (c: Readonly<ResourceClaim>) => ({ ...c, status: { allocation: {} } });
    expect(hint?.(pod.pod, allocated(other), other)).toBe('Queue');
    expect(hint?.(pod.pod, other, allocated(other))).toBe('QueueSkip');
    expect(hint?.(pod.pod, undefined, mine)).toBe('Queue');
    expect(hint?.(pod.pod, mine, { ...mine })).toBe('QueueSkip');
    expect(hint?.(pod.pod, mine, allocated(mine))).toBe('Queue');
  });
});
