import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Secret } from '@kubets/api/types/core-v1';
import { isNotFound } from '@kubets/apimachinery/status';
import { TestControlPlane } from '@kubets/kube-apiserver/testing/test-control-plane';
import { ControllerFixture } from '../testing/controller-fixture.ts';
import { serviceAccountTokenController } from './controller.ts';
import { LegacyTokenSigner } from './legacy-token.ts';

const pems = (pair: { privateKey: unknown; publicKey: unknown }) => ({
  privateKey: String(pair.privateKey),
  publicKey: String(pair.publicKey),
});

const pem = {
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
} as const;
const rsa = pems(generateKeyPairSync('rsa', { modulusLength: 2048, ...pem }));
const ec = pems(generateKeyPairSync('ec', { namedCurve: 'P-256', ...pem }));

const tokenSecret = (name: string, account: string): Secret => ({
  metadata: { name, annotations: { 'kubernetes.io/service-account.name': account } },
  type: 'kubernetes.io/service-account-token',
});

const planeWith = (publicKey: string): Promise<TestControlPlane> =>
  TestControlPlane.start({
    server: {
      serviceAccounts: {
        issuers: ['https://kubernetes.default.svc.cluster.local'],
        signingKey: ec.privateKey,
        verificationKeys: [publicKey],
        maxTokenExpirationSeconds: 0,
        extendTokenExpiration: true,
        jwksUri: '',
      },
    },
  });

const start = (plane: TestControlPlane): Promise<ControllerFixture> =>
  ControllerFixture.start([serviceAccountTokenController], {
    plane,
    options: { serviceAccountPrivateKey: rsa.privateKey, rootCa: 'CA' },
  });

const text = (value: string | undefined): string => Buffer.from(value ?? '', 'base64').toString();

async function exists(fixture: ControllerFixture, name: string): Promise<boolean> {
  try {
    await fixture.client.secrets('default').get(name);
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}

describe('service account token controller', () => {
  it('fills secrets with tokens that the API server takes', async () => {
    await using plane = await planeWith(rsa.publicKey);
    await using fixture = await start(plane);
    const { client } = fixture;
    const account = await client.serviceAccounts('default').create({ metadata: { name: 'robot' } });
    await client.secrets('default').create(tokenSecret('t', 'robot'));
    await fixture.until(async () => (await client.secrets('default').get('t')).data?.['token'] !== undefined);
    const { data, metadata } = await client.secrets('default').get('t');
    expect(Object.keys(data ?? {})).toEqual(['ca.crt', 'namespace', 'token']);
    expect(text(data?.['ca.crt'])).toBe('CA');
    expect(text(data?.['namespace'])).toBe('default');
    expect(metadata.annotations?.['kubernetes.io/service-account.uid']).toBe(account.metadata.uid);
    const token = text(data?.['token']);
    expect(JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString())).toMatchObject({ alg: 'RS256' });
    const review = await client.tokenReviews().create({ metadata: {}, spec: { token } });
    expect(review.status).toMatchObject({
      authenticated: true,
      user: { username: 'system:serviceaccount:default:robot', uid: account.metadata.uid },
    });
    expect(fixture.errors).toEqual([]);
  });

  it('leaves tokens as they are, and writes nothing more', async () => {
    await using plane = await planeWith(rsa.publicKey);
    await using fixture = await start(plane);
    const { client } = fixture;
    await client.serviceAccounts('default').create({ metadata: { name: 'robot' } });
    await client.secrets('default').create(tokenSecret('t', 'robot'));
    await client.secrets('default').create({ metadata: { name: 'other' }, data: {} });
    await fixture.until(async () => (await client.secrets('default').get('t')).data?.['token'] !== undefined);
    const before = await client.secrets('default').get('t');
    await using again = await start(plane);
    await again.advance(3_000);
    expect((await client.secrets('default').get('t')).metadata.resourceVersion).toBe(before.metadata.resourceVersion);
    const body = { data: { 'ca.crt': null } };
    await client.secrets('default').patch('t', { type: 'application/merge-patch+json', body });
    await again.until(async () => (await client.secrets('default').get('t')).data?.['ca.crt'] !== undefined);
    expect((await client.secrets('default').get('t')).data?.['token']).toBe(before.data?.['token']);
  });

  it('removes the secrets of accounts that are gone, and references to secrets that are gone', async () => {
    await using plane = await planeWith(rsa.publicKey);
    await using fixture = await start(plane);
    const { client } = fixture;
    const secrets = [{ name: 'a' }, { name: 'b' }];
    await client.serviceAccounts('default').create({ metadata: { name: 'robot' }, secrets });
    await client.secrets('default').create(tokenSecret('a', 'robot'));
    await client.secrets('default').create(tokenSecret('b', 'robot'));
    await fixture.until(async () => (await client.secrets('default').get('b')).data?.['token'] !== undefined);
    await client.secrets('default').delete('a');
    await fixture.until(async () => (await client.serviceAccounts('default').get('robot')).secrets?.length === 1);
    await client.serviceAccounts('default').delete('robot');
    await fixture.until(async () => !(await exists(fixture, 'b')));
    expect(fixture.errors).toEqual([]);
  });

  it('deletes what names another account of the same name', async () => {
    await using plane = await planeWith(rsa.publicKey);
    await using fixture = await start(plane);
    const { client } = fixture;
    await client.serviceAccounts('default').create({ metadata: { name: 'robot' } });
    const secret = tokenSecret('t', 'robot');
    const annotations = { ...secret.metadata.annotations, 'kubernetes.io/service-account.uid': 'another' };
    await client.secrets('default').create({ ...secret, metadata: { ...secret.metadata, annotations } });
    await fixture.until(async () => !(await exists(fixture, 't')));
    expect(fixture.errors).toEqual([]);
  });

  it('does nothing without a key', async () => {
    await using fixture = await ControllerFixture.start([serviceAccountTokenController]);
    await fixture.client.serviceAccounts('default').create({ metadata: { name: 'robot' } });
    await fixture.client.secrets('default').create(tokenSecret('t', 'robot'));
    await fixture.advance(3_000);
    expect((await fixture.client.secrets('default').get('t')).data).toBeUndefined();
  });

  it('signs with elliptic curves too, and with nothing else', () => {
    const signer = new LegacyTokenSigner(ec.privateKey);
    const token = signer.sign({ metadata: { name: 'a' } }, { metadata: { name: 's' } });
    expect(JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString())).toMatchObject({ alg: 'ES256' });
    const other = String(generateKeyPairSync('ed25519', pem).privateKey);
    expect(() => new LegacyTokenSigner(other)).toThrow('must be RSA or ECDSA');
  });
});
