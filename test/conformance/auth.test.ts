/** Service accounts, their tokens, access reviews. */
import { describe, expect } from 'vitest';
import { ApiClient, readKubeconfig } from '../harness/api-client.ts';
import { covers, coversPart, useCluster } from './covers.ts';
import { unique, type Draft, type Obj } from './cluster.ts';
import { containers } from './samples.ts';

useCluster();

const account = (name: string, rest: Draft = {}, labels: Draft = {}): Draft => ({
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  metadata: { name, labels },
  ...rest,
});

const tokenRequest = (spec: Draft = {}): Draft => ({
  apiVersion: 'authentication.k8s.io/v1',
  kind: 'TokenRequest',
  spec,
});

const tokenOf = (object: Obj): string => (object['status'] as { token: string }).token;

interface Claims {
  readonly iss: string;
  readonly sub: string;
  readonly aud: readonly string[];
}

const claimsOf = (token: string): Claims =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Claims;

describe('service accounts', () => {
  covers('[sig-auth] ServiceAccounts should run through the lifecycle of a ServiceAccount', async (cluster) => {
    const accounts = cluster.of('v1/serviceaccounts', await cluster.namespace());
    const label = unique('true');
    const selector = { labelSelector: `test-serviceaccount-static=${label}` };
    using watching = await accounts.watch(selector);
    await accounts.create(account('testserviceaccount', {}, { 'test-serviceaccount-static': label }));
    await watching.event('ADDED', 'testserviceaccount');
    const patched = await accounts.patch('testserviceaccount', 'strategic', { automountServiceAccountToken: false });
    expect(patched['automountServiceAccountToken']).toBe(false);
    await watching.event('MODIFIED', 'testserviceaccount');
    const listed = await cluster.of('v1/serviceaccounts').list(selector);
    expect(listed.items).toMatchObject([{ automountServiceAccountToken: false }]);
    await accounts.deleteCollection(selector);
    await watching.event('DELETED', 'testserviceaccount');
  });

  covers('[sig-auth] ServiceAccounts should update a ServiceAccount', async (cluster) => {
    const accounts = cluster.of('v1/serviceaccounts', await cluster.namespace());
    const created = await accounts.create(account('a'));
    expect(created['automountServiceAccountToken']).toBeUndefined();
    const updated = await accounts.replace({ ...created, automountServiceAccountToken: true } as Obj);
    expect(updated['automountServiceAccountToken']).toBe(true);
    expect(await accounts.get('a')).toEqual(updated);
  });

  covers(
    '[sig-auth] ServiceAccounts should create a serviceAccountToken and ensure a successful TokenReview',
    async (cluster) => {
      const namespace = await cluster.namespace();
      const accounts = cluster.of('v1/serviceaccounts', namespace);
      const created = await accounts.create(account('a'));
      const answer = await accounts.createAt('a', 'token', tokenRequest({ expirationSeconds: 600 }));
      const token = tokenOf(answer);
      expect(token).not.toBe('');
      const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token } };
      const reviewed = await cluster.of('authentication.k8s.io/v1/tokenreviews').create(review);
      const status = reviewed['status'] as { error?: string };
      expect(status).toMatchObject({
        authenticated: true,
        user: {
          username: `system:serviceaccount:${namespace}:a`,
          uid: created.metadata.uid,
          groups: expect.arrayContaining([
            'system:serviceaccounts',
            `system:serviceaccounts:${namespace}`,
            'system:authenticated',
          ]),
        },
      });
      expect(status.error ?? '').toBe('');
      await accounts.delete('a');
      const after = await cluster.of('authentication.k8s.io/v1/tokenreviews').create(review);
      expect(after['status']).not.toMatchObject({ authenticated: true });
    },
  );

  covers('[sig-auth] ServiceAccounts should guarantee kube-root-ca.crt exist in any namespace', async (cluster) => {
    const maps = cluster.of('v1/configmaps', await cluster.namespace());
    const name = 'kube-root-ca.crt';
    using watching = await maps.watch({ fieldSelector: `metadata.name=${name}` });
    const first = await maps.get(name);
    const data = first['data'] as Record<string, string>;
    expect(data['ca.crt']).toContain('-----BEGIN CERTIFICATE-----');
    await maps.delete(name);
    await watching.event('ADDED', name, ({ metadata }) => metadata.uid !== first.metadata.uid);
    await maps.patch(name, 'merge', { data: { 'ca.crt': null, other: 'x' } });
    const restored = (object: Obj): boolean => (object['data'] as Record<string, string>)['ca.crt'] === data['ca.crt'];
    await watching.event('MODIFIED', name, restored);
    expect((await maps.get(name))['data']).toEqual(data);
  });

  coversPart(
    '[sig-auth] ServiceAccounts ServiceAccountIssuerDiscovery should support OIDC discovery of service account issuer',
    'a pod that asks from inside the cluster',
    async (cluster) => {
      const namespace = await cluster.namespace();
      const token = tokenOf(
        await cluster.of('v1/serviceaccounts', namespace).createAt('default', 'token', tokenRequest()),
      );
      const { cert: _cert, key: _key, ...credentials } = readKubeconfig(cluster.kubeconfig);
      await using pod = await ApiClient.connect({ ...credentials, cert: undefined, key: undefined, token });
      const well = await pod.must({ method: 'GET', path: '/.well-known/openid-configuration' });
      expect(well.headers['content-type']).toMatch(/^application\/json/);
      const document = JSON.parse(well.body.toString()) as { issuer: string; jwks_uri: string };
      const claims = claimsOf(token);
      expect(document.issuer).toBe(claims.iss);
      expect(claims.sub).toBe(`system:serviceaccount:${namespace}:default`);
      expect(document).toMatchObject({ response_types_supported: ['id_token'], subject_types_supported: ['public'] });
      const keys = await pod.must({ method: 'GET', path: new URL(document.jwks_uri).pathname });
      expect(keys.headers['content-type']).toBe('application/jwk-set+json');
      const { kid } = JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as { kid: string };
      const set = JSON.parse(keys.body.toString()) as { keys: { kid: string }[] };
      expect(set.keys.map((key) => key.kid)).toContain(kid);
    },
  );

  covers('[sig-auth] ServiceAccounts should allow opting out of API token automount', async (cluster) => {
    const namespace = await cluster.namespace();
    const accounts = cluster.of('v1/serviceaccounts', namespace);
    await accounts.create(account('mount', { automountServiceAccountToken: true }));
    await accounts.create(account('nomount', { automountServiceAccountToken: false }));
    const mounted = async (serviceAccountName: string, own: boolean | undefined): Promise<boolean> => {
      const pod = await cluster.of('v1/pods', namespace).create({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: unique('pod') },
        spec: { containers, serviceAccountName, automountServiceAccountToken: own },
      });
      const spec = pod['spec'] as { containers: { volumeMounts?: { mountPath: string }[] }[] };
      const paths = spec.containers[0]?.volumeMounts?.map(({ mountPath }) => mountPath) ?? [];
      return paths.includes('/var/run/secrets/kubernetes.io/serviceaccount');
    };
    expect(await mounted('default', undefined)).toBe(true);
    expect(await mounted('mount', undefined)).toBe(true);
    expect(await mounted('nomount', undefined)).toBe(false);
    for (const name of ['default', 'mount', 'nomount']) {
      expect(await mounted(name, true)).toBe(true);
      expect(await mounted(name, false)).toBe(false);
    }
  });
});

describe('access reviews', () => {
  covers('[sig-auth] SubjectReview should support SubjectReview API operations', async (cluster) => {
    const namespace = await cluster.namespace();
    await cluster.of('v1/serviceaccounts', namespace).create(account('e2e'));
    const user = `system:serviceaccount:${namespace}:e2e`;
    const listAs = async (path: string): Promise<boolean> => {
      const { status } = await cluster.send({ method: 'GET', path, headers: { 'impersonate-user': user } });
      expect([200, 403]).toContain(status);
      return status === 200;
    };
    const allowed = async (kind: string, local: boolean): Promise<unknown> => {
      const resource = `authorization.k8s.io/v1/${kind.toLowerCase()}s`;
      const spec = { user, resourceAttributes: { namespace, verb: 'list', resource: 'configmaps', version: 'v1' } };
      const review = {
        apiVersion: 'authorization.k8s.io/v1',
        kind,
        metadata: { namespace: local ? namespace : undefined },
        spec,
      };
      const answer = await cluster.of(resource, local ? namespace : undefined).create(review);
      return (answer['status'] as { allowed: boolean }).allowed;
    };
    const path = `/api/v1/namespaces/${namespace}/configmaps`;
    const compare = async (expected: boolean): Promise<void> => {
      expect(await listAs(path)).toBe(expected);
      expect(await allowed('SubjectAccessReview', false)).toBe(expected);
      expect(await allowed('LocalSubjectAccessReview', true)).toBe(expected);
    };
    await compare(false);
    await cluster.of('rbac.authorization.k8s.io/v1/rolebindings', namespace).create({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata: { name: 'view' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
      subjects: [{ kind: 'ServiceAccount', name: 'e2e', namespace }],
    });
    await compare(true);
  });
});
