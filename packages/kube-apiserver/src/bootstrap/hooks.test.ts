import type { Lease } from '@kubets/api/types/coordination-v1';
import type { ApiObject } from '@kubets/apimachinery/meta';
import { FakeClock } from '@kubets/apimachinery/fake-clock';
import { describe, expect, it } from 'vitest';
import { defaultRequestHeaders } from '../authentication/request-header/request-header-authenticator.ts';
import { FakeCacheDirectory } from '../authorization/testing/fake-cache.ts';
import { bootstrapHooks, type BootstrapOptions } from './hooks.ts';
import { apiserverId, IdentityLease } from './identity-lease.ts';
import { KubernetesService } from './kubernetes-service.ts';
import { NamespaceDefaults } from './namespace-defaults.ts';
import { FakeClient } from './testing/fake-client.ts';

function setup(over: Partial<BootstrapOptions> = {}) {
  const caches = new FakeCacheDirectory();
  const client = new FakeClient(caches);
  const clock = new FakeClock();
  const errors: string[] = [];
  const options: BootstrapOptions = {
    client,
    caches,
    clock,
    random: { float: () => 0, uuid: () => 'uuid' },
    hostname: 'host',
    service: {
      advertiseAddress: '10.1.2.3',
      securePort: 6443,
      serviceAddress: '10.96.0.1',
      serviceCIDRs: ['10.96.0.0/16'],
    },
    trust: { clientCA: 'CA', requestHeader: { clientCA: 'PROXY-CA', ...defaultRequestHeaders } },
    rbac: true,
    standIns: { rootCA: 'ROOT' },
    onError: (hook, error) => void errors.push(`${hook}: ${String(error)}`),
    ...over,
  };
  const get = (group: string, resource: string, namespace: string, name: string): ApiObject | undefined =>
    caches.of({ group, resource }).get(namespace, name)?.object;
  return { caches, client, clock, options, errors, get };
}

/** Lets everything that is due in this moment happen. */
const settle = async (): Promise<void> => {
  for (let i = 0; i < 50; i++) await Promise.resolve();
};

describe('bootstrapHooks', () => {
  it('create everything that clients look for, once', async () => {
    const { client, options, errors, get, clock } = setup();
    const stop = new AbortController();
    await Promise.all(bootstrapHooks(options).map((hook) => hook.run(stop.signal)));
    await settle();
    expect(errors).toEqual([]);
    for (const name of ['default', 'kube-system', 'kube-public', 'kube-node-lease']) {
      expect(get('', 'namespaces', '', name)).toBeDefined();
      expect(get('', 'serviceaccounts', name, 'default')).toBeDefined();
      expect(get('', 'configmaps', name, 'kube-root-ca.crt')).toMatchObject({ data: { 'ca.crt': 'ROOT' } });
    }
    expect(get('scheduling.k8s.io', 'priorityclasses', '', 'system-node-critical')).toMatchObject({
      value: 2000001000,
    });
    expect(get('flowcontrol.apiserver.k8s.io', 'flowschemas', '', 'catch-all')).toBeDefined();
    expect(get('flowcontrol.apiserver.k8s.io', 'prioritylevelconfigurations', '', 'exempt')).toBeDefined();
    expect(get('', 'services', 'default', 'kubernetes')).toMatchObject({
      spec: { clusterIP: '10.96.0.1', ports: [{ name: 'https', port: 443, targetPort: 6443 }] },
    });
    expect(get('', 'endpoints', 'default', 'kubernetes')).toMatchObject({
      subsets: [{ addresses: [{ ip: '10.1.2.3' }] }],
    });
    expect(get('discovery.k8s.io', 'endpointslices', 'default', 'kubernetes')).toMatchObject({
      addressType: 'IPv4',
      endpoints: [{ addresses: ['10.1.2.3'], conditions: { ready: true } }],
    });
    expect(get('networking.k8s.io', 'servicecidrs', '', 'kubernetes')).toMatchObject({
      spec: { cidrs: ['10.96.0.0/16'] },
      status: { conditions: [{ type: 'Ready', status: 'True' }] },
    });
    expect(get('coordination.k8s.io', 'leases', 'kube-system', apiserverId('host'))).toMatchObject({
      spec: { holderIdentity: `${apiserverId('host')}_uuid` },
    });
    expect(get('', 'configmaps', 'kube-system', 'extension-apiserver-authentication')).toMatchObject({
      data: {
        'client-ca-file': 'CA',
        'requestheader-client-ca-file': 'PROXY-CA',
        'requestheader-allowed-names': '["front-proxy-client"]',
      },
    });
    expect(get('rbac.authorization.k8s.io', 'clusterroles', '', 'cluster-admin')).toBeDefined();
    const written = client.log.length;
    clock.advance(61_000);
    await settle();
    expect(client.log.slice(written).filter((line) => !line.startsWith('update leases'))).toEqual([]);
    stop.abort();
    await settle();
    expect(clock.timers).toBe(0);
  });

  it('try again, telling of each failure', async () => {
    const { client, options, errors, get, clock } = setup({ standIns: undefined, rbac: false });
    client.failNext = new Error('not yet');
    const hook = bootstrapHooks(options).find((h) => h.name === 'scheduling/bootstrap-system-priority-classes')!;
    const done = hook.run(new AbortController().signal);
    await settle();
    clock.advance(100);
    await done;
    expect(errors).toEqual(['scheduling/bootstrap-system-priority-classes: Error: not yet']);
    expect(get('scheduling.k8s.io', 'priorityclasses', '', 'system-cluster-critical')).toBeDefined();
  });

  it('end quietly when the server stops first', async () => {
    const { client, options } = setup();
    client.failNext = new Error('never');
    const stop = new AbortController();
    const done = bootstrapHooks(options)[1]!.run(stop.signal);
    await settle();
    stop.abort(new Error('stopping'));
    await expect(done).resolves.toBeUndefined();
  });

  it('put back what was changed, and keep what users own', async () => {
    const { caches, client, options, get } = setup();
    const flowcontrol = bootstrapHooks(options).find((h) => h.name === 'priority-and-fairness-config-producer')!;
    const stop = new AbortController();
    await flowcontrol.run(stop.signal);
    const group = 'flowcontrol.apiserver.k8s.io';
    const change = (name: string, annotations: object): void => {
      const object = get(group, 'flowschemas', '', name)!;
      caches.put(group, 'flowschemas', {
        ...object,
        metadata: { ...object.metadata, annotations },
        spec: { ...(object['spec'] as object), matchingPrecedence: 77 },
      });
    };
    change('catch-all', { 'apf.kubernetes.io/autoupdate-spec': 'false' });
    change('probes', { 'apf.kubernetes.io/autoupdate-spec': 'false' });
    change('global-default', { 'apf.kubernetes.io/autoupdate-spec': 'true' });
    client.log.length = 0;
    await flowcontrol.run(stop.signal);
    expect(client.log.toSorted()).toEqual(['update flowschemas catch-all', 'update flowschemas global-default']);
    expect(get(group, 'flowschemas', '', 'probes')).toMatchObject({ spec: { matchingPrecedence: 77 } });
    stop.abort();
  });
});

describe('KubernetesService', () => {
  it('follows a changed address and port, and keeps labels of others', async () => {
    const { caches, client, clock, options, get } = setup();
    await new KubernetesService(options, options.service).reconcile();
    const object = get('', 'endpoints', 'default', 'kubernetes')!;
    caches.put('', 'endpoints', { ...object, metadata: { ...object.metadata, labels: { mine: 'x' } } });
    client.log.length = 0;
    await new KubernetesService(
      { client, caches, clock },
      { ...options.service, advertiseAddress: '10.9.9.9', securePort: 7443 },
    ).reconcile();
    expect(client.log).toEqual([
      'update services default/kubernetes',
      'update endpoints default/kubernetes',
      'update endpointslices default/kubernetes',
    ]);
    expect(get('', 'endpoints', 'default', 'kubernetes')).toMatchObject({
      metadata: { labels: { mine: 'x', 'endpointslice.kubernetes.io/skip-mirror': 'true' } },
      subsets: [{ addresses: [{ ip: '10.9.9.9' }] }],
    });
    await new KubernetesService(
      { client, caches, clock },
      { ...options.service, advertiseAddress: 'fd00::1' },
    ).reconcile();
    expect(get('discovery.k8s.io', 'endpointslices', 'default', 'kubernetes')).toMatchObject({ addressType: 'IPv6' });
  });
});

describe('IdentityLease', () => {
  it('deletes leases of servers that are gone', async () => {
    const { caches, client, clock, options } = setup();
    const lease = new IdentityLease(options, 'host', 'u');
    await lease.renew();
    const stored = caches.of({ group: 'coordination.k8s.io', resource: 'leases' }).get('kube-system', lease.name)!
      .object as unknown as Lease;
    caches.put(
      'coordination.k8s.io',
      'leases',
      { ...stored, metadata: { ...stored.metadata, name: 'old' } },
      { metadata: { name: 'other', namespace: 'kube-system' } },
    );
    clock.advance(3_601_000);
    await lease.renew();
    client.log.length = 0;
    await lease.collectGarbage();
    expect(client.log).toEqual(['delete leases kube-system/old']);
  });
});

describe('NamespaceDefaults', () => {
  it('serves new namespaces, restores what is deleted, and leaves dying ones alone', async () => {
    const { caches, client, clock, get } = setup();
    const errors: unknown[] = [];
    await using defaults = new NamespaceDefaults({
      caches,
      client,
      clock,
      rootCA: 'ROOT',
      onError: (error) => errors.push(error),
    });
    defaults.start();
    caches.put(
      '',
      'namespaces',
      { metadata: { name: 'a' } },
      { metadata: { name: 'dying' }, status: { phase: 'Terminating' } },
    );
    await defaults.idle();
    expect(client.log).toEqual(['create serviceaccounts a/default', 'create configmaps a/kube-root-ca.crt']);
    caches.of({ group: '', resource: 'serviceaccounts' }).remove('a', 'default');
    const map = get('', 'configmaps', 'a', 'kube-root-ca.crt')!;
    caches.put('', 'configmaps', { ...map, data: { 'ca.crt': 'changed' } });
    client.failNext = new Error('disk full');
    await defaults.idle();
    expect(errors).toHaveLength(1);
    clock.advance(1000);
    await defaults.idle();
    expect(get('', 'serviceaccounts', 'a', 'default')).toBeDefined();
    expect(get('', 'configmaps', 'a', 'kube-root-ca.crt')).toMatchObject({ data: { 'ca.crt': 'ROOT' } });
  });
});
