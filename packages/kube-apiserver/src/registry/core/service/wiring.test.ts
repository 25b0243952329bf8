import { FakeClock } from '@kubets/apimachinery/fake-clock';
import { ModelStorage } from '@kubets/etcd/testing';
import { expect, it } from 'vitest';
import { createApiServer } from '../../../api-server.ts';
import { KubernetesService } from '../../../bootstrap/kubernetes-service.ts';
import { silentLog } from '@kubets/apimachinery/log';
import { CountingRandom } from '../../testing/api-fixture.ts';
import { serviceHooks } from './service-hooks.ts';

it('allocates in a whole server', async () => {
  const clock = new FakeClock();
  const random = new CountingRandom();
  await using storage = new ModelStorage(clock);
  using services = serviceHooks({ serviceCidrs: ['10.96.0.0/16'], clock, random });
  await using server = await createApiServer({
    clock,
    random,
    log: silentLog,
    storage,
    registry: { hooks: services.hooks },
    install: ({ registry, client }) => services.connect({ caches: registry.directory, client }),
  });
  await server.start();
  const { client, registry } = server.parts;
  const bootstrap = new KubernetesService(
    { client, caches: registry.directory, clock },
    {
      advertiseAddress: '192.0.2.1',
      securePort: 6443,
      serviceAddress: '10.96.0.1',
      serviceCIDRs: ['10.96.0.0/16'],
    },
  );
  await bootstrap.reconcileServiceCIDR();
  await bootstrap.reconcile();
  const addresses = registry.directory.of({ group: 'networking.k8s.io', resource: 'ipaddresses' });
  expect(addresses.get('', '10.96.0.1')?.object).toMatchObject({
    spec: { parentRef: { resource: 'services', namespace: 'default', name: 'kubernetes' } },
  });
});
