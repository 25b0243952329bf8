import { describe, expect, it } from 'vitest';
import { TestControlPlane } from '@kubets/kube-apiserver/testing/test-control-plane';
import { rootCaCertificatePublisherController } from '../root-ca-certificate-publisher/controller.ts';
import { ControllerFixture } from '../testing/controller-fixture.ts';
import { serviceAccountController } from './controller.ts';

const both = [serviceAccountController, rootCaCertificatePublisherController];
const rootCa = 'CERTIFICATE';

/** A plane on which nobody else does this work. */
const planeAlone = (): Promise<TestControlPlane> => TestControlPlane.start({ server: { standIns: undefined } });

const start = (plane: TestControlPlane): Promise<ControllerFixture> =>
  ControllerFixture.start(both, { plane, options: { rootCa } });

async function has(fixture: ControllerFixture, namespace: string): Promise<boolean> {
  const { client } = fixture;
  try {
    const { data } = await client.configMaps(namespace).get('kube-root-ca.crt');
    await client.serviceAccounts(namespace).get('default');
    return data?.['ca.crt'] === rootCa;
  } catch {
    return false;
  }
}

describe('what every namespace has', () => {
  it('is made where it is missing, and made again', async () => {
    await using plane = await planeAlone();
    await using fixture = await start(plane);
    const { client } = fixture;
    await client.namespaces().create({ metadata: { name: 'a' } });
    for (const name of ['default', 'kube-system', 'a']) await fixture.until(() => has(fixture, name));
    await client.serviceAccounts('a').delete('default');
    await client.configMaps('a').delete('kube-root-ca.crt');
    await fixture.until(() => has(fixture, 'a'));
    const body = { data: { 'ca.crt': 'FORGED', other: 'x' } };
    await client.configMaps('a').patch('kube-root-ca.crt', { type: 'application/merge-patch+json', body });
    await fixture.until(() => has(fixture, 'a'));
    const { data, metadata } = await client.configMaps('a').get('kube-root-ca.crt');
    expect(data).toEqual({ 'ca.crt': rootCa });
    expect(metadata.annotations?.['kubernetes.io/description']).toContain('CA bundle');
    expect(fixture.errors).toEqual([]);
  });

  it('is there after a restart, and then nothing is written', async () => {
    await using plane = await planeAlone();
    {
      await using first = await start(plane);
      await first.until(() => has(first, 'kube-system'));
    }
    await plane.client.serviceAccounts('default').delete('default');
    const before = (await plane.client.configMaps('default').get('kube-root-ca.crt')).metadata.resourceVersion;
    await using second = await start(plane);
    await second.until(() => has(second, 'default'));
    await second.advance(5_000);
    expect((await plane.client.configMaps('default').get('kube-root-ca.crt')).metadata.resourceVersion).toBe(before);
  });

  it('is not made in namespaces that are going', async () => {
    await using plane = await planeAlone();
    await using fixture = await start(plane);
    const { client } = fixture;
    await client.namespaces().create({ metadata: { name: 'a' } });
    await fixture.until(() => has(fixture, 'a'));
    await client.namespaces().delete('a');
    await client.serviceAccounts('a').delete('default');
    await client.configMaps('a').delete('kube-root-ca.crt');
    await fixture.advance(5_000);
    expect((await client.serviceAccounts('a').list()).items).toEqual([]);
    expect((await client.configMaps('a').list()).items).toEqual([]);
    expect(fixture.errors).toEqual([]);
  });
});
