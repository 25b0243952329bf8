import { FakeClock } from '@kubets/apimachinery/fake-clock';
import { describe, expect, it } from 'vitest';
import { FakeCacheDirectory } from '../../authorization/testing/fake-cache.ts';
import { attributes, verdict } from '../testing/attributes.ts';
import { serviceAccount } from './service-account.ts';

const caches = new FakeCacheDirectory();
const account = (name: string, over: object = {}, metadata: object = {}) => ({
  metadata: { name, namespace: 'ns', ...metadata },
  ...over,
});
caches.put(
  '',
  'serviceaccounts',
  account('default', { imagePullSecrets: [{ name: 'pull' }] }),
  account('quiet', { automountServiceAccountToken: false }),
  account(
    'strict',
    { secrets: [{ name: 'mine' }] },
    { annotations: { 'kubernetes.io/enforce-mountable-secrets': 'true' } },
  ),
);
const clock = new FakeClock();
const plugin = serviceAccount({ caches, clock, random: { float: () => 0, uuid: () => '' } });
type PodSpec = Record<string, unknown> & {
  containers: { name: string; volumeMounts?: unknown[] }[];
  volumes?: { name: string; projected?: unknown }[];
};
const pod = (spec: object = {}, metadata: object = {}) => ({
  metadata: { name: 'p', namespace: 'ns', ...metadata },
  spec: { containers: [{ name: 'c' }], ...spec } as PodSpec,
});

describe('ServiceAccount', () => {
  it('gives a pod the default account, its token and pull secrets', async () => {
    const object = pod({
      initContainers: [
        { name: 'i', volumeMounts: [{ name: 'own', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' }] },
      ],
    });
    expect(await verdict(plugin, attributes('pods', object))).toBe('');
    const name = object.spec.volumes?.[0]?.name ?? '';
    expect(name).toMatch(/^kube-api-access-[a-z0-9]{5}$/);
    expect(object.spec).toEqual({
      initContainers: [
        { name: 'i', volumeMounts: [{ name: 'own', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' }] },
      ],
      containers: [
        {
          name: 'c',
          volumeMounts: [{ name, readOnly: true, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' }],
        },
      ],
      serviceAccountName: 'default',
      serviceAccount: 'default',
      imagePullSecrets: [{ name: 'pull' }],
      volumes: [
        {
          name,
          projected: {
            sources: [
              { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
              { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
              {
                downwardAPI: {
                  items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
                },
              },
            ],
            defaultMode: 420,
          },
        },
      ],
    });
  });

  it.each<[string, object, boolean]>([
    ['the pod says no', { automountServiceAccountToken: false }, false],
    ['the account says no', { serviceAccountName: 'quiet' }, false],
    ['the pod overrules the account', { serviceAccountName: 'quiet', automountServiceAccountToken: true }, true],
  ])('mounts the token unless %s', async (_, spec, mounted) => {
    const object = pod(spec);
    await verdict(plugin, attributes('pods', object));
    expect(object.spec.volumes !== undefined).toBe(mounted);
  });

  it.each<[string, ReturnType<typeof pod>, string]>([
    [
      'a missing account',
      pod({ serviceAccountName: 'gone' }),
      'error looking up service account ns/gone: serviceaccount "gone" not found',
    ],
    [
      'a mirror pod with an account',
      pod({ serviceAccountName: 'default' }, { annotations: { 'kubernetes.io/config.mirror': 'x' } }),
      'a mirror pod may not reference service accounts',
    ],
    [
      'a mirror pod with secrets',
      pod(
        { volumes: [{ name: 'v', secret: { secretName: 's' } }] },
        { annotations: { 'kubernetes.io/config.mirror': 'x' } },
      ),
      'a mirror pod may not reference secrets',
    ],
    [
      'a mirror pod with tokens',
      pod(
        { volumes: [{ name: 'v', projected: { sources: [{ serviceAccountToken: { path: 't' } }] } }] },
        { annotations: { 'kubernetes.io/config.mirror': 'x' } },
      ),
      'a mirror pod may not use ServiceAccountToken volume projections',
    ],
    [
      'a foreign secret',
      pod({ serviceAccountName: 'strict', volumes: [{ name: 'v', secret: { secretName: 'other' } }] }),
      'volume with secret.secretName="other" is not allowed because service account strict does not reference that secret',
    ],
    [
      'a foreign secret in an environment',
      pod({
        serviceAccountName: 'strict',
        containers: [{ name: 'c', env: [{ name: 'E', valueFrom: { secretKeyRef: { name: 'other', key: 'k' } } }] }],
      }),
      'container c with envVar E referencing secret.secretName="other" is not allowed because service account strict does not reference that secret',
    ],
    [
      'a foreign pull secret',
      pod({ serviceAccountName: 'strict', imagePullSecrets: [{ name: 'other' }] }),
      'imagePullSecrets[0].name="other" is not allowed because service account strict does not reference that imagePullSecret',
    ],
  ])('refuses %s', async (_, object, expected) => {
    expect(await verdict(plugin, attributes('pods', object))).toBe(`pods "p" is forbidden: ${expected}`);
  });

  it('waits a moment for the default account of a new namespace', async () => {
    const given = () => attributes('pods', { ...pod(), metadata: { name: 'p', namespace: 'new' } });
    const late = verdict(plugin, given());
    expect(clock.timers).toBe(1);
    clock.advance(1_500);
    expect(await late).toBe(
      'pods "p" is forbidden: error looking up service account new/default: serviceaccount "default" not found',
    );
    const inTime = verdict(plugin, given());
    caches.put('', 'serviceaccounts', { metadata: { name: 'default', namespace: 'new' } });
    expect(await inTime).toBe('');
    expect(clock.timers).toBe(0);
    expect(caches.of({ group: '', resource: 'serviceaccounts' }).listeners).toBe(0);
  });

  it('lets a strict account use its secrets', async () => {
    const object = pod({ serviceAccountName: 'strict', volumes: [{ name: 'v', secret: { secretName: 'mine' } }] });
    expect(await verdict(plugin, attributes('pods', object))).toBe('');
  });

  it('checks ephemeral containers of strict accounts', async () => {
    const object = pod({
      serviceAccountName: 'strict',
      ephemeralContainers: [{ name: 'e', envFrom: [{ secretRef: { name: 'other' } }] }],
    });
    const given = attributes('pods', object, { subresource: 'ephemeralcontainers', old: pod() });
    expect(await verdict(plugin, given)).toContain(
      'ephemeral container e with envFrom referencing secret.secretName="other" is not allowed',
    );
  });
});
