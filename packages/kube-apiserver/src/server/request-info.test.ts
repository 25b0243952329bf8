import { describe, expect, it } from 'vitest';
import { isLongRunning, requestInfoOf, RequestInfoError } from './request-info.ts';

function infoOf(method: string, url: string) {
  const { pathname, searchParams } = new URL(url, 'https://x');
  return requestInfoOf({ method, path: pathname, query: searchParams });
}

/** method, url, verb, prefix, group, version, namespace, resource, subresource, name, parts */
const resources = [
  ['GET', '/api/v1/namespaces', 'list', 'api', '', 'v1', '', 'namespaces', '', '', 'namespaces'],
  ['GET', '/api/v1/namespaces/other', 'get', 'api', '', 'v1', 'other', 'namespaces', '', 'other', 'namespaces/other'],
  [
    'PUT',
    '/api/v1/namespaces/other/finalize',
    'update',
    'api',
    '',
    'v1',
    'other',
    'namespaces',
    'finalize',
    'other',
    'namespaces/other/finalize',
  ],
  [
    'GET',
    '/api/v1/namespaces/other/status',
    'get',
    'api',
    '',
    'v1',
    'other',
    'namespaces',
    'status',
    'other',
    'namespaces/other/status',
  ],
  ['GET', '/api/v1/namespaces/other/pods', 'list', 'api', '', 'v1', 'other', 'pods', '', '', 'pods'],
  ['GET', '/api/v1/namespaces/other/pods/foo', 'get', 'api', '', 'v1', 'other', 'pods', '', 'foo', 'pods/foo'],
  ['HEAD', '/api/v1/namespaces/other/pods/foo', 'get', 'api', '', 'v1', 'other', 'pods', '', 'foo', 'pods/foo'],
  ['GET', '/api/v1/pods', 'list', 'api', '', 'v1', '', 'pods', '', '', 'pods'],
  ['GET', '/api/v1/pods?watch=true', 'watch', 'api', '', 'v1', '', 'pods', '', '', 'pods'],
  ['GET', '/api/v1/pods?watch=1', 'watch', 'api', '', 'v1', '', 'pods', '', '', 'pods'],
  ['GET', '/api/v1/pods?watch', 'watch', 'api', '', 'v1', '', 'pods', '', '', 'pods'],
  ['GET', '/api/v1/pods?watch=false', 'list', 'api', '', 'v1', '', 'pods', '', '', 'pods'],
  ['GET', '/api/v1/pods?watch=0', 'list', 'api', '', 'v1', '', 'pods', '', '', 'pods'],
  ['GET', '/api/v1/watch/pods', 'watch', 'api', '', 'v1', '', 'pods', '', '', 'pods'],
  ['GET', '/api/v1/watch/namespaces/other/pods', 'watch', 'api', '', 'v1', 'other', 'pods', '', '', 'pods'],
  ['GET', '/api/v1/proxy/namespaces/other/pods/foo', 'proxy', 'api', '', 'v1', 'other', 'pods', '', 'foo', 'pods/foo'],
  [
    'GET',
    '/api/v1/namespaces/other/pods/foo/proxy/a/b',
    'get',
    'api',
    '',
    'v1',
    'other',
    'pods',
    'proxy',
    'foo',
    'pods/foo/proxy/a/b',
  ],
  ['POST', '/api/v1/namespaces/other/pods', 'create', 'api', '', 'v1', 'other', 'pods', '', '', 'pods'],
  [
    'POST',
    '/api/v1/namespaces/other/pods/foo/binding',
    'create',
    'api',
    '',
    'v1',
    'other',
    'pods',
    'binding',
    'foo',
    'pods/foo/binding',
  ],
  [
    'PATCH',
    '/apis/apps/v1/namespaces/other/deployments/foo',
    'patch',
    'apis',
    'apps',
    'v1',
    'other',
    'deployments',
    '',
    'foo',
    'deployments/foo',
  ],
  ['DELETE', '/api/v1/namespaces/other/pods/foo', 'delete', 'api', '', 'v1', 'other', 'pods', '', 'foo', 'pods/foo'],
  ['DELETE', '/api/v1/namespaces/other/pods', 'deletecollection', 'api', '', 'v1', 'other', 'pods', '', '', 'pods'],
  ['GET', '/api/v1/pods?fieldSelector=metadata.name%3Dfoo', 'list', 'api', '', 'v1', '', 'pods', '', 'foo', 'pods'],
  [
    'GET',
    '/api/v1/pods?watch=true&fieldSelector=a%3Db,metadata.name%3D%3Dfoo',
    'watch',
    'api',
    '',
    'v1',
    '',
    'pods',
    '',
    'foo',
    'pods',
  ],
  ['GET', '/api/v1/pods?fieldSelector=metadata.name%21%3Dfoo', 'list', 'api', '', 'v1', '', 'pods', '', '', 'pods'],
  ['GET', '/api/v1/pods?fieldSelector=metadata.name%3Da%2Fb', 'list', 'api', '', 'v1', '', 'pods', '', '', 'pods'],
  ['GET', '/apis/batch/v1/jobs', 'list', 'apis', 'batch', 'v1', '', 'jobs', '', '', 'jobs'],
  ['OPTIONS', '/api/v1/pods', '', 'api', '', 'v1', '', 'pods', '', '', 'pods'],
] as const;

describe('requestInfoOf', () => {
  it.each(resources)(
    '%s %s',
    (method, url, verb, apiPrefix, group, version, namespace, resource, subresource, name, parts) => {
      expect(infoOf(method, url)).toMatchObject({
        isResourceRequest: true,
        verb,
        apiPrefix,
        group,
        version,
        namespace,
        resource,
        subresource,
        name,
        parts: parts.split('/'),
      });
    },
  );

  it.each([
    '/',
    '/api',
    '/api/',
    '/api/v1',
    '/api/v1/',
    '/apis',
    '/apis/apps',
    '/apis/apps/v1',
    '/healthz',
    '/a/b/c/d',
  ])('takes %s for no resource', (path) => {
    expect(infoOf('POST', path)).toMatchObject({ isResourceRequest: false, verb: 'post', path, resource: '' });
  });

  it.each(['/api/v1/watch', '/api/v1/proxy', '/apis/apps/v1/watch/'])('refuses %s', (path) => {
    expect(() => infoOf('GET', path)).toThrow(RequestInfoError);
  });

  it('knows what runs long', () => {
    const long = ['/api/v1/pods?watch=1', '/api/v1/namespaces/a/pods/b/log', '/api/v1/namespaces/a/pods/b/exec'];
    expect(long.map((url) => isLongRunning(infoOf('GET', url)))).toEqual([true, true, true]);
    expect(isLongRunning(infoOf('GET', '/api/v1/pods'))).toBe(false);
    expect(isLongRunning(infoOf('GET', '/healthz'))).toBe(false);
  });

  it.each(['constructor', '__proto__', 'toString', 'BREW', ''])('knows no verb for the method %s', (method) => {
    const line = { method, path: '/api/v1/namespaces/a/pods/b', query: new URLSearchParams() };
    expect(requestInfoOf(line).verb).toBe('');
  });
});
