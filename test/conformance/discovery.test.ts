/** Discovery, the version, Tables: what clients read before anything else. */
import { describe, expect, it } from 'vitest';
import { covers, useCluster } from './covers.ts';
import { expectDiscovered } from './lifecycle.ts';
import { Cluster, type Draft } from './cluster.ts';

useCluster();

interface GroupVersion {
  readonly groupVersion: string;
  readonly version: string;
}

interface Group {
  readonly name: string;
  readonly versions: readonly GroupVersion[];
  readonly preferredVersion: GroupVersion;
}

interface AggregatedResource {
  readonly resource: string;
  readonly verbs: readonly string[];
  readonly subresources?: readonly { readonly subresource: string; readonly verbs: readonly string[] }[];
}

interface AggregatedGroup {
  readonly metadata: { readonly name?: string };
  readonly versions: readonly {
    readonly version: string;
    readonly freshness: string;
    readonly resources: readonly AggregatedResource[];
  }[];
}

const aggregated = (version: string): string =>
  `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;

/** What a built-in cluster has at least, as `group/version/resource`. */
const builtIn = [
  '/v1/pods',
  '/v1/services',
  '/v1/namespaces',
  'apps/v1/deployments',
  'apps/v1/statefulsets',
  'batch/v1/jobs',
  'batch/v1/cronjobs',
  'autoscaling/v1/horizontalpodautoscalers',
  'autoscaling/v2/horizontalpodautoscalers',
  'networking.k8s.io/v1/ingresses',
  'policy/v1/poddisruptionbudgets',
  'rbac.authorization.k8s.io/v1/clusterroles',
  'storage.k8s.io/v1/storageclasses',
  'apiextensions.k8s.io/v1/customresourcedefinitions',
  'apiregistration.k8s.io/v1/apiservices',
  'certificates.k8s.io/v1/certificatesigningrequests',
  'coordination.k8s.io/v1/leases',
  'discovery.k8s.io/v1/endpointslices',
  'events.k8s.io/v1/events',
  'flowcontrol.apiserver.k8s.io/v1/flowschemas',
  'node.k8s.io/v1/runtimeclasses',
  'scheduling.k8s.io/v1/priorityclasses',
];

const triples = (groups: readonly AggregatedGroup[]): string[] =>
  groups.flatMap(({ metadata, versions }) =>
    versions.flatMap(({ version, resources }) =>
      resources.map(({ resource }) => `${metadata.name ?? ''}/${version}/${resource}`),
    ),
  );

describe('aggregated discovery', () => {
  covers(
    '[sig-api-machinery] AggregatedDiscovery should support raw aggregated discovery endpoint Accept headers',
    async (cluster) => {
      for (const path of ['/api', '/apis']) {
        const { headers } = await cluster.client.must({ method: 'GET', path, headers: { accept: aggregated('v2') } });
        expect(headers['content-type']).toBe(aggregated('v2'));
        expect(headers['vary']).toMatch(/accept/i);
        const plain = await cluster.client.must({ method: 'GET', path });
        expect(plain.headers['content-type']).toBe('application/json');
        const kind = (JSON.parse(plain.body.toString()) as Draft)['kind'];
        expect(kind).toBe(path === '/api' ? 'APIVersions' : 'APIGroupList');
        const either = { accept: `${aggregated('v2')},application/json` };
        const negotiated = await cluster.client.must({ method: 'GET', path, headers: either });
        expect(negotiated.headers['content-type']).toBe(aggregated('v2'));
      }
    },
  );

  covers('[sig-api-machinery] AggregatedDiscovery should support aggregated discovery interface', async (cluster) => {
    const found: string[] = [];
    for (const path of ['/api', '/apis']) {
      const document = await cluster.document(path, { accept: aggregated('v2') });
      expect(document).toMatchObject({ kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2' });
      const groups = document['items'] as AggregatedGroup[];
      for (const { versions } of groups) expect(versions.every(({ freshness }) => freshness === 'Current')).toBe(true);
      found.push(...triples(groups));
    }
    expect(found).toEqual(expect.arrayContaining(builtIn));
  });

  it('says the same as the discovery of each version', async () => {
    await using cluster = await Cluster.connect();
    for (const path of ['/api', '/apis']) {
      const groups = (await cluster.document(path, { accept: aggregated('v2') }))['items'] as AggregatedGroup[];
      for (const { metadata, versions } of groups) {
        for (const { version, resources } of versions) {
          const home = path === '/api' ? `/api/${version}` : `/apis/${metadata.name}/${version}`;
          const listed = (await cluster.document(home))['resources'] as { name: string; verbs: string[] }[];
          const plain = listed.map(({ name, verbs }) => `${name} ${verbs.join()}`);
          expect(resources.flatMap(flatten).toSorted(), home).toEqual(plain.toSorted());
        }
      }
    }
  });
});

function flatten({ resource, verbs, subresources = [] }: AggregatedResource): string[] {
  const own = `${resource} ${verbs.join()}`;
  return [own, ...subresources.map((sub) => `${resource}/${sub.subresource} ${sub.verbs.join()}`)];
}

describe('discovery', () => {
  covers('[sig-api-machinery] Discovery should validate PreferredVersion for each APIGroup', async (cluster) => {
    const groups = (await cluster.document('/apis'))['groups'] as Group[];
    expect(groups.length).toBeGreaterThan(15);
    for (const group of groups) {
      const alone = await cluster.document(`/apis/${group.name}`);
      expect(alone).toMatchObject({ kind: 'APIGroup', name: group.name, versions: group.versions });
      expect(group.versions).toContainEqual(alone['preferredVersion']);
    }
  });

  covers(
    '[sig-api-machinery] Discovery should locate the groupVersion and a resource within each APIGroup',
    async (cluster) => {
      const groups = (await cluster.document('/apis'))['groups'] as Group[];
      for (const { groupVersion } of groups.flatMap(({ versions }) => versions)) {
        const list = await cluster.document(`/apis/${groupVersion}`);
        expect(list).toMatchObject({ kind: 'APIResourceList', groupVersion });
        const resources = list['resources'] as { name: string; kind: string; verbs: string[] }[];
        expect(resources.length, groupVersion).toBeGreaterThan(0);
        for (const { name, kind, verbs } of resources) {
          expect(name).toMatch(/^[a-z]+(\/[a-z]+)?$/);
          expect(kind).toMatch(/^[A-Z]/);
          expect(verbs.length).toBeGreaterThan(0);
        }
      }
    },
  );

  covers(
    '[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should include webhook resources in discovery documents',
    async (cluster) => {
      for (const kind of ['MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration']) {
        const resource = `admissionregistration.k8s.io/v1/${kind.toLowerCase()}s`;
        await expectDiscovered(cluster, { resource, kind, namespaced: false });
      }
    },
  );

  covers(
    '[sig-api-machinery] CustomResourceDefinition resources [Privileged:ClusterAdmin] should include custom resource definition resources in discovery documents',
    (cluster) =>
      expectDiscovered(cluster, {
        resource: 'apiextensions.k8s.io/v1/customresourcedefinitions',
        kind: 'CustomResourceDefinition',
        namespaced: false,
        status: {},
      }),
  );

  covers('[sig-api-machinery] server version should find the server version', async (cluster) => {
    const version = await cluster.document('/version');
    expect(version['major']).toMatch(/^\d+$/);
    expect(version['minor']).toMatch(/^\d+$/);
    expect(version['gitVersion']).toMatch(/^v\d+\.\d+\.\d+/);
  });
});

describe('tables', () => {
  covers(
    '[sig-api-machinery] Servers with support for Table transformation should return a 406 for a backend which does not implement metadata',
    async (cluster) => {
      const review = {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SelfSubjectAccessReview',
        spec: { resourceAttributes: { namespace: 'default', verb: 'get', resource: 'pods' } },
      };
      const { status, body } = await cluster.send({
        method: 'POST',
        path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
        body: JSON.stringify(review),
        headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' },
      });
      expect(status).toBe(406);
      expect(JSON.parse(body.toString())).toMatchObject({ kind: 'Status', code: 406, reason: 'NotAcceptable' });
    },
  );
});
