import { describe, expect, it } from 'vitest';
import { FakeCacheDirectory } from '../../authorization/testing/fake-cache.ts';
import { attributes, verdict } from '../testing/attributes.ts';
import { limitRanger } from './limit-ranger.ts';

const withLimits = (...limits: object[]) => {
  const caches = new FakeCacheDirectory();
  caches.put('', 'limitranges', { metadata: { name: 'l', namespace: 'ns' }, spec: { limits } });
  return limitRanger({ caches });
};
const container = (requests?: object, limits?: object, name = 'c') => ({
  name,
  resources: { ...(limits && { limits }), ...(requests && { requests }) },
});
const pod = (...containers: object[]) => ({ metadata: { name: 'p', namespace: 'ns' }, spec: { containers } });

describe('LimitRanger', () => {
  it('sets what is missing and says so', async () => {
    const object = pod(container({ cpu: '1' }), { name: 'd' });
    const plugin = withLimits({
      type: 'Container',
      default: { cpu: '2', memory: '1Gi' },
      defaultRequest: { memory: '512Mi', cpu: '100m' },
    });
    expect(await verdict(plugin, attributes('pods', object))).toBe('');
    expect(object).toEqual({
      metadata: {
        name: 'p',
        namespace: 'ns',
        annotations: {
          'kubernetes.io/limit-ranger':
            'LimitRanger plugin set: memory request for container c; cpu, memory limit for container c; cpu, memory request for container d; cpu, memory limit for container d',
        },
      },
      spec: {
        containers: [
          { name: 'c', resources: { limits: { cpu: '2', memory: '1Gi' }, requests: { cpu: '1', memory: '512Mi' } } },
          { name: 'd', resources: { limits: { cpu: '2', memory: '1Gi' }, requests: { cpu: '100m', memory: '512Mi' } } },
        ],
      },
    });
  });

  const bounds = {
    type: 'Container',
    min: { cpu: '100m' },
    max: { memory: '1Gi' },
    maxLimitRequestRatio: { cpu: '2' },
  };
  const good = { requests: { cpu: '1', memory: '1Gi' }, limits: { cpu: '2', memory: '1Gi' } };
  it.each<[string, object, object, string]>([
    ['within bounds', bounds, pod(container(good.requests, good.limits)), ''],
    [
      'too little',
      bounds,
      pod(container({ ...good.requests, cpu: '50m' }, { ...good.limits, cpu: '100m' })),
      'minimum cpu usage per Container is 100m, but request is 50m',
    ],
    [
      'too low a limit',
      { type: 'Container', min: { cpu: '1' } },
      pod(container({ cpu: '1' }, { cpu: '500m' })),
      'minimum cpu usage per Container is 1, but limit is 500m',
    ],
    [
      'no request',
      { type: 'Container', min: { cpu: '1' } },
      pod(container()),
      'minimum cpu usage per Container is 1.  No request is specified',
    ],
    [
      'too much',
      bounds,
      pod(container(good.requests, { ...good.limits, memory: '2Gi' })),
      'maximum memory usage per Container is 1Gi, but limit is 2Gi',
    ],
    [
      'no limit',
      { type: 'Container', max: { cpu: '1' } },
      pod(container({ cpu: '1' })),
      'maximum cpu usage per Container is 1.  No limit is specified',
    ],
    [
      'too wide a ratio',
      bounds,
      pod(container(good.requests, { ...good.limits, cpu: '3' })),
      'cpu max limit to request ratio per Container is 2, but provided ratio is 3.000000',
    ],
    [
      'several faults',
      { type: 'Container', min: { cpu: '1', memory: '1Gi' } },
      pod(container()),
      '[minimum cpu usage per Container is 1.  No request is specified, minimum memory usage per Container is 1Gi.  No request is specified]',
    ],
    [
      'the sum of a pod',
      { type: 'Pod', max: { cpu: '3' } },
      pod(container({ cpu: '2' }, { cpu: '2' }), container({ cpu: '2' }, { cpu: '2' }, 'd')),
      'maximum cpu usage per Pod is 3, but limit is 4',
    ],
  ])('%s', async (_, item, object, expected) => {
    const text = await verdict(withLimits(item), attributes('pods', object));
    expect(text.replace('pods "p" is forbidden: ', '')).toBe(expected);
  });

  const claim = (storage?: string) => ({
    metadata: { name: 'c', namespace: 'ns' },
    spec: { resources: { requests: storage === undefined ? {} : { storage } } },
  });
  it.each<[string, object, string]>([
    ['fits', claim('2Gi'), ''],
    ['too small', claim('500Mi'), 'minimum storage usage per PersistentVolumeClaim is 1Gi, but request is 500Mi'],
    ['too large', claim('20Gi'), 'maximum storage usage per PersistentVolumeClaim is 10Gi, but request is 20Gi'],
  ])('a claim that %s', async (_, object, expected) => {
    const plugin = withLimits({ type: 'PersistentVolumeClaim', min: { storage: '1Gi' }, max: { storage: '10Gi' } });
    expect(
      (await verdict(plugin, attributes('persistentvolumeclaims', object))).replace(
        'persistentvolumeclaims "c" is forbidden: ',
        '',
      ),
    ).toBe(expected);
    expect(
      (await verdict(plugin, attributes('persistentvolumeclaims', object, { old: claim('1Gi') }))).endsWith(expected),
    ).toBe(true);
  });

  it('leaves updates of pods and other namespaces alone', async () => {
    const plugin = withLimits({ type: 'Container', min: { cpu: '1' } });
    expect(await verdict(plugin, attributes('pods', pod(container()), { old: pod(container()) }))).toBe('');
    expect(await verdict(plugin, attributes('pods', pod(container()), { namespace: 'other' }))).toBe('');
    expect(
      await verdict(plugin, attributes('pods', pod(container()), { subresource: 'resize', old: pod(container()) })),
    ).toContain('No request');
  });
});
