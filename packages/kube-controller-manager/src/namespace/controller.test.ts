import { describe, expect, it } from 'vitest';
import type { ConfigMap, Pod } from '@kubets/api/types/core-v1';
import { isNotFound } from '@kubets/apimachinery/status';
import { ControllerFixture } from '../testing/controller-fixture.ts';
import { countingTransport } from '../testing/counting-transport.ts';
import { intercept } from '../testing/intercept.ts';
import { Interference } from '../testing/interference.ts';
import { namespaceController } from './controller.ts';

const configMap = (name: string, finalizers?: string[]): ConfigMap => ({
  metadata: { name, ...(finalizers && { finalizers }) },
});

const pod = (name: string, nodeName?: string): Pod => ({
  metadata: { name },
  spec: { containers: [{ name: 'c', image: 'i' }], ...(nodeName === undefined ? {} : { nodeName }) },
});

async function isGone(fixture: ControllerFixture, name: string): Promise<boolean> {
  try {
    await fixture.client.namespaces().get(name);
    return false;
  } catch (error) {
    if (isNotFound(error)) return true;
    throw error;
  }
}

async function conditionsOf(fixture: ControllerFixture, name: string): Promise<Record<string, string>> {
  const { status } = await fixture.client.namespaces().get(name);
  return Object.fromEntries((status?.conditions ?? []).map((c) => [c.type, `${c.status} ${c.reason}: ${c.message}`]));
}

describe('namespace controller', () => {
  it('empties a namespace and lets it go', async () => {
    await using fixture = await ControllerFixture.start([namespaceController]);
    const { client } = fixture;
    await client.namespaces().create({ metadata: { name: 'a' } });
    await client.namespaces().create({ metadata: { name: 'b' } });
    for (const name of ['x', 'y']) {
      await client.configMaps('a').create(configMap(name));
      await client.configMaps('b').create(configMap(name));
      await client.secrets('a').create({ metadata: { name } });
    }
    await client.pods('a').create(pod('p'));
    await client.namespaces().delete('a');
    await fixture.until(() => isGone(fixture, 'a'));
    expect((await client.configMaps('a').list()).items).toEqual([]);
    expect((await client.secrets('a').list()).items).toEqual([]);
    expect((await client.pods('a').list()).items).toEqual([]);
    expect((await client.configMaps('b').list()).items.map((c) => c.metadata.name)).toEqual(
      expect.arrayContaining(['x', 'y']),
    );
    expect(fixture.errors).toEqual([]);
  });

  it('does nothing to namespaces that stay', async () => {
    const { writes, wrap } = countingTransport({ events: true });
    await using fixture = await ControllerFixture.start([namespaceController], { wrap });
    await fixture.client.namespaces().create({ metadata: { name: 'a' } });
    await fixture.client.namespaces().patch('a', {
      type: 'application/merge-patch+json',
      body: { metadata: { labels: { x: 'y' } } },
    });
    await fixture.advance(5_000);
    expect(writes).toEqual([]);
  });

  it('says which finalizers it waits for, and goes on when they are removed', async () => {
    const { writes, wrap } = countingTransport({ events: true });
    await using fixture = await ControllerFixture.start([namespaceController], { wrap });
    const { client } = fixture;
    await client.namespaces().create({ metadata: { name: 'a' } });
    await client.configMaps('a').create(configMap('x', ['example.com/hold']));
    await client.configMaps('a').create(configMap('y', ['example.com/hold', 'example.com/other']));
    await client.namespaces().delete('a');
    await fixture.advance(3_000);
    expect(await conditionsOf(fixture, 'a')).toEqual({
      NamespaceDeletionDiscoveryFailure: 'False ResourcesDiscovered: All resources successfully discovered',
      NamespaceDeletionGroupVersionParsingFailure:
        'False ParsedGroupVersions: All legacy kube types successfully parsed',
      NamespaceDeletionContentFailure:
        'False ContentDeleted: All content successfully deleted, may be waiting on finalization',
      NamespaceContentRemaining:
        'True SomeResourcesRemain: Some resources are remaining: configmaps. has 2 resource instances',
      NamespaceFinalizersRemaining:
        'True SomeFinalizersRemain: Some content in the namespace has finalizers remaining: example.com/hold in 2 resource instances, example.com/other in 1 resource instances',
    });
    // It looks again now and then, and says nothing new.
    const said = writes.filter((write) => write.startsWith('PUT')).length;
    await fixture.advance(30_000);
    expect(writes.filter((write) => write.startsWith('PUT')).length).toBe(said);
    for (const name of ['x', 'y']) {
      const body = { metadata: { finalizers: null } };
      await client.configMaps('a').patch(name, { type: 'application/merge-patch+json', body });
    }
    await fixture.until(() => isGone(fixture, 'a'));
    expect(fixture.errors).toEqual([]);
  });

  it('keeps everything else until the pods are gone, and notices the last one', async () => {
    await using fixture = await ControllerFixture.start([namespaceController]);
    const { client } = fixture;
    await client.nodes().create({ metadata: { name: 'n' } });
    await client.namespaces().create({ metadata: { name: 'a' } });
    await client.configMaps('a').create(configMap('x'));
    await client.pods('a').create(pod('p', 'n'));
    await client.namespaces().delete('a');
    await fixture.advance(4_000);
    expect((await client.pods('a').get('p')).metadata.deletionTimestamp).toBeDefined();
    expect((await client.configMaps('a').get('x')).metadata.deletionTimestamp).toBeUndefined();
    const conditions = await conditionsOf(fixture, 'a');
    expect(conditions['NamespaceContentRemaining']).toContain('pods. has 1 resource instances');
    await client.pods('a').delete('p', { gracePeriodSeconds: 0 });
    await fixture.settle();
    expect((await client.configMaps('a').list()).items).toEqual([]);
    await fixture.until(() => isGone(fixture, 'a'));
    expect(fixture.errors).toEqual([]);
  });

  it('names the groups that cannot be discovered, deletes the rest, and keeps the namespace', async () => {
    let broken = true;
    const wrap = intercept(async (request, forward) => {
      const answer = await forward(request);
      if (!broken || request.path !== '/apis' || request.headers?.['accept']?.includes('v2') !== true) return answer;
      const object = structuredClone(answer.object) as typeof answer.object & { items: object[] };
      object.items.push({ metadata: { name: 'x.example.com' }, versions: [{ version: 'v1', freshness: 'Stale' }] });
      return { ...answer, object };
    });
    await using fixture = await ControllerFixture.start([namespaceController], { wrap });
    const { client } = fixture;
    await client.namespaces().create({ metadata: { name: 'a' } });
    await client.configMaps('a').create(configMap('x'));
    await client.namespaces().delete('a');
    await fixture.advance(3_000);
    expect((await client.configMaps('a').list()).items).toEqual([]);
    expect((await conditionsOf(fixture, 'a'))['NamespaceDeletionDiscoveryFailure']).toBe(
      'True DiscoveryFailed: Discovery failed for some groups, 1 failing: unable to retrieve the complete list of server APIs: x.example.com/v1: stale GroupVersion discovery',
    );
    broken = false;
    await fixture.until(() => isGone(fixture, 'a'));
  });

  it('tells what could not be deleted', async () => {
    let broken = true;
    const { wrap } = countingTransport({
      refuse: (request) =>
        broken && request.method === 'DELETE' && request.path.endsWith('/secrets') ? new Error('no way') : undefined,
    });
    await using fixture = await ControllerFixture.start([namespaceController], { wrap });
    const { client } = fixture;
    await client.namespaces().create({ metadata: { name: 'a' } });
    await client.secrets('a').create({ metadata: { name: 'x' } });
    await client.namespaces().delete('a');
    await fixture.advance(2_000);
    expect((await conditionsOf(fixture, 'a'))['NamespaceDeletionContentFailure']).toBe(
      'True ContentDeletionFailed: Failed to delete all resource types, 1 remaining: no way',
    );
    broken = false;
    await fixture.until(() => isGone(fixture, 'a'));
  });

  it('leaves the finalizers of others in the spec, and is done', async () => {
    const { writes, wrap } = countingTransport({ events: true });
    await using fixture = await ControllerFixture.start([namespaceController], { wrap });
    const { client } = fixture;
    await client.namespaces().create({ metadata: { name: 'a' }, spec: { finalizers: ['example.com/x'] } });
    await client.namespaces().delete('a');
    await fixture.until(
      async () => (await client.namespaces().get('a')).spec?.finalizers?.join(',') === 'example.com/x',
    );
    const before = writes.length;
    await fixture.advance(10_000);
    expect(writes.length).toBe(before);
  });

  it('goes on where a stopped one was', async () => {
    await using first = await ControllerFixture.start([]);
    const { client, plane } = first;
    await client.namespaces().create({ metadata: { name: 'a' } });
    await client.configMaps('a').create(configMap('x'));
    await client.namespaces().delete('a');
    {
      const { wrap } = countingTransport({
        refuse: (request) => (request.path.endsWith('/finalize') ? new Error('stopped') : undefined),
      });
      await using broken = await ControllerFixture.start([namespaceController], { plane, wrap });
      await broken.advance(2_000);
    }
    await using second = await ControllerFixture.start([namespaceController], { plane });
    await second.until(() => isGone(second, 'a'));
    expect(second.errors).toEqual([]);
  });

  it.each([1, 2, 3])('gets there whatever goes wrong on the way (%i)', async (seed) => {
    const interference = new Interference(seed, 0.1);
    await using fixture = await ControllerFixture.start([namespaceController], { wrap: interference.wrap });
    const { client } = fixture;
    interference.begin();
    await client.namespaces().create({ metadata: { name: 'a' } });
    for (let i = 0; i < 20; i++) {
      await client.configMaps('a').create(configMap(`c${i}`));
      await client.pods('a').create(pod(`p${i}`));
    }
    await client.namespaces().delete('a');
    await fixture.advance(20_000);
    interference.quiet();
    await fixture.until(() => isGone(fixture, 'a'), { stepMs: 2_000 });
    expect((await client.configMaps('a').list()).items).toEqual([]);
    expect((await client.pods('a').list()).items).toEqual([]);
  });
});
