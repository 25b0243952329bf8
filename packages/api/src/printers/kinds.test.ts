import { describe, expect, it } from 'vitest';
import { printerFor } from './printer-for.ts';

const now = Date.parse('2026-01-10T00:00:00Z');
const metadata = { name: 'x', namespace: 'ns', creationTimestamp: '2026-01-07T00:00:00Z' };
const containers = [
  { name: 'c1', image: 'i1' },
  { name: 'c2', image: 'i2' },
];
const template = { metadata: { labels: { app: 'web' } }, spec: { containers, nodeSelector: { disk: 'ssd' } } };
const selector = { matchLabels: { app: 'web' } };

describe('rows of the other groups', () => {
  it.each<[string, string, Record<string, unknown>, unknown[]]>([
    [
      'apps',
      'Deployment',
      {
        spec: { replicas: 3, template, selector },
        status: { readyReplicas: 1, updatedReplicas: 2, availableReplicas: 1 },
      },
      ['x', '1/3', 2, 1, '3d', 'c1,c2', 'i1,i2', 'app=web'],
    ],
    [
      'apps',
      'ReplicaSet',
      { spec: { replicas: 3, template, selector }, status: { replicas: 3, readyReplicas: 1 } },
      ['x', 3, 3, 1, '3d', 'c1,c2', 'i1,i2', 'app=web'],
    ],
    [
      'apps',
      'StatefulSet',
      { spec: { replicas: 3, template, selector }, status: { replicas: 3, readyReplicas: 1 } },
      ['x', '1/3', '3d', 'c1,c2', 'i1,i2'],
    ],
    [
      'apps',
      'DaemonSet',
      {
        spec: { template, selector },
        status: {
          desiredNumberScheduled: 5,
          currentNumberScheduled: 4,
          numberReady: 3,
          updatedNumberScheduled: 2,
          numberAvailable: 1,
        },
      },
      ['x', 5, 4, 3, 2, 1, 'disk=ssd', '3d', 'c1,c2', 'i1,i2', 'app=web'],
    ],
    [
      'apps',
      'ControllerRevision',
      {
        metadata: {
          ...metadata,
          ownerReferences: [{ apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web', uid: 'u', controller: true }],
        },
        revision: 2,
      },
      ['x', 'statefulset.apps/web', 2, '3d'],
    ],
    [
      'batch',
      'Job',
      { spec: { completions: 4, template, selector }, status: { succeeded: 1, startTime: '2026-01-09T23:00:00Z' } },
      ['x', 'Running', '1/4', '60m', '3d', 'c1,c2', 'i1,i2', 'app=web'],
    ],
    [
      'batch',
      'Job',
      {
        spec: { parallelism: 3, template, selector },
        status: {
          conditions: [{ type: 'Complete', status: 'True' }],
          startTime: '2026-01-09T23:00:00Z',
          completionTime: '2026-01-09T23:00:42Z',
        },
      },
      ['x', 'Complete', '0/1 of 3', '42s', '3d', 'c1,c2', 'i1,i2', 'app=web'],
    ],
    [
      'batch',
      'Job',
      { spec: { template, selector }, status: { conditions: [{ type: 'Suspended', status: 'True' }] } },
      ['x', 'Suspended', '0/1', '', '3d', 'c1,c2', 'i1,i2', 'app=web'],
    ],
    [
      'batch',
      'CronJob',
      {
        spec: { schedule: '* * * * *', suspend: false, jobTemplate: { spec: { template } } },
        status: { active: [{}], lastScheduleTime: '2026-01-09T23:59:00Z' },
      },
      ['x', '* * * * *', '<none>', 'False', 1, '60s', '3d', 'c1,c2', 'i1,i2', '<none>'],
    ],
    [
      'policy',
      'PodDisruptionBudget',
      { spec: { minAvailable: '50%' }, status: { disruptionsAllowed: 2 } },
      ['x', '50%', 'N/A', 2, '3d'],
    ],
    ['policy', 'PodDisruptionBudget', { spec: { maxUnavailable: 1 } }, ['x', 'N/A', '1', 0, '3d']],
    [
      'autoscaling',
      'HorizontalPodAutoscaler',
      { spec: { scaleTargetRef: { kind: 'Deployment', name: 'd' }, maxReplicas: 5 } },
      ['x', 'Deployment/d', '<none>', '<unset>', 5, 0, '3d'],
    ],
    [
      'autoscaling',
      'HorizontalPodAutoscaler',
      {
        spec: {
          scaleTargetRef: { kind: 'Deployment', name: 'd' },
          minReplicas: 1,
          maxReplicas: 5,
          targetCPUUtilizationPercentage: 80,
        },
        status: { currentReplicas: 2, currentCPUUtilizationPercentage: 20 },
      },
      ['x', 'Deployment/d', 'cpu: 20%/80%', '1', 5, 2, '3d'],
    ],
    [
      'autoscaling',
      'HorizontalPodAutoscaler',
      {
        spec: {
          scaleTargetRef: { kind: 'Deployment', name: 'd' },
          minReplicas: 2,
          maxReplicas: 5,
          metrics: [
            { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } },
            { type: 'Resource', resource: { name: 'memory', target: { type: 'AverageValue', averageValue: '1Gi' } } },
            { type: 'Pods', pods: { target: { averageValue: '10' } } },
          ],
        },
        status: {
          currentReplicas: 3,
          currentMetrics: [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 55 } } }],
        },
      },
      ['x', 'Deployment/d', 'cpu: 55%/80%, memory: <unknown>/1Gi + 1 more...', '2', 5, 3, '3d'],
    ],
    [
      'autoscaling',
      'HorizontalPodAutoscaler',
      {
        spec: {
          scaleTargetRef: { kind: 'RS', name: 'd' },
          maxReplicas: 5,
          metrics: [
            { type: 'External', external: { target: { averageValue: '30' } } },
            { type: 'Object', object: { target: { value: '2k' } } },
          ],
        },
        status: {
          currentMetrics: [
            { type: 'External', external: { current: { averageValue: '12' } } },
            { type: 'Object', object: { current: { value: '1k' } } },
          ],
        },
      },
      ['x', 'RS/d', '12/30 (avg), 1k/2k', '<unset>', 5, 0, '3d'],
    ],
    [
      'autoscaling',
      'HorizontalPodAutoscaler',
      {
        spec: {
          scaleTargetRef: { kind: 'RS', name: 'd' },
          maxReplicas: 5,
          metrics: [
            {
              type: 'ContainerResource',
              containerResource: { name: 'cpu', container: 'c', target: { averageUtilization: 10 } },
            },
            { type: 'Odd' },
          ],
        },
      },
      ['x', 'RS/d', 'cpu: <unknown>/10%, <unknown type>', '<unset>', 5, 0, '3d'],
    ],
    ['autoscaling', 'Scale', { spec: { replicas: 3 }, status: { replicas: 2 } }, ['x', 3, 2, '3d']],
    [
      'networking.k8s.io',
      'Ingress',
      {
        spec: {
          ingressClassName: 'nginx',
          rules: [{ host: 'a' }, { host: 'b' }, { host: 'c' }, { host: 'd' }],
          tls: [{}],
        },
        status: { loadBalancer: { ingress: [{ ip: '1.2.3.4' }] } },
      },
      ['x', 'nginx', 'a,b,c + 1 more...', '1.2.3.4', '80, 443', '3d'],
    ],
    ['networking.k8s.io', 'Ingress', { spec: { rules: [{}] } }, ['x', '<none>', '*', '', '80', '3d']],
    [
      'networking.k8s.io',
      'IngressClass',
      { spec: { controller: 'c', parameters: { apiGroup: 'g', kind: 'K', name: 'n' } } },
      ['x', 'c', 'K.g/n', '3d'],
    ],
    ['networking.k8s.io', 'NetworkPolicy', { spec: { podSelector: {} } }, ['x', '<none>', '3d']],
    ['networking.k8s.io', 'NetworkPolicy', { spec: { podSelector: selector } }, ['x', 'app=web', '3d']],
    [
      'networking.k8s.io',
      'IPAddress',
      { spec: { parentRef: { resource: 'services', namespace: 'default', name: 'kubernetes' } } },
      ['x', 'services/default/kubernetes'],
    ],
    [
      'networking.k8s.io',
      'ServiceCIDR',
      { spec: { cidrs: ['10.0.0.0/8', 'fd00::/108'] } },
      ['x', '10.0.0.0/8,fd00::/108', '3d'],
    ],
    [
      'discovery.k8s.io',
      'EndpointSlice',
      {
        addressType: 'IPv4',
        ports: [{ port: 80 }, { name: 'p' }, {}],
        endpoints: [{ addresses: ['1.1.1.1', '1.1.1.2'] }, { addresses: ['1.1.1.3'] }, { addresses: ['1.1.1.4'] }],
      },
      ['x', 'IPv4', '80,p,*', '1.1.1.1,1.1.1.2,1.1.1.3 + 1 more...', '3d'],
    ],
    [
      'discovery.k8s.io',
      'EndpointSlice',
      { addressType: 'IPv6', endpoints: [] },
      ['x', 'IPv6', '<unset>', '<unset>', '3d'],
    ],
    ['rbac.authorization.k8s.io', 'ClusterRole', {}, ['x', '2026-01-07T00:00:00Z']],
    [
      'rbac.authorization.k8s.io',
      'RoleBinding',
      {
        roleRef: { kind: 'Role', name: 'r' },
        subjects: [
          { kind: 'User', name: 'u1' },
          { kind: 'User', name: 'u2' },
          { kind: 'Group', name: 'g' },
          { kind: 'ServiceAccount', namespace: 'ns', name: 'sa' },
        ],
      },
      ['x', 'Role/r', '3d', 'u1, u2', 'g', 'ns/sa'],
    ],
    [
      'rbac.authorization.k8s.io',
      'ClusterRoleBinding',
      { roleRef: { kind: 'ClusterRole', name: 'r' } },
      ['x', 'ClusterRole/r', '3d', '', '', ''],
    ],
    [
      'certificates.k8s.io',
      'CertificateSigningRequest',
      {
        spec: { signerName: 's/n', username: 'u', expirationSeconds: 3600 },
        status: { conditions: [{ type: 'Approved', status: 'True' }], certificate: 'AA==' },
      },
      ['x', '3d', 's/n', 'u', '60m', 'Approved,Issued'],
    ],
    [
      'certificates.k8s.io',
      'CertificateSigningRequest',
      { spec: { username: 'u' }, status: { conditions: [{ type: 'Failed' }] } },
      ['x', '3d', '<none>', 'u', '<none>', 'Pending,Failed'],
    ],
    ['coordination.k8s.io', 'Lease', { spec: { holderIdentity: 'me' } }, ['x', 'me', '3d']],
    [
      'storage.k8s.io',
      'StorageClass',
      {
        metadata: { ...metadata, annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
        provisioner: 'p',
      },
      ['x (default)', 'p', 'Delete', 'Immediate', false, '3d'],
    ],
    [
      'storage.k8s.io',
      'StorageClass',
      {
        provisioner: 'p',
        reclaimPolicy: 'Retain',
        volumeBindingMode: 'WaitForFirstConsumer',
        allowVolumeExpansion: true,
      },
      ['x', 'p', 'Retain', 'WaitForFirstConsumer', true, '3d'],
    ],
    ['storage.k8s.io', 'VolumeAttributesClass', { driverName: 'd' }, ['x', 'd', '3d']],
    [
      'storage.k8s.io',
      'VolumeAttachment',
      { spec: { attacher: 'a', nodeName: 'n', source: { persistentVolumeName: 'pv' } }, status: { attached: true } },
      ['x', 'a', 'pv', 'n', true, '3d'],
    ],
    ['storage.k8s.io', 'CSINode', { spec: { drivers: [{}, {}] } }, ['x', 2, '3d']],
    [
      'storage.k8s.io',
      'CSIDriver',
      {
        spec: {
          attachRequired: false,
          tokenRequests: [{ audience: 'a' }, { audience: 'b' }],
          volumeLifecycleModes: ['Persistent', 'Ephemeral'],
        },
      },
      ['x', false, false, false, 'a,b', false, 'Persistent,Ephemeral', '3d'],
    ],
    ['storage.k8s.io', 'CSIDriver', { spec: {} }, ['x', true, false, false, '<unset>', false, '<none>', '3d']],
    ['storage.k8s.io', 'CSIStorageCapacity', {}, ['x', '2026-01-07T00:00:00Z']],
    ['node.k8s.io', 'RuntimeClass', { handler: 'runc' }, ['x', 'runc', '3d']],
    [
      'scheduling.k8s.io',
      'PriorityClass',
      { value: 1000, preemptionPolicy: 'Never' },
      ['x', 1000, false, '3d', 'Never'],
    ],
    ['resource.k8s.io', 'DeviceClass', {}, ['x', '3d']],
    ['resource.k8s.io', 'ResourceClaimTemplate', {}, ['x', '3d']],
    ['resource.k8s.io', 'ResourceClaim', {}, ['x', 'pending', '3d']],
    [
      'resource.k8s.io',
      'ResourceClaim',
      {
        metadata: { ...metadata, deletionTimestamp: metadata.creationTimestamp },
        status: { allocation: {}, reservedFor: [{}] },
      },
      ['x', 'deleted,allocated,reserved', '3d'],
    ],
    [
      'resource.k8s.io',
      'ResourceSlice',
      { spec: { nodeName: 'n', driver: 'd', pool: { name: 'p' } } },
      ['x', 'n', 'd', 'p', '3d'],
    ],
    [
      'flowcontrol.apiserver.k8s.io',
      'FlowSchema',
      {
        spec: {
          priorityLevelConfiguration: { name: 'pl' },
          matchingPrecedence: 9000,
          distinguisherMethod: { type: 'ByUser' },
        },
        status: { conditions: [{ type: 'Dangling', status: 'False' }] },
      },
      ['x', 'pl', 9000, 'ByUser', '3d', 'False'],
    ],
    ['flowcontrol.apiserver.k8s.io', 'FlowSchema', { spec: {} }, ['x', '', 0, '<none>', '3d', '?']],
    [
      'flowcontrol.apiserver.k8s.io',
      'PriorityLevelConfiguration',
      {
        spec: {
          type: 'Limited',
          limited: {
            nominalConcurrencyShares: 30,
            limitResponse: { type: 'Queue', queuing: { queues: 64, handSize: 6, queueLengthLimit: 50 } },
          },
        },
      },
      ['x', 'Limited', 30, 64, 6, 50, '3d'],
    ],
    [
      'flowcontrol.apiserver.k8s.io',
      'PriorityLevelConfiguration',
      { spec: { type: 'Exempt' } },
      ['x', 'Exempt', '<none>', '<none>', '<none>', '<none>', '3d'],
    ],
    ['admissionregistration.k8s.io', 'MutatingWebhookConfiguration', { webhooks: [{}, {}] }, ['x', 2, '3d']],
    ['admissionregistration.k8s.io', 'ValidatingWebhookConfiguration', {}, ['x', 0, '3d']],
    [
      'admissionregistration.k8s.io',
      'ValidatingAdmissionPolicy',
      { spec: { validations: [{}], paramKind: { apiVersion: 'v1', kind: 'ConfigMap' } } },
      ['x', 1, 'v1/ConfigMap', '3d'],
    ],
    [
      'admissionregistration.k8s.io',
      'MutatingAdmissionPolicy',
      { spec: { mutations: [{}] } },
      ['x', 1, '<unset>', '3d'],
    ],
    [
      'admissionregistration.k8s.io',
      'ValidatingAdmissionPolicyBinding',
      { spec: { policyName: 'p', paramRef: { name: 'n', namespace: 'ns' } } },
      ['x', 'p', 'ns/n', '3d'],
    ],
    [
      'admissionregistration.k8s.io',
      'MutatingAdmissionPolicyBinding',
      { spec: { policyName: 'p', paramRef: { selector } } },
      ['x', 'p', 'app=web', '3d'],
    ],
    ['apiextensions.k8s.io', 'CustomResourceDefinition', {}, ['x', '2026-01-07T00:00:00Z']],
    [
      'apiregistration.k8s.io',
      'APIService',
      { spec: {}, status: { conditions: [{ type: 'Available', status: 'True', reason: 'Local' }] } },
      ['x', 'Local', 'True', '3d'],
    ],
    [
      'apiregistration.k8s.io',
      'APIService',
      {
        spec: { service: { namespace: 'ns', name: 's' } },
        status: { conditions: [{ type: 'Available', status: 'False', reason: 'MissingEndpoints' }] },
      },
      ['x', 'ns/s', 'False (MissingEndpoints)', '3d'],
    ],
    ['example.com', 'Anything', {}, ['x', '2026-01-07T00:00:00Z']],
  ])('%s/%s %j', (group, kind, fields, cells) => {
    const printer = printerFor(group, kind);
    const object = { metadata, ...fields };
    expect(printer.rows(object, now)).toEqual([{ cells }]);
    expect(printer.cells(object, now)).toEqual(cells);
    expect(printer.columns).toHaveLength(cells.length);
  });
});
