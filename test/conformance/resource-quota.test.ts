/** What a quota counts, gives back and refuses: upstream's `test/e2e/apimachinery/resource_quota.go`. */
import { describe, expect } from 'vitest';
import { covers, useNodes } from './covers.ts';
import { unique, type Cluster, type Draft, type Obj } from './cluster.ts';
import type { Collection } from './collection.ts';
import { pod } from './pods.ts';
import { containers, podTemplate } from './samples.ts';
import { becomes, change, vanishes } from './waiting.ts';

useNodes(1);

const quota = (name: string, hard: Draft, spec: Draft = {}, labels: Draft = {}): Draft => ({
  apiVersion: 'v1',
  kind: 'ResourceQuota',
  metadata: { name, labels },
  spec: { hard, ...spec },
});

interface QuotaStatus {
  readonly hard?: Readonly<Record<string, string>>;
  readonly used?: Readonly<Record<string, string>>;
}
const statusOf = (object: Obj): QuotaStatus => (object['status'] ?? {}) as QuotaStatus;
const exceeded = { code: 403, reason: 'Forbidden' };

/** The quota counts exactly this, of what is named. */
async function counts(quotas: Collection, name: string, used: Readonly<Record<string, string>>): Promise<void> {
  const fits = (object: Obj): boolean =>
    Object.entries(used).every(([resource, amount]) => statusOf(object).used?.[resource] === amount);
  await becomes(quotas, name, fits, `uses ${JSON.stringify(used)}`);
}

/** Everything that upstream's quota of these tests limits, with room for what each test makes. */
const everything: Readonly<Record<string, string>> = {
  pods: '5',
  services: '10',
  'services.nodeports': '1',
  'services.loadbalancers': '1',
  replicationcontrollers: '10',
  resourcequotas: '1',
  cpu: '1',
  memory: '500Mi',
  configmaps: '10',
  secrets: '10',
  persistentvolumeclaims: '10',
  'requests.storage': '10Gi',
  'requests.ephemeral-storage': '50Gi',
  'count/replicasets.apps': '5',
  'requests.example.com/dongle': '3',
};

async function withQuota(cluster: Cluster): Promise<{ namespace: string; quotas: Collection }> {
  const namespace = await cluster.namespace();
  const quotas = cluster.of('v1/resourcequotas', namespace);
  await quotas.create(quota('test-quota', everything));
  await becomes(quotas, 'test-quota', (object) => statusOf(object).hard?.['pods'] === '5');
  await counts(quotas, 'test-quota', { resourcequotas: '1', pods: '0', cpu: '0' });
  return { namespace, quotas };
}

const object = (apiVersion: string, kind: string, name: string, rest: Draft = {}): Draft => ({
  apiVersion,
  kind,
  metadata: { name },
  ...rest,
});

describe('the quota itself', () => {
  covers('[sig-api-machinery] ResourceQuota should be able to update and delete ResourceQuota.', async (cluster) => {
    const quotas = cluster.of('v1/resourcequotas', await cluster.namespace());
    const created = await quotas.create(quota('q', { cpu: '1', memory: '500Mi' }));
    expect(created['spec']).toEqual({ hard: { cpu: '1', memory: '500Mi' } });
    const hard = { cpu: '2', memory: '1Gi' };
    const updated = await change(quotas, 'q', (current) => ({ ...current, spec: { hard } }));
    expect(updated['spec']).toEqual({ hard });
    expect((await quotas.get('q'))['spec']).toEqual({ hard });
    await quotas.delete('q');
    await expect(quotas.get('q')).rejects.toMatchObject({ code: 404 });
  });

  covers('[sig-api-machinery] ResourceQuota should manage the lifecycle of a ResourceQuota', async (cluster) => {
    const label = unique('e2e');
    const quotas = cluster.of('v1/resourcequotas', await cluster.namespace());
    await quotas.create(quota('q', { cpu: '1', memory: '500Mi' }, {}, { quota: label }));
    const selector = { labelSelector: `quota=${label}` };
    expect((await cluster.of('v1/resourcequotas').list(selector)).items).toHaveLength(1);
    const patch = { metadata: { labels: { q: 'patched' } }, spec: { hard: { memory: '750Mi' } } };
    const patched = await quotas.patch('q', 'strategic', patch);
    expect(patched['spec']).toEqual({ hard: { cpu: '1', memory: '750Mi' } });
    expect(patched.metadata.labels).toEqual({ quota: label, q: 'patched' });
    await quotas.deleteCollection(selector);
    expect((await cluster.of('v1/resourcequotas').list(selector)).items).toEqual([]);
  });

  covers('[sig-api-machinery] ResourceQuota should apply changes to a resourcequota status', async (cluster) => {
    const quotas = cluster.of('v1/resourcequotas', await cluster.namespace());
    const status = { subresource: 'status' };
    const [small, large] = [
      { cpu: '500m', memory: '500Mi' },
      { cpu: '1', memory: '1Gi' },
    ];
    const inStatus = (hard: Draft) => (current: Obj) => JSON.stringify(statusOf(current).hard) === JSON.stringify(hard);
    using watching = await quotas.watch();
    await quotas.create(quota('q', small));
    await watching.event('MODIFIED', 'q', inStatus(small));
    await change(quotas, 'q', (current) => ({ ...current, spec: { hard: large } }));
    await watching.event('MODIFIED', 'q', inStatus(large));
    // The spec of what is sent to the status is passed over; the controller puts right what is wrong in the status.
    const patched = await quotas.patch('q', 'merge', { spec: { hard: small }, status: { hard: small } }, status);
    expect(patched).toMatchObject({ spec: { hard: large }, status: { hard: small } });
    await becomes(quotas, 'q', inStatus(large));
    const replaced = await change(quotas, 'q', (current) => ({ ...current, status: { hard: small } }), status);
    expect(replaced).toMatchObject({ spec: { hard: large }, status: { hard: small } });
    await becomes(quotas, 'q', inStatus(large));
  });

  covers(
    '[sig-api-machinery] ResourceQuota should create a ResourceQuota and ensure its status is promptly calculated.',
    async (cluster) => {
      const quotas = cluster.of('v1/resourcequotas', await cluster.namespace());
      await quotas.create(quota('test-quota', everything));
      const ready = await becomes(quotas, 'test-quota', (current) => statusOf(current).used !== undefined);
      expect(statusOf(ready).hard).toEqual(everything);
      const nothing = Object.fromEntries(Object.keys(everything).map((resource) => [resource, '0']));
      expect(statusOf(ready).used).toMatchObject({ ...nothing, configmaps: '1', resourcequotas: '1' });
    },
  );
});

/** Creates one, sees it counted, deletes it and sees that it is not counted any more. */
async function capturesLife(
  cluster: Cluster,
  resource: string,
  draft: Draft & { readonly metadata?: unknown },
  used: (before: Readonly<Record<string, string>>) => Readonly<Record<string, string>>,
): Promise<void> {
  const { namespace, quotas } = await withQuota(cluster);
  const collection = cluster.of(resource, namespace);
  const before = statusOf(await quotas.get('test-quota')).used ?? {};
  const { metadata } = await collection.create(draft);
  const during = used(before);
  await counts(quotas, 'test-quota', during);
  await collection.delete(metadata.name, { propagationPolicy: 'Background' });
  await counts(quotas, 'test-quota', Object.fromEntries(Object.keys(during).map((key) => [key, before[key] ?? '0'])));
}

const oneMore = (resource: string) => (before: Readonly<Record<string, string>>) => ({
  [resource]: `${Number(before[resource]) + 1}`,
});

describe('lives', () => {
  const title = (what: string): string =>
    `[sig-api-machinery] ResourceQuota should create a ResourceQuota and capture the life of a ${what}.`;

  covers(title('secret'), (cluster) =>
    capturesLife(cluster, 'v1/secrets', object('v1', 'Secret', 's', { data: { a: '' } }), oneMore('secrets')),
  );
  covers(title('configMap'), (cluster) =>
    capturesLife(cluster, 'v1/configmaps', object('v1', 'ConfigMap', 'm', { data: { a: 'b' } }), oneMore('configmaps')),
  );
  covers(title('replication controller'), (cluster) => {
    const spec = { replicas: 0, selector: { a: 'b' }, template: podTemplate({ a: 'b' }) };
    const draft = object('v1', 'ReplicationController', 'r', { spec });
    return capturesLife(cluster, 'v1/replicationcontrollers', draft, oneMore('replicationcontrollers'));
  });
  covers(title('replica set'), (cluster) => {
    const spec = { replicas: 0, selector: { matchLabels: { a: 'b' } }, template: podTemplate({ a: 'b' }) };
    const draft = object('apps/v1', 'ReplicaSet', 'r', { spec });
    return capturesLife(cluster, 'apps/v1/replicasets', draft, oneMore('count/replicasets.apps'));
  });

  covers(title('service'), async (cluster) => {
    const { namespace, quotas } = await withQuota(cluster);
    const services = cluster.of('v1/services', namespace);
    const draft = (name: string, type: string, spec: Draft = {}): Draft =>
      object('v1', 'Service', name, { spec: { type, ports: [{ port: 80, targetPort: 80 }], ...spec } });
    await services.create(draft('test-service', 'ClusterIP'));
    await services.create(draft('test-service-np', 'NodePort'));
    // There is one node port only, and it is taken.
    await expect(services.create(draft('test-service-lb', 'LoadBalancer'))).rejects.toMatchObject(exceeded);
    await counts(quotas, 'test-quota', { services: '2', 'services.nodeports': '1', 'services.loadbalancers': '0' });
    await services.delete('test-service');
    await services.delete('test-service-np');
    await counts(quotas, 'test-quota', { services: '0', 'services.nodeports': '0', 'services.loadbalancers': '0' });
  });

  covers(title('pod'), async (cluster) => {
    const { namespace, quotas } = await withQuota(cluster);
    const pods = cluster.of('v1/pods', namespace);
    const wants = (name: string, requests: Draft, limits: Draft = {}): Draft =>
      pod(name, { containers: [{ ...containers[0], resources: { requests, limits } }] });
    const dongle = { 'requests.example.com/dongle': '2' };
    const requests = { cpu: '500m', memory: '252Mi', 'ephemeral-storage': '30Gi', 'example.com/dongle': '2' };
    await pods.create(wants('test-pod', requests, { 'example.com/dongle': '2' }));
    const used = { pods: '1', cpu: '500m', memory: '252Mi', 'requests.ephemeral-storage': '30Gi', ...dongle };
    await counts(quotas, 'test-quota', used);
    const tooMuch = { cpu: '600m', memory: '100Mi', 'ephemeral-storage': '1Gi' };
    await expect(pods.create(wants('fail-pod', tooMuch))).rejects.toMatchObject(exceeded);
    const tooMany = { cpu: '100m', memory: '100Mi', 'ephemeral-storage': '1Gi', 'example.com/dongle': '2' };
    const extended = wants('fail-pod-for-extended-resource', tooMany, { 'example.com/dongle': '2' });
    await expect(pods.create(extended)).rejects.toMatchObject(exceeded);
    const invalid = { code: 422, reason: 'Invalid' };
    const other = { spec: { containers: [{ name: 'c', resources: { requests: { cpu: '200m' } } }] } };
    await expect(pods.patch('test-pod', 'strategic', other)).rejects.toMatchObject(invalid);
    await counts(quotas, 'test-quota', used);
    await pods.delete('test-pod', { gracePeriodSeconds: 0 });
    await vanishes(pods, 'test-pod');
    await counts(quotas, 'test-quota', {
      pods: '0',
      cpu: '0',
      memory: '0',
      'requests.ephemeral-storage': '0',
      'requests.example.com/dongle': '0',
    });
  });
});

describe('scopes', () => {
  const resources = { requests: { cpu: '500m', memory: '200Mi' }, limits: { cpu: '1', memory: '400Mi' } };
  const limited = { containers: [{ ...containers[0], resources }] };

  /** One quota for each of two opposite scopes; each pod counts against one of them, until it is gone. */
  async function eachCounts(
    cluster: Cluster,
    quotasBy: Readonly<Record<string, Draft>>,
    pods: readonly (readonly [string, Draft, string, Readonly<Record<string, string>>])[],
  ): Promise<void> {
    const namespace = await cluster.namespace();
    const quotas = cluster.of('v1/resourcequotas', namespace);
    const names = Object.keys(quotasBy);
    for (const [name, hard] of Object.entries(quotasBy)) {
      await quotas.create(quota(name.toLowerCase(), hard, { scopes: [name] }));
      await counts(quotas, name.toLowerCase(), { pods: '0' });
    }
    for (const [name, spec, scope, used] of pods) {
      const collection = cluster.of('v1/pods', namespace);
      await collection.create(pod(name, spec));
      await counts(quotas, scope.toLowerCase(), used);
      const other = names.find((each) => each !== scope) ?? '';
      await counts(quotas, other.toLowerCase(), { pods: '0' });
      await collection.delete(name, { gracePeriodSeconds: 0 });
      await counts(quotas, scope.toLowerCase(), Object.fromEntries(Object.keys(used).map((key) => [key, '0'])));
    }
  }

  covers('[sig-api-machinery] ResourceQuota should verify ResourceQuota with best effort scope.', (cluster) =>
    eachCounts(cluster, { BestEffort: { pods: '5' }, NotBestEffort: { pods: '5' } }, [
      ['best-effort', {}, 'BestEffort', { pods: '1' }],
      ['burstable', limited, 'NotBestEffort', { pods: '1' }],
    ]),
  );

  covers('[sig-api-machinery] ResourceQuota should verify ResourceQuota with terminating scopes.', (cluster) => {
    const hard = {
      pods: '5',
      'requests.cpu': '1',
      'requests.memory': '500Mi',
      'limits.cpu': '2',
      'limits.memory': '1Gi',
    };
    const used = {
      pods: '1',
      'requests.cpu': '500m',
      'requests.memory': '200Mi',
      'limits.cpu': '1',
      'limits.memory': '400Mi',
    };
    return eachCounts(cluster, { Terminating: hard, NotTerminating: hard }, [
      ['long-running', limited, 'NotTerminating', used],
      ['terminating', { ...limited, activeDeadlineSeconds: 3600 }, 'Terminating', used],
    ]);
  });
});
