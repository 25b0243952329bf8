import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Secret } from '@kubets/api/types/core-v1';
import { isNotFound } from '@kubets/apimachinery/status';
import { ControllerFixture } from '../testing/controller-fixture.ts';
import { detachedSignature, remainingMs, signingToken } from './bootstrap-token.ts';
import { bootstrapSignerController } from './signer-controller.ts';
import { tokenCleanerController } from './token-cleaner-controller.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');

const token = (id: string, more: Record<string, string> = {}): Secret => ({
  metadata: { name: `bootstrap-token-${id}`, namespace: 'kube-system' },
  type: 'bootstrap.kubernetes.io/token',
  data: Object.fromEntries(
    Object.entries({
      'token-id': id,
      'token-secret': '0123456789abcdef',
      'usage-bootstrap-signing': 'true',
      ...more,
    }).map(([key, value]) => [key, base64(value)]),
  ),
});

const now = Date.UTC(2026, 0, 1);

describe('bootstrap tokens', () => {
  it('sign detached, as JSON web signatures do', () => {
    const [header = '', payload, signature] = detachedSignature('content', 'abcdef', 'secret').split('.');
    expect(JSON.parse(Buffer.from(header, 'base64url').toString())).toEqual({ alg: 'HS256', kid: 'abcdef' });
    expect(payload).toBe('');
    const signed = `${header}.${Buffer.from('content').toString('base64url')}`;
    expect(signature).toBe(createHmac('sha256', 'secret').update(signed).digest('base64url'));
  });

  it.each<[string, Secret, boolean]>([
    ['a good one', token('abcdef'), true],
    ['of another type', { ...token('abcdef'), type: 'Opaque' }, false],
    ['of another name', token('abcdef', { 'token-id': 'fedcba' }), false],
    ['without a secret', token('abcdef', { 'token-secret': '' }), false],
    ['not for signing', token('abcdef', { 'usage-bootstrap-signing': 'false' }), false],
    ['that has expired', token('abcdef', { expiration: '2025-12-31T23:59:59Z' }), false],
    ['that lasts', token('abcdef', { expiration: '2026-01-01T00:00:01Z' }), true],
    ['that ends at no time', token('abcdef', { expiration: 'tomorrow' }), false],
  ])('%s signs: %j', (_name, secret, signs) => {
    expect(signingToken(secret, now) !== undefined).toBe(signs);
  });

  it('last until they expire', () => {
    expect(remainingMs(token('abcdef'), now)).toBeUndefined();
    expect(remainingMs(token('abcdef', { expiration: '2026-01-01T00:01:00+00:00' }), now)).toBe(60_000);
  });
});

describe('bootstrap signer and token cleaner', () => {
  it('keep the signatures of cluster-info', async () => {
    await using fixture = await ControllerFixture.start([bootstrapSignerController, tokenCleanerController]);
    const { client } = fixture;
    const signatures = async (): Promise<string> => {
      const { data } = await client.configMaps('kube-public').get('cluster-info');
      return Object.keys(data ?? {})
        .filter((key) => key !== 'kubeconfig')
        .join(',');
    };
    await client.configMaps('kube-public').create({
      metadata: { name: 'cluster-info' },
      data: { kubeconfig: 'CONFIG', 'jws-kubeconfig-nobody': 'forged' },
    });
    await fixture.until(async () => (await signatures()) === '');
    const expiration = new Date(fixture.clock.now() + 60_000).toISOString();
    await client.secrets('kube-system').create(token('aaaaaa'));
    await client.secrets('kube-system').create(token('bbbbbb', { expiration }));
    await fixture.until(async () => (await signatures()) === 'jws-kubeconfig-aaaaaa,jws-kubeconfig-bbbbbb');
    const { data } = await client.configMaps('kube-public').get('cluster-info');
    expect(data?.['jws-kubeconfig-aaaaaa']).toBe(detachedSignature('CONFIG', 'aaaaaa', '0123456789abcdef'));
    const isGone = (): Promise<boolean> =>
      client
        .secrets('kube-system')
        .get('bootstrap-token-bbbbbb')
        .then(() => false, isNotFound);
    await fixture.until(isGone);
    await fixture.until(async () => (await signatures()) === 'jws-kubeconfig-aaaaaa');
    const body = { data: { kubeconfig: 'OTHER' } };
    await client.configMaps('kube-public').patch('cluster-info', { type: 'application/merge-patch+json', body });
    await fixture.until(async () => {
      const { data: now } = await client.configMaps('kube-public').get('cluster-info');
      return now?.['jws-kubeconfig-aaaaaa'] === detachedSignature('OTHER', 'aaaaaa', '0123456789abcdef');
    });
    const before = (await client.configMaps('kube-public').get('cluster-info')).metadata.resourceVersion;
    await fixture.advance(10_000);
    expect((await client.configMaps('kube-public').get('cluster-info')).metadata.resourceVersion).toBe(before);
    expect(fixture.errors).toEqual([]);
  });
});
