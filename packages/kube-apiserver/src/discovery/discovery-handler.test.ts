import { describe, expect, it } from 'vitest';
import { servedGroupVersions } from '@kubets/api/resources';
import type { ApiResult } from '../server/types.ts';
import { discoveryHandler } from './discovery-handler.ts';
import { compareKubeAwareVersions, DiscoveryRegistry, type DiscoveryGroupVersion } from './discovery-registry.ts';
import { matchesEtag } from './etag.ts';

type Bytes = Extract<ApiResult, { type: 'bytes' }>;
type Headers = Record<string, string | undefined>;

const aggregated = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
const v2beta1 = 'application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList';
const kubectl = `${aggregated},${v2beta1},application/json`;

function setUp() {
  const registry = new DiscoveryRegistry();
  const handler = discoveryHandler({ registry, serverAddress: () => '10.0.0.1:6443' });
  const bytes = (path: string, headers: Headers = {}): Bytes => handler({ path, headers }) as Bytes;
  const get = (path: string, headers: Headers = {}) => JSON.parse(String(bytes(path, headers).bytes));
  return { registry, handler, bytes, get };
}

const widgets: DiscoveryGroupVersion = {
  group: 'example.com',
  version: 'v1beta1',
  groupPriorityMinimum: 1000,
  versionPriority: 100,
  resources: [
    {
      resource: 'widgets',
      singularName: 'widget',
      kind: 'Widget',
      namespaced: true,
      shortNames: ['w'],
      categories: ['all'],
      verbs: ['get', 'list'],
      subresources: [{ name: 'scale', gvk: { group: 'autoscaling', version: 'v1', kind: 'Scale' }, verbs: ['get'] }],
      storageVersionHash: 'abc=',
    },
  ],
  freshness: 'Current',
};

describe('legacy discovery', () => {
  const { get, handler } = setUp();

  it('lists the versions of the core group', () => {
    expect(get('/api')).toEqual({
      kind: 'APIVersions',
      versions: ['v1'],
      serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: '10.0.0.1:6443' }],
    });
  });

  it('lists groups by priority, the aggregator first', () => {
    const list = get('/apis/');
    expect(list.kind).toBe('APIGroupList');
    expect(list.groups.map((g: { name: string }) => g.name).slice(0, 4)).toEqual([
      'apiregistration.k8s.io',
      'apps',
      'events.k8s.io',
      'authentication.k8s.io',
    ]);
    expect(list.groups.find((g: { name: string }) => g.name === 'autoscaling')).toEqual({
      name: 'autoscaling',
      versions: [
        { groupVersion: 'autoscaling/v2', version: 'v2' },
        { groupVersion: 'autoscaling/v1', version: 'v1' },
      ],
      preferredVersion: { groupVersion: 'autoscaling/v2', version: 'v2' },
    });
    expect(get('/apis/apps')).toMatchObject({ kind: 'APIGroup', apiVersion: 'v1', name: 'apps' });
  });

  it('lists resources with their subresources behind them', () => {
    const core = get('/api/v1');
    expect(Object.keys(core)).toEqual(['kind', 'groupVersion', 'resources']);
    const names = core.resources.map((r: { name: string }) => r.name);
    expect(names.slice(0, 3)).toEqual(['bindings', 'componentstatuses', 'configmaps']);
    expect(names).toEqual(names.toSorted());
    expect(core.resources.find((r: { name: string }) => r.name === 'configmaps')).toEqual({
      name: 'configmaps',
      singularName: 'configmap',
      namespaced: true,
      kind: 'ConfigMap',
      verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
      shortNames: ['cm'],
      storageVersionHash: 'qFsyl6wFWjQ=',
    });
    expect(core.resources.find((r: { name: string }) => r.name === 'pods/eviction')).toEqual({
      name: 'pods/eviction',
      singularName: '',
      namespaced: true,
      group: 'policy',
      version: 'v1',
      kind: 'Eviction',
      verbs: ['create'],
    });
    const apps = get('/apis/apps/v1');
    expect(Object.keys(apps)).toEqual(['kind', 'apiVersion', 'groupVersion', 'resources']);
    expect(apps.resources.find((r: { name: string }) => r.name === 'deployments/scale')).toMatchObject({
      group: 'autoscaling',
      version: 'v1',
      kind: 'Scale',
    });
  });

  it.each([
    '/apis/none',
    '/apis/apps/v9',
    '/api/v2',
    '/api/v1/pods',
    '/apis/apps/v1/deployments',
    '/version',
    '/apiserver',
  ])('leaves %s to others', (path) => {
    expect(handler({ path, headers: {} })).toBeUndefined();
  });

  it('hands other formats to the encode step', () => {
    const result = handler({ path: '/apis', headers: { accept: 'application/vnd.kubernetes.protobuf' } });
    expect(result).toMatchObject({ type: 'object', gvk: { group: '', version: 'v1', kind: 'APIGroupList' } });
  });
});

describe('aggregated discovery', () => {
  const { get, bytes, handler } = setUp();

  it('is what kubectl gets, with an ETag', () => {
    const result = bytes('/apis', { accept: kubectl });
    expect(result.contentType).toBe(aggregated);
    expect(result.headers).toMatchObject({ vary: 'Accept', etag: expect.stringMatching(/^"[0-9A-F]{128}"$/) });
    const again = bytes('/apis', { accept: kubectl, 'if-none-match': result.headers!['etag'] });
    expect([again.status, again.bytes]).toEqual([304, '']);
    expect(bytes('/apis', { accept: kubectl, 'if-none-match': '"old"' }).status).toBe(200);
  });

  it('has every served group version and resource, the core group by itself', () => {
    const seen = [...get('/api', { accept: kubectl }).items, ...get('/apis', { accept: kubectl }).items].flatMap((g) =>
      g.versions.map((v: { version: string; resources: unknown[] }) => [
        g.metadata.name ?? '',
        v.version,
        v.resources.length,
      ]),
    );
    const expected = servedGroupVersions().map((gv) => [gv.group, gv.version, gv.resources.length]);
    const text = (rows: unknown[]): string[] => rows.map(String).toSorted();
    expect(text(seen)).toEqual(text(expected));
  });

  it('describes resources as upstream', () => {
    const [core] = get('/api', { accept: aggregated }).items;
    expect(core.metadata).toEqual({});
    const pods = core.versions[0].resources.find((r: { resource: string }) => r.resource === 'pods');
    expect(pods).toMatchObject({
      responseKind: { group: '', version: 'v1', kind: 'Pod' },
      scope: 'Namespaced',
      singularResource: 'pod',
      shortNames: ['po'],
      categories: ['all'],
    });
    expect(pods.subresources).toContainEqual({
      subresource: 'eviction',
      responseKind: { group: 'policy', version: 'v1', kind: 'Eviction' },
      verbs: ['create'],
    });
    expect(core.versions[0].freshness).toBe('Current');
  });

  it.each([undefined, 'application/json', '*/*', `${v2beta1},application/json`, `application/json,${aggregated}`])(
    'is not for %s',
    (accept) => {
      expect(get('/apis', { accept }).kind).toBe('APIGroupList');
    },
  );

  it('leaves the refusal of versions that are gone to the encode step', () => {
    expect(handler({ path: '/apis', headers: { accept: v2beta1 } })).toMatchObject({ type: 'object' });
  });
});

describe('registry', () => {
  it('shows what is added, and forgets what is removed', () => {
    const { registry, get, bytes, handler } = setUp();
    const before = registry.version;
    const etag = bytes('/apis', { accept: kubectl }).headers!['etag'];
    registry.set(widgets);
    registry.set({ ...widgets, version: 'v1' });
    expect(registry.version).toBe(before + 2);
    expect(bytes('/apis', { accept: kubectl }).headers!['etag']).not.toBe(etag);
    expect(get('/apis/example.com').versions.map((v: { version: string }) => v.version)).toEqual(['v1', 'v1beta1']);
    expect(get('/apis').groups.at(-1).name).toBe('example.com');
    expect(get('/apis/example.com/v1').resources.map((r: { name: string }) => r.name)).toEqual([
      'widgets',
      'widgets/scale',
    ]);
    expect(registry.remove(widgets)).toBe(true);
    expect(registry.remove(widgets)).toBe(false);
    registry.remove({ group: 'example.com', version: 'v1' });
    expect(handler({ path: '/apis/example.com', headers: {} })).toBeUndefined();
    expect(bytes('/apis', { accept: kubectl }).headers!['etag']).toBe(etag);
  });

  it('orders versions as upstream', () => {
    const versions = ['v1', 'v10', 'v2', 'v2beta1', 'v2beta10', 'v11alpha2', 'foo1', 'foo10'];
    expect(versions.toSorted((a, b) => compareKubeAwareVersions(b, a))).toEqual([
      'v10',
      'v2',
      'v1',
      'v2beta10',
      'v2beta1',
      'v11alpha2',
      'foo1',
      'foo10',
    ]);
  });
});

describe('matchesEtag', () => {
  it.each([
    [undefined, false],
    ['"a"', true],
    ['W/"a"', true],
    ['"x", "a"', true],
    ['*', true],
    ['a', false],
    ['"b"', false],
  ])('%s', (header, expected) => {
    expect(matchesEtag(header, '"a"')).toBe(expected);
  });
});
