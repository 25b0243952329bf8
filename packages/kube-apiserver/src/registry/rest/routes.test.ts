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
