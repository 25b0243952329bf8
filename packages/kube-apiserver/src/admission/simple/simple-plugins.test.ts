import { expect, it } from 'vitest';
import { FakeCacheDirectory } from '../../authorization/testing/fake-cache.ts';
import { alwaysPullImages } from '../always-pull-images/always-pull-images.ts';
import { attributes, verdict } from '../testing/attributes.ts';
import { alwaysAdmit, alwaysDeny, denyServiceExternalIPs, namespaceExists } from './simple-plugins.ts';

const map = { metadata: { name: 'c', namespace: 'ns' } };
const service = (...externalIPs: string[]) => ({ metadata: { name: 's', namespace: 'ns' }, spec: { externalIPs } });
const pod = (...images: string[]) => ({
  metadata: { name: 'p', namespace: 'ns' },
  spec: { containers: images.map((image) => ({ name: image, image, imagePullPolicy: 'IfNotPresent' })) },
});

it('admits or denies everything', async () => {
  expect(await verdict(alwaysAdmit(), attributes('configmaps', map))).toBe('');
  expect(await verdict(alwaysDeny(), attributes('configmaps', map))).toBe(
    'configmaps "c" is forbidden: admission control is denying all modifications',
  );
});

it('wants namespaces to exist', async () => {
  const caches = new FakeCacheDirectory();
  expect(await verdict(namespaceExists({ caches }), attributes('configmaps', map))).toBe('namespaces "ns" not found');
  caches.put('', 'namespaces', { metadata: { name: 'ns' } });
  expect(await verdict(namespaceExists({ caches }), attributes('configmaps', map))).toBe('');
});

it('denies new external addresses', async () => {
  expect(await verdict(denyServiceExternalIPs(), attributes('services', service('1.2.3.4')))).toBe(
    'services "s" is forbidden: Use of external IPs is denied by admission control.',
  );
  expect(
    await verdict(
      denyServiceExternalIPs(),
      attributes('services', service('1.2.3.4'), { old: service('1.2.3.4', '5.6.7.8') }),
    ),
  ).toBe('');
});

it('pulls images always', async () => {
  const made = pod('a');
  expect(await verdict(alwaysPullImages(), attributes('pods', made))).toBe('');
  expect(made.spec.containers[0]?.imagePullPolicy).toBe('Always');
  const unchanged = pod('a');
  await verdict(alwaysPullImages(), attributes('pods', unchanged, { old: pod('a') }));
  expect(unchanged.spec.containers[0]?.imagePullPolicy).toBe('IfNotPresent');
  expect(() => alwaysPullImages().validate?.(attributes('pods', pod('a')))).toThrow(
    'spec.containers[0].imagePullPolicy: Unsupported value: "IfNotPresent": supported values: "Always"',
  );
});
