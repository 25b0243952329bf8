import { describe, expect, it } from 'vitest';
import { failure } from '@kubets/apimachinery/status';
import type { Deployment, DeploymentCondition, ReplicaSet } from '@kubets/api/types/apps-v1';
import type { Pod } from '@kubets/api/types/core-v1';
import { replicaSetController } from '../replicaset/controller.ts';
import { ControllerFixture, type FixtureOptions } from '../testing/controller-fixture.ts';
import { countingTransport } from '../testing/counting-transport.ts';
import { finishDeleted, makeReady } from '../testing/pod-simulator.ts';
import { deploymentController } from './controller.ts';

const labels = { app: 'web' };

const deployment = (image: string, spec: Partial<NonNullable<Deployment['spec']>> = {}): Deployment => ({
  metadata: { name: 'web', namespace: 'default' },
  spec: {
    replicas: 3,
    selector: { matchLabels: labels },
    template: { metadata: { labels }, spec: { containers: [{ name: 'c', image }] } },
    ...spec,
  },
});

const start = (options: FixtureOptions = {}): Promise<ControllerFixture> =>
  ControllerFixture.start([deploymentController, replicaSetController], options);

const read = (fixture: ControllerFixture): Promise<Readonly<Deployment>> =>
  fixture.client.deployments('default').get('web');

async function patch(fixture: ControllerFixture, spec: object): Promise<void> {
  const client = fixture.client.deployments('default');
  await client.patch('web', { type: 'application/strategic-merge-patch+json', body: { spec } });
}

const image = (name: string): object => ({ template: { spec: { containers: [{ name: 'c', image: name }] } } });

async function setsOf(fixture: ControllerFixture): Promise<readonly Readonly<ReplicaSet>[]> {
  return (await fixture.client.replicaSets('default').list()).items;
}

async function podsOf(fixture: ControllerFixture): Promise<readonly Readonly<Pod>[]> {
  return (await fixture.client.pods('default').list()).items;
}

const conditionOf = async (fixture: ControllerFixture, type: string): Promise<DeploymentCondition | undefined> =>
  (await read(fixture)).status?.conditions?.find((condition) => condition.type === type);

/** Makes pods ready until the rollout is complete; watches over the limits meanwhile. */
async function rollOut(fixture: ControllerFixture, limits: { most: number; least: number }): Promise<void> {
  await fixture.until(async () => {
    const pods = await podsOf(fixture);
    const available = pods.filter((pod) => pod.status?.phase === 'Running');
    expect(pods.length).toBeLessThanOrEqual(limits.most);
    expect(available.length).toBeGreaterThanOrEqual(limits.least);
    await makeReady(fixture);
    const { status, metadata } = await read(fixture);
    return status?.observedGeneration === metadata.generation && (await complete(fixture));
  });
}

async function complete(fixture: ControllerFixture): Promise<boolean> {
  const { status, spec } = await read(fixture);
  const wanted = spec?.replicas;
  return (
    status?.updatedReplicas === wanted &&
    status?.replicas === wanted &&
    status?.availableReplicas === wanted &&
    status?.conditions?.find(({ type }) => type === 'Progressing')?.reason === 'NewReplicaSetAvailable'
  );
}

async function messages(fixture: ControllerFixture): Promise<(string | undefined)[]> {
  const { items } = await fixture.client.events('default').list();
  return items.filter(({ involvedObject }) => involvedObject.kind === 'Deployment').map(({ message }) => message);
}

describe('deployment-controller', () => {
  it('creates a ReplicaSet and reports as users know it', async () => {
    await using fixture = await start();
    await fixture.client.deployments('default').create(deployment('one'));
    await rollOut(fixture, { most: 3, least: 0 });
    const [set] = await setsOf(fixture);
    const name = set?.metadata.name;
    expect(name).toMatch(/^web-[bcdfghjklmnpqrstvwxz2456789]{7,10}$/);
    const hash = name?.slice(4);
    expect(set?.metadata).toMatchObject({
      labels: { app: 'web', 'pod-template-hash': hash },
      annotations: {
        'deployment.kubernetes.io/desired-replicas': '3',
        'deployment.kubernetes.io/max-replicas': '4',
        'deployment.kubernetes.io/revision': '1',
      },
      ownerReferences: [{ kind: 'Deployment', name: 'web', controller: true }],
    });
    expect(set?.spec?.selector.matchLabels).toEqual({ app: 'web', 'pod-template-hash': hash });
    const { status, metadata } = await read(fixture);
    expect(metadata.annotations).toEqual({ 'deployment.kubernetes.io/revision': '1' });
    expect(status).toMatchObject({
      observedGeneration: 1,
      replicas: 3,
      updatedReplicas: 3,
      readyReplicas: 3,
      availableReplicas: 3,
      terminatingReplicas: 0,
    });
    expect(await conditionOf(fixture, 'Available')).toMatchObject({
      status: 'True',
      reason: 'MinimumReplicasAvailable',
      message: 'Deployment has minimum availability.',
    });
    expect(await conditionOf(fixture, 'Progressing')).toMatchObject({
      status: 'True',
      reason: 'NewReplicaSetAvailable',
      message: `ReplicaSet "${name}" has successfully progressed.`,
    });
    expect(await messages(fixture)).toEqual([`Scaled up replica set ${name} from 0 to 3`]);
    expect(fixture.errors).toEqual([]);
  });

  it('writes nothing once it has converged', async () => {
    const { writes, wrap } = countingTransport();
    await using fixture = await start({ wrap });
    await fixture.client.deployments('default').create(deployment('one'));
    await rollOut(fixture, { most: 3, least: 0 });
    await patch(fixture, image('two'));
    await rollOut(fixture, { most: 4, least: 0 });
    writes.length = 0;
    await using again = await start({ plane: fixture.plane, wrap });
    await again.advance(700_000);
    expect(writes).toEqual([]);
  });

  it('rolls out within the limits, numbers revisions, and goes back by the older template', async () => {
    await using fixture = await start();
    const strategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: 1 } } as const;
    await fixture.client.deployments('default').create(deployment('one', { replicas: 10, strategy }));
    await rollOut(fixture, { most: 10, least: 0 });
    await patch(fixture, image('two'));
    await rollOut(fixture, { most: 13, least: 9 });
    expect((await podsOf(fixture)).every((pod) => pod.spec?.containers[0]?.image === 'two')).toBe(true);
    await patch(fixture, image('one'));
    await rollOut(fixture, { most: 13, least: 9 });
    const sets = await setsOf(fixture);
    expect(sets).toHaveLength(2);
    const back = sets.find((set) => set.spec?.replicas === 10);
    expect(back?.metadata.annotations).toMatchObject({
      'deployment.kubernetes.io/revision': '3',
      'deployment.kubernetes.io/revision-history': '1',
    });
    expect((await read(fixture)).metadata.annotations?.['deployment.kubernetes.io/revision']).toBe('3');
    expect(fixture.errors).toEqual([]);
  });

  it('does not roll out while paused, but scales', async () => {
    await using fixture = await start();
    await fixture.client.deployments('default').create(deployment('one'));
    await rollOut(fixture, { most: 3, least: 0 });
    await patch(fixture, { paused: true, ...image('two'), replicas: 5 });
    await fixture.until(async () => (await podsOf(fixture)).length === 5);
    await makeReady(fixture);
    await fixture.until(async () => (await read(fixture)).status?.availableReplicas === 5);
    expect(await setsOf(fixture)).toHaveLength(1);
    expect((await read(fixture)).status?.updatedReplicas).toBeUndefined();
    expect(await conditionOf(fixture, 'Progressing')).toMatchObject({
      status: 'Unknown',
      reason: 'DeploymentPaused',
      message: 'Deployment is paused',
    });
    await patch(fixture, { paused: false });
    await rollOut(fixture, { most: 7, least: 3 });
    expect(await setsOf(fixture)).toHaveLength(2);
  });

  it('says when there is no progress within the deadline, and goes on all the same', async () => {
    await using fixture = await start();
    await fixture.client.deployments('default').create(deployment('one', { progressDeadlineSeconds: 60 }));
    await fixture.until(async () => (await podsOf(fixture)).length === 3);
    await fixture.advance(55_000);
    expect((await conditionOf(fixture, 'Progressing'))?.status).toBe('True');
    await fixture.advance(10_000);
    const [set] = await setsOf(fixture);
    expect(await conditionOf(fixture, 'Progressing')).toMatchObject({
      status: 'False',
      reason: 'ProgressDeadlineExceeded',
      message: `ReplicaSet "${set?.metadata.name}" has timed out progressing.`,
    });
    await rollOut(fixture, { most: 3, least: 0 });
  });

  it('keeps the proportions when it is scaled in the middle of a rollout', async () => {
    await using fixture = await start();
    const strategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge: 3, maxUnavailable: 2 } } as const;
    await fixture.client.deployments('default').create(deployment('one', { replicas: 10, strategy }));
    await rollOut(fixture, { most: 10, least: 0 });
    // The new pods never get ready: 8 old ones and 5 new ones.
    await patch(fixture, image('two'));
    const sizes = async (): Promise<(number | undefined)[]> =>
      (await setsOf(fixture)).map(({ spec }) => spec?.replicas).toSorted((a, b) => (a ?? 0) - (b ?? 0));
    await fixture.until(async () => (await podsOf(fixture)).length === 13);
    expect(await sizes()).toEqual([5, 8]);
    await patch(fixture, { replicas: 15 });
    await fixture.until(async () => (await podsOf(fixture)).length === 18);
    expect(await sizes()).toEqual([7, 11]);
  });

  it('with the strategy Recreate ends all old pods before it makes new ones', async () => {
    await using fixture = await start();
    const template = deployment('one').spec?.template ?? {};
    const bound = { ...template, spec: { ...template.spec, nodeName: 'n1' } } as typeof template;
    const strategy = { type: 'Recreate' } as const;
    await fixture.client.deployments('default').create(deployment('one', { strategy, template: bound }));
    await rollOut(fixture, { most: 3, least: 0 });
    await patch(fixture, image('two'));
    await fixture.until(async () =>
      (await podsOf(fixture)).every((pod) => pod.metadata.deletionTimestamp !== undefined),
    );
    await fixture.advance(5000);
    expect(await podsOf(fixture)).toHaveLength(3);
    await finishDeleted(fixture);
    await rollOut(fixture, { most: 3, least: 0 });
    expect((await podsOf(fixture)).every((pod) => pod.spec?.containers[0]?.image === 'two')).toBe(true);
  });

  it('keeps so many old ReplicaSets as asked for', async () => {
    await using fixture = await start();
    await fixture.client.deployments('default').create(deployment('one', { revisionHistoryLimit: 1 }));
    for (const name of ['two', 'three', 'four']) {
      await rollOut(fixture, { most: 4, least: 0 });
      await patch(fixture, image(name));
    }
    await rollOut(fixture, { most: 4, least: 0 });
    await fixture.until(async () => (await setsOf(fixture)).length === 2);
    const revisions = (await setsOf(fixture)).map(
      ({ metadata }) => metadata.annotations?.['deployment.kubernetes.io/revision'],
    );
    expect(new Set(revisions)).toEqual(new Set(['3', '4']));
  });

  it('adopts ReplicaSets, and takes another hash when there is one of another template', async () => {
    await using fixture = await start();
    await fixture.client.deployments('default').create(deployment('one', { replicas: 1 }));
    await rollOut(fixture, { most: 1, least: 0 });
    const [first] = await setsOf(fixture);
    const name = first?.metadata.name ?? '';
    await fixture.client.deployments('default').delete('web');
    const body = { metadata: { ownerReferences: null } };
    await fixture.client.replicaSets('default').patch(name, { type: 'application/merge-patch+json', body });
    await fixture.client.deployments('default').create(deployment('one', { replicas: 1 }));
    await rollOut(fixture, { most: 1, least: 1 });
    expect(await setsOf(fixture)).toHaveLength(1);
    // Another template under the name that the hash gives.
    const set = (await setsOf(fixture))[0] as ReplicaSet;
    await fixture.client.deployments('default').delete('web');
    await fixture.client.replicaSets('default').delete(name);
    const other = structuredClone(set);
    other.metadata = { name, labels: { ...other.metadata.labels } };
    const container = other.spec?.template?.spec?.containers[0];
    if (container) container.image = 'other';
    await fixture.client.replicaSets('default').create(other);
    await fixture.client.deployments('default').create(deployment('one', { replicas: 1 }));
    await fixture.until(async () => (await read(fixture)).status?.collisionCount === 1);
    await fixture.until(async () => (await setsOf(fixture)).length === 2);
  });

  it('reports that no ReplicaSet can be made, and that pods cannot', async () => {
    let full = 'replicasets';
    const { wrap } = countingTransport({
      refuse: ({ method, path }) =>
        method === 'POST' && path.endsWith(`/${full}`) ? failure('Forbidden', `${full} are forbidden`) : undefined,
    });
    await using fixture = await start({ wrap });
    await fixture.client.deployments('default').create(deployment('one'));
    await fixture.until(async () => (await conditionOf(fixture, 'Progressing')) !== undefined);
    const failed = await conditionOf(fixture, 'Progressing');
    expect(failed).toMatchObject({ status: 'False', reason: 'ReplicaSetCreateError' });
    expect(failed?.message).toMatch(/^Failed to create new replica set "web-[a-z0-9]+": replicasets are forbidden$/);
    full = 'pods';
    await fixture.until(async () => (await conditionOf(fixture, 'ReplicaFailure')) !== undefined);
    expect(await conditionOf(fixture, 'ReplicaFailure')).toMatchObject({
      status: 'True',
      reason: 'FailedCreate',
      message: 'pods are forbidden',
    });
    full = 'nothing';
    await rollOut(fixture, { most: 3, least: 0 });
    expect(await conditionOf(fixture, 'ReplicaFailure')).toBeUndefined();
  });

  it('rolls back by the annotation of old', async () => {
    await using fixture = await start();
    await fixture.client.deployments('default').create(deployment('one'));
    await rollOut(fixture, { most: 3, least: 0 });
    await patch(fixture, image('two'));
    await rollOut(fixture, { most: 4, least: 0 });
    const body = { metadata: { annotations: { 'deprecated.deployment.rollback.to': '0' } } };
    await fixture.client.deployments('default').patch('web', { type: 'application/merge-patch+json', body });
    await fixture.until(async () => (await read(fixture)).spec?.template.spec?.containers[0]?.image === 'one');
    await rollOut(fixture, { most: 4, least: 0 });
    expect(await messages(fixture)).toContain('Rolled back deployment "web" to revision 1');
  });
});
