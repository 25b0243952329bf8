import { FakeClock } from '@kubets/apimachinery/fake-clock';
import { isUnauthorized } from '@kubets/apimachinery/status';
import { describe, expect, it } from 'vitest';
import { FakeCacheDirectory } from '../authorization/testing/fake-cache.ts';
import type { ApiRequest } from '../server/types.ts';
import { anonymousForHealthOnly } from './anonymous.ts';
import { newAuthenticator, type AuthenticatorOptions } from './new-authenticator.ts';
import { defaultRequestHeaders } from './request-header/request-header-authenticator.ts';
import { testCertificate, testRequest } from './testing/requests.ts';
import { parseTokenFile } from './token/token-file.ts';

function setup(over: Partial<AuthenticatorOptions> = {}) {
  const caches = new FakeCacheDirectory();
  const clock = new FakeClock();
  const { requests, tokens } = newAuthenticator({
    caches,
    clock,
    apiAudiences: ['api'],
    requestHeader: defaultRequestHeaders,
    bootstrapTokens: true,
    anonymous: anonymousForHealthOnly,
    tokenFile: parseTokenFile('secret-1,bob,7,"g1, g2"\n\n', 'tokens.csv'),
    ...over,
  });
  return { caches, clock, tokens, ask: async (request: ApiRequest) => requests.authenticate(request) };
}

const proxy = testCertificate({ commonName: 'front-proxy-client', issuer: 'front-proxy-ca' });

describe('newAuthenticator', () => {
  it('makes a user of a client certificate, once per certificate', async () => {
    const { ask, clock } = setup();
    const certificate = testCertificate({ notAfter: clock.now() + 1000 });
    const user = await ask(testRequest({ certificate }));
    expect(user).toEqual({ name: 'jane', groups: ['devs', 'system:authenticated'] });
    expect(await ask(testRequest({ certificate }))).toBe(user);
    clock.advance(2000);
    await expect(ask(testRequest({ certificate }))).rejects.toSatisfy(isUnauthorized);
  });

  it('tells which certificate it was', async () => {
    const user = await setup().ask(testRequest({ certificate: testCertificate({ fingerprint: 'ab12' }) }));
    expect(user?.extra).toEqual({ 'authentication.kubernetes.io/credential-id': ['X509SHA256=ab12'] });
  });

  it('believes a front proxy', async () => {
    const { ask } = setup();
    const headers = {
      'x-remote-user': 'ann',
      'x-remote-group': 'a, b',
      'x-remote-extra-scopes%2Fx': 'one, two',
      'x-remote-uid': 'u1',
    };
    expect(await ask(testRequest({ certificate: proxy, headers }))).toEqual({
      name: 'ann',
      uid: 'u1',
      groups: ['a', 'b', 'system:authenticated'],
      extra: { 'scopes/x': ['one', 'two'] },
    });
    const other = testCertificate({ commonName: 'someone', issuer: 'front-proxy-ca' });
    await expect(ask(testRequest({ certificate: other, headers }))).rejects.toSatisfy(isUnauthorized);
  });

  it('does not believe headers from others', async () => {
    const { ask } = setup();
    expect(await ask(testRequest({ headers: { 'x-remote-user': 'root' } }))).toBeUndefined();
    expect(
      await ask(testRequest({ certificate: testCertificate(), headers: { 'x-remote-user': 'root' } })),
    ).toMatchObject({ name: 'jane' });
    expect(await ask(testRequest({ certificate: proxy }))).toBeUndefined();
  });

  it('is anonymous for health endpoints only, and never with bad credentials', async () => {
    const { ask } = setup();
    const anonymous = { name: 'system:anonymous', groups: ['system:unauthenticated'] };
    expect(await ask(testRequest({ path: '/livez' }))).toEqual(anonymous);
    expect(await ask(testRequest({ path: '/version' }))).toBeUndefined();
    await expect(ask(testRequest({ path: '/livez', headers: { authorization: 'Bearer nonsense' } }))).rejects.toSatisfy(
      isUnauthorized,
    );
    const all = setup({ anonymous: { enabled: true, conditions: [] } });
    expect(await all.ask(testRequest({ path: '/version' }))).toEqual(anonymous);
  });

  it.each([
    ['Bearer secret-1', { name: 'bob', uid: '7', groups: ['g1', 'g2', 'system:authenticated'] }],
    ['bearer  secret-1', { name: 'bob', uid: '7', groups: ['g1', 'g2', 'system:authenticated'] }],
    ['Basic secret-1', undefined],
    ['Bearer ', undefined],
  ])('takes the token of %j', async (authorization, expected) => {
    expect(await setup().ask(testRequest({ headers: { authorization } }))).toEqual(expected);
  });

  it('takes the token of a WebSocket sub-protocol', async () => {
    const token = Buffer.from('secret-1').toString('base64url');
    const headers = { 'sec-websocket-protocol': `v5.channel.k8s.io, base64url.bearer.authorization.k8s.io.${token}` };
    expect(await setup().ask(testRequest({ headers }))).toMatchObject({ name: 'bob' });
  });

  it('prefers a good certificate to a bad token', async () => {
    const { ask } = setup();
    expect(
      await ask(testRequest({ certificate: testCertificate(), headers: { authorization: 'Bearer bad' } })),
    ).toMatchObject({ name: 'jane' });
  });
});

describe('parseTokenFile', () => {
  it('refuses short lines and misplaced quotes', () => {
    expect(() => parseTokenFile('a,b', 'f')).toThrow(
      "token file 'f' must have at least 3 columns (token, user name, user uid), found 2",
    );
    expect(() => parseTokenFile('a,b"c,d', 'f')).toThrow('misplaced quotes');
    expect(parseTokenFile('a,"b ""x""",c\n,no,1', 'f')).toEqual(
      new Map([['a', { name: 'b "x"', uid: 'c', groups: ['system:authenticated'] }]]),
    );
  });
});

describe('bootstrap tokens', () => {
  const secret = (data: Record<string, string>, extra: object = {}) => ({
    metadata: { name: 'bootstrap-token-abcdef', namespace: 'kube-system', ...extra },
    type: 'bootstrap.kubernetes.io/token',
    data: Object.fromEntries(
      Object.entries({
        'token-id': 'abcdef',
        'token-secret': '0123456789abcdef',
        'usage-bootstrap-authentication': 'true',
        ...data,
      }).map(([k, v]) => [k, Buffer.from(v).toString('base64')]),
    ),
  });
  const token = 'abcdef.0123456789abcdef';
  const good = { name: 'system:bootstrap:abcdef', groups: ['system:bootstrappers', 'system:authenticated'] };

  it.each<[string, object, object | undefined, string?]>([
    ['good', secret({}), good],
    ['not expired', secret({ expiration: '2026-01-01T00:00:01Z' }), good],
    ['expired', secret({ expiration: '2026-01-01T00:00:00Z' }), undefined],
    ['unreadable expiration', secret({ expiration: 'soon' }), undefined],
    ['another secret', secret({ 'token-secret': '0123456789abcdeX' }), undefined],
    ['another id', secret({ 'token-id': 'zzzzzz' }), undefined],
    ['no use', secret({ 'usage-bootstrap-authentication': 'false' }), undefined],
    ['deleted', secret({}, { deletionTimestamp: '2025-01-01T00:00:00Z' }), undefined],
    ['another type', { ...secret({}), type: 'Opaque' }, undefined],
    [
      'groups',
      secret({ 'auth-extra-groups': 'system:bootstrappers:b,system:bootstrappers:a' }),
      {
        ...good,
        groups: ['system:bootstrappers', 'system:bootstrappers:a', 'system:bootstrappers:b', 'system:authenticated'],
      },
    ],
    ['bad groups', secret({ 'auth-extra-groups': 'system:masters' }), undefined],
    ['malformed', secret({}), undefined, 'abcdef.short'],
  ])('%s', async (_, object, expected, given = token) => {
    const { caches, tokens } = setup();
    caches.put('', 'secrets', object);
    const result = (async () => (await tokens.authenticateToken(given, ['api'])).user)();
    const outcome = await result.catch((error: Error) => error.message);
    expect(outcome).toEqual(expected ?? 'invalid bearer token');
  });
});
