import { servedResources } from '@kubets/api';
import type { ApiObject } from '@kubets/apimachinery/meta';
import { describe, expect, it } from 'vitest';
import * as resources from '../generated/resources.ts';
import type { Transport, TransportRequest } from '../transport.ts';
import { kubeClient } from './kube-client.ts';
import type { Resource } from './resource-client.ts';

function recording() {
  const asked: TransportRequest[] = [];
  const transport: Transport = {
    request(request) {
      asked.push(request);
      const object: ApiObject = { metadata: {}, items: [{ metadata: { name: 'x' } }] };
      return Promise.resolve({ status: 200, object, warnings: [] });
    },
    watch: () => Promise.reject(new Error('no watches')),
    async [Symbol.asyncDispose]() {},
  };
  return { asked, client: kubeClient(transport) };
}

describe('generated resources', () => {
  it('are those that are served', () => {
    const facts = ({ group, version, resource, kind, namespaced }: Resource): string =>
      [group, version, resource, kind, namespaced].join(' ');
    const generated = Object.values<Resource>({ ...resources } as unknown as Record<string, Resource>).map(facts);
    expect(generated.toSorted()).toEqual(servedResources().map(facts).toSorted());
  });
});

describe('kubeClient', () => {
  it('is typed by resource', async () => {
    const { asked, client } = recording();
    const replicas: number | undefined = (await client.deployments('ns').get('d')).spec?.replicas;
    expect(replicas).toBeUndefined();
    await client.nodes().updateStatus({ metadata: { name: 'n/1' }, status: { phase: 'Running' } });
    await client.horizontalPodAutoscalers('ns').getSubresource('h', 'status');
    await client.pods('ns').createSubresource('p', 'eviction', {}, { dryRun: true });
    expect((await client.pods().list({ labelSelector: 'a=b', limit: 5 })).items[0]).toEqual({
      kind: 'Pod',
      apiVersion: 'v1',
      metadata: { name: 'x' },
    });
    await client.pods('ns').deleteCollection({ dryRun: true, propagationPolicy: 'Background' });
    expect(asked.map((r) => `${r.method} ${r.path} ${new URLSearchParams(r.query).toString()}`.trim())).toEqual([
      'GET /apis/apps/v1/namespaces/ns/deployments/d',
      'PUT /api/v1/nodes/n%2F1/status',
      'GET /apis/autoscaling/v2/namespaces/ns/horizontalpodautoscalers/h/status',
      'POST /api/v1/namespaces/ns/pods/p/eviction dryRun=All',
      'GET /api/v1/pods labelSelector=a%3Db&limit=5',
      'DELETE /api/v1/namespaces/ns/pods',
    ]);
    expect(asked[5]?.body).toEqual({
      kind: 'DeleteOptions',
      apiVersion: 'v1',
      propagationPolicy: 'Background',
      dryRun: ['All'],
    });
  });
});
