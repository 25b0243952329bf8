import { describe, expect, it } from 'vitest';
import { isNotFound } from '@kubets/apimachinery/status';
import type { Service } from '@kubets/api/types/core-v1';
import type { ServiceCIDR } from '@kubets/api/types/networking-v1';
import { ControllerFixture } from '../testing/controller-fixture.ts';
import { countingTransport } from '../testing/counting-transport.ts';
import { serviceCidrController } from './controller.ts';

const ready = (cidr: Readonly<ServiceCIDR> | undefined) => cidr?.status?.conditions?.find((c) => c.type === 'Ready');

describe('service-cidr-controller', () => {
  it('protects ranges that are in use, lets them go, and rests', async () => {
    const { writes, wrap } = countingTransport({ events: true });
    await using fixture = await ControllerFixture.start([serviceCidrController], { wrap });
    const { client } = fixture;
    const get = (): Promise<Readonly<ServiceCIDR> | undefined> =>
      client
        .serviceCIDRs()
        .get('extra')
        .catch((error: unknown) => {
          if (isNotFound(error)) return undefined;
          throw error;
        });
    await client.serviceCIDRs().create({ metadata: { name: 'extra' }, spec: { cidrs: ['192.168.7.0/24'] } });
    await fixture.until(async () => ready(await get())?.status === 'True');
    expect(ready(await get())?.message).toBe('Kubernetes Service CIDR is ready');
    expect((await get())?.metadata.finalizers).toEqual(['networking.k8s.io/service-cidr-finalizer']);
    const spec = { clusterIP: '192.168.7.9', ports: [{ port: 80 }] };
    await client.services('default').create({ metadata: { name: 's' }, spec } as Service);
    await fixture.advance(5000);
    writes.length = 0;
    await fixture.advance(20_000);
    expect(writes).toEqual([]);

    await client.serviceCIDRs().delete('extra');
    await fixture.until(async () => ready(await get())?.status === 'False');
    expect(ready(await get())).toMatchObject({
      reason: 'Terminating',
      message:
        'There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR',
    });
    await fixture.advance(30_000);
    expect(await get()).toBeDefined();
    await client.services('default').delete('s');
    await fixture.until(async () => (await get()) === undefined);
    expect(fixture.errors).toEqual([]);
  });
});
