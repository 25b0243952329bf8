/** Which paths lead to which objects: authorization goes by the namespace of the path. */
import { describe, expect, it } from 'vitest';
import { ApiFixture } from '../testing/api-fixture.ts';

const namespace = (name: string): object => ({ kind: 'Namespace', apiVersion: 'v1', metadata: { name } });

describe('paths', () => {
  it('lead from within a namespace to that namespace only', async () => {
    await using api = await ApiFixture.open();
    for (const name of ['mine', 'other']) await api.ok('POST', '/api/v1/namespaces', { body: namespace(name) });
    const inside = '/api/v1/namespaces/mine/namespaces';
    const calls: [method: string, path: string, body?: object][] = [
      ['GET', inside],
      ['GET', `${inside}?watch=1`],
      ['POST', inside, namespace('evil')],
      ['GET', `${inside}/other`],
      ['PUT', `${inside}/other`, namespace('other')],
      ['DELETE', `${inside}/other`],
      ['PUT', `${inside}/other/finalize`, namespace('other')],
      ['GET', `${inside}/other/status`],
      ['GET', '/api/v1/watch/namespaces/mine/namespaces/other'],
      ['GET', '/api/v1/namespaces/mine/nodes'],
      ['GET', '/apis/rbac.authorization.k8s.io/v1/namespaces/mine/clusterroles'],
    ];
    for (const [method, path, body] of calls) {
      const { status } = await api.call(method, path, body === undefined ? {} : { body });
      expect([method, path, status]).toEqual([method, path, 404]);
    }
    expect((await api.call('GET', '/api/v1/namespaces/mine')).status).toBe(200);
    expect((await api.call('GET', '/api/v1/namespaces/mine/status')).status).toBe(200);
  });

  it.each(['18446744073709551616', '99999999999999999999999', '-1', '1e3'])(
    'with resourceVersion %s are refused',
    async (version) => {
      await using api = await ApiFixture.open();
      for (const query of ['', '&watch=1', '&limit=1']) {
        const { status } = await api.call('GET', `/api/v1/configmaps?resourceVersion=${version}${query}`);
        expect(status).toBe(400);
      }
    },
  );
});

describe('names that every JavaScript object knows', () => {
  const maps = '/api/v1/namespaces/default/configmaps';
  const merge = 'application/merge-patch+json';

  it.each(['constructor', 'toString', 'hasOwnProperty'])('%s is a label like any other', async (name) => {
    await using api = await ApiFixture.open();
    const labels = { a: 'b' };
    await api.ok('POST', maps, { body: { kind: 'ConfigMap', apiVersion: 'v1', metadata: { name: 'm', labels } } });
    const patch = { metadata: { labels: { [name]: 'x' } } };
    const patched = await api.ok('PATCH', `${maps}/m`, { contentType: merge, body: patch });
    expect(patched.metadata.labels).toEqual({ a: 'b', [name]: 'x' });
    expect(patched.metadata.resourceVersion).not.toBe('1');
    expect((await api.ok('GET', `${maps}?labelSelector=!${name}`))['items']).toEqual([]);
  });

  it('is a key like any other', async () => {
    await using api = await ApiFixture.open();
    const text = '{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"m"},"data":{"__proto__":"1","a":"2"}}';
    await api.call('POST', maps, { text });
    const patch = '{"data":{"__proto__":"3"}}';
    await api.call('PATCH', `${maps}/m`, { contentType: merge, text: patch });
    const { data } = (await api.ok('GET', `${maps}/m`)) as { data?: object };
    expect(Object.entries(data ?? {})).toEqual([
      ['__proto__', '3'],
      ['a', '2'],
    ]);
  });

  it('is a key of stringData like any other', async () => {
    await using api = await ApiFixture.open();
    const secrets = '/api/v1/namespaces/default/secrets';
    const text = '{"kind":"Secret","apiVersion":"v1","metadata":{"name":"s"},"stringData":{"__proto__":"1","a":"2"}}';
    await api.call('POST', secrets, { text });
    const { data } = (await api.ok('GET', `${secrets}/s`)) as { data?: object };
    expect(Object.entries(data ?? {})).toEqual([
      ['__proto__', 'MQ=='],
      ['a', 'Mg=='],
    ]);
  });

  it('is no media type', async () => {
    await using api = await ApiFixture.open();
    await api.ok('POST', maps, { body: { kind: 'ConfigMap', apiVersion: 'v1', metadata: { name: 'm' } } });
    for (const contentType of ['constructor', '__proto__', ';;', 'toString;a=b']) {
      expect((await api.call('PATCH', `${maps}/m`, { contentType, body: {} })).status).toBe(415);
      expect((await api.call('POST', maps, { contentType, body: {} })).status).toBe(415);
    }
  });
});
