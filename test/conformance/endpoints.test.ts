/** Endpoints and EndpointSlices that controllers make: upstream's `test/e2e/network/{endpointslice,endpointslicemirroring,endpoints,service_latency}.go`. */
import { describe, expect } from 'vitest';
import { covers, coversPart, useNodes } from './covers.ts';
import { type Cluster, type Draft, type Obj } from './cluster.ts';
import type { Collection } from './collection.ts';
import { isReady, pod, podStatus, readyPods } from './pods.ts';
import { podTemplate } from './samples.ts';
import { becomes, change, lists, vanishes } from './waiting.ts';

useNodes();

interface Place {
  readonly namespace: string;
  readonly services: Collection;
  readonly endpoints: Collection;
  readonly slices: Collection;
  readonly pods: Collection;
}

async function place(cluster: Cluster): Promise<Place> {
  const namespace = await cluster.namespace();
  return {
    namespace,
    services: cluster.of('v1/services', namespace),
    endpoints: cluster.of('v1/endpoints', namespace),
    slices: cluster.of('discovery.k8s.io/v1/endpointslices', namespace),
    pods: cluster.of('v1/pods', namespace),
  };
}

const service = (name: string, spec: Draft): Draft => ({ apiVersion: 'v1', kind: 'Service', metadata: { name }, spec });
const of = (name: string): { labelSelector: string } => ({ labelSelector: `kubernetes.io/service-name=${name}` });

interface Subset {
  readonly addresses?: readonly { readonly ip: string; readonly targetRef?: { readonly name: string } }[];
  readonly ports?: readonly { readonly name?: string; readonly port: number; readonly protocol: string }[];
}
const subsetsOf = (object: Obj): readonly Subset[] => (object['subsets'] ?? []) as readonly Subset[];

/** `address:port/protocol` of every endpoint of Endpoints or slices that is ready. */
function targets(subsets: readonly Subset[]): string[] {
  const all = subsets.flatMap(({ addresses = [], ports = [] }) =>
    addresses.flatMap(({ ip }) => ports.map(({ port, protocol }) => `${ip}:${port}/${protocol}`)),
  );
  return all.toSorted();
}

interface Endpoint {
  readonly addresses: readonly string[];
  readonly conditions?: { readonly ready?: boolean };
  readonly targetRef?: { readonly name: string };
}
const endpointsOf = (slice: Obj): readonly Endpoint[] => (slice['endpoints'] ?? []) as readonly Endpoint[];

const asSubset = (slice: Obj): Subset => {
  const ready = endpointsOf(slice).filter(({ conditions }) => conditions?.ready !== false);
  const addresses = ready.flatMap((endpoint) => endpoint.addresses.map((ip) => ({ ip })));
  return { addresses, ports: (slice['ports'] ?? []) as NonNullable<Subset['ports']> };
};

/** Endpoints and slices of a service both say exactly this. */
async function leadTo({ endpoints, slices }: Place, name: string, wanted: readonly string[]): Promise<void> {
  const want = JSON.stringify(wanted.toSorted());
  const says = (subsets: readonly Subset[]): boolean => JSON.stringify(targets(subsets)) === want;
  await becomes(endpoints, name, (object) => says(subsetsOf(object)), `leads to ${want}`);
  await lists(slices, of(name), (all) => says(all.map(asSubset)), `lead to ${want}`);
}

async function makeAndDeleteEmpty(cluster: Cluster): Promise<void> {
  const { services, endpoints, slices } = await place(cluster);
  const name = 'example-empty-selector';
  const ports = [{ name: 'example', port: 80, protocol: 'TCP' }];
  const created = await services.create(service(name, { selector: { 'does-not-match-anything': 'endpoints' }, ports }));
  const empty = await becomes(endpoints, name, () => true);
  expect(subsetsOf(empty)).toEqual([]);
  const [slice] = await lists(slices, of(name), (all) => all.length === 1);
  expect(endpointsOf(slice!)).toEqual([]);
  expect(slice).toMatchObject({
    metadata: {
      labels: { 'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io' },
      ownerReferences: [{ kind: 'Service', name, uid: created.metadata.uid }],
    },
  });
  await services.delete(name);
  await vanishes(endpoints, name);
  await lists(slices, of(name), (all) => all.length === 0);
}

async function followPods(cluster: Cluster): Promise<void> {
  const where = await place(cluster);
  const { services, pods, slices, endpoints } = where;
  const container = (port: number): Draft => ({
    name: 'container1',
    image: 'registry.k8s.io/e2e-test-images/agnhost:2.53',
    ports: [{ name: 'example-name', containerPort: port }],
  });
  const labels = (extra: Draft): Draft => ({ labels: { foo: 'bar', ...extra } });
  await pods.create(pod('pod1', { containers: [container(3000)] }, labels({ one: 'yes' })));
  await pods.create(pod('pod2', { containers: [container(3001)] }, labels({ one: 'no' })));
  const ports = [{ name: 'example', port: 80, targetPort: 'example-name', protocol: 'TCP' }];
  await services.create(
    service('example-int-port', { selector: { one: 'yes' }, ports: [{ ...ports[0], targetPort: 3000 }] }),
  );
  await services.create(service('example-named-port', { selector: { foo: 'bar' }, ports }));
  await services.create(service('example-no-match', { selector: { foo: 'baz' }, ports }));
  const [first, second] = [await becomes(pods, 'pod1', isReady), await becomes(pods, 'pod2', isReady)].map(
    (object) => podStatus(object).podIP,
  );
  await leadTo(where, 'example-int-port', [`${first}:3000/TCP`]);
  await leadTo(where, 'example-named-port', [`${first}:3000/TCP`, `${second}:3001/TCP`]);
  await leadTo(where, 'example-no-match', []);
  const [slice] = (await slices.list(of('example-int-port'))).items;
  expect(endpointsOf(slice!)[0]).toMatchObject({
    targetRef: { kind: 'Pod', name: 'pod1' },
    nodeName: expect.any(String),
  });
  expect(subsetsOf(await endpoints.get('example-int-port'))[0]?.addresses?.[0]?.targetRef?.name).toBe('pod1');
  await pods.delete('pod1');
  await leadTo(where, 'example-named-port', [`${second}:3001/TCP`]);
  await leadTo(where, 'example-int-port', []);
  await services.delete('example-named-port');
  await vanishes(endpoints, 'example-named-port');
  await lists(slices, of('example-named-port'), (all) => all.length === 0);
}

describe('controllers', () => {
  covers(
    '[sig-network] EndpointSlice should create and delete EndpointSlices for a Service with a selector that matches no pods',
    makeAndDeleteEmpty,
  );
  covers(
    '[sig-network] EndpointsController should create and delete Endpoints for a Service with a selector that matches no pods',
    makeAndDeleteEmpty,
  );
  covers(
    '[sig-network] EndpointSlice should create Endpoints and EndpointSlices for Pods matching a Service',
    followPods,
  );
  covers('[sig-network] EndpointsController should create Endpoints for Pods matching a Service', followPods);

  covers(
    '[sig-network] EndpointSliceMirroring should mirror a custom Endpoints resource through create update and delete',
    async (cluster) => {
      const { services, endpoints, slices } = await place(cluster);
      const name = 'example-custom-endpoints';
      await services.create(service(name, { ports: [{ name: 'example', port: 80, protocol: 'TCP' }] }));
      const subset = (ip: string): Draft => ({ addresses: [{ ip }], ports: [{ port: 80, protocol: 'TCP' }] });
      await endpoints.create({
        apiVersion: 'v1',
        kind: 'Endpoints',
        metadata: { name },
        subsets: [subset('10.1.2.3')],
      });
      const mirrors = (ip: string) => (all: readonly Obj[]) =>
        all.length === 1 && JSON.stringify(all.map(asSubset).flatMap((one) => targets([one]))) === `["${ip}:80/TCP"]`;
      const [slice] = await lists(slices, of(name), mirrors('10.1.2.3'));
      expect(slice).toMatchObject({
        addressType: 'IPv4',
        metadata: {
          labels: { 'endpointslice.kubernetes.io/managed-by': 'endpointslicemirroring-controller.k8s.io' },
          ownerReferences: [{ kind: 'Endpoints', name }],
        },
      });
      await change(endpoints, name, (object) => ({ ...object, subsets: [subset('10.2.3.4')] }));
      await lists(slices, of(name), mirrors('10.2.3.4'));
      await endpoints.delete(name);
      await lists(slices, of(name), (all) => all.length === 0);
    },
  );

  covers('[sig-network] Service endpoints latency should not be very high', async (cluster) => {
    const { namespace, services, endpoints, pods } = await place(cluster);
    const labels = { name: 'svc-latency-rc' };
    await cluster.of('v1/replicationcontrollers', namespace).create({
      apiVersion: 'v1',
      kind: 'ReplicationController',
      metadata: { name: 'svc-latency-rc' },
      spec: { replicas: 1, selector: labels, template: podTemplate(labels) },
    });
    await readyPods(pods, 'name=svc-latency-rc', 1);
    using watching = await endpoints.watch();
    const one = async (): Promise<number> => {
      const from = performance.now();
      const draft = service('', { selector: labels, ports: [{ port: 80, protocol: 'TCP' }] });
      const { metadata } = await services.create({ ...draft, metadata: { generateName: 'latency-svc-' } });
      const filled = ({ object }: { object: Obj }): boolean =>
        object.metadata.name === metadata.name && targets(subsetsOf(object)).length > 0;
      await watching.until((events) => events.some(filled), `endpoints of ${metadata.name}`);
      return performance.now() - from;
    };
    const times: number[] = [];
    // One at a time: what waits on the watch is woken by the newest.
    for (let i = 0; i < 200; i++) times.push(await one());
    times.sort((a, b) => a - b);
    const percentile = (p: number): number => times[Math.ceil(times.length * p) - 1] ?? Infinity;
    expect(percentile(0.5)).toBeLessThan(20_000);
    expect(percentile(0.9)).toBeLessThan(50_000);
  });
});

const traffic = 'the proxy that carries traffic';

/** Pods come and go; what the service leads to follows. */
async function followEach(
  cluster: Cluster,
  ports: readonly {
    readonly name?: string;
    readonly port: number;
    readonly targetPort: number;
    readonly protocol: string;
  }[],
  steps: readonly (readonly [
    ports: Readonly<Record<string, readonly (readonly [number, string])[]>>,
    wanted: Readonly<Record<string, readonly string[]>>,
  ])[],
): Promise<void> {
  const where = await place(cluster);
  const { services, pods } = where;
  await services.create(service('s', { selector: { app: 'x' }, ports }));
  await leadTo(where, 's', []);
  const present = new Set<string>();
  for (const [step, wanted] of steps) {
    for (const name of present) {
      if (step[name] !== undefined) continue;
      present.delete(name);
      await pods.delete(name, { gracePeriodSeconds: 0 });
    }
    for (const [name, given] of Object.entries(step)) {
      if (present.has(name)) continue;
      present.add(name);
      const container = {
        name: 'agnhost',
        image: 'registry.k8s.io/e2e-test-images/agnhost:2.53',
        ports: given.map(([containerPort, protocol]) => ({ containerPort, protocol })),
      };
      await pods.create(pod(name, { containers: [container] }, { labels: { app: 'x' } }));
      await becomes(pods, name, isReady);
    }
    const lines: string[] = [];
    for (const [name, targetPorts] of Object.entries(wanted)) {
      const ip = podStatus(await pods.get(name)).podIP;
      lines.push(...targetPorts.map((port) => `${ip}:${port}`));
    }
    await leadTo(where, 's', lines);
  }
}

describe('services', () => {
  coversPart('[sig-network] Services should serve a basic endpoint from pods', traffic, (cluster) => {
    const open = [[80, 'TCP']] as const;
    return followEach(
      cluster,
      [{ port: 80, targetPort: 80, protocol: 'TCP' }],
      [
        [{ pod1: open }, { pod1: ['80/TCP'] }],
        [
          { pod1: open, pod2: open },
          { pod1: ['80/TCP'], pod2: ['80/TCP'] },
        ],
        [{ pod2: open }, { pod2: ['80/TCP'] }],
        [{}, {}],
      ],
    );
  });

  coversPart('[sig-network] Services should serve multiport endpoints from pods', traffic, (cluster) => {
    // Ports are the service's: a pod that opens one of them is listed with both.
    const both = ['100/TCP', '101/TCP'];
    const ports = [
      { name: 'portname1', port: 80, targetPort: 100, protocol: 'TCP' },
      { name: 'portname2', port: 81, targetPort: 101, protocol: 'TCP' },
    ];
    return followEach(cluster, ports, [
      [{ pod1: [[100, 'TCP']] }, { pod1: both }],
      [
        { pod1: [[100, 'TCP']], pod2: [[101, 'TCP']] },
        { pod1: both, pod2: both },
      ],
      [{ pod2: [[101, 'TCP']] }, { pod2: both }],
      [{}, {}],
    ]);
  });

  coversPart(
    '[sig-network] Services should serve endpoints on same port and different protocols',
    traffic,
    async (cluster) => {
      const where = await place(cluster);
      const { services, pods } = where;
      const port = (protocol: string): Draft => ({ name: protocol.toLowerCase(), port: 80, protocol, targetPort: 80 });
      await services.create(service('s', { selector: { app: 'x' }, ports: [port('TCP'), port('UDP')] }));
      await pods.create(pod('server', {}, { labels: { app: 'x' } }));
      const ip = podStatus(await becomes(pods, 'server', isReady)).podIP;
      await leadTo(where, 's', [`${ip}:80/TCP`, `${ip}:80/UDP`]);
      for (const protocol of ['UDP', 'TCP']) {
        const only = [{ ...port(protocol) }];
        await change(services, 's', (object) => ({ ...object, spec: { ...(object['spec'] as Draft), ports: only } }));
        await leadTo(where, 's', [`${ip}:80/${protocol}`]);
      }
      await services.delete('s');
      await vanishes(where.endpoints, 's');
    },
  );
});
