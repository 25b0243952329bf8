/** Services: addresses, types, status, and the service every cluster has. */
import { describe, expect } from 'vitest';
import { covers, coversPart, useCluster } from './covers.ts';
import { unique, type Draft, type Obj } from './cluster.ts';
import { condition } from './samples.ts';

useCluster();

const traffic = 'endpoints and the proxy that carries traffic';

const service = (name: string, spec: Draft, labels: Draft = {}): Draft => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, labels },
  spec,
});

interface ServiceSpec {
  readonly type: string;
  readonly clusterIP?: string;
  readonly clusterIPs?: readonly string[];
  readonly sessionAffinity: string;
  readonly ports: readonly { readonly port: number; readonly nodePort?: number; readonly protocol: string }[];
}

const specOf = (object: Obj): ServiceSpec => object['spec'] as ServiceSpec;
const ports = [{ name: 'http', port: 80, protocol: 'TCP' }];

describe('the kubernetes service', () => {
  covers('[sig-network] API Server should provide secure master service', async (cluster) => {
    const found = await cluster.of('v1/services', 'default').get('kubernetes');
    expect(found).toMatchObject({ metadata: { labels: { component: 'apiserver', provider: 'kubernetes' } } });
    expect(specOf(found).ports).toMatchObject([{ name: 'https', port: 443, protocol: 'TCP' }]);
  });

  covers(
    '[sig-network] API Server should have Endpoints and EndpointSlices pointing to API Server',
    async (cluster) => {
      const endpoints = await cluster.of('v1/endpoints', 'default').get('kubernetes');
      const subsets = endpoints['subsets'] as { addresses: { ip: string }[]; ports: Draft[] }[];
      expect(subsets).toHaveLength(1);
      expect(subsets[0]?.ports).toMatchObject([{ name: 'https' }]);
      const slices = await cluster
        .of('discovery.k8s.io/v1/endpointslices', 'default')
        .list({ labelSelector: 'kubernetes.io/service-name=kubernetes' });
      expect(slices.items).toHaveLength(1);
      const slice = slices.items[0]!;
      expect(slice).toMatchObject({ addressType: 'IPv4', ports: subsets[0]?.ports });
      const addresses = (slice['endpoints'] as { addresses: string[] }[]).flatMap((endpoint) => endpoint.addresses);
      expect(addresses.toSorted()).toEqual(subsets[0]?.addresses.map(({ ip }) => ip).toSorted());
    },
  );

  covers('[sig-network] Services should find a service from listing all namespaces', async (cluster) => {
    const all = await cluster.of('v1/services').list();
    const found = all.items.filter(({ metadata }) => metadata.name === 'kubernetes');
    expect(found.map(({ metadata }) => metadata.namespace)).toEqual(['default']);
  });
});

describe('services', () => {
  covers('[sig-network] Services should complete a service status lifecycle', async (cluster) => {
    const label = unique('e2e');
    const services = cluster.of('v1/services', await cluster.namespace());
    using watching = await services.watch({ labelSelector: `e2e=${label}` });
    await services.create(service('s', { type: 'LoadBalancer', ports }, { e2e: label }));
    await watching.event('ADDED', 's');
    expect((await cluster.of('v1/services').list({ labelSelector: `e2e=${label}` })).items).toHaveLength(1);
    const status = { subresource: 'status' };
    expect((await services.get('s', 'status'))['status']).toEqual({ loadBalancer: {} });
    const patch = {
      metadata: { annotations: { patchedstatus: 'true' } },
      status: { loadBalancer: { ingress: [{ ip: '203.0.113.1' }] } },
    };
    const patched = await services.patch('s', 'merge', patch, status);
    expect(patched).toMatchObject(patch);
    await watching.event('MODIFIED', 's', ({ metadata }) => metadata.annotations?.['patchedstatus'] === 'true');
    const conditions = [condition('StatusUpdate')];
    const updated = await services.replace(
      { ...patched, status: { ...(patched['status'] as Draft), conditions } } as Obj,
      status,
    );
    expect(updated['status']).toMatchObject({ conditions });
    const relabelled = await services.patch('s', 'strategic', { metadata: { labels: { 'test-service': 'patched' } } });
    expect(relabelled.metadata.labels).toMatchObject({ 'test-service': 'patched' });
    await services.delete('s');
    await watching.event('DELETED', 's');
  });

  covers('[sig-network] Services should delete a collection of services', async (cluster) => {
    const services = cluster.of('v1/services', await cluster.namespace());
    for (const name of ['s1', 's2', 's3']) {
      const labels = { e2e: name === 's3' ? 'other' : 'set' };
      await services.create(service(name, { type: 'ClusterIP', ports }, labels));
    }
    expect((await services.list()).items).toHaveLength(3);
    await services.deleteCollection({ labelSelector: 'e2e=set' });
    expect((await services.list()).items.map(({ metadata }) => metadata.name)).toEqual(['s3']);
  });

  coversPart(
    '[sig-network] Services should be able to change the type from ExternalName to ClusterIP',
    traffic,
    async (cluster) => {
      const services = cluster.of('v1/services', await cluster.namespace());
      const created = await services.create(service('s', { type: 'ExternalName', externalName: 'foo.example.com' }));
      expect(specOf(created).clusterIP).toBeUndefined();
      const spec = { type: 'ClusterIP', ports };
      const updated = await services.replace({ ...created, spec } as Obj);
      expect(specOf(updated).clusterIP).toMatch(/^10\./);
      expect(specOf(updated).clusterIPs).toEqual([specOf(updated).clusterIP]);
    },
  );

  coversPart(
    '[sig-network] Services should be able to change the type from ExternalName to NodePort',
    traffic,
    async (cluster) => {
      const services = cluster.of('v1/services', await cluster.namespace());
      const created = await services.create(service('s', { type: 'ExternalName', externalName: 'foo.example.com' }));
      const updated = await services.replace({ ...created, spec: { type: 'NodePort', ports } } as Obj);
      expect(specOf(updated).clusterIP).toMatch(/^10\./);
      expect(specOf(updated).ports[0]?.nodePort).toBeGreaterThanOrEqual(30_000);
      expect(specOf(updated).ports[0]?.nodePort).toBeLessThanOrEqual(32_767);
    },
  );

  for (const type of ['ClusterIP', 'NodePort']) {
    coversPart(
      `[sig-network] Services should be able to change the type from ${type} to ExternalName`,
      traffic,
      async (cluster) => {
        const services = cluster.of('v1/services', await cluster.namespace());
        const created = await services.create(service('s', { type, ports }));
        const { clusterIP } = specOf(created);
        expect(clusterIP).toMatch(/^10\./);
        const spec = { type: 'ExternalName', externalName: 'foo.example.com' };
        const updated = await services.replace({ ...created, spec } as Obj);
        expect(updated['spec']).toMatchObject(spec);
        expect(specOf(updated).clusterIP).toBeUndefined();
        // The address is free again.
        const reused = await services.create(service('next', { type: 'ClusterIP', clusterIP, ports }));
        expect(specOf(reused).clusterIP).toBe(clusterIP);
      },
    );
  }

  coversPart(
    '[sig-network] Services should be able to create a functioning NodePort service',
    traffic,
    async (cluster) => {
      const services = cluster.of('v1/services', await cluster.namespace());
      const created = await services.create(service('s', { type: 'NodePort', ports, selector: { a: 'b' } }));
      const nodePort = specOf(created).ports[0]?.nodePort;
      expect(nodePort).toBeGreaterThanOrEqual(30_000);
      const taken = service('t', { type: 'NodePort', ports: [{ port: 80, nodePort }] });
      await expect(services.create(taken)).rejects.toMatchObject({ code: 422, reason: 'Invalid' });
      await services.delete('s');
      expect(specOf(await services.create(taken)).ports[0]?.nodePort).toBe(nodePort);
    },
  );

  for (const [what, type] of [
    ['NodePort service', 'NodePort'],
    ['service with type clusterIP', 'ClusterIP'],
  ] as const) {
    coversPart(
      `[sig-network] Services should be able to switch session affinity for ${what} [LinuxOnly]`,
      traffic,
      async (cluster) => {
        const services = cluster.of('v1/services', await cluster.namespace());
        const created = await services.create(service('s', { type, ports, sessionAffinity: 'ClientIP' }));
        expect(created['spec']).toMatchObject({
          sessionAffinity: 'ClientIP',
          sessionAffinityConfig: { clientIP: { timeoutSeconds: 10_800 } },
        });
        const off = await services.patch('s', 'merge', {
          spec: { sessionAffinity: 'None', sessionAffinityConfig: null },
        });
        expect(specOf(off).sessionAffinity).toBe('None');
        expect(specOf(off).clusterIP).toBe(specOf(created).clusterIP);
        const on = await services.patch('s', 'merge', { spec: { sessionAffinity: 'ClientIP' } });
        expect(specOf(on).sessionAffinity).toBe('ClientIP');
      },
    );
  }
});
