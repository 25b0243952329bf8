import { describe, expect, it } from 'vitest';
import { ApiFixture, eventsOf } from '../testing/api-fixture.ts';

const configMaps = '/api/v1/namespaces/default/configmaps';

function configMap(name: string, data: Record<string, string> = {}): object {
  return { kind: 'ConfigMap', apiVersion: 'v1', metadata: { name }, data };
}

describe('the thin path', () => {
  it('creates, gets, lists and watches', async () => {
    await using api = await ApiFixture.open();
    const watch = await api.watch(`${configMaps}?watch=true`);
    const created = await api.call('POST', configMaps, { body: configMap('a', { k: 'v' }) });
    expect(created.status).toBe(201);
    expect(created.object).toMatchObject({
      kind: 'ConfigMap',
      apiVersion: 'v1',
      metadata: { name: 'a', namespace: 'default', resourceVersion: '1' },
      data: { k: 'v' },
    });
    expect(created.object.metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
    const got = await api.call('GET', `${configMaps}/a`);
    expect(got.object).toEqual(created.object);
    expect(Object.keys(got.object.metadata)).toEqual([
      'name',
      'namespace',
      'uid',
      'resourceVersion',
      'creationTimestamp',
      'managedFields',
    ]);
    const list = await api.ok('GET', '/api/v1/configmaps');
    expect(list['items']).toEqual([created.object]);
    expect(eventsOf(watch)).toEqual(['ADDED a@1']);
  });
});
