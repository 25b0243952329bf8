/** Custom resource definitions and webhook configurations as objects: nothing is served or called by them yet. */
import { describe, expect } from 'vitest';
import { covers, coversPart, useCluster } from './covers.ts';
import { unique, type Cluster, type Draft, type Obj } from './cluster.ts';
import type { Collection } from './collection.ts';
import { labelled } from './lifecycle.ts';
import { condition } from './samples.ts';

useCluster();

const crd = (plural: string, label: string): Draft => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${plural}.stable.example.com`, labels: { e2e: label } },
  spec: {
    group: 'stable.example.com',
    scope: 'Namespaced',
    names: { plural, singular: plural.slice(0, -1), kind: `${plural[0]?.toUpperCase()}${plural.slice(1, -1)}` },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
});

const plural = (): string => `${unique('e2e').replace('-', '')}s`;
const definitions = (cluster: Cluster): Collection => cluster.of('apiextensions.k8s.io/v1/customresourcedefinitions');
const established = 'serving what is defined';

describe('custom resource definitions', () => {
  coversPart(
    '[sig-api-machinery] CustomResourceDefinition resources [Privileged:ClusterAdmin] Simple CustomResourceDefinition creating/deleting custom resource definition objects works',
    established,
    async (cluster) => {
      const name = plural();
      const created = await definitions(cluster).create(crd(name, 'x'));
      expect(created['spec']).toMatchObject({
        conversion: { strategy: 'None' },
        names: { plural: name, listKind: expect.stringMatching(/List$/) },
      });
      await definitions(cluster).delete(created.metadata.name);
    },
  );

  coversPart(
    '[sig-api-machinery] CustomResourceDefinition resources [Privileged:ClusterAdmin] Simple CustomResourceDefinition listing custom resource definition objects works',
    established,
    async (cluster) => {
      const label = unique('e2e');
      const names = Array.from({ length: 10 }, plural);
      for (const name of names) await definitions(cluster).create(crd(name, label));
      const selector = { labelSelector: `e2e=${label}` };
      expect((await definitions(cluster).list(selector)).items).toHaveLength(10);
      await definitions(cluster).deleteCollection(selector);
    },
  );

  coversPart(
    '[sig-api-machinery] CustomResourceDefinition resources [Privileged:ClusterAdmin] Simple CustomResourceDefinition getting/updating/patching custom resource definition status sub-resource works',
    established,
    async (cluster) => {
      const collection = definitions(cluster);
      const { metadata } = await collection.create(crd(plural(), 'x'));
      const status = { subresource: 'status' };
      const read = await collection.get(metadata.name, 'status');
      const next = { ...(read['status'] as Draft), conditions: [condition('StatusUpdate')] };
      const updated = await collection.replace({ ...read, status: next } as Obj, status);
      expect(updated['status']).toMatchObject({ conditions: [{ type: 'StatusUpdate' }] });
      expect(updated['spec']).toEqual(read['spec']);
      const patched = await collection.patch(
        metadata.name,
        'merge',
        { status: { conditions: [condition('StatusPatched')] } },
        status,
      );
      expect(patched['status']).toMatchObject({ conditions: [{ type: 'StatusPatched' }] });
      expect((await collection.get(metadata.name, 'status'))['status']).toEqual(patched['status']);
    },
  );
});

const kinds = { mutating: 'MutatingWebhookConfiguration', validating: 'ValidatingWebhookConfiguration' } as const;

const configurations = (cluster: Cluster, kind: string): Collection =>
  cluster.of(`admissionregistration.k8s.io/v1/${kind.toLowerCase()}s`);

const webhook = (rest: Draft = {}): Draft => ({
  name: 'check.example.com',
  clientConfig: { service: { namespace: 'default', name: 'not-there', path: '/check' } },
  rules: [{ apiGroups: ['example.com'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['nothings'] }],
  failurePolicy: 'Ignore',
  sideEffects: 'None',
  admissionReviewVersions: ['v1', 'v1beta1'],
  ...rest,
});

const configuration = (kind: string, rest: Draft = {}): Draft => ({
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind,
  metadata: { name: unique('webhook') },
  webhooks: [webhook(rest)],
});

describe('webhook configurations', () => {
  for (const [word, kind] of Object.entries(kinds)) {
    covers(
      `[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should be able to create and update ${word} webhook configurations with match conditions`,
      async (cluster) => {
        const collection = configurations(cluster, kind);
        const matchConditions = [{ name: 'expression-1', expression: "object.metadata.namespace == 'production'" }];
        const created = await collection.create(configuration(kind, { matchConditions }));
        expect(created).toMatchObject({ webhooks: [{ matchConditions }] });
        const more = [...matchConditions, { name: 'expression-2', expression: "object.metadata.name != 'x'" }];
        await collection.replace({
          ...created,
          webhooks: [{ ...(created['webhooks'] as Draft[])[0], matchConditions: more }],
        } as Obj);
        expect(await collection.get(created.metadata.name)).toMatchObject({ webhooks: [{ matchConditions: more }] });
        await collection.delete(created.metadata.name);
      },
    );

    coversPart(
      `[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] patching/updating a ${word} webhook should work`,
      'calling webhooks',
      async (cluster) => {
        const collection = configurations(cluster, kind);
        const created = await collection.create(configuration(kind));
        const rules = (operation: string): Draft[] => [
          {
            apiGroups: ['example.com'],
            apiVersions: ['v1'],
            operations: [operation],
            resources: ['nothings'],
            scope: '*',
          },
        ];
        const first = { ...(created['webhooks'] as Draft[])[0], rules: rules('UPDATE') };
        const updated = await collection.replace(labelled({ ...created, webhooks: [first] } as Obj, { e2e: 'x' }));
        expect(updated).toMatchObject({ webhooks: [{ rules: rules('UPDATE') }], metadata: { generation: 2 } });
        const patch = { webhooks: [{ name: 'check.example.com', rules: rules('CREATE') }] };
        const patched = await collection.patch(created.metadata.name, 'strategic', patch);
        expect(patched).toMatchObject({
          webhooks: [{ ...first, rules: rules('CREATE') }],
          metadata: { generation: 3 },
        });
        await collection.delete(created.metadata.name);
      },
    );
  }
});
