import { generateKeyPairSync } from 'node:crypto';
import { FakeClock } from '@kubets/apimachinery/fake-clock';
import { decodeJwt } from 'jose';
import { describe, expect, it } from 'vitest';
import { newAuthenticator } from '../../authentication/new-authenticator.ts';
import { TokenIssuer } from '../../authentication/serviceaccount/token-issuer.ts';
import { testRequest } from '../../authentication/testing/requests.ts';
import { FakeCacheDirectory } from '../../authorization/testing/fake-cache.ts';
import { authenticationHandlers } from './handlers.ts';
import { tokenRequestHandler, type TokenRequestDeps } from './token-request.ts';

const issuerName = 'https://kubernetes.default.svc';
const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;

function setup(over: Partial<TokenRequestDeps> = {}) {
  const caches = new FakeCacheDirectory();
  const clock = new FakeClock();
  const issuer = new TokenIssuer(issuerName, key);
  const apiAudiences = [issuerName];
  caches.put('', 'serviceaccounts', { metadata: { name: 'sa', namespace: 'ns', uid: 'u-sa' } });
  caches.put('', 'pods', {
    metadata: { name: 'p', namespace: 'ns', uid: 'u-p' },
    spec: { serviceAccountName: 'sa', nodeName: 'n' },
  });
  caches.put('', 'pods', {
    metadata: { name: 'q', namespace: 'ns', uid: 'u-q' },
    spec: { serviceAccountName: 'other' },
  });
  caches.put('', 'nodes', { metadata: { name: 'n', uid: 'u-n' } });
  const { tokens } = newAuthenticator({
    caches,
    clock,
    apiAudiences,
    serviceAccounts: { issuers: [issuerName], keys: [issuer.verificationKey] },
    bootstrapTokens: false,
    anonymous: { enabled: false, conditions: [] },
  });
  const deps: TokenRequestDeps = {
    caches,
    issuer,
    apiAudiences,
    clock,
    random: { float: () => 0, uuid: () => 'uuid-1' },
    extendExpiration: true,
    ...over,
  };
  const warnings: string[] = [];
  const requestToken = async (spec: object, name = 'sa') => {
    const request = testRequest({ body: { spec }, info: { namespace: 'ns', name } });
    const result = await tokenRequestHandler(deps)(request);
    warnings.push(...request.warnings);
    if (result.type !== 'object') throw new Error(result.type);
    return result.object as { spec: object; metadata: object; status: { token: string; expirationTimestamp: string } };
  };
  const create = async (resource: string, body: object) => {
    const result = await authenticationHandlers({ tokens, apiAudiences, clock })[`authentication.k8s.io/${resource}`]!(
      testRequest({ body }),
    );
    if (result.type !== 'object') throw new Error(result.type);
    return result.object as { status: Record<string, unknown> };
  };
  return { caches, clock, requestToken, create, warnings };
}

const now = Date.UTC(2026, 0, 1) / 1000;

describe('TokenRequest', () => {
  it('signs a token that a TokenReview finds good', async () => {
    const { requestToken, create } = setup();
    const made = await requestToken({});
    expect(made).toMatchObject({
      kind: 'TokenRequest',
      apiVersion: 'authentication.k8s.io/v1',
      metadata: { name: 'sa', namespace: 'ns', creationTimestamp: '2026-01-01T00:00:00Z' },
      spec: { audiences: [issuerName], expirationSeconds: 3600 },
      status: { expirationTimestamp: '2026-01-01T01:00:00Z' },
    });
    expect(decodeJwt(made.status.token)).toEqual({
      aud: [issuerName],
      exp: now + 3600,
      iat: now,
      iss: issuerName,
      jti: 'uuid-1',
      'kubernetes.io': { namespace: 'ns', serviceaccount: { name: 'sa', uid: 'u-sa' } },
      nbf: now,
      sub: 'system:serviceaccount:ns:sa',
    });
    const review = await create('tokenreviews', { spec: { token: made.status.token } });
    expect(review.status).toMatchObject({
      authenticated: true,
      audiences: [issuerName],
      user: { username: 'system:serviceaccount:ns:sa', uid: 'u-sa' },
    });
  });

  it('binds to a pod and its node, with the long life of projected tokens', async () => {
    const { requestToken } = setup();
    const made = await requestToken({
      expirationSeconds: 3607,
      boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'u-p' },
    });
    expect(decodeJwt(made.status.token)).toMatchObject({
      exp: now + 365 * 24 * 3600,
      'kubernetes.io': { node: { name: 'n', uid: 'u-n' }, pod: { name: 'p', uid: 'u-p' }, warnafter: now + 3607 },
    });
    expect(made.status.expirationTimestamp).toBe('2026-01-01T01:00:07Z');
  });

  it('does not lengthen tokens for others', async () => {
    const { requestToken } = setup();
    const made = await requestToken({
      audiences: ['vault'],
      expirationSeconds: 3607,
      boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'p' },
    });
    expect(decodeJwt(made.status.token)).toMatchObject({ aud: ['vault'], exp: now + 3607 });
  });

  it('shortens what is too long', async () => {
    const { requestToken, warnings } = setup({ maxExpirationSeconds: 7200 });
    expect((await requestToken({ expirationSeconds: 10000 })).spec).toMatchObject({ expirationSeconds: 7200 });
    expect(warnings).toEqual(['requested expiration of 10000 seconds shortened to 7200 seconds']);
  });

  it.each<[string, object, string, string?]>([
    [
      'too short a life',
      { expirationSeconds: 599 },
      'spec.expirationSeconds: Invalid value: 599: may not specify a duration less than 10 minutes',
    ],
    ['too long a life', { expirationSeconds: 2 ** 32 + 1 }, 'may not specify a duration larger than 2^32 seconds'],
    ['a missing account', {}, 'serviceaccounts "sx" not found', 'sx'],
    ['a missing pod', { boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'x' } }, 'pods "x" not found'],
    [
      'a pod of another account',
      { boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'q' } },
      'to pod running with different serviceaccount name.',
    ],
    [
      'another uid',
      { boundObjectRef: { apiVersion: 'v1', kind: 'Node', name: 'n', uid: 'x' } },
      'the UID in the bound object reference (x) does not match the UID in record',
    ],
    [
      'another kind',
      { boundObjectRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'n' } },
      'cannot bind token to object of type apps/v1, Kind=Deployment',
    ],
  ])('refuses %s', async (_, spec, text, name) => {
    await expect(setup().requestToken(spec, name)).rejects.toThrow(text);
  });
});

describe('reviews', () => {
  it('tell why a token is bad', async () => {
    const { requestToken, create, clock } = setup();
    expect((await create('tokenreviews', { spec: { token: 'x' } })).status).toEqual({
      user: {},
      error: 'invalid bearer token',
    });
    const { token } = (await requestToken({})).status;
    expect((await create('tokenreviews', { spec: { token, audiences: ['vault'] } })).status['error']).toContain(
      'is invalid for the target audiences',
    );
    clock.advance(2 * 3600_000);
    expect((await create('tokenreviews', { spec: { token } })).status).toEqual({
      user: {},
      error: '[invalid bearer token, service account token has expired]',
    });
    await expect(create('tokenreviews', { spec: {} })).rejects.toThrow(
      'token is required for TokenReview in authentication',
    );
  });

  it('tell callers who they are', async () => {
    expect(await setup().create('selfsubjectreviews', {})).toMatchObject({
      kind: 'SelfSubjectReview',
      metadata: { creationTimestamp: '2026-01-01T00:00:00Z' },
      status: { userInfo: { username: 'jane', groups: ['system:authenticated'] } },
    });
  });
});
