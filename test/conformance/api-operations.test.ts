/** The behaviours that ask for all the operations of one resource. */
import { describe, expect } from 'vitest';
import { readKubeconfig } from '../harness/api-client.ts';
import { unique, type Draft, type Obj } from './cluster.ts';
import { covers, coversPart, useCluster } from './covers.ts';
import { exerciseLifecycle, type Lifecycle } from './lifecycle.ts';
import { condition, containers, signingRequest } from './samples.ts';

useCluster();

const exercises = (codename: string, spec: Lifecycle): void =>
  covers(codename, (cluster) => exerciseLifecycle(cluster, spec));

describe('flow control', () => {
  exercises('[sig-api-machinery] API priority and fairness should support FlowSchema API operations', {
    resource: 'flowcontrol.apiserver.k8s.io/v1/flowschemas',
    kind: 'FlowSchema',
    namespaced: false,
    make: () => ({
      spec: {
        matchingPrecedence: 10_000,
        priorityLevelConfiguration: { name: 'global-default' },
        distinguisherMethod: { type: 'ByUser' },
        rules: [
          {
            subjects: [{ kind: 'User', user: { name: 'example-e2e-non-existent-user' } }],
            nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
          },
        ],
      },
    }),
    statusOnly: true,
    controlled: true,
    status: { conditions: [condition('PatchStatusFailed')] },
    updatedStatus: { conditions: [condition('StatusUpdateFailed')] },
  });

  exercises('[sig-api-machinery] API priority and fairness should support PriorityLevelConfiguration API operations', {
    resource: 'flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations',
    kind: 'PriorityLevelConfiguration',
    namespaced: false,
    make: () => ({
      spec: { type: 'Limited', limited: { nominalConcurrencyShares: 2, limitResponse: { type: 'Reject' } } },
    }),
    statusOnly: true,
    status: { conditions: [condition('PatchStatusFailed')] },
    updatedStatus: { conditions: [condition('StatusUpdateFailed')] },
  });
});

const matchResources = {
  resourceRules: [
    { apiGroups: ['apps'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['deployments'], scope: '*' },
  ],
};

describe('admission registration', () => {
  exercises(
    '[sig-api-machinery] ValidatingAdmissionPolicy [Privileged:ClusterAdmin] should support ValidatingAdmissionPolicy API operations',
    {
      resource: 'admissionregistration.k8s.io/v1/validatingadmissionpolicies',
      kind: 'ValidatingAdmissionPolicy',
      namespaced: false,
      make: () => ({
        spec: {
          failurePolicy: 'Ignore',
          matchConstraints: matchResources,
          validations: [{ expression: 'object.spec.replicas <= 100' }],
        },
      }),
      statusOnly: true,
      status: { conditions: [condition('PatchStatusFailed')] },
      updatedStatus: { conditions: [condition('StatusUpdateFailed')] },
    },
  );

  exercises(
    '[sig-api-machinery] ValidatingAdmissionPolicy [Privileged:ClusterAdmin] should support ValidatingAdmissionPolicyBinding API operations',
    {
      resource: 'admissionregistration.k8s.io/v1/validatingadmissionpolicybindings',
      kind: 'ValidatingAdmissionPolicyBinding',
      namespaced: false,
      make: () => ({ spec: { policyName: 'replicalimit-policy.example.com', validationActions: ['Deny'] } }),
    },
  );

  exercises(
    '[sig-api-machinery] MutatingAdmissionPolicy [Privileged:ClusterAdmin] should support MutatingAdmissionPolicy API operations',
    {
      resource: 'admissionregistration.k8s.io/v1/mutatingadmissionpolicies',
      kind: 'MutatingAdmissionPolicy',
      namespaced: false,
      make: () => ({
        spec: {
          failurePolicy: 'Ignore',
          reinvocationPolicy: 'Never',
          matchConstraints: matchResources,
          mutations: [
            {
              patchType: 'ApplyConfiguration',
              applyConfiguration: { expression: 'Object{metadata: Object.metadata{labels: {"e2e": "true"}}}' },
            },
          ],
        },
      }),
    },
  );

  exercises(
    '[sig-api-machinery] MutatingAdmissionPolicy [Privileged:ClusterAdmin] should support MutatingAdmissionPolicyBinding API operations',
    {
      resource: 'admissionregistration.k8s.io/v1/mutatingadmissionpolicybindings',
      kind: 'MutatingAdmissionPolicyBinding',
      namespaced: false,
      make: () => ({ spec: { policyName: 'label-policy.example.com' } }),
    },
  );
});

describe('workloads', () => {
  exercises('[sig-apps] CronJob should support CronJob API operations', {
    resource: 'batch/v1/cronjobs',
    kind: 'CronJob',
    namespaced: true,
    make: () => ({
      spec: {
        schedule: '* */1 * * ?',
        concurrencyPolicy: 'Allow',
        jobTemplate: { spec: { template: { spec: { restartPolicy: 'OnFailure', containers } } } },
      },
    }),
    status: { lastScheduleTime: '2026-01-02T03:04:05Z' },
    updatedStatus: { lastScheduleTime: '2026-01-02T04:04:05Z' },
  });
});

const csr: Lifecycle = {
  resource: 'certificates.k8s.io/v1/certificatesigningrequests',
  kind: 'CertificateSigningRequest',
  namespaced: false,
  make: () => ({
    spec: {
      request: signingRequest,
      signerName: 'example.com/e2e',
      expirationSeconds: 3600,
      usages: ['digital signature', 'key encipherment', 'server auth'],
    },
  }),
  subresources: ['approval'],
  status: { conditions: [{ type: 'StatusPatched', status: 'True', reason: 'E2E', message: 'Set from an e2e test' }] },
};

describe('certificates', () => {
  covers('[sig-auth] Certificates API [Privileged:ClusterAdmin] should support CSR API operations', async (cluster) => {
    await exerciseLifecycle(cluster, csr);
    const requests = cluster.of(csr.resource);
    const name = unique('csr');
    await requests.create({
      apiVersion: 'certificates.k8s.io/v1',
      kind: csr.kind,
      metadata: { name },
      ...csr.make('', 0),
    });
    const approval = { subresource: 'approval' };
    const patched = await requests.patch(
      name,
      'merge',
      { status: { conditions: [condition('ApprovalPatch')] } },
      approval,
    );
    expect(patched['status']).toMatchObject({ conditions: [{ type: 'ApprovalPatch' }] });
    const conditions = [...(patched['status'] as { conditions: Draft[] }).conditions, condition('Approved')];
    const approved = await requests.replace({ ...patched, status: { conditions } } as Obj, approval);
    expect(approved['status']).toMatchObject({ conditions: [{ type: 'ApprovalPatch' }, { type: 'Approved' }] });
    expect((await requests.get(name, 'approval'))['status']).toEqual(approved['status']);
    // Any certificate will do: the one of the authority that the kubeconfig trusts.
    const certificate = Buffer.from(readKubeconfig(cluster.kubeconfig).ca ?? '').toString('base64');
    const issued = await requests.patch(name, 'merge', { status: { certificate } }, { subresource: 'status' });
    expect(issued['status']).toMatchObject({ certificate, conditions });
    // An approval is final.
    const revoked = { ...issued, status: { conditions: [condition('ApprovalPatch')] } } as Obj;
    await expect(requests.replace(revoked, approval)).rejects.toMatchObject({ code: 422 });
    await requests.delete(name);
  });
});

const port = { name: 'example', protocol: 'TCP', port: 80 };

describe('networking', () => {
  exercises('[sig-network] EndpointSlice should support creating EndpointSlice API operations', {
    resource: 'discovery.k8s.io/v1/endpointslices',
    kind: 'EndpointSlice',
    namespaced: true,
    make: () => ({ addressType: 'IPv4', endpoints: [{ addresses: ['1.2.3.4', '5.6.7.8'] }], ports: [port] }),
  });

  exercises('[sig-network] Ingress API should support creating Ingress API operations', {
    resource: 'networking.k8s.io/v1/ingresses',
    kind: 'Ingress',
    namespaced: true,
    make: () => ({
      spec: {
        defaultBackend: { service: { name: 'default-backend', port: { number: 80 } } },
        rules: [
          {
            host: 'foo.bar.com',
            http: {
              paths: [
                { path: '/', pathType: 'Prefix', backend: { service: { name: 'backend', port: { number: 8080 } } } },
              ],
            },
          },
        ],
      },
    }),
    status: { loadBalancer: { ingress: [{ ip: '169.1.1.1' }] } },
    updatedStatus: { loadBalancer: { ingress: [{ ip: '169.1.1.2' }] } },
  });

  exercises('[sig-network] IngressClass API should support creating IngressClass API operations', {
    resource: 'networking.k8s.io/v1/ingressclasses',
    kind: 'IngressClass',
    namespaced: false,
    make: () => ({ spec: { controller: 'example.com/controller' } }),
  });

  exercises('[sig-network] ServiceCIDR and IPAddress API should support IPAddress API operations', {
    resource: 'networking.k8s.io/v1/ipaddresses',
    kind: 'IPAddress',
    namespaced: false,
    nameOf: (index) => `192.168.1.${index + 1}`,
    make: () => ({
      spec: { parentRef: { resource: 'services', namespace: 'example-ns', name: 'example-svc' } },
    }),
  });

  exercises('[sig-network] ServiceCIDR and IPAddress API should support ServiceCIDR API operations', {
    resource: 'networking.k8s.io/v1/servicecidrs',
    kind: 'ServiceCIDR',
    namespaced: false,
    make: (_name, index) => ({ spec: { cidrs: [`10.196.196.${index * 8}/29`] } }),
    status: { conditions: [condition('PatchStatusFailed')] },
    updatedStatus: { conditions: [condition('StatusUpdateFailed')] },
  });
});

describe('nodes', () => {
  exercises('[sig-node] RuntimeClass should support RuntimeClasses API operations', {
    resource: 'node.k8s.io/v1/runtimeclasses',
    kind: 'RuntimeClass',
    namespaced: false,
    make: () => ({ handler: 'conformance-handler', scheduling: { nodeSelector: { foo: 'bar' } } }),
  });
});

const claimSpec = {
  devices: { requests: [{ name: 'req-0', exactly: { deviceClassName: 'my-class', count: 1 } }] },
};

const allocation = {
  devices: { results: [{ request: 'req-0', driver: 'driver-a.example.com', pool: 'pool', device: 'device-0' }] },
};

describe('dynamic resource allocation', () => {
  exercises('[sig-node] [DRA] CRUD Tests resource.k8s.io/v1 DeviceClass', {
    resource: 'resource.k8s.io/v1/deviceclasses',
    kind: 'DeviceClass',
    namespaced: false,
    make: () => ({ spec: { selectors: [{ cel: { expression: 'device.driver == "driver-a.example.com"' } }] } }),
  });

  exercises('[sig-node] [DRA] CRUD Tests resource.k8s.io/v1 ResourceClaim', {
    resource: 'resource.k8s.io/v1/resourceclaims',
    kind: 'ResourceClaim',
    namespaced: true,
    make: () => ({ spec: claimSpec }),
    statusOnly: true,
    status: { allocation },
    updatedStatus: { reservedFor: [{ resource: 'pods', name: 'pod', uid: '12345' }] },
  });

  exercises('[sig-node] [DRA] CRUD Tests resource.k8s.io/v1 ResourceClaimTemplate', {
    resource: 'resource.k8s.io/v1/resourceclaimtemplates',
    kind: 'ResourceClaimTemplate',
    namespaced: true,
    make: () => ({ spec: { metadata: { labels: { a: 'b' } }, spec: claimSpec } }),
  });

  exercises('[sig-node] [DRA] CRUD Tests resource.k8s.io/v1 ResourceSlice', {
    resource: 'resource.k8s.io/v1/resourceslices',
    kind: 'ResourceSlice',
    namespaced: false,
    make: (name) => ({
      spec: {
        nodeName: 'node-a',
        driver: 'driver-a.example.com',
        pool: { name, generation: 1, resourceSliceCount: 1 },
        devices: [{ name: 'device-0', attributes: { model: { string: 'a' } }, capacity: { memory: { value: '1Gi' } } }],
      },
    }),
  });
});

describe('storage', () => {
  exercises('[sig-storage] CSIStorageCapacity should support CSIStorageCapacities API operations', {
    resource: 'storage.k8s.io/v1/csistoragecapacities',
    kind: 'CSIStorageCapacity',
    namespaced: true,
    make: () => ({ storageClassName: 'example', capacity: '10Gi', nodeTopology: { matchLabels: { zone: 'a' } } }),
  });

  exercises('[sig-storage] CSIInlineVolumes should run through the lifecycle of a CSIDriver', {
    resource: 'storage.k8s.io/v1/csidrivers',
    kind: 'CSIDriver',
    namespaced: false,
    make: () => ({ spec: { attachRequired: false, podInfoOnMount: true, volumeLifecycleModes: ['Ephemeral'] } }),
  });

  exercises('[sig-storage] CSINodes CSI Conformance should run through the lifecycle of a csinode', {
    resource: 'storage.k8s.io/v1/csinodes',
    kind: 'CSINode',
    namespaced: false,
    make: (name) => ({
      spec: { drivers: [{ name: 'example.com', nodeID: name, topologyKeys: ['example.com/zone'] }] },
    }),
  });

  exercises('[sig-storage] StorageClasses CSI Conformance should run through the lifecycle of a StorageClass', {
    resource: 'storage.k8s.io/v1/storageclasses',
    kind: 'StorageClass',
    namespaced: false,
    make: () => ({ provisioner: 'e2e-fake-provisioner' }),
  });

  exercises('[sig-storage] VolumeAttachment Conformance should run through the lifecycle of a VolumeAttachment', {
    resource: 'storage.k8s.io/v1/volumeattachments',
    kind: 'VolumeAttachment',
    namespaced: false,
    make: (name) => ({
      spec: { attacher: 'e2e-test.storage.k8s.io', nodeName: 'node', source: { persistentVolumeName: name } },
    }),
    statusOnly: true,
    status: { attached: true },
    updatedStatus: { attached: false },
  });

  exercises(
    '[sig-storage] VolumeAttributesClass [FeatureGate:VolumeAttributesClass] should run through the lifecycle of a VolumeAttributesClass',
    {
      resource: 'storage.k8s.io/v1/volumeattributesclasses',
      kind: 'VolumeAttributesClass',
      namespaced: false,
      make: () => ({ driverName: 'e2e-fake-csi-driver', parameters: { foo: 'bar' } }),
      finalized: true,
    },
  );
});

describe('admission webhooks', () => {
  const webhook = {
    name: 'deny.example.com',
    clientConfig: { service: { namespace: 'default', name: 'not-there', path: '/' } },
    rules: [{ apiGroups: ['example.com'], apiVersions: ['*'], operations: ['CREATE'], resources: ['nothing'] }],
    failurePolicy: 'Ignore',
    sideEffects: 'None',
    admissionReviewVersions: ['v1'],
  };

  const webhooks = (resource: string, kind: string): Lifecycle => ({
    resource: `admissionregistration.k8s.io/v1/${resource}`,
    kind,
    namespaced: false,
    make: () => ({ webhooks: [webhook] }),
  });

  coversPart(
    '[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] listing mutating webhooks should work',
    'calling webhooks',
    (cluster) => exerciseLifecycle(cluster, webhooks('mutatingwebhookconfigurations', 'MutatingWebhookConfiguration')),
  );

  coversPart(
    '[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] listing validating webhooks should work',
    'calling webhooks',
    (cluster) =>
      exerciseLifecycle(cluster, webhooks('validatingwebhookconfigurations', 'ValidatingWebhookConfiguration')),
  );
});
