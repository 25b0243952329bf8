import { describe, expect, it } from 'vitest';
import type { Service } from '@kubets/api/types/core-v1';
import type { EndpointSlice } from '@kubets/api/types/discovery-v1';
import { ControllerFixture } from '../testing/controller-fixture.ts';
import { countingTransport } from '../testing/counting-transport.ts';
import { endpointSliceMirroringController } from './controller.ts';

const ports = [{ name: 'http', port: 80 }];

describe('endpointslice-mirroring-controller', () => {
  it('mirrors, follows, repairs, cleans up and rests', async () => {
    const { writes, wrap } = countingTransport({ events: true });
    await using fixture = await ControllerFixture.start([endpointSliceMirroringController], { wrap });
    const { client } = fixture;
    const slices = async (): Promise<readonly Readonly<EndpointSlice>[]> =>
      (await client.endpointSlices('default').list({ labelSelector: 'kubernetes.io/service-name=db' })).items;
    const addresses = async (): Promise<string> =>
      (await slices()).flatMap((s) => (s.endpoints ?? []).flatMap((e) => e.addresses)).join();
    const service = { metadata: { name: 'db' }, spec: { ports: [{ port: 80 }] } } as Service;
    await client.services('default').create(service);
    await client
      .endpoints('default')
      .create({ metadata: { name: 'db' }, subsets: [{ addresses: [{ ip: '192.0.2.10' }], ports }] });
    await fixture.until(async () => (await addresses()) === '192.0.2.10');
    const body = { subsets: [{ addresses: [{ ip: '192.0.2.11' }, { ip: '192.0.2.12' }], ports }] };
    await client.endpoints('default').patch('db', { type: 'application/merge-patch+json', body });
    await fixture.until(async () => (await addresses()) === '192.0.2.11,192.0.2.12');
    await client.endpointSlices('default').delete((await slices())[0]!.metadata.name!);
    await fixture.until(async () => (await addresses()) === '192.0.2.11,192.0.2.12');
    await fixture.advance(5000);
    writes.length = 0;
    await fixture.advance(30_000);
    expect(writes).toEqual([]);
    const selector = { spec: { selector: { app: 'db' } } };
    await client.services('default').patch('db', { type: 'application/merge-patch+json', body: selector });
    await fixture.until(async () => (await slices()).length === 0);
    expect(fixture.errors).toEqual([]);
  });
});
