/** Resources that the conformance list leaves out, held to the same. */
import { describe, it } from 'vitest';
import { Cluster } from './cluster.ts';
import { exerciseLifecycle, type Lifecycle } from './lifecycle.ts';
import { condition, containers, podTemplate, signingRequest } from './samples.ts';

const rule = { apiGroups: [''], resources: ['pods'], verbs: ['get'] };
const rbac = 'rbac.authorization.k8s.io/v1';
const selector = { matchLabels: { a: 'b' } };
const template = podTemplate({ a: 'b' });

const resources: readonly Lifecycle[] = [
  { resource: 'v1/configmaps', kind: 'ConfigMap', namespaced: true, make: () => ({ data: { a: 'b' } }) },
  { resource: 'v1/secrets', kind: 'Secret', namespaced: true, make: () => ({ type: 'Opaque', data: { a: 'Yg==' } }) },
  { resource: 'v1/serviceaccounts', kind: 'ServiceAccount', namespaced: true, make: () => ({}) },
  { resource: 'v1/endpoints', kind: 'Endpoints', namespaced: true, make: () => ({}) },
  {
    resource: 'v1/podtemplates',
    kind: 'PodTemplate',
    namespaced: true,
    make: () => ({ template }),
  },
  {
    resource: 'v1/limitranges',
    kind: 'LimitRange',
    namespaced: true,
    make: () => ({ spec: { limits: [{ type: 'Pod', max: { cpu: '1' } }] } }),
  },
  {
    resource: 'v1/resourcequotas',
    kind: 'ResourceQuota',
    namespaced: true,
    make: () => ({ spec: { hard: { 'count/widgets.example.com': '5' } } }),
    status: { hard: { 'count/widgets.example.com': '5' } },
    updatedStatus: { used: { 'count/widgets.example.com': '1' } },
  },
  {
    resource: 'v1/pods',
    kind: 'Pod',
    namespaced: true,
    make: () => ({ spec: { containers } }),
    subresources: ['ephemeralcontainers', 'resize'],
    status: { message: 'patched' },
    updatedStatus: { reason: 'Updated' },
  },
  {
    resource: 'v1/services',
    kind: 'Service',
    namespaced: true,
    make: () => ({ spec: { type: 'NodePort', ports: [{ port: 80 }], selector: { a: 'b' } } }),
    status: { conditions: [condition('Patched')] },
    updatedStatus: { conditions: [condition('Updated')] },
  },
  {
    resource: 'v1/nodes',
    kind: 'Node',
    namespaced: false,
    make: () => ({ spec: { podCIDR: '10.1.2.0/24', podCIDRs: ['10.1.2.0/24'] } }),
    status: { phase: 'Running' },
    updatedStatus: { capacity: { cpu: '4' } },
  },
  {
    resource: 'v1/persistentvolumes',
    kind: 'PersistentVolume',
    namespaced: false,
    make: (name) => ({
      spec: {
        capacity: { storage: '1Gi' },
        accessModes: ['ReadWriteOnce'],
        csi: { driver: 'example.com', volumeHandle: name },
      },
    }),
    finalized: true,
    status: { message: 'patched' },
    updatedStatus: { message: 'updated' },
  },
  {
    resource: 'v1/persistentvolumeclaims',
    kind: 'PersistentVolumeClaim',
    namespaced: true,
    make: () => ({ spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } }),
    finalized: true,
    status: { conditions: [condition('Patched')] },
    updatedStatus: { conditions: [condition('Updated')] },
  },
  {
    resource: 'apps/v1/deployments',
    kind: 'Deployment',
    namespaced: true,
    make: () => ({ spec: { replicas: 0, selector, template } }),
    subresources: ['scale'],
    status: { conditions: [condition('Patched')] },
    updatedStatus: { observedGeneration: 1 },
  },
  {
    resource: 'apps/v1/replicasets',
    kind: 'ReplicaSet',
    namespaced: true,
    make: () => ({ spec: { replicas: 0, selector, template } }),
    subresources: ['scale'],
    status: { conditions: [condition('Patched')] },
    updatedStatus: { observedGeneration: 1 },
  },
  {
    resource: 'apps/v1/statefulsets',
    kind: 'StatefulSet',
    namespaced: true,
    make: () => ({ spec: { replicas: 0, serviceName: 's', selector, template } }),
    subresources: ['scale'],
    status: { conditions: [condition('Patched')] },
    updatedStatus: { observedGeneration: 1 },
  },
  {
    resource: 'apps/v1/daemonsets',
    kind: 'DaemonSet',
    namespaced: true,
    make: () => ({ spec: { selector, template } }),
    status: { conditions: [condition('Patched')] },
    updatedStatus: { observedGeneration: 1 },
  },
  {
    resource: 'apps/v1/controllerrevisions',
    kind: 'ControllerRevision',
    namespaced: true,
    make: (_name, index) => ({ data: { a: 'b' }, revision: index }),
  },
  {
    resource: 'autoscaling/v1/horizontalpodautoscalers',
    kind: 'HorizontalPodAutoscaler',
    namespaced: true,
    make: () => ({
      spec: {
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
        minReplicas: 1,
        maxReplicas: 3,
        targetCPUUtilizationPercentage: 50,
      },
    }),
    status: { currentReplicas: 1, desiredReplicas: 2 },
    updatedStatus: { currentCPUUtilizationPercentage: 10 },
  },
  {
    resource: 'autoscaling/v2/horizontalpodautoscalers',
    kind: 'HorizontalPodAutoscaler',
    namespaced: true,
    make: () => ({
      spec: {
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
        minReplicas: 1,
        maxReplicas: 3,
        metrics: [
          { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } },
        ],
      },
    }),
    status: { conditions: [condition('AbleToScale')] },
    updatedStatus: { currentReplicas: 1, desiredReplicas: 2 },
  },
  {
    resource: 'networking.k8s.io/v1/networkpolicies',
    kind: 'NetworkPolicy',
    namespaced: true,
    make: () => ({ spec: { podSelector: selector, policyTypes: ['Ingress'], ingress: [{ ports: [{ port: 80 }] }] } }),
  },
  {
    resource: 'policy/v1/poddisruptionbudgets',
    kind: 'PodDisruptionBudget',
    namespaced: true,
    make: () => ({ spec: { selector, maxUnavailable: '50%' } }),
    status: { conditions: [condition('Patched')] },
    updatedStatus: { observedGeneration: 1 },
  },
  { resource: `${rbac}/roles`, kind: 'Role', namespaced: true, make: () => ({ rules: [rule] }) },
  { resource: `${rbac}/clusterroles`, kind: 'ClusterRole', namespaced: false, make: () => ({ rules: [rule] }) },
  {
    resource: `${rbac}/rolebindings`,
    kind: 'RoleBinding',
    namespaced: true,
    make: () => ({
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'e2e' }],
    }),
  },
  {
    resource: `${rbac}/clusterrolebindings`,
    kind: 'ClusterRoleBinding',
    namespaced: false,
    make: () => ({ roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' } }),
  },
  {
    resource: 'scheduling.k8s.io/v1/priorityclasses',
    kind: 'PriorityClass',
    namespaced: false,
    make: () => ({ value: 7, description: 'e2e' }),
  },
  {
    resource: 'coordination.k8s.io/v1/leases',
    kind: 'Lease',
    namespaced: true,
    make: () => ({ spec: { holderIdentity: 'me', leaseDurationSeconds: 10 } }),
  },
  {
    resource: 'apiregistration.k8s.io/v1/apiservices',
    kind: 'APIService',
    namespaced: false,
    nameOf: (index) => `v${index + 1}.e2e.example.com`,
    make: (_name, index) => ({
      spec: {
        group: 'e2e.example.com',
        version: `v${index + 1}`,
        groupPriorityMinimum: 100,
        versionPriority: 10,
        service: { namespace: 'default', name: 'nothing', port: 443 },
        insecureSkipTLSVerify: true,
      },
    }),
    statusOnly: true,
    status: { conditions: [condition('Patched')] },
    updatedStatus: { conditions: [condition('Updated')] },
  },
  {
    resource: 'certificates.k8s.io/v1/certificatesigningrequests',
    kind: 'CertificateSigningRequest',
    namespaced: false,
    make: () => ({ spec: { request: signingRequest, signerName: 'example.com/e2e', usages: ['client auth'] } }),
  },
  {
    resource: 'batch/v1/jobs',
    kind: 'Job',
    namespaced: true,
    make: () => ({ spec: { suspend: true, template: { spec: { restartPolicy: 'Never', containers } } } }),
    // Dependents are orphaned by default, which takes the garbage collector.
    finalized: true,
    status: { conditions: [condition('Patched')] },
    updatedStatus: { active: 1 },
  },
];

describe('other resources', () => {
  for (const spec of resources) {
    it(spec.resource, async () => {
      await using cluster = await Cluster.connect();
      await exerciseLifecycle(cluster, spec);
    });
  }

  it('all of them at once, four times', async () => {
    const freelyNamed = resources.filter(({ nameOf }) => nameOf === undefined);
    const round = async (): Promise<void> => {
      await using cluster = await Cluster.connect();
      await Promise.all(freelyNamed.map((spec) => exerciseLifecycle(cluster, spec)));
    };
    await Promise.all([round(), round(), round(), round()]);
  });
});
