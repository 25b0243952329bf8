import { describe, expect, it } from 'vitest';
import type { ConfigMap } from '@kubets/api/types/core-v1';
import type { OwnerReference } from '@kubets/apimachinery/meta';
import { failure, newNotFound } from '@kubets/apimachinery/status';
import type { Transport, TransportRequest, TransportResponse } from '@kubets/client';
import { ControllerFixture } from '../testing/controller-fixture.ts';
import { countingTransport } from '../testing/counting-transport.ts';
import { intercept } from '../testing/intercept.ts';
import { garbageCollectorController } from './controller.ts';

const start = (options: Parameters<typeof ControllerFixture.start>[1] = {}): Promise<ControllerFixture> =>
  ControllerFixture.start([garbageCollectorController], options);

const make = async (
  { client }: ControllerFixture,
  name: string,
  owners: readonly Readonly<ConfigMap>[] = [],
  more: Partial<OwnerReference> & { finalizers?: string[]; namespace?: string } = {},
): Promise<Readonly<ConfigMap>> => {
  const { finalizers, namespace = 'default', ...reference } = more;
  const ownerReferences = owners.map(({ metadata }) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    name: metadata.name ?? '',
    uid: metadata.uid ?? '',
    ...reference,
  }));
  return await client.configMaps(namespace).create({
    metadata: { name, ...(ownerReferences.length > 0 && { ownerReferences }), ...(finalizers && { finalizers }) },
  });
};

const names = async ({ client }: ControllerFixture, namespace = 'default'): Promise<string[]> =>
  (await client.configMaps(namespace).list()).items
    .map(({ metadata }) => metadata.name ?? '')
    .filter((name) => name !== 'kube-root-ca.crt')
    .toSorted();

describe('garbage collector', () => {
  it('deletes what has lost its owner, and that of it', async () => {
    const { writes, gets, wrap } = countingTransport({ events: true });
    await using fixture = await start({ wrap });
    const owner = await make(fixture, 'owner');
    const child = await make(fixture, 'child', [owner]);
    await make(fixture, 'grandchild', [child]);
    await make(fixture, 'stranger');
    await fixture.client.configMaps('default').delete('owner');
    await fixture.until(async () => (await names(fixture)).length === 1);
    expect(await names(fixture)).toEqual(['stranger']);
    expect(writes.toSorted()).toEqual([
      'DELETE /api/v1/namespaces/default/configmaps/child',
      'DELETE /api/v1/namespaces/default/configmaps/grandchild',
    ]);
    // What was seen going needs no question.
    expect(gets.filter((get) => get.includes('/configmaps/'))).toEqual([]);
    expect(fixture.errors).toEqual([]);
  });

  it('deletes what names an owner that never was, and nothing while in doubt', async () => {
    let fail = true;
    const wrap = intercept((request, forward) =>
      fail && request.method === 'GET' && request.path.endsWith('/ghost')
        ? Promise.reject(new Error('not now'))
        : forward(request),
    );
    await using fixture = await start({ wrap });
    await make(fixture, 'child', [{ metadata: { name: 'ghost', uid: 'no-such-uid' } }]);
    await fixture.advance(5_000);
    expect(await names(fixture)).toEqual(['child']);
    fail = false;
    await fixture.until(async () => (await names(fixture)).length === 0);
  });

  it('knows another object of the same name from the owner', async () => {
    await using fixture = await start();
    const owner = await make(fixture, 'owner');
    await make(fixture, 'child', [{ metadata: { name: 'owner', uid: 'another-uid' } }]);
    await fixture.until(async () => !(await names(fixture)).includes('child'));
    expect(await names(fixture)).toEqual([owner.metadata.name]);
  });

  it('keeps what has an owner left, without the reference to the other', async () => {
    await using fixture = await start();
    const [a, b] = [await make(fixture, 'a'), await make(fixture, 'b')];
    await make(fixture, 'child', [a, b]);
    await fixture.client.configMaps('default').delete('a');
    await fixture.until(async () => {
      const { metadata } = await fixture.client.configMaps('default').get('child');
      return metadata.ownerReferences?.length === 1;
    });
    expect((await fixture.client.configMaps('default').get('child')).metadata.ownerReferences?.[0]?.uid).toBe(
      b.metadata.uid,
    );
  });

  it('lets dependents go on without their owner', async () => {
    await using fixture = await start();
    const owner = await make(fixture, 'owner');
    for (let i = 0; i < 5; i++) await make(fixture, `child-${i}`, [owner]);
    await fixture.client.configMaps('default').delete('owner', { propagationPolicy: 'Orphan' });
    await fixture.until(async () => !(await names(fixture)).includes('owner'));
    await fixture.advance(2_000);
    const { items } = await fixture.client.configMaps('default').list();
    expect(await names(fixture)).toHaveLength(5);
    expect(items.every(({ metadata }) => metadata.ownerReferences === undefined)).toBe(true);
  });

  it('deletes dependents first where that is asked for', async () => {
    await using fixture = await start();
    const { client } = fixture;
    const owner = await make(fixture, 'owner');
    await make(fixture, 'blocking', [owner], { blockOwnerDeletion: true, finalizers: ['example.com/hold'] });
    await make(fixture, 'indifferent', [owner], { finalizers: ['example.com/hold'] });
    await client.configMaps('default').delete('owner', { propagationPolicy: 'Foreground' });
    await fixture.advance(5_000);
    expect(await names(fixture)).toEqual(['blocking', 'indifferent', 'owner']);
    for (const name of ['blocking', 'indifferent'])
      expect((await client.configMaps('default').get(name)).metadata.deletionTimestamp).toBeDefined();
    const free = { metadata: { finalizers: null } };
    await client.configMaps('default').patch('blocking', { type: 'application/merge-patch+json', body: free });
    await fixture.until(async () => (await names(fixture)).length === 1);
    expect(await names(fixture)).toEqual(['indifferent']);
    expect(fixture.errors).toEqual([]);
  });

  it('deletes circles in the foreground', async () => {
    await using fixture = await start();
    const { client } = fixture;
    const a = await make(fixture, 'a');
    const b = await make(fixture, 'b', [a], { blockOwnerDeletion: true });
    const reference = { apiVersion: 'v1', kind: 'ConfigMap', name: 'b', uid: b.metadata.uid, blockOwnerDeletion: true };
    await client.configMaps('default').patch('a', {
      type: 'application/merge-patch+json',
      body: { metadata: { ownerReferences: [reference] } },
    });
    await client.configMaps('default').delete('a', { propagationPolicy: 'Foreground' });
    await fixture.until(async () => (await names(fixture)).length === 0);
    expect(fixture.errors).toEqual([]);
  });

  it('reports owners in other namespaces, and deletes what depends on them', async () => {
    await using fixture = await start();
    const { client } = fixture;
    await client.namespaces().create({ metadata: { name: 'other' } });
    const owner = await make(fixture, 'owner', [], { namespace: 'other' });
    const child = await make(fixture, 'child', [owner]);
    await fixture.until(async () => (await names(fixture)).length === 0);
    expect(await names(fixture, 'other')).toEqual(['owner']);
    await fixture.settle();
    const { items } = await client.events('default').list();
    const event = items.find(({ reason }) => reason === 'OwnerRefInvalidNamespace');
    expect(event?.message).toBe(
      `ownerRef [v1/ConfigMap, namespace: default, name: owner, uid: ${owner.metadata.uid}] does not exist in namespace "default"`,
    );
    expect(event?.involvedObject).toMatchObject({ kind: 'ConfigMap', name: 'child', uid: child.metadata.uid });
  });

  it('goes on where a stopped one was', async () => {
    await using first = await start();
    const { plane } = first;
    const owner = await make(first, 'owner');
    await make(first, 'child', [owner], { blockOwnerDeletion: true, finalizers: ['example.com/hold'] });
    await first.client.configMaps('default').delete('owner', { propagationPolicy: 'Foreground' });
    await first.advance(1_000);
    await using second = await start({ plane });
    const free = { metadata: { finalizers: null } };
    await second.client.configMaps('default').patch('child', { type: 'application/merge-patch+json', body: free });
    await second.until(async () => (await names(second)).length === 0);
    expect(second.errors).toEqual([]);
  });

  it('begins with what was lost while none ran, and then writes nothing', async () => {
    await using empty = await ControllerFixture.start([]);
    const { plane } = empty;
    const owner = await make(empty, 'owner');
    const kept = await make(empty, 'kept', [owner]);
    const lost = await make(empty, 'lost');
    await make(empty, 'child', [lost]);
    await empty.client.configMaps('default').delete('lost');
    const { writes, wrap } = countingTransport({ events: true });
    await using fixture = await start({ plane, wrap });
    await fixture.until(async () => !(await names(fixture)).includes('child'));
    expect(await names(fixture)).toEqual(['kept', 'owner']);
    const before = writes.length;
    await fixture.client.configMaps('default').patch('kept', {
      type: 'application/merge-patch+json',
      body: { metadata: { labels: { x: kept.metadata.name } } },
    });
    await fixture.advance(70_000);
    expect(writes.length).toBe(before);
    expect(fixture.errors).toEqual([]);
  });

  it('follows resources that come and go, and patches them as they can be patched', async () => {
    const widgets = new Widgets();
    await using fixture = await start({ wrap: (transport) => widgets.wrap(transport) });
    const { client } = fixture;
    const make = async (name: string, ownerReferences: OwnerReference[] = []) => {
      const { metadata } = await client.secrets('default').create({ metadata: { name, ownerReferences } });
      return { apiVersion: 'example.com/v1', kind: 'Widget', name, uid: metadata.uid ?? '' };
    };
    const found = async (): Promise<string[]> =>
      (await client.secrets('default').list()).items.map(({ metadata }) => metadata.name ?? '');
    const owner = await make('owner');
    const other = await make('other');
    await make('child', [owner]);
    await make('both', [owner, other]);
    await client.configMaps('default').create({ metadata: { name: 'child', ownerReferences: [owner] } });
    await client.secrets('default').delete('owner');
    // Nothing is known of the kind: nothing is done.
    await fixture.advance(40_000);
    expect(await found()).toEqual(['both', 'child', 'other']);
    widgets.served = true;
    await fixture.until(async () => (await names(fixture)).length === 0 && (await found()).length === 2);
    const { metadata } = await client.secrets('default').get('both');
    expect(metadata.ownerReferences).toEqual([other]);
    expect(widgets.watches).toBe(1);
    widgets.served = false;
    await fixture.advance(31_000);
    expect(widgets.watches).toBe(0);
    await make('late', [owner]);
    await fixture.advance(61_000);
    expect(await found()).toContain('late');
    expect(fixture.errors).toEqual([]);
  });

  it('keeps what it follows when a group cannot be discovered', async () => {
    const widgets = new Widgets();
    widgets.served = true;
    await using fixture = await start({ wrap: (transport) => widgets.wrap(transport) });
    await fixture.until(() => widgets.watches === 1);
    widgets.stale = true;
    await fixture.advance(31_000);
    expect(widgets.watches).toBe(1);
  });
});

/** Secrets, served under another name, as a custom resource would be. */
class Widgets {
  served = false;
  stale = false;
  watches = 0;

  wrap(inner: Transport): Transport {
    const path = (request: TransportRequest): TransportRequest => ({
      ...request,
      path: request.path.replace(/^\/apis\/example.com\/v1/, '/api/v1').replace(/\/widgets(?=\/|$)/, '/secrets'),
    });
    const refuse = (request: TransportRequest): void => {
      if (!request.path.includes('/widgets')) return;
      if (!this.served) throw newNotFound({ group: 'example.com', resource: 'widgets' }, '');
      if (request.contentType === 'application/strategic-merge-patch+json')
        throw failure('UnsupportedMediaType', 'the body of the request was in an unknown format');
    };
    return {
      request: async (request) => {
        refuse(request);
        return this.#discovery(request, await inner.request(path(request)));
      },
      watch: async (request) => {
        refuse(request);
        const stream = await inner.watch(path(request));
        if (!request.path.includes('/widgets')) return stream;
        this.watches++;
        request.signal?.addEventListener('abort', () => void this.watches--);
        return stream;
      },
      [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
    };
  }

  #discovery(request: TransportRequest, answer: TransportResponse): TransportResponse {
    if (request.path !== '/apis' && request.path !== '/api') return answer;
    const object = structuredClone(answer.object) as typeof answer.object & { items: AggregatedGroup[] };
    for (const group of object.items)
      for (const version of group.versions)
        version.resources = (version.resources ?? []).filter(({ resource }) => resource !== 'secrets');
    const widgets = {
      resource: 'widgets',
      responseKind: { kind: 'Widget' },
      scope: 'Namespaced',
      verbs: ['delete', 'list', 'watch', 'get', 'patch'],
    };
    const version = this.stale ? { version: 'v1', freshness: 'Stale' } : { version: 'v1', resources: [widgets] };
    if (this.served && request.path === '/apis')
      object.items.push({ metadata: { name: 'example.com' }, versions: [version] });
    return { ...answer, object };
  }
}

interface AggregatedGroup {
  metadata: { name: string };
  versions: { version: string; freshness?: string; resources?: { resource: string }[] }[];
}
