import type { ApiObject } from '@kubets/apimachinery/meta';
import { newNotFound, newServiceUnavailable } from '@kubets/apimachinery/status';
import { describe, expect, it } from 'vitest';
import type { Transport, TransportRequest } from '../transport.ts';
import { discover, DiscoveryError, RestMapper, type DiscoveryFailure } from './discovery.ts';

/** Serves documents by path; errors too. */
function serving(documents: Record<string, object>) {
  const asked: TransportRequest[] = [];
  const transport: Transport = {
    async request(request) {
      await Promise.resolve();
      asked.push(request);
      const document = documents[request.path];
      if (document instanceof Error) throw document;
      if (document === undefined) throw newNotFound({ group: '', resource: request.path }, '');
      return { status: 200, object: { metadata: {}, ...document } as ApiObject, warnings: [] };
    },
    watch: () => Promise.reject(new Error('no watches')),
    async [Symbol.asyncDispose]() {},
  };
  return { transport, asked };
}

const aggregated = {
  '/api': {
    kind: 'APIGroupDiscoveryList',
    items: [
      {
        metadata: {},
        versions: [
          {
            version: 'v1',
            resources: [
              {
                resource: 'pods',
                responseKind: { group: '', version: 'v1', kind: 'Pod' },
                scope: 'Namespaced',
                singularResource: 'pod',
                verbs: ['get', 'list'],
                shortNames: ['po'],
                categories: ['all'],
                subresources: [{ subresource: 'status', responseKind: { kind: 'Pod' }, verbs: ['get'] }],
              },
              {
                resource: 'nodes',
                responseKind: { kind: 'Node' },
                scope: 'Cluster',
                singularResource: 'node',
                shortNames: ['no'],
              },
            ],
          },
        ],
      },
    ],
  },
  '/apis': {
    kind: 'APIGroupDiscoveryList',
    items: [
      {
        metadata: { name: 'autoscaling' },
        versions: ['v2', 'v1'].map((version) => ({
          version,
          freshness: 'Current',
          resources: [
            {
              resource: 'horizontalpodautoscalers',
              responseKind: { kind: 'HorizontalPodAutoscaler' },
              scope: 'Namespaced',
              singularResource: 'horizontalpodautoscaler',
              shortNames: ['hpa'],
            },
          ],
        })),
      },
      { metadata: { name: 'metrics.k8s.io' }, versions: [{ version: 'v1beta1', freshness: 'Stale' }] },
      {
        metadata: { name: 'example.com' },
        versions: [
          {
            version: 'v1',
            freshness: 'Current',
            resources: [
              // A custom resource that calls itself what others are called.
              {
                resource: 'no',
                responseKind: { kind: 'No' },
                scope: 'Cluster',
                singularResource: 'pod',
                shortNames: ['pods'],
              },
            ],
          },
        ],
      },
    ],
  },
};

const legacy = {
  '/api': { kind: 'APIVersions', versions: ['v1'] },
  '/api/v1': {
    kind: 'APIResourceList',
    resources: [
      { name: 'pods', singularName: 'pod', namespaced: true, kind: 'Pod', verbs: ['get'], shortNames: ['po'] },
      { name: 'pods/status', singularName: '', namespaced: true, kind: 'Pod', verbs: ['get'] },
      { name: 'pods/eviction', singularName: '', namespaced: true, kind: 'Eviction', verbs: ['create'] },
    ],
  },
  '/apis': {
    kind: 'APIGroupList',
    groups: [
      {
        name: 'autoscaling',
        versions: [{ version: 'v1' }, { version: 'v2' }],
        preferredVersion: { version: 'v2' },
      },
      { name: 'metrics.k8s.io', versions: [{ version: 'v1beta1' }], preferredVersion: { version: 'v1beta1' } },
    ],
  },
  '/apis/autoscaling/v1': hpa('v1'),
  '/apis/autoscaling/v2': hpa('v2'),
  '/apis/metrics.k8s.io/v1beta1': newServiceUnavailable('the server is currently unable to handle the request'),
};

function hpa(version: string) {
  const name = 'horizontalpodautoscalers';
  const resource = { name, singularName: 'horizontalpodautoscaler', namespaced: true, kind: 'HorizontalPodAutoscaler' };
  return { kind: 'APIResourceList', groupVersion: `autoscaling/${version}`, resources: [{ ...resource, verbs: [] }] };
}

describe('discover', () => {
  it('reads aggregated documents by two requests', async () => {
    const { transport, asked } = serving(aggregated);
    const failures: DiscoveryFailure[] = [];
    const found = await discover(transport, (failure) => void failures.push(failure));
    expect(asked.map((r) => r.path)).toEqual(['/api', '/apis']);
    expect(asked[0]?.headers?.['accept']).toContain('as=APIGroupDiscoveryList');
    expect(found[0]).toEqual({
      group: '',
      version: 'v1',
      resource: 'pods',
      kind: 'Pod',
      namespaced: true,
      singularName: 'pod',
      shortNames: ['po'],
      categories: ['all'],
      verbs: ['get', 'list'],
      subresources: ['status'],
    });
    expect(found.map((r) => `${r.group}/${r.version}/${r.resource}`).slice(2, 4)).toEqual([
      'autoscaling/v2/horizontalpodautoscalers',
      'autoscaling/v1/horizontalpodautoscalers',
    ]);
    expect(failures.map((f) => f.groupVersion)).toEqual(['metrics.k8s.io/v1beta1']);
  });

  it('reads the documents of old servers, the preferred version first', async () => {
    const { transport } = serving(legacy);
    const failures: string[] = [];
    const found = await discover(transport, (failure) => void failures.push(failure.groupVersion));
    expect(found.map((r) => `${r.group}/${r.version}/${r.resource}`)).toEqual([
      '/v1/pods',
      'autoscaling/v2/horizontalpodautoscalers',
      'autoscaling/v1/horizontalpodautoscalers',
    ]);
    expect(found[0]?.subresources).toEqual(['status', 'eviction']);
    expect(failures).toEqual(['metrics.k8s.io/v1beta1']);
  });

  it('without anybody to tell throws, with what it has found', async () => {
    const error: unknown = await discover(serving(legacy).transport).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(DiscoveryError);
    expect(error).toMatchObject({
      message:
        'unable to retrieve the complete list of server APIs: metrics.k8s.io/v1beta1: the server is currently unable to handle the request',
      resources: { length: 3 },
    });
    await expect(discover(serving({}).transport)).rejects.toMatchObject({ status: { reason: 'NotFound' } });
  });
});

describe('RestMapper', () => {
  it.each([aggregated, legacy])('finds by kind and by name', async (documents) => {
    const mapper = new RestMapper(await discover(serving(documents).transport, () => undefined));
    const kind = 'HorizontalPodAutoscaler';
    expect(mapper.forKind({ group: 'autoscaling', kind })?.version).toBe('v2');
    expect(mapper.forKind({ group: 'autoscaling', kind, version: 'v1' })?.version).toBe('v1');
    expect(mapper.forKind({ group: '', kind })).toBeUndefined();
    for (const name of ['pods', 'pod', 'po', 'Pods', 'pods.v1.']) {
      expect(mapper.forName(name)).toMatchObject({ group: '', resource: 'pods' });
    }
    expect(mapper.forName('horizontalpodautoscalers.v1.autoscaling')?.version).toBe('v1');
    expect(mapper.forName('horizontalpodautoscaler.autoscaling')?.version).toBe('v2');
    expect(mapper.forName('nothing')).toBeUndefined();
  });

  it('full names count more than short ones', async () => {
    const mapper = new RestMapper(await discover(serving(aggregated).transport, () => undefined));
    expect(mapper.forName('no')?.group).toBe('example.com');
    expect(mapper.forName('pods')?.group).toBe('');
    expect(mapper.forName('pod')?.group).toBe('');
    expect(mapper.forName('pod.example.com')?.kind).toBe('No');
  });
});
