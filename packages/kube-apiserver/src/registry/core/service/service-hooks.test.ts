import { describe, expect, it } from 'vitest';
import { ipAddressesUrl, ServiceFixture, servicesUrl } from './service-fixture.ts';

const taken = 'provided IP is already allocated';

describe('cluster addresses', () => {
  it('are given, and an object stands for each', async () => {
    await using fixture = await ServiceFixture.open();
    const service = await fixture.create('a');
    expect(service.spec).toMatchObject({
      clusterIPs: [service.spec.clusterIP],
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
      type: 'ClusterIP',
    });
    expect(Object.keys(service.spec)).toEqual([
      'ports',
      'selector',
      'clusterIP',
      'clusterIPs',
      'type',
      'sessionAffinity',
      'ipFamilies',
      'ipFamilyPolicy',
      'internalTrafficPolicy',
    ]);
    const object = await fixture.api.ok('GET', `${ipAddressesUrl}/${service.spec.clusterIP}`);
    expect(object).toMatchObject({
      metadata: {
        labels: {
          'ipaddress.kubernetes.io/ip-family': 'IPv4',
          'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io',
        },
      },
      spec: { parentRef: { resource: 'services', namespace: 'default', name: 'a' } },
    });
  });

  it('may be asked for, once', async () => {
    await using fixture = await ServiceFixture.open();
    expect((await fixture.create('a', { clusterIP: '10.0.0.10' })).spec.clusterIPs).toEqual(['10.0.0.10']);
    const twice = await fixture.refuse('b', { clusterIP: '10.0.0.10' });
    expect(twice.status).toBe(422);
    expect(twice.object['message']).toBe(
      `Service "b" is invalid: spec.clusterIPs: Invalid value: ["10.0.0.10"]: failed to allocate IP 10.0.0.10: ${taken}`,
    );
    const outside = await fixture.refuse('b', { clusterIP: '10.0.1.10' });
    expect(outside.object['message']).toBe(
      'Service "b" is invalid: spec.clusterIPs: Invalid value: ["10.0.1.10"]: failed to allocate IP 10.0.1.10: the provided network does not match the current range',
    );
    expect(await fixture.addresses()).toEqual(['10.0.0.10']);
  });

  it('come back when a Service goes or cannot be made', async () => {
    await using fixture = await ServiceFixture.open();
    await fixture.create('a', { clusterIP: '10.0.0.10' });
    const same = await fixture.refuse('a', { clusterIP: '10.0.0.11' });
    expect(same.status).toBe(409);
    const invalid = await fixture.refuse('b', { clusterIP: '10.0.0.11', sessionAffinity: 'Odd' });
    expect(invalid.status).toBe(422);
    expect(await fixture.addresses()).toEqual(['10.0.0.10']);
    await fixture.api.ok('DELETE', `${servicesUrl}/a`);
    expect(await fixture.addresses()).toEqual([]);
    await fixture.create('b', { clusterIP: '10.0.0.10' });
  });

  it('are not touched by dry runs', async () => {
    await using fixture = await ServiceFixture.open();
    const service = await fixture.create('a', { type: 'NodePort' }, '?dryRun=All');
    expect(service.spec.clusterIP).toBe('10.0.0.0');
    expect(service.spec.ports[0]).toMatchObject({ nodePort: expect.any(Number) });
    expect(await fixture.addresses()).toEqual([]);
    await fixture.create('b', { clusterIP: '10.0.0.1' }, '?dryRun=All');
    await fixture.create('c', { clusterIP: '10.0.0.1' });
    await fixture.api.ok('DELETE', `${servicesUrl}/c?dryRun=All`);
    expect(await fixture.addresses()).toEqual(['10.0.0.1']);
  });

  it('are never given twice, and all are given', async () => {
    await using fixture = await ServiceFixture.open({ cidrs: ['10.0.0.0/27'] });
    const names = Array.from({ length: 30 }, (_, i) => `s${i}`);
    const services = await Promise.all(names.map((name) => fixture.create(name, { type: 'NodePort' })));
    expect(new Set(services.map(({ spec }) => spec.clusterIP)).size).toBe(30);
    expect(new Set(services.map(({ spec }) => spec.ports[0]?.['nodePort'])).size).toBe(30);
    const full = await fixture.refuse('more', {});
    expect(full.object['message']).toBe('Internal error occurred: failed to allocate a serviceIP: range is full');
  });

  it('are not given when someone else has made their object', async () => {
    await using fixture = await ServiceFixture.open();
    const parentRef = { resource: 'services', namespace: 'default', name: 'x' };
    await fixture.api.ok('POST', ipAddressesUrl, { body: { metadata: { name: '10.0.0.5' }, spec: { parentRef } } });
    const refused = await fixture.refuse('a', { clusterIP: '10.0.0.5' });
    expect(refused.object['message']).toContain(taken);
  });

  it('follow the type', async () => {
    await using fixture = await ServiceFixture.open();
    const { spec } = await fixture.create('a');
    const named = await fixture.patch('a', { type: 'ExternalName', externalName: 'example.com' });
    expect(named.spec).not.toHaveProperty('clusterIP');
    expect(named.spec).not.toHaveProperty('ipFamilies');
    expect(await fixture.addresses()).toEqual([]);
    const back = await fixture.patch('a', { type: 'ClusterIP', externalName: null, clusterIP: spec.clusterIP });
    expect(back.spec.clusterIPs).toEqual([spec.clusterIP]);
    expect(await fixture.addresses()).toEqual([spec.clusterIP]);
  });

  it('stay', async () => {
    await using fixture = await ServiceFixture.open();
    const { spec } = await fixture.create('a');
    const body = { metadata: { name: 'a' }, spec: { ports: [{ port: 81 }], selector: { a: 'b' } } };
    const put = await fixture.api.ok('PUT', `${servicesUrl}/a`, { body });
    expect(put).toMatchObject({ spec: { clusterIP: spec.clusterIP, clusterIPs: [spec.clusterIP] } });
    const call = { contentType: 'application/merge-patch+json', body: { spec: { clusterIP: '10.0.0.3' } } };
    const moved = await fixture.api.call('PATCH', `${servicesUrl}/a`, call);
    expect(moved.object['message']).toBe(
      'Service "a" is invalid: spec.clusterIPs[0]: Invalid value: ["10.0.0.3"]: may not change once set',
    );
    const status = { status: { loadBalancer: {} } };
    const merge = { contentType: 'application/merge-patch+json', body: status };
    expect(await fixture.api.ok('PATCH', `${servicesUrl}/a/status`, merge)).toMatchObject({
      spec: { clusterIP: spec.clusterIP },
    });
  });

  it('are not given to headless Services', async () => {
    await using fixture = await ServiceFixture.open();
    const { spec } = await fixture.create('a', { clusterIP: 'None' });
    expect(spec).toMatchObject({ clusterIP: 'None', clusterIPs: ['None'], ipFamilies: ['IPv4'] });
    const free = await fixture.create('b', { clusterIP: 'None', selector: null });
    expect(free.spec).toMatchObject({ ipFamilies: ['IPv4', 'IPv6'], ipFamilyPolicy: 'RequireDualStack' });
    expect(await fixture.addresses()).toEqual([]);
  });

  it('of both families are added and taken away', async () => {
    await using fixture = await ServiceFixture.open({ cidrs: ['10.0.0.0/24', 'fd00::/112'] });
    const single = await fixture.create('a');
    const dual = await fixture.patch('a', { ipFamilyPolicy: 'RequireDualStack' });
    expect(dual.spec.clusterIPs).toEqual([single.spec.clusterIP, expect.stringMatching(/^fd00::/)]);
    expect(dual.spec).toMatchObject({ ipFamilies: ['IPv4', 'IPv6'] });
    expect(await fixture.addresses()).toEqual(dual.spec.clusterIPs);
    const again = await fixture.patch('a', { ipFamilyPolicy: 'SingleStack' });
    expect(again.spec.clusterIPs).toEqual([single.spec.clusterIP]);
    expect(await fixture.addresses()).toEqual([single.spec.clusterIP]);
  });

  it('of a family the cluster does not have are refused', async () => {
    await using fixture = await ServiceFixture.open();
    const dual = await fixture.refuse('a', { ipFamilyPolicy: 'RequireDualStack' });
    expect(dual.object['message']).toBe(
      'Service "a" is invalid: spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured for dual-stack services',
    );
    const six = await fixture.refuse('a', { ipFamilies: ['IPv6'] });
    expect(six.object['message']).toBe(
      'Service "a" is invalid: spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster',
    );
    expect((await fixture.create('a', { ipFamilyPolicy: 'PreferDualStack' })).spec).toMatchObject({
      ipFamilies: ['IPv4'],
    });
  });

  it('come from the ServiceCIDRs there are', async () => {
    await using fixture = await ServiceFixture.open({ cidrs: ['10.0.0.0/30'] });
    const cidrs = '/apis/networking.k8s.io/v1/servicecidrs';
    for (const [name, cidr] of [
      ['kubernetes', '10.0.0.0/30'],
      ['more', '10.5.0.0/24'],
    ]) {
      await fixture.api.ok('POST', cidrs, { body: { metadata: { name }, spec: { cidrs: [cidr] } } });
    }
    const names = ['a', 'b', 'c'];
    const all = await Promise.all(names.map((name) => fixture.create(name)));
    expect(all.filter(({ spec }) => spec.clusterIP.startsWith('10.5.0.'))).toHaveLength(1);
  });

  it('survive a generated name that is taken', async () => {
    await using fixture = await ServiceFixture.open();
    const body = { metadata: { generateName: 'a-' }, spec: { ports: [{ port: 80 }] } };
    await Promise.all(Array.from({ length: 5 }, () => fixture.api.ok('POST', servicesUrl, { body })));
    expect(await fixture.addresses()).toHaveLength(5);
  });
});

describe('node ports', () => {
  it('are shared by the ports of one number', async () => {
    await using fixture = await ServiceFixture.open();
    const ports = [
      { name: 'tcp', port: 53, protocol: 'TCP' },
      { name: 'udp', port: 53, protocol: 'UDP' },
      { name: 'other', port: 54 },
    ];
    const { spec } = await fixture.create('a', { type: 'NodePort', ports });
    const [tcp, udp, other] = spec.ports.map((port) => port['nodePort']);
    expect(tcp).toBe(udp);
    expect(other).not.toBe(tcp);
    expect(Number(tcp)).toBeGreaterThanOrEqual(30_086);
  });

  it('may be asked for, once and in range', async () => {
    await using fixture = await ServiceFixture.open();
    const spec = (nodePort: number): object => ({ type: 'NodePort', ports: [{ port: 80, nodePort }] });
    await fixture.create('a', spec(30_001));
    expect((await fixture.refuse('b', spec(30_001))).object['message']).toBe(
      'Service "b" is invalid: spec.ports[0].nodePort: Invalid value: 30001: provided port is already allocated',
    );
    expect((await fixture.refuse('b', spec(80))).object['message']).toBe(
      'Service "b" is invalid: spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid ports is 30000-32767',
    );
    await fixture.api.ok('DELETE', `${servicesUrl}/a`);
    await fixture.create('b', spec(30_001));
  });

  it('stay, and go with the type', async () => {
    await using fixture = await ServiceFixture.open();
    const { spec } = await fixture.create('a', { type: 'NodePort' });
    const { nodePort } = spec.ports[0] as { nodePort: number };
    const kept = await fixture.patch('a', { ports: [{ port: 81, protocol: 'TCP', targetPort: 81 }] });
    expect(kept.spec.ports[0]).toMatchObject({ port: 81, nodePort });
    const plain = await fixture.patch('a', { type: 'ClusterIP' });
    expect(plain.spec.ports[0]).not.toHaveProperty('nodePort');
    expect(plain.spec).not.toHaveProperty('externalTrafficPolicy');
    await fixture.create('b', { type: 'NodePort', ports: [{ port: 80, nodePort }] });
  });

  it('run out', async () => {
    await using fixture = await ServiceFixture.open({ ports: { first: 30_000, last: 30_001 } });
    await fixture.create('a', { type: 'NodePort' });
    await fixture.create('b', { type: 'NodePort' });
    expect((await fixture.refuse('c', { type: 'NodePort' })).object['message']).toBe(
      'Internal error occurred: failed to allocate a nodePort: range is full',
    );
    expect(await fixture.addresses()).toHaveLength(2);
  });

  it('serve the health checks of load balancers', async () => {
    await using fixture = await ServiceFixture.open();
    const { spec } = await fixture.create('a', { type: 'LoadBalancer', externalTrafficPolicy: 'Local' });
    const port = spec['healthCheckNodePort'];
    expect(port).toBeGreaterThanOrEqual(30_000);
    const cluster = await fixture.patch('a', { externalTrafficPolicy: 'Cluster' });
    expect(cluster.spec).not.toHaveProperty('healthCheckNodePort');
    await fixture.create('b', { type: 'NodePort', ports: [{ port: 80, nodePort: port }] });
    const none = await fixture.create('c', { type: 'LoadBalancer', allocateLoadBalancerNodePorts: false });
    expect(none.spec.ports[0]).not.toHaveProperty('nodePort');
  });
});

describe('the repair loop', () => {
  it('learns what is there, and makes what is missing', async () => {
    await using fixture = await ServiceFixture.open({ connected: false });
    const { spec } = await fixture.create('a', { type: 'NodePort' });
    expect(await fixture.addresses()).toEqual([]);
    fixture.connect();
    await fixture.allocation.repair();
    expect(await fixture.addresses()).toEqual([spec.clusterIP]);
    const events = await fixture.api.ok('GET', '/api/v1/namespaces/default/events');
    expect(events['items']).toMatchObject([
      { reason: 'ClusterIPNotAllocated', message: `Cluster IP [IPv4]:${spec.clusterIP} is not allocated; repairing` },
    ]);
    await fixture.allocation.repair();
    expect((await fixture.api.ok('GET', '/api/v1/namespaces/default/events'))['items']).toHaveLength(1);
  });

  it('drops objects of Services that have gone', async () => {
    await using fixture = await ServiceFixture.open();
    const labels = { 'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io' };
    const parentRef = { resource: 'services', namespace: 'default', name: 'x' };
    const body = { metadata: { name: '10.0.0.5', labels }, spec: { parentRef } };
    await fixture.api.ok('POST', ipAddressesUrl, { body });
    await fixture.allocation.repair();
    expect(await fixture.addresses()).toHaveLength(1);
    fixture.api.clock.advance(61_000);
    await fixture.allocation.repair();
    expect(await fixture.addresses()).toEqual([]);
  });

  it('runs by the clock', async () => {
    await using fixture = await ServiceFixture.open();
    expect(fixture.api.clock.timers).toBeGreaterThan(0);
  });
});
