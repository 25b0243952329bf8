import { describe, expect, it } from 'vitest';
import type { Pod, ResourceQuota } from '@kubets/api/types/core-v1';
import { ControllerFixture } from '../testing/controller-fixture.ts';
import { countingTransport } from '../testing/counting-transport.ts';
import { Interference } from '../testing/interference.ts';
import { resourceQuotaController } from './controller.ts';

const quota = (hard: Record<string, string>, spec: Partial<ResourceQuota['spec']> = {}): ResourceQuota => ({
  metadata: { name: 'q' },
  spec: { hard, ...spec },
});

const pod = (name: string, spec: Partial<Pod['spec']> = {}, requests: Record<string, string> = {}): Pod => ({
  metadata: { name },
  spec: { containers: [{ name: 'c', image: 'i', resources: { requests } }], ...spec },
});

const start = (options: Parameters<typeof ControllerFixture.start>[1] = {}): Promise<ControllerFixture> =>
  ControllerFixture.start([resourceQuotaController], options);

const used = async ({ client }: ControllerFixture): Promise<Record<string, string> | undefined> =>
  (await client.resourceQuotas('ns').get('q')).status?.used;

async function untilUsed(fixture: ControllerFixture, expected: Record<string, string>): Promise<void> {
  await fixture
    .until(async () => JSON.stringify(await used(fixture)) === JSON.stringify(expected), { steps: 60 })
    .catch(async (error: unknown) => {
      throw new Error(`used: ${JSON.stringify(await used(fixture))}`, { cause: error });
    });
}

async function inNamespace(options: Parameters<typeof ControllerFixture.start>[1] = {}): Promise<ControllerFixture> {
  const fixture = await start(options);
  await fixture.client.namespaces().create({ metadata: { name: 'ns' } });
  return fixture;
}

describe('resource quota controller', () => {
  it('counts what is there, and what goes', async () => {
    await using fixture = await inNamespace();
    const { client } = fixture;
    await client.pods('ns').create(pod('a', {}, { cpu: '100m', memory: '1Gi' }));
    await client.pods('ns').create(pod('b', {}, { cpu: '200m', memory: '1Gi' }));
    await client.resourceQuotas('ns').create(quota({ pods: '5', 'requests.cpu': '1', memory: '10Gi', secrets: '3' }));
    await untilUsed(fixture, { memory: '2Gi', pods: '2', 'requests.cpu': '300m', secrets: '0' });
    expect((await client.resourceQuotas('ns').get('q')).status?.hard).toEqual({
      memory: '10Gi',
      pods: '5',
      'requests.cpu': '1',
      secrets: '3',
    });
    await client.pods('ns').delete('a', { gracePeriodSeconds: 0 });
    await untilUsed(fixture, { memory: '1Gi', pods: '1', 'requests.cpu': '200m', secrets: '0' });
    expect(fixture.errors).toEqual([]);
  });

  it('makes admission refuse what is too much, and allow it again', async () => {
    await using fixture = await inNamespace();
    const { client } = fixture;
    await client.resourceQuotas('ns').create(quota({ pods: '2' }));
    await untilUsed(fixture, { pods: '0' });
    await client.pods('ns').create(pod('a'));
    await client.pods('ns').create(pod('b'));
    await expect(client.pods('ns').create(pod('c'))).rejects.toThrow(
      'exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2',
    );
    await client.pods('ns').delete('a', { gracePeriodSeconds: 0 });
    await untilUsed(fixture, { pods: '1' });
    await client.pods('ns').create(pod('c'));
    await fixture.advance(5_000);
    expect(await used(fixture)).toEqual({ pods: '2' });
  });

  it('gives back what ended pods have used', async () => {
    await using fixture = await inNamespace();
    const { client } = fixture;
    await client.resourceQuotas('ns').create(quota({ pods: '5', 'count/pods': '5', 'requests.cpu': '5' }));
    await untilUsed(fixture, { 'count/pods': '0', pods: '0', 'requests.cpu': '0' });
    const created = await client.pods('ns').create(pod('a', {}, { cpu: '1' }));
    await untilUsed(fixture, { 'count/pods': '1', pods: '1', 'requests.cpu': '1' });
    await client.pods('ns').updateStatus({ ...created, status: { phase: 'Succeeded' } });
    await untilUsed(fixture, { 'count/pods': '1', pods: '0', 'requests.cpu': '0' });
    expect(fixture.errors).toEqual([]);
  });

  it.each([
    ['Terminating', { scopes: ['Terminating'] }, 1],
    ['NotTerminating', { scopes: ['NotTerminating'] }, 3],
    ['BestEffort', { scopes: ['BestEffort'] }, 3],
    ['NotBestEffort', { scopes: ['NotBestEffort'] }, 1],
    ['CrossNamespacePodAffinity', { scopes: ['CrossNamespacePodAffinity'] }, 1],
    [
      'PriorityClass',
      {
        scopeSelector: {
          matchExpressions: [{ scopeName: 'PriorityClass', operator: 'In', values: ['high'] }],
        },
      },
      1,
    ],
  ])('counts what is in scope %s', async (_name, spec, expected) => {
    await using fixture = await inNamespace();
    const { client } = fixture;
    await client.priorityClasses().create({ metadata: { name: 'high' }, value: 1000 });
    await client.pods('ns').create(pod('deadline', { activeDeadlineSeconds: 5 }, { cpu: '1' }));
    await client.pods('ns').create(pod('plain'));
    await client.pods('ns').create(pod('urgent', { priorityClassName: 'high' }));
    const term = { topologyKey: 'zone', namespaceSelector: {} };
    const affinity = { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } };
    await client.pods('ns').create(pod('social', { affinity }));
    await client.resourceQuotas('ns').create(quota({ pods: '9' }, spec as Partial<ResourceQuota['spec']>));
    await untilUsed(fixture, { pods: String(expected) });
    expect(fixture.errors).toEqual([]);
  });

  it('counts claims by class, services by type, and any object', async () => {
    await using fixture = await inNamespace();
    const { client } = fixture;
    const claim = (name: string, storageClassName?: string) => ({
      metadata: { name },
      spec: {
        accessModes: ['ReadWriteOnce' as const],
        resources: { requests: { storage: '1Gi' } },
        ...(storageClassName !== undefined && { storageClassName }),
      },
    });
    await client.persistentVolumeClaims('ns').create(claim('a'));
    await client.persistentVolumeClaims('ns').create(claim('b', 'gold'));
    const ports = [{ port: 80 }, { port: 81, name: 'b' }].map((port, i) => ({ name: `p${i}`, ...port }));
    await client.services('ns').create({ metadata: { name: 's' }, spec: { type: 'NodePort', ports } });
    await client.deployments('ns').create({
      metadata: { name: 'd' },
      spec: {
        selector: { matchLabels: { a: 'b' } },
        template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
      },
    });
    await client.resourceQuotas('ns').create(
      quota({
        persistentvolumeclaims: '9',
        'requests.storage': '9Gi',
        'gold.storageclass.storage.k8s.io/requests.storage': '9Gi',
        'gold.storageclass.storage.k8s.io/persistentvolumeclaims': '9',
        services: '9',
        'services.nodeports': '9',
        'services.loadbalancers': '9',
        'count/deployments.apps': '9',
        'count/nonsense.example.com': '9',
      }),
    );
    await untilUsed(fixture, {
      'count/deployments.apps': '1',
      'gold.storageclass.storage.k8s.io/persistentvolumeclaims': '1',
      'gold.storageclass.storage.k8s.io/requests.storage': '1Gi',
      persistentvolumeclaims: '2',
      'requests.storage': '2Gi',
      services: '1',
      'services.loadbalancers': '0',
      'services.nodeports': '2',
    });
    await client.deployments('ns').delete('d');
    await fixture.until(async () => (await used(fixture))?.['count/deployments.apps'] === '0');
    expect(fixture.errors).toEqual([]);
  });

  it('counts claims in scope VolumeAttributesClass', async () => {
    await using fixture = await inNamespace();
    const { client } = fixture;
    const claim = (name: string, volumeAttributesClassName?: string) => ({
      metadata: { name },
      spec: {
        accessModes: ['ReadWriteOnce' as const],
        resources: { requests: { storage: '1Gi' } },
        ...(volumeAttributesClassName !== undefined && { volumeAttributesClassName }),
      },
    });
    await client.persistentVolumeClaims('ns').create(claim('a', 'fast'));
    await client.persistentVolumeClaims('ns').create(claim('b', 'slow'));
    await client.persistentVolumeClaims('ns').create(claim('c'));
    const matchExpressions = [
      { scopeName: 'VolumeAttributesClass' as 'PriorityClass', operator: 'In' as const, values: ['fast'] },
    ];
    const hard = { persistentvolumeclaims: '9', 'requests.storage': '9Gi' };
    await client.resourceQuotas('ns').create(quota(hard, { scopeSelector: { matchExpressions } }));
    await untilUsed(fixture, { persistentvolumeclaims: '1', 'requests.storage': '1Gi' });
    expect(fixture.errors).toEqual([]);
  });

  it('follows changes of the limits, also after a restart, and then writes nothing', async () => {
    await using first = await inNamespace();
    const { client, plane } = first;
    await client.configMaps('ns').create({ metadata: { name: 'x' } });
    await client.resourceQuotas('ns').create(quota({ pods: '5' }));
    await untilUsed(first, { pods: '0' });
    const { writes, wrap } = countingTransport({ events: true });
    await using second = await start({ plane, wrap });
    await client.resourceQuotas('ns').patch('q', {
      type: 'application/merge-patch+json',
      body: { spec: { hard: { pods: null, configmaps: '7' } } },
    });
    await second.until(async () => (await used(second))?.['configmaps'] !== undefined);
    await second.advance(3_000);
    const before = writes.length;
    await second.advance(400_000);
    expect(writes.length).toBe(before);
    expect(Object.keys((await used(second)) ?? {})).toEqual(['configmaps']);
    expect(second.errors).toEqual([]);
  });

  it('is right in the end whatever is created and deleted meanwhile', async () => {
    await using fixture = await inNamespace();
    const { client } = fixture;
    await client.resourceQuotas('ns').create(quota({ configmaps: '1000', pods: '20' }));
    await untilUsed(fixture, { configmaps: '1', pods: '0' }).catch(() =>
      untilUsed(fixture, { configmaps: '0', pods: '0' }),
    );
    const outcomes = await Promise.allSettled(
      Array.from({ length: 60 }, async (_, i) => {
        await client.pods('ns').create(pod(`p${i}`));
        if (i % 3 === 0) await client.pods('ns').delete(`p${i}`, { gracePeriodSeconds: 0 });
      }),
    );
    await fixture.advance(10_000);
    const { items } = await client.pods('ns').list();
    expect((await used(fixture))?.['pods']).toBe(String(items.length));
    expect(items.length).toBeLessThanOrEqual(20);
    expect(outcomes.some(({ status }) => status === 'rejected')).toBe(true);
  });

  it.each([1, 2, 3])('is right in the end whatever goes wrong on the way (%i)', async (seed) => {
    const interference = new Interference(seed, 0.2);
    await using fixture = await inNamespace({ wrap: interference.wrap });
    const { client } = fixture;
    interference.begin();
    await client.resourceQuotas('ns').create(quota({ pods: '50', 'requests.cpu': '50' }));
    for (let i = 0; i < 15; i++) {
      await client.pods('ns').create(pod(`p${i}`, {}, { cpu: '1' }));
      if (i % 4 === 3) await client.pods('ns').delete(`p${i - 1}`, { gracePeriodSeconds: 0 });
      await fixture.advance(500);
    }
    interference.quiet();
    await untilUsed(fixture, { pods: '12', 'requests.cpu': '12' });
    expect((await client.pods('ns').list()).items).toHaveLength(12);
  });
});
