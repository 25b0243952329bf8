import { describe, expect, it } from 'vitest';
import type { Pod } from '@kubets/api/types/core-v1';
import type { ResourceClaim } from '@kubets/api/types/resource-v1';
import { ControllerFixture } from '../testing/controller-fixture.ts';
import { resourceClaimController } from './controller.ts';
import { deleteProtection, isPodDone, newClaim, withUsers } from './plan.ts';

const namespace = 'default';
const devices = { requests: [{ name: 'gpu', exactly: { deviceClassName: 'gpu.example.com' } }] };

const newPod = (name: string): Pod => ({
  metadata: { name, namespace },
  spec: {
    containers: [{ name: 'c', image: 'busybox', resources: { claims: [{ name: 'gpu' }] } }],
    resourceClaims: [{ name: 'gpu', resourceClaimTemplateName: 'one-gpu' }],
  },
});

const claims = (fixture: ControllerFixture) => fixture.client.resourceClaims(namespace);

async function createTemplate(fixture: ControllerFixture): Promise<void> {
  await fixture.client.resourceClaimTemplates(namespace).create({
    metadata: { name: 'one-gpu' },
    spec: { metadata: { labels: { kind: 'gpu' } }, spec: { devices } },
  });
}

/** Plays the scheduler. */
async function allocate(fixture: ControllerFixture, name: string, pods: readonly Readonly<Pod>[]): Promise<void> {
  const claim = await claims(fixture).get(name);
  const finalizers = [deleteProtection];
  const updated = await claims(fixture).update({ ...claim, metadata: { ...claim.metadata, finalizers } });
  const reservedFor = pods.map(({ metadata }) => ({ resource: 'pods', name: metadata.name!, uid: metadata.uid! }));
  const result = { request: 'gpu', driver: 'gpu.example.com', pool: 'p', device: 'd' };
  await claims(fixture).updateStatus({
    ...updated,
    status: { allocation: { devices: { results: [result] } }, ...(reservedFor.length > 0 && { reservedFor }) },
  });
  await fixture.settle();
}

describe('the resource claim controller', () => {
  it('makes a claim from the template, once, and notes it in the status of the pod', async () => {
    await using fixture = await ControllerFixture.start([resourceClaimController], { ownAccounts: true });
    await createTemplate(fixture);
    const pod = await fixture.client.pods(namespace).create(newPod('p'));
    await fixture.until(async () => (await claims(fixture).list()).items.length > 0);
    await fixture.advance(5000);
    const { items } = await claims(fixture).list();
    expect(items).toHaveLength(1);
    const { metadata, spec } = items[0]!;
    expect(metadata.name).toMatch(/^p-gpu-.{5}$/);
    expect(metadata.annotations).toEqual({ 'resource.kubernetes.io/pod-claim-name': 'gpu' });
    expect(metadata.labels).toEqual({ kind: 'gpu' });
    expect(metadata.ownerReferences?.[0]).toMatchObject({ kind: 'Pod', uid: pod.metadata.uid, controller: true });
    expect(spec.devices?.requests?.[0]?.name).toBe('gpu');
    const { status } = await fixture.client.pods(namespace).get('p');
    expect(status?.resourceClaimStatuses).toEqual([{ name: 'gpu', resourceClaimName: metadata.name }]);
    expect(fixture.errors).toEqual([]);
  });

  it('waits for the template', async () => {
    await using fixture = await ControllerFixture.start([resourceClaimController], { ownAccounts: true });
    await fixture.client.pods(namespace).create(newPod('p'));
    await fixture.advance(1000);
    const { items } = await fixture.client.events(namespace).list();
    expect(items[0]).toMatchObject({
      reason: 'FailedResourceClaimCreation',
      message:
        'PodResourceClaim gpu: resource claim template "one-gpu": resourceclaimtemplate.resource.k8s.io "one-gpu" not found',
    });
    await createTemplate(fixture);
    await fixture.until(async () => (await claims(fixture).list()).items.length === 1);
  });

  it('frees the devices when the last pod has ended, and deletes what was made for it', async () => {
    await using fixture = await ControllerFixture.start([resourceClaimController], { ownAccounts: true });
    const { client } = fixture;
    await createTemplate(fixture);
    await claims(fixture).create({ metadata: { name: 'shared' }, spec: { devices } });
    const pod = await client.pods(namespace).create(newPod('p'));
    await fixture.until(async () => (await claims(fixture).list()).items.length === 2);
    const own = (await claims(fixture).list()).items.find(({ metadata }) => metadata.name !== 'shared')!;
    const other = await client.pods(namespace).create({
      metadata: { name: 'q' },
      spec: { ...newPod('q').spec!, resourceClaims: [{ name: 'gpu', resourceClaimName: 'shared' }] },
    });
    await allocate(fixture, own.metadata.name!, [pod]);
    await allocate(fixture, 'shared', [other]);
    await fixture.advance(2000);
    expect((await claims(fixture).get('shared')).status?.reservedFor).toHaveLength(1);
    for (const name of ['p', 'q']) {
      const body = { status: { phase: 'Succeeded' } };
      const type = 'application/merge-patch+json';
      await client.pods(namespace).patch(name, { type, body, subresource: 'status' });
    }
    await fixture.until(async () => (await claims(fixture).list()).items.length === 1);
    await fixture.until(async () => (await claims(fixture).get('shared')).metadata.finalizers === undefined);
    expect((await claims(fixture).get('shared')).status?.allocation).toBeUndefined();
    expect(fixture.errors).toEqual([]);
  });

  it('reserves claims for pods that came to their node without a scheduler', async () => {
    await using fixture = await ControllerFixture.start([resourceClaimController], { ownAccounts: true });
    await claims(fixture).create({ metadata: { name: 'shared' }, spec: { devices } });
    await allocate(fixture, 'shared', []);
    const spec = { ...newPod('p').spec!, resourceClaims: [{ name: 'gpu', resourceClaimName: 'shared' }] };
    const pod = await fixture.client
      .pods(namespace)
      .create({ metadata: { name: 'p' }, spec: { ...spec, nodeName: 'n' } });
    await fixture.until(async () => (await claims(fixture).get('shared')).status?.reservedFor !== undefined);
    const { status } = await claims(fixture).get('shared');
    expect(status?.reservedFor).toEqual([{ resource: 'pods', name: 'p', uid: pod.metadata.uid }]);
  });
});

describe('plan', () => {
  const claim = (changes: Partial<ResourceClaim['metadata']>, status: ResourceClaim['status']): ResourceClaim => ({
    metadata: { name: 'c', namespace, ...changes },
    spec: {},
    ...(status && { status }),
  });
  const user = { resource: 'pods', name: 'p', uid: 'u' };

  it.each<[string, ResourceClaim, (typeof user)[], ResourceClaim['status'] | undefined]>([
    ['unchanged', claim({}, { allocation: {}, reservedFor: [user] }), [user], undefined],
    [
      'one less',
      claim({}, { allocation: {}, reservedFor: [user, user] }),
      [user],
      { allocation: {}, reservedFor: [user] },
    ],
    ['none left', claim({ finalizers: [deleteProtection] }, { allocation: {}, reservedFor: [user] }), [], {}],
    ['of another allocator', claim({}, { allocation: {}, reservedFor: [user] }), [], { allocation: {} }],
    ['not used yet', claim({ finalizers: [deleteProtection] }, { allocation: {} }), [], undefined],
    ['going', claim({ finalizers: [deleteProtection], deletionTimestamp: 'x' }, { allocation: {} }), [], {}],
  ])('withUsers: %s', (_, given, users, expected) => {
    expect(withUsers(given, users)?.status).toEqual(expected);
  });

  it('cuts long names at both parts', () => {
    const pod = { metadata: { name: 'p'.repeat(60), namespace } };
    const { metadata } = newClaim(pod, { name: 'e'.repeat(53) }, { metadata: {}, spec: { spec: {} } });
    expect(metadata.generateName).toBe(`${'p'.repeat(30)}-${'e'.repeat(26)}-`);
  });

  it('knows pods that will not run', () => {
    const pod = newPod('p');
    expect(isPodDone(pod)).toBe(false);
    expect(isPodDone({ ...pod, metadata: { ...pod.metadata, deletionTimestamp: 'x' } })).toBe(true);
    expect(isPodDone({ ...pod, status: { phase: 'Failed' } })).toBe(true);
  });
});
