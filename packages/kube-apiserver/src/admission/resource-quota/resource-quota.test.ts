import { newConflict } from '@kubets/apimachinery/status';
import { describe, expect, it } from 'vitest';
import { FakeCacheDirectory } from '../../authorization/testing/fake-cache.ts';
import { FakeClient } from '../../bootstrap/testing/fake-client.ts';
import { attributes, verdict } from '../testing/attributes.ts';
import { resourceQuota } from './resource-quota.ts';
import { toList } from '@kubets/api/core/helpers/quota/resource-list';
import { usageOf } from '@kubets/api/core/helpers/quota/usage';

function setup(hard: Record<string, string>, used: Record<string, string>, spec: object = {}) {
  const caches = new FakeCacheDirectory();
  const client = new FakeClient(caches);
  caches.put('', 'resourcequotas', {
    metadata: { name: 'x', namespace: 'ns', resourceVersion: '1' },
    spec: { hard, ...spec },
    status: { hard, used },
  });
  const plugin = resourceQuota({ caches, client });
  const usedNow = () =>
    (caches.of({ group: '', resource: 'resourcequotas' }).get('ns', 'x')!.object['status'] as { used: object }).used;
  return { caches, client, plugin, usedNow };
}

let count = 0;
const pod = (resources: object = {}, spec: object = {}) => ({
  metadata: { name: `p${count++}`, namespace: 'ns' },
  spec: { containers: [{ name: 'c1', resources }], ...spec },
});
const why = async (
  plugin: ReturnType<typeof resourceQuota>,
  object: object,
  over: Parameters<typeof attributes>[2] & { resource?: string } = {},
) => {
  const { resource = 'pods', ...rest } = over;
  return (await verdict(plugin, attributes(resource, object, rest))).replace(/^\S+ "[^"]*" is forbidden: /, '');
};

describe('ResourceQuota', () => {
  it('charges, then refuses', async () => {
    const { plugin, usedNow } = setup({ pods: '2' }, { pods: '1' });
    expect(await why(plugin, pod())).toBe('');
    expect(usedNow()).toEqual({ pods: '2' });
    expect(await why(plugin, pod())).toBe('exceeded quota: x, requested: pods=1, used: pods=2, limited: pods=2');
  });

  it('restricts nobody before the quota controller has taken a quota up', async () => {
    const { caches, plugin } = setup({ cpu: '1' }, {});
    caches.put('', 'resourcequotas', { metadata: { name: 'x', namespace: 'ns' }, spec: { hard: { cpu: '1' } } });
    expect(await why(plugin, pod())).toBe('');
  });

  it('charges a burst with few writes, and never too much', async () => {
    const { plugin, client, usedNow } = setup({ pods: '10' }, { pods: '0' });
    const outcomes = await Promise.all(Array.from({ length: 25 }, () => why(plugin, pod())));
    expect(outcomes.filter((text) => text === '')).toHaveLength(10);
    expect(usedNow()).toEqual({ pods: '10' });
    expect(client.log.length).toBeLessThan(5);
  });

  it('looks again after a conflict', async () => {
    const { plugin, client, usedNow } = setup({ pods: '2' }, { pods: '0' });
    client.failNext = newConflict({ group: '', resource: 'resourcequotas' }, 'x', 'modified');
    expect(await why(plugin, pod())).toBe('');
    expect(usedNow()).toEqual({ pods: '1' });
    client.failNext = new Error('disk full');
    expect(await why(plugin, pod())).toBe('disk full');
  });

  it('writes nothing in a dry run', async () => {
    const { plugin, client } = setup({ pods: '1' }, { pods: '0' });
    expect(await why(plugin, pod(), { dryRun: true })).toBe('');
    expect(client.log).toEqual([]);
  });

  it.each<[string, Record<string, string>, object, string]>([
    [
      'pods that say nothing',
      { 'limits.cpu': '1', 'limits.memory': '1Gi' },
      pod(),
      'failed quota: x: must specify limits.cpu for: c1; limits.memory for: c1',
    ],
    [
      'too much memory',
      { 'requests.memory': '1Gi' },
      pod({ requests: { memory: '2Gi' } }),
      'exceeded quota: x, requested: requests.memory=2Gi, used: requests.memory=0, limited: requests.memory=1Gi',
    ],
    ['enough', { cpu: '1', 'limits.memory': '1Gi' }, pod({ requests: { cpu: '500m' }, limits: { memory: '1Gi' } }), ''],
    [
      'devices',
      { 'requests.example.com/gpu': '1' },
      pod({ requests: { 'example.com/gpu': '2' }, limits: { 'example.com/gpu': '2' } }),
      'exceeded quota: x, requested: requests.example.com/gpu=2, used: requests.example.com/gpu=0, limited: requests.example.com/gpu=1',
    ],
    ['other kinds of limits', { services: '0' }, pod(), ''],
  ])('%s', async (_, hard, object, expected) => {
    const used = Object.fromEntries(Object.keys(hard).map((name) => [name, '0']));
    expect(await why(setup(hard, used).plugin, object)).toBe(expected);
  });

  it('refuses while the usage is not known', async () => {
    expect(await why(setup({ pods: '1' }, {}).plugin, pod())).toBe('status unknown for quota: x, resources: pods');
  });

  it('counts objects of any kind, claims and services', async () => {
    const { plugin, usedNow } = setup(
      { 'count/deployments.apps': '1', 'requests.storage': '5Gi', 'services.nodeports': '1' },
      { 'count/deployments.apps': '1', 'requests.storage': '0', 'services.nodeports': '0' },
    );
    const named = (name: string, spec: object) => ({ metadata: { name, namespace: 'ns' }, spec });
    expect(await why(plugin, named('d', {}), { resource: 'deployments', group: 'apps' })).toBe(
      'exceeded quota: x, requested: count/deployments.apps=1, used: count/deployments.apps=1, limited: count/deployments.apps=1',
    );
    const claim = (storage: string) => named('c', { resources: { requests: { storage } } });
    expect(await why(plugin, claim('3Gi'), { resource: 'persistentvolumeclaims' })).toBe('');
    expect(await why(plugin, claim('9Gi'), { resource: 'persistentvolumeclaims', old: claim('3Gi') })).toBe(
      'exceeded quota: x, requested: requests.storage=6Gi, used: requests.storage=3Gi, limited: requests.storage=5Gi',
    );
    expect(await why(plugin, claim('4Gi'), { resource: 'persistentvolumeclaims', old: claim('3Gi') })).toBe('');
    expect(await why(plugin, named('s', { type: 'NodePort', ports: [{}, {}] }), { resource: 'services' })).toContain(
      'requested: services.nodeports=2',
    );
    expect(usedNow()).toEqual({ 'count/deployments.apps': '1', 'requests.storage': '4Gi', 'services.nodeports': '0' });
  });

  it.each<[string, object, object, boolean]>([
    ['BestEffort', { scopes: ['BestEffort'] }, pod(), true],
    ['BestEffort', { scopes: ['BestEffort'] }, pod({ requests: { cpu: '1' } }), false],
    ['NotBestEffort', { scopes: ['NotBestEffort'] }, pod({ requests: { cpu: '1' } }), true],
    ['Terminating', { scopes: ['Terminating'] }, pod({}, { activeDeadlineSeconds: 5 }), true],
    ['NotTerminating', { scopes: ['NotTerminating'] }, pod({}, { activeDeadlineSeconds: 5 }), false],
    [
      'PriorityClass In',
      { scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator: 'In', values: ['high'] }] } },
      pod({}, { priorityClassName: 'high' }),
      true,
    ],
    [
      'PriorityClass NotIn',
      { scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator: 'NotIn', values: ['high'] }] } },
      pod({}, { priorityClassName: 'high' }),
      false,
    ],
    [
      'CrossNamespacePodAffinity',
      { scopes: ['CrossNamespacePodAffinity'] },
      pod(
        {},
        { affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ namespaces: ['x'] }] } } },
      ),
      true,
    ],
  ])('scope %s', async (_, spec, object, applies) => {
    const { plugin } = setup({ pods: '0' }, { pods: '0' }, spec);
    expect((await why(plugin, object)) !== '').toBe(applies);
  });

  it('is silent without quotas', () => {
    const caches = new FakeCacheDirectory();
    const plugin = resourceQuota({ caches, client: new FakeClient(caches) });
    expect(plugin.validate?.(attributes('pods', pod()))).toBeUndefined();
  });
});

describe('usageOf', () => {
  it('takes the largest of init containers and the sum of others, with overhead', () => {
    const object = pod(
      { requests: { cpu: '1', memory: '1Gi' }, limits: { cpu: '2' } },
      { initContainers: [{ name: 'i', resources: { requests: { cpu: '3' } } }], overhead: { cpu: '100m' } },
    );
    expect(toList(usageOf({ group: '', resource: 'pods' }, object))).toEqual({
      'count/pods': '1',
      cpu: '3100m',
      'limits.cpu': '2100m',
      memory: '1Gi',
      pods: '1',
      'requests.cpu': '3100m',
      'requests.memory': '1Gi',
    });
  });

  it('counts ended pods as objects only', () => {
    expect(toList(usageOf({ group: '', resource: 'pods' }, { ...pod(), status: { phase: 'Succeeded' } }))).toEqual({
      'count/pods': '1',
    });
  });

  it('counts claims of a class apart', () => {
    const claim = { metadata: {}, spec: { storageClassName: 'fast', resources: { requests: { storage: '1Gi' } } } };
    expect(toList(usageOf({ group: '', resource: 'persistentvolumeclaims' }, claim))).toEqual({
      'count/persistentvolumeclaims': '1',
      'fast.storageclass.storage.k8s.io/persistentvolumeclaims': '1',
      'fast.storageclass.storage.k8s.io/requests.storage': '1Gi',
      persistentvolumeclaims: '1',
      'requests.storage': '1Gi',
    });
  });
});
