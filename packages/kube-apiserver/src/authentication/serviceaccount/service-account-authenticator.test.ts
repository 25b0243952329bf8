import { generateKeyPairSync } from 'node:crypto';
import { FakeClock } from '@kubets/apimachinery/fake-clock';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { describe, expect, it } from 'vitest';
import { FakeCacheDirectory } from '../../authorization/testing/fake-cache.ts';
import { legacyIssuer, type TokenClaims } from './claims.ts';
import { parseSigningKey, parseVerificationKeys, verificationKey } from './keys.ts';
import { openIdMetadata, openIdHandlers, jwksPath } from './openid-metadata.ts';
import { ServiceAccountAuthenticator } from './service-account-authenticator.ts';
import { TokenIssuer } from './token-issuer.ts';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const issuer = 'https://kubernetes.default.svc';

function setup(signing = ec, trusted = [ec, rsa]) {
  const caches = new FakeCacheDirectory();
  const clock = new FakeClock();
  caches.put('', 'serviceaccounts', { metadata: { name: 'sa', namespace: 'ns', uid: 'u-sa' } });
  caches.put('', 'pods', { metadata: { name: 'p', namespace: 'ns', uid: 'u-p' } });
  caches.put('', 'nodes', { metadata: { name: 'n', uid: 'u-n' } });
  caches.put('', 'secrets', { metadata: { name: 's', namespace: 'ns', uid: 'u-s' } });
  const authenticator = new ServiceAccountAuthenticator({
    issuers: [issuer, 'old'],
    keys: trusted.map(verificationKey),
    apiAudiences: [issuer],
    caches,
    clock,
  });
  const seconds = (): number => clock.now() / 1000;
  const token = (over: Partial<TokenClaims> = {}, bound: object = {}): Promise<string> =>
    new TokenIssuer(issuer, signing).sign({
      aud: [issuer],
      exp: seconds() + 3600,
      nbf: seconds(),
      iat: seconds(),
      jti: 'j1',
      sub: 'system:serviceaccount:ns:sa',
      'kubernetes.io': { namespace: 'ns', serviceaccount: { name: 'sa', uid: 'u-sa' }, ...bound },
      ...over,
    });
  return {
    caches,
    clock,
    authenticator,
    token,
    ask: async (t: string, audiences: string[] = []) => authenticator.authenticateToken(t, audiences),
  };
}

describe('bound tokens', () => {
  it.each([
    ['RS256', rsa],
    ['ES256', ec],
  ])('are verified with %s', async (_, key) => {
    const { ask, token } = setup(key);
    const bound = { pod: { name: 'p', uid: 'u-p' }, node: { name: 'n', uid: 'u-n' } };
    expect(await ask(await token({}, bound))).toEqual({
      audiences: [issuer],
      user: {
        name: 'system:serviceaccount:ns:sa',
        uid: 'u-sa',
        groups: ['system:serviceaccounts', 'system:serviceaccounts:ns', 'system:authenticated'],
        extra: {
          'authentication.kubernetes.io/credential-id': ['JTI=j1'],
          'authentication.kubernetes.io/node-name': ['n'],
          'authentication.kubernetes.io/node-uid': ['u-n'],
          'authentication.kubernetes.io/pod-name': ['p'],
          'authentication.kubernetes.io/pod-uid': ['u-p'],
        },
      },
    });
  });

  it('are answered at once when hot, and go bad with their objects', async () => {
    const { ask, token, authenticator, caches } = setup();
    const hot = await token({}, { pod: { name: 'p', uid: 'u-p' } });
    const first = await ask(hot);
    const audiences: string[] = [];
    await ask(hot, audiences);
    expect(authenticator.authenticateToken(hot, audiences)).toBe(authenticator.authenticateToken(hot, audiences));
    expect(authenticator.authenticateToken(hot, audiences)).toEqual(first);
    caches.of({ group: '', resource: 'pods' }).remove('ns', 'p');
    expect(() => authenticator.authenticateToken(hot, audiences)).toThrow('service account token has been invalidated');
  });

  it.each<[string, (s: ReturnType<typeof setup>) => Promise<string>, string]>([
    ['expired', (s) => s.token({ exp: s.clock.now() / 1000 - 61 }), 'service account token has expired'],
    ['too early', (s) => s.token({ nbf: s.clock.now() / 1000 + 61 }), 'service account token is not valid yet'],
    ['issued in the future', (s) => s.token({ iat: s.clock.now() / 1000 + 61 }), 'issued in the future'],
    [
      'another service account of that name',
      (s) => s.token({}, { serviceaccount: { name: 'sa', uid: 'x' } }),
      'service account UID (u-sa) does not match claim (x)',
    ],
    [
      'no service account',
      (s) => s.token({}, { serviceaccount: { name: 'sb', uid: 'x' } }),
      'serviceaccounts "sb" not found',
    ],
    [
      'another pod',
      (s) => s.token({}, { pod: { name: 'p', uid: 'x' } }),
      'pod UID (u-p) does not match service account pod ref claim (x)',
    ],
    [
      'another secret',
      (s) => s.token({}, { secret: { name: 's', uid: 'x' } }),
      'secret UID (u-s) does not match service account secret ref claim (x)',
    ],
    ['no node', (s) => s.token({}, { node: { name: 'm', uid: 'x' } }), 'service account token has been invalidated'],
    ['no private claim', (s) => s.token({ 'kubernetes.io': undefined }), 'unexpected private claim'],
    [
      'other audiences',
      (s) => s.token({ aud: ['vault'] }),
      'token audiences ["vault"] is invalid for the target audiences',
    ],
    ['a broken signature', async (s) => `${(await s.token()).slice(0, -8)}AAAAAAAA`, 'failed to verify signature'],
  ])('%s', async (_, make, text) => {
    const s = setup();
    await expect(s.ask(await make(s))).rejects.toThrow(text);
  });

  it('refuses a key it does not know, and knows no foreign issuers', async () => {
    const s = setup(rsa, [ec]);
    await expect(s.ask(await s.token())).rejects.toThrow('failed to verify signature');
    expect(await s.ask(await new TokenIssuer('https://elsewhere', ec).sign({ sub: 'x' }))).toBeUndefined();
    expect(await s.ask('not-a-jwt')).toBeUndefined();
    expect(await s.ask('a.b.c')).toBeUndefined();
  });

  it('keeps a deleted service account good for the leeway', async () => {
    const { ask, token, caches, clock } = setup();
    const t = await token();
    caches.put('', 'serviceaccounts', {
      metadata: { name: 'sa', namespace: 'ns', uid: 'u-sa', deletionTimestamp: new Date(clock.now()).toISOString() },
    });
    expect(await ask(t)).toBeDefined();
    clock.advance(61_000);
    await expect(ask(t)).rejects.toThrow('service account ns/sa has been deleted');
  });

  it('answers which of the asked audiences are good', async () => {
    const { ask, token } = setup();
    expect(await ask(await token({ aud: ['a', 'b', 'c'] }), ['c', 'x', 'a'])).toMatchObject({ audiences: ['a', 'c'] });
  });
});

describe('legacy tokens', () => {
  async function legacy(s: ReturnType<typeof setup>, labels: object = {}): Promise<string> {
    const token = await new TokenIssuer(legacyIssuer, rsa).sign({
      sub: 'system:serviceaccount:ns:sa',
      'kubernetes.io/serviceaccount/namespace': 'ns',
      'kubernetes.io/serviceaccount/secret.name': 's',
      'kubernetes.io/serviceaccount/service-account.name': 'sa',
      'kubernetes.io/serviceaccount/service-account.uid': 'u-sa',
    });
    s.caches.put('', 'secrets', {
      metadata: { name: 's', namespace: 'ns', uid: 'u-s', labels },
      data: { token: Buffer.from(token).toString('base64') },
    });
    return token;
  }

  it('are good as long as their secret holds them', async () => {
    const s = setup();
    const token = await legacy(s);
    expect(await s.ask(token)).toMatchObject({ user: { name: 'system:serviceaccount:ns:sa' }, audiences: [issuer] });
    s.caches.put('', 'secrets', { metadata: { name: 's', namespace: 'ns', uid: 'u-s' }, data: { token: '' } });
    await expect(s.ask(token)).rejects.toThrow("Token does not match server's copy");
    s.caches.of({ group: '', resource: 'secrets' }).remove('ns', 's');
    await expect(s.ask(token)).rejects.toThrow('Token has been invalidated');
  });

  it('can be marked invalid', async () => {
    const s = setup();
    await expect(s.ask(await legacy(s, { 'kubernetes.io/legacy-token-invalid-since': '2025-01-01' }))).rejects.toThrow(
      'has been marked invalid',
    );
  });
});

describe('keys and discovery', () => {
  it('reads PEM files with several keys', () => {
    const pem =
      (rsa.export({ type: 'pkcs1', format: 'pem' }) as string) + (ec.export({ type: 'sec1', format: 'pem' }) as string);
    expect(parseVerificationKeys(pem).map((key) => key.algorithm)).toEqual(['RS256', 'ES256']);
    expect(() => parseVerificationKeys('nothing')).toThrow('data does not contain any valid RSA or ECDSA public keys');
    expect(() =>
      parseSigningKey(generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }) as string),
    ).toThrow('unknown private key type');
  });

  it('publishes documents with which others verify our tokens', async () => {
    const keys = [verificationKey(ec), verificationKey(rsa)];
    const metadata = openIdMetadata({ issuer, keys })!;
    expect(JSON.parse(metadata.configuration)).toEqual({
      issuer,
      jwks_uri: `${issuer}/openid/v1/jwks`,
      response_types_supported: ['id_token'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['ES256', 'RS256'],
    });
    const token = await new TokenIssuer(issuer, rsa).sign({ sub: 'x', aud: 'y' });
    const { payload } = await jwtVerify(token, createLocalJWKSet(JSON.parse(metadata.jwks)), { issuer });
    expect(payload.sub).toBe('x');
    expect(openIdHandlers(metadata)[jwksPath]?.()).toMatchObject({ contentType: 'application/jwk-set+json' });
    expect(openIdMetadata({ issuer: 'http://x', keys })).toBeUndefined();
  });
});
