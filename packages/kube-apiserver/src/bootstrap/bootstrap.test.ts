/** Bootstrap, authorization and admission on a whole server, in process. */
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ApiObject } from '@kubets/apimachinery/meta';
import { systemClock, systemRandom } from '@kubets/apimachinery/system-clock';
import type { Transport } from '@kubets/client';
import { openEmbeddedStore } from '@kubets/etcd';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { admissionPlugins } from '../admission/plugins.ts';
import { createApiServer, type ApiServer } from '../api-server.ts';
import { defaultRequestHeaders } from '../authentication/request-header/request-header-authenticator.ts';
import { TokenIssuer } from '../authentication/serviceaccount/token-issuer.ts';
import { authenticationHandlers } from '../registry/authentication/handlers.ts';
import { tokenRequestHandler } from '../registry/authentication/token-request.ts';
import { authorizationHandlers } from '../registry/authorization/handlers.ts';
import { silentLog } from '@kubets/apimachinery/log';
import { bootstrapHooks } from './hooks.ts';

const issuer = new TokenIssuer(
  'https://kubernetes.default.svc',
  generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
);
const audiences = [issuer.issuer];
const errors: string[] = [];
let server: ApiServer;
let cleanup = async (): Promise<void> => {};

async function open(dataDir: string): Promise<{ server: ApiServer; close(): Promise<void> }> {
  const storage = await openEmbeddedStore({ dataDir, clock: systemClock });
  const made = await createApiServer({
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    storage,
    authentication: {
      apiAudiences: audiences,
      serviceAccounts: { issuers: audiences, keys: [issuer.verificationKey] },
    },
    admission: ({ registry, ...parts }) =>
      admissionPlugins({ ...parts, caches: registry.directory }, { enable: ['NodeRestriction'], disable: [] }),
    endpoints: ({ registry, authenticator, authorizer, clock, random }) => ({
      extraResources: {
        ...authenticationHandlers({ tokens: authenticator.tokens, apiAudiences: audiences, clock }),
        ...authorizationHandlers(authorizer),
      },
      extraSubresources: {
        '/serviceaccounts/token': tokenRequestHandler({
          caches: registry.directory,
          issuer,
          apiAudiences: audiences,
          clock,
          random,
          extendExpiration: true,
        }),
      },
    }),
    postStartHooks: ({ registry, client, clock, random }) =>
      bootstrapHooks({
        client,
        caches: registry.directory,
        clock,
        random,
        hostname: 'host',
        service: {
          advertiseAddress: '10.0.0.1',
          securePort: 6443,
          serviceAddress: '10.96.0.1',
          serviceCIDRs: ['10.96.0.0/16'],
        },
        trust: { clientCA: 'CA', requestHeader: { clientCA: 'PROXY', ...defaultRequestHeaders } },
        rbac: true,
        standIns: { rootCA: 'ROOT' },
        onError: (hook, error) => void errors.push(`${hook}: ${String(error)}`),
      }),
  });
  await made.start();
  return {
    server: made,
    close: async () => {
      await made.stop();
      await storage[Symbol.asyncDispose]();
    },
  };
}

const as = (name: string, ...groups: string[]): Transport =>
  server.transport({ name, groups: [...groups, 'system:authenticated'] });
const admin = (): Transport => as('admin', 'system:masters');

async function send(
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  path: string,
  body?: object,
  transport = admin(),
): Promise<ApiObject> {
  return (await transport.request({ method, path, ...(body !== undefined && { body: body as ApiObject }) }))
    .object as ApiObject;
}

async function until<T>(look: () => Promise<T>): Promise<T> {
  const began = performance.now();
  for (;;) {
    try {
      return await look();
    } catch (error) {
      // The store is on a disk, which others use too.
      if (performance.now() - began > 15_000) throw error;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

beforeAll(async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'kubets-bootstrap-'));
  const first = await open(dataDir);
  // A second start finds everything as the first has left it.
  await first.close();
  const second = await open(dataDir);
  server = second.server;
  cleanup = async () => {
    await second.close();
    rmSync(dataDir, { recursive: true, force: true });
  };
});

afterAll(() => cleanup());

const namespace = async (name: string, labels: object = {}): Promise<void> => {
  await send('POST', '/api/v1/namespaces', { kind: 'Namespace', apiVersion: 'v1', metadata: { name, labels } });
  await until(() => send('GET', `/api/v1/namespaces/${name}/serviceaccounts/default`));
};
const pod = (name: string, spec: object = {}) => ({
  kind: 'Pod',
  apiVersion: 'v1',
  metadata: { name },
  spec: { containers: [{ name: 'c', image: 'i' }], ...spec },
});
const rbac = '/apis/rbac.authorization.k8s.io/v1';

describe('a started server', () => {
  it('names the server as the manager of what it makes itself', async () => {
    const answer = await admin().request({ method: 'GET', path: '/api/v1/namespaces/kube-system' });
    expect(answer.object.metadata.managedFields?.map((m) => m.manager)).toEqual(['kube-apiserver']);
  });

  it('has made its objects without errors', async () => {
    expect(errors).toEqual([]);
    await send('GET', '/api/v1/namespaces/default/services/kubernetes');
    await send('GET', '/apis/networking.k8s.io/v1/servicecidrs/kubernetes');
    await send('GET', '/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication');
    expect(await send('GET', `${rbac}/clusterroles/admin`)).toMatchObject({
      rules: expect.arrayContaining([expect.objectContaining({ resources: expect.arrayContaining(['deployments']) })]),
    });
    expect(await send('GET', '/api/v1/namespaces/kube-public/configmaps/kube-root-ca.crt')).toMatchObject({
      data: { 'ca.crt': 'ROOT' },
    });
  });

  it('completes pods', async () => {
    await namespace('pods');
    const made = await send('POST', '/api/v1/namespaces/pods/pods', pod('p'));
    expect(made['spec']).toMatchObject({
      serviceAccountName: 'default',
      priority: 0,
      preemptionPolicy: 'PreemptLowerPriority',
    });
    const spec = made['spec'] as { volumes: { name: string }[]; tolerations: unknown[] };
    expect(spec.volumes[0]?.name).toMatch(/^kube-api-access-/);
    expect(spec.tolerations).toHaveLength(2);
    expect(Object.keys(spec)[0]).toBe('volumes');
  });

  it('keeps pods within security levels and quotas', async () => {
    await namespace('strict', { 'pod-security.kubernetes.io/enforce': 'baseline' });
    await expect(send('POST', '/api/v1/namespaces/strict/pods', pod('p', { hostNetwork: true }))).rejects.toThrow(
      'pods "p" is forbidden: violates PodSecurity "baseline:latest": host namespaces (hostNetwork=true)',
    );
    const hard = { pods: '1' };
    const quota = await send('POST', '/api/v1/namespaces/strict/resourcequotas', {
      kind: 'ResourceQuota',
      apiVersion: 'v1',
      metadata: { name: 'q' },
      spec: { hard },
    });
    // Nobody has taken it up yet.
    await send('POST', '/api/v1/namespaces/strict/pods', pod('early'));
    await send('PUT', '/api/v1/namespaces/strict/resourcequotas/q/status', {
      ...quota,
      status: { hard, used: { pods: '0' } },
    });
    await send('POST', '/api/v1/namespaces/strict/pods', pod('p'));
    await expect(send('POST', '/api/v1/namespaces/strict/pods', pod('p2'))).rejects.toThrow(
      'exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1',
    );
  });

  it('lets nobody grant more than they hold', async () => {
    await namespace('rbac');
    const binding = (name: string, role: string) => ({
      kind: 'RoleBinding',
      apiVersion: 'rbac.authorization.k8s.io/v1',
      metadata: { name },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
      subjects: [{ kind: 'User', name: 'jane' }],
    });
    await send('POST', `${rbac}/namespaces/rbac/rolebindings`, binding('admins', 'admin'));
    const jane = as('jane');
    await send('POST', `${rbac}/namespaces/rbac/rolebindings`, binding('viewers', 'view'), jane);
    await expect(
      send('POST', `${rbac}/namespaces/rbac/rolebindings`, binding('all', 'cluster-admin'), jane),
    ).rejects.toThrow(
      /user "jane" \(groups=\["system:authenticated"\]\) is attempting to grant RBAC permissions not currently held:\n\{APIGroups:\["\*"\], Resources:\["\*"\], Verbs:\["\*"\]\}/,
    );
    const review = {
      kind: 'SelfSubjectAccessReview',
      apiVersion: 'authorization.k8s.io/v1',
      spec: { resourceAttributes: { namespace: 'rbac', verb: 'create', group: 'apps', resource: 'deployments' } },
    };
    expect(await send('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', review, jane)).toMatchObject({
      status: {
        allowed: true,
        reason: 'RBAC: allowed by RoleBinding "admins/rbac" of ClusterRole "admin" to User "jane"',
      },
    });
    await expect(send('GET', '/api/v1/nodes', undefined, jane)).rejects.toThrow(
      'nodes is forbidden: User "jane" cannot list resource "nodes" in API group "" at the cluster scope',
    );
  });

  it('issues tokens that it believes', async () => {
    const request = { kind: 'TokenRequest', apiVersion: 'authentication.k8s.io/v1', spec: {} };
    const made = await send('POST', '/api/v1/namespaces/default/serviceaccounts/default/token', request);
    const { token } = made['status'] as { token: string };
    const review = { kind: 'TokenReview', apiVersion: 'authentication.k8s.io/v1', spec: { token } };
    expect(await send('POST', '/apis/authentication.k8s.io/v1/tokenreviews', review)).toMatchObject({
      status: { authenticated: true, user: { username: 'system:serviceaccount:default:default' } },
    });
    await expect(
      send(
        'POST',
        '/api/v1/namespaces/default/serviceaccounts/default/token',
        request,
        as('system:node:n', 'system:nodes'),
      ),
    ).rejects.toThrow('no relationship found between node');
  });

  it('protects its namespaces, and has no content in missing ones', async () => {
    await expect(send('DELETE', '/api/v1/namespaces/kube-system')).rejects.toThrow('this namespace may not be deleted');
    await expect(
      send('POST', '/api/v1/namespaces/gone/configmaps', {
        kind: 'ConfigMap',
        apiVersion: 'v1',
        metadata: { name: 'c' },
      }),
    ).rejects.toThrow('namespaces "gone" not found');
  });

  it('follows aggregated cluster roles', async () => {
    const role = (name: string, over: object) => ({
      kind: 'ClusterRole',
      apiVersion: 'rbac.authorization.k8s.io/v1',
      metadata: { name, ...over },
      rules: [{ verbs: ['get'], apiGroups: ['x.io'], resources: ['things'] }],
    });
    await send(
      'POST',
      `${rbac}/clusterroles`,
      role('things-viewer', { labels: { 'rbac.authorization.k8s.io/aggregate-to-view': 'true' } }),
    );
    await until(async () => {
      expect((await send('GET', `${rbac}/clusterroles/view`))['rules']).toContainEqual({
        verbs: ['get'],
        apiGroups: ['x.io'],
        resources: ['things'],
      });
    });
  });
});
