import { describe, expect, it } from 'vitest';
import type { Service } from '@kubets/api/types/core-v1';
import type { EndpointSlice } from '@kubets/api/types/discovery-v1';
import { ControllerFixture } from '../testing/controller-fixture.ts';
import { countingTransport } from '../testing/counting-transport.ts';
import { runPod } from '../testing/run-pod.ts';
import { endpointSliceController } from './controller.ts';

const service = (name: string, spec: object = {}): Service =>
  ({ metadata: { name }, spec: { selector: { app: name }, ports: [{ port: 80 }], ...spec } }) as Service;

const addresses = (slices: readonly Readonly<EndpointSlice>[]): string[] =>
  slices.flatMap((slice) => (slice.endpoints ?? []).flatMap((endpoint) => endpoint.addresses)).toSorted();

describe('endpointslice-controller', () => {
  it('follows pods, repairs what others change, and rests', async () => {
    const { writes, wrap } = countingTransport({ events: true });
    await using fixture = await ControllerFixture.start([endpointSliceController], {
      wrap,
      options: { maxEndpointsPerSlice: 2 },
    });
    const { client } = fixture;
    const slices = async (): Promise<readonly Readonly<EndpointSlice>[]> =>
      (await client.endpointSlices('default').list({ labelSelector: 'kubernetes.io/service-name=web' })).items;
    await client.nodes().create({ metadata: { name: 'node', labels: { 'topology.kubernetes.io/zone': 'z' } } });
    await client.services('default').create(service('web'));
    await fixture.until(async () => (await slices()).length === 1);
    for (let i = 1; i <= 5; i++) await runPod(client, { name: `p${i}`, ip: `10.1.0.${i}`, labels: { app: 'web' } });
    await runPod(client, { name: 'other', ip: '10.1.0.9', labels: { app: 'other' } });
    const all = ['10.1.0.1', '10.1.0.2', '10.1.0.3', '10.1.0.4', '10.1.0.5'];
    const complete = async (): Promise<boolean> => addresses(await slices()).join() === all.join();
    await fixture.until(complete);
    expect((await slices()).every((slice) => slice.endpoints!.length <= 2)).toBe(true);
    expect((await slices())[0]?.endpoints?.[0]?.zone).toBe('z');

    // Somebody takes a slice away, another one empties one.
    const [first, second] = await slices();
    await client.endpointSlices('default').delete(first!.metadata.name!);
    await client.endpointSlices('default').update({ ...structuredClone(second!), endpoints: [] });
    await fixture.until(complete);

    await client.pods('default').delete('p3', { gracePeriodSeconds: 0 });
    await fixture.until(async () => addresses(await slices()).length === 4);
    await fixture.advance(5000);
    writes.length = 0;
    await fixture.advance(60_000);
    expect(writes).toEqual([]);
    expect(fixture.errors).toEqual([]);
  });

  it('goes on where its predecessor stopped', async () => {
    await using first = await ControllerFixture.start([endpointSliceController]);
    const { client, plane } = first;
    await client.nodes().create({ metadata: { name: 'node' } });
    await client.services('default').create(service('web'));
    await runPod(client, { name: 'p1', ip: '10.1.0.1', labels: { app: 'web' } });
    const slices = async (): Promise<readonly Readonly<EndpointSlice>[]> =>
      (await client.endpointSlices('default').list({ labelSelector: 'kubernetes.io/service-name=web' })).items;
    await first.until(async () => addresses(await slices()).length === 1);
    const { writes, wrap } = countingTransport({ events: true });
    await using second = await ControllerFixture.start([endpointSliceController], { plane, wrap });
    await second.advance(3000);
    expect(writes).toEqual([]);
    await runPod(client, { name: 'p2', ip: '10.1.0.2', labels: { app: 'web' } });
    // Both run: they get into each other's way, and agree.
    await second.until(async () => addresses(await slices()).length === 2 && (await slices()).length === 1);
    await second.advance(30_000);
    writes.length = 0;
    await second.advance(10_000);
    expect(writes).toEqual([]);
  });

  it('serves both families, headless Services, and none without a selector', async () => {
    await using fixture = await ControllerFixture.start([endpointSliceController]);
    const { client } = fixture;
    await client.nodes().create({ metadata: { name: 'node' } });
    await client.services('default').create(service('manual', { selector: undefined }));
    await client.services('default').create(service('headless', { clusterIP: 'None' }));
    await runPod(client, { name: 'p1', ip: '10.1.0.1', labels: { app: 'headless' } });
    const slices = async (name: string): Promise<readonly Readonly<EndpointSlice>[]> =>
      (await client.endpointSlices('default').list({ labelSelector: `kubernetes.io/service-name=${name}` })).items;
    await fixture.until(async () => addresses(await slices('headless')).length === 1);
    expect((await slices('headless'))[0]?.metadata.labels).toHaveProperty(['service.kubernetes.io/headless'], '');
    await fixture.advance(3000);
    expect(await slices('manual')).toEqual([]);
    const warnings = (await client.events('default').list()).items.filter((event) => event.type === 'Warning');
    expect(warnings).toEqual([]);
  });
});
