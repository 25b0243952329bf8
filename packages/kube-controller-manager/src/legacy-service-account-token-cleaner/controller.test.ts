import { describe, expect, it } from 'vitest';
import type { Pod, Secret, ServiceAccount } from '@kubets/api/types/core-v1';
import { isNotFound } from '@kubets/apimachinery/status';
import { ControllerFixture } from '../testing/controller-fixture.ts';
import { legacyServiceAccountTokenCleanerController } from './controller.ts';
import { fateOf, isTrackedLongEnough, secretsOfPod, type TokenFate } from './plan.ts';

const dayMs = 24 * 60 * 60 * 1000;
const now = Date.UTC(2026, 5, 1);
const period = 30 * dayMs;

const secret = (labels: Record<string, string> = {}, creationTimestamp = '2025-01-01T00:00:00Z'): Secret => ({
  metadata: { name: 't', namespace: 'a', labels, creationTimestamp },
  type: 'kubernetes.io/service-account-token',
});
const account: ServiceAccount = { metadata: { name: 'robot', namespace: 'a' }, secrets: [{ name: 't' }] };
const used = 'kubernetes.io/legacy-token-last-used';
const invalid = 'kubernetes.io/legacy-token-invalid-since';

describe('fateOf', () => {
  it.each<[string, TokenFate, Secret, ServiceAccount | undefined, boolean]>([
    ['unused', 'mark-invalid', secret(), account, false],
    ['young', 'keep', secret({}, '2026-05-20T00:00:00Z'), account, false],
    ['used of late', 'keep', secret({ [used]: '2026-05-20' }), account, false],
    ['used long ago', 'mark-invalid', secret({ [used]: '2026-01-20' }), account, false],
    ['used at no date', 'keep', secret({ [used]: 'yesterday' }), account, false],
    ['made by a user', 'keep', secret(), { ...account, secrets: [] }, false],
    ['of nobody', 'keep', secret(), undefined, false],
    ['mounted', 'keep', secret(), account, true],
    ['invalid since lately', 'keep', secret({ [invalid]: '2026-05-20' }), account, false],
    ['invalid at no date', 'mark-invalid', secret({ [invalid]: 'x' }), account, false],
    ['invalid for long', 'delete', secret({ [invalid]: '2026-04-01' }), account, false],
  ])('%s: %s', (_name, fate, one, owner, mounted) => {
    expect(fateOf({ secret: one, account: owner, mounted }, now, period)).toBe(fate);
  });

  it('knows nothing before use was tracked for the whole period', () => {
    expect(isTrackedLongEnough('2026-05-02', now, period)).toBe(false);
    expect(isTrackedLongEnough('2026-05-01', now, period)).toBe(true);
    expect(isTrackedLongEnough('', now, period)).toBe(false);
  });
});

describe('secretsOfPod', () => {
  it('finds secrets everywhere', () => {
    const pod = {
      metadata: {},
      spec: {
        imagePullSecrets: [{ name: 'pull' }],
        containers: [
          {
            name: 'c',
            envFrom: [{ secretRef: { name: 'envfrom' } }],
            env: [{ name: 'E', valueFrom: { secretKeyRef: { name: 'env', key: 'k' } } }],
          },
        ],
        volumes: [
          { name: 'a', secret: { secretName: 'volume' } },
          { name: 'b', projected: { sources: [{ secret: { name: 'projected' } }] } },
          { name: 'c', csi: { driver: 'd', nodePublishSecretRef: { name: 'csi' } } },
          { name: 'd', azureFile: { secretName: 'azure', shareName: 's' } },
        ],
      },
    } as Pod;
    expect([...secretsOfPod(pod)].toSorted()).toEqual([
      'azure',
      'csi',
      'env',
      'envfrom',
      'projected',
      'pull',
      'volume',
    ]);
  });
});

describe('legacy token cleaner', () => {
  it('marks, waits, deletes', async () => {
    await using empty = await ControllerFixture.start([]);
    const { client, plane, clock } = empty;
    await client.configMaps('kube-system').create({
      metadata: { name: 'kube-apiserver-legacy-service-account-token-tracking' },
      data: { since: '2025-01-01' },
    });
    await client.serviceAccounts('default').create({ metadata: { name: 'robot' }, secrets: [{ name: 't' }] });
    await client.secrets('default').create({
      metadata: { name: 't', annotations: { 'kubernetes.io/service-account.name': 'robot' } },
      type: 'kubernetes.io/service-account-token',
    });
    clock.advance(3 * dayMs);
    const options = { legacyServiceAccountTokenCleanUpPeriodMs: 2 * dayMs };
    await using fixture = await ControllerFixture.start([legacyServiceAccountTokenCleanerController], {
      plane,
      options,
    });
    const label = async (): Promise<string | undefined> =>
      (await client.secrets('default').get('t')).metadata.labels?.[invalid];
    await fixture.until(async () => (await label()) === '2026-01-04');
    const isGone = (): Promise<boolean> =>
      client
        .secrets('default')
        .get('t')
        .then(() => false, isNotFound);
    await fixture.until(isGone, { stepMs: dayMs / 2, steps: 12 });
    // The clock leaps: watches that were silent for days are begun anew.
    expect(fixture.errors.filter((text) => !text.includes('nothing came'))).toEqual([]);
  });
});
