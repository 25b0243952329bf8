import { describe, expect, it } from 'vitest';
import type { ApiObject } from '@kubets/apimachinery/meta';
import { toList } from './resource-list.ts';
import { isPodCharged, quotaSource, usageOf } from './usage.ts';

const core = (resource: string) => ({ group: '', resource });

const usage = (resource: { group: string; resource: string }, object: object, now?: number) =>
  toList(usageOf(resource, { metadata: {}, ...object } as ApiObject, now));

describe('usageOf', () => {
  it('counts what pods ask for', () => {
    const resources = {
      requests: { cpu: '1', memory: '1Gi', 'hugepages-2Mi': '4Mi', 'example.com/gpu': '2' },
      limits: { cpu: '2', memory: '2Gi', 'hugepages-2Mi': '4Mi', 'example.com/gpu': '2' },
    };
    expect(usage(core('pods'), { spec: { containers: [{ name: 'c', resources }] } })).toEqual({
      'count/pods': '1',
      pods: '1',
      cpu: '1',
      memory: '1Gi',
      'hugepages-2Mi': '4Mi',
      'requests.cpu': '1',
      'requests.memory': '1Gi',
      'requests.hugepages-2Mi': '4Mi',
      'requests.example.com/gpu': '2',
      'limits.cpu': '2',
      'limits.memory': '2Gi',
    });
  });

  it('counts ended and overdue pods by name only', () => {
    const spec = { containers: [{ name: 'c', resources: { requests: { cpu: '1' } } }] };
    const dying = { deletionTimestamp: '2026-01-01T00:00:30Z', deletionGracePeriodSeconds: 30 };
    const at = Date.UTC(2026, 0, 1, 0, 1, 0);
    expect(usage(core('pods'), { spec, status: { phase: 'Succeeded' } })).toEqual({ 'count/pods': '1' });
    expect(usage(core('pods'), { spec, metadata: dying }, at + 1000)).toEqual({ 'count/pods': '1' });
    expect(usage(core('pods'), { spec, metadata: dying }, at)).toMatchObject({ pods: '1', cpu: '1' });
    expect(isPodCharged({ metadata: dying }, undefined)).toBe(true);
  });

  it('counts devices by their class, of alternatives the most', () => {
    const requests = [
      { name: 'a', exactly: { deviceClassName: 'gpu', allocationMode: 'ExactCount', count: 2 } },
      { name: 'b', exactly: { deviceClassName: 'nic', allocationMode: 'All' } },
      {
        name: 'c',
        firstAvailable: [
          { name: 'x', deviceClassName: 'gpu', count: 1 },
          { name: 'y', deviceClassName: 'gpu', count: 4 },
          { name: 'z', deviceClassName: 'tpu' },
        ],
      },
    ];
    expect(
      usage({ group: 'resource.k8s.io', resource: 'resourceclaims' }, { spec: { devices: { requests } } }),
    ).toEqual({
      'count/resourceclaims.resource.k8s.io': '1',
      'gpu.deviceclass.resource.k8s.io/devices': '6',
      'nic.deviceclass.resource.k8s.io/devices': '32',
      'tpu.deviceclass.resource.k8s.io/devices': '1',
    });
  });
});

describe('quotaSource', () => {
  it.each([
    ['pods', 'pods', ''],
    ['count/deployments.apps', 'deployments', 'apps'],
    ['count/widgets.example.com', 'widgets', 'example.com'],
    ['count/secrets', 'secrets', ''],
    ['cpu', 'pods', ''],
    ['limits.memory', 'pods', ''],
    ['requests.ephemeral-storage', 'pods', ''],
    ['requests.hugepages-2Mi', 'pods', ''],
    ['hugepages-1Gi', 'pods', ''],
    ['requests.example.com/gpu', 'pods', ''],
    ['requests.storage', 'persistentvolumeclaims', ''],
    ['gold.storageclass.storage.k8s.io/requests.storage', 'persistentvolumeclaims', ''],
    ['gold.storageclass.storage.k8s.io/persistentvolumeclaims', 'persistentvolumeclaims', ''],
    ['services.nodeports', 'services', ''],
    ['gpu.deviceclass.resource.k8s.io/devices', 'resourceclaims', 'resource.k8s.io'],
  ])('%s counts %s of %j', (name, resource, group) => {
    expect(quotaSource(name)).toEqual({ group, resource });
  });

  it('knows what it does not know', () => {
    expect(quotaSource('example.com/gpu')).toBeUndefined();
    expect(quotaSource('something')).toBeUndefined();
  });
});
