import { describe, expect, it } from 'vitest';
import type { Endpoints, Service } from '@kubets/api/types/core-v1';
import { isNotFound } from '@kubets/apimachinery/status';
import { TestControlPlane } from '@kubets/kube-apiserver/testing/test-control-plane';
import { ControllerFixture } from '../testing/controller-fixture.ts';
import { countingTransport } from '../testing/counting-transport.ts';
import { runPod } from '../testing/run-pod.ts';
import { endpointsController } from './controller.ts';

const service = (name: string, spec: object = {}): Service =>
  ({ metadata: { name }, spec: { selector: { app: name }, ports: [{ port: 80 }], ...spec } }) as Service;
const ips = (endpoints: Readonly<Endpoints> | undefined): string =>
  (endpoints?.subsets ?? []).flatMap((s) => (s.addresses ?? []).map((a) => a.ip)).join();

describe('endpoints-controller', () => {
  it('follows pods and Services, and rests', async () => {
    const { writes, wrap } = countingTransport({ events: true });
    await using fixture = await ControllerFixture.start([endpointsController], { wrap });
    const { client } = fixture;
    const get = (name: string): Promise<Readonly<Endpoints> | undefined> =>
      client
        .endpoints('default')
        .get(name)
        .catch((error: unknown) => {
          if (isNotFound(error)) return undefined;
          throw error;
        });
    await client.services('default').create(service('web'));
    await client.services('default').create(service('manual', { selector: undefined }));
    await fixture.until(async () => (await get('web')) !== undefined);
    for (let i = 1; i <= 3; i++) await runPod(client, { name: `p${i}`, ip: `10.1.0.${i}`, labels: { app: 'web' } });
    await fixture.until(async () => ips(await get('web')) === '10.1.0.1,10.1.0.2,10.1.0.3');
    await client.pods('default').delete('p2', { gracePeriodSeconds: 0 });
    await fixture.until(async () => ips(await get('web')) === '10.1.0.1,10.1.0.3');
    await client.endpoints('default').delete('web');
    await fixture.until(async () => ips(await get('web')) === '10.1.0.1,10.1.0.3');
    await fixture.advance(5000);
    writes.length = 0;
    await fixture.advance(60_000);
    expect(writes).toEqual([]);
    expect(await get('manual')).toBeUndefined();
    await client.services('default').delete('web');
    await fixture.until(async () => (await get('web')) === undefined);
    expect(fixture.errors).toEqual([]);
  });

  it('takes away what was left over while it was not running', async () => {
    await using plane = await TestControlPlane.start();
    const { client } = plane;
    const leader = { 'control-plane.alpha.kubernetes.io/leader': '{}' };
    await client.endpoints('default').create({ metadata: { name: 'left-over' } });
    await client.endpoints('default').create({ metadata: { name: 'lock', annotations: leader } });
    await using fixture = await ControllerFixture.start([endpointsController], { plane });
    const names = async (): Promise<string> =>
      (await client.endpoints('default').list()).items.map((e) => e.metadata.name).join();
    await fixture.until(async () => !(await names()).includes('left-over'));
    expect(await names()).toContain('lock');
  });
});
