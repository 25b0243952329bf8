/** Ordinary manifests through decoding, defaulting and strategies, as users send them. */
import { describe, expect, it } from 'vitest';
import { ApiFixture } from './testing/api-fixture.ts';

const container = { name: 'app', image: 'nginx' };
const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [container] } };
const once = { metadata: { labels: { app: 'web' } }, spec: { containers: [container], restartPolicy: 'Never' } };
const selector = { matchLabels: { app: 'web' } };

const rich = {
  containers: [
    {
      ...container,
      command: ['sh', '-c', 'sleep $(TIME)'],
      env: [
        { name: 'TIME', value: '5' },
        { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
        { name: 'CPU', valueFrom: { resourceFieldRef: { resource: 'limits.cpu' } } },
        { name: 'S', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } },
      ],
      envFrom: [{ configMapRef: { name: 'c' } }],
      ports: [
        { name: 'http', containerPort: 80 },
        { containerPort: 53, protocol: 'UDP' },
      ],
      readinessProbe: { httpGet: { path: '/', port: 'http' } },
      livenessProbe: { tcpSocket: { port: 80 }, initialDelaySeconds: 5 },
      startupProbe: { exec: { command: ['true'] } },
      lifecycle: { preStop: { sleep: { seconds: 3 } } },
      resources: { requests: { cpu: '100m', memory: '64Mi' }, limits: { cpu: 1, memory: '128Mi' } },
      securityContext: { runAsNonRoot: true, capabilities: { drop: ['ALL'] }, readOnlyRootFilesystem: true },
      volumeMounts: [
        { name: 'tmp', mountPath: '/tmp' },
        { name: 'conf', mountPath: '/etc/conf', subPath: 'a.conf', readOnly: true },
      ],
    },
  ],
  initContainers: [
    { name: 'init', image: 'busybox' },
    { name: 'sidecar', image: 'busybox', restartPolicy: 'Always' },
  ],
  volumes: [
    { name: 'tmp', emptyDir: { medium: 'Memory', sizeLimit: '10Mi' } },
    { name: 'conf', configMap: { name: 'c', items: [{ key: 'a', path: 'a.conf' }] } },
    {
      name: 'token',
      projected: {
        sources: [
          { serviceAccountToken: { path: 'token' } },
          { downwardAPI: { items: [{ path: 'l', fieldRef: { fieldPath: 'metadata.labels' } }] } },
        ],
      },
    },
    { name: 'pvc', persistentVolumeClaim: { claimName: 'p' } },
    { name: 'host', hostPath: { path: '/var/log', type: 'Directory' } },
    {
      name: 'scratch',
      ephemeral: {
        volumeClaimTemplate: { spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } },
      },
    },
  ],
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/os', operator: 'In', values: ['linux'] }] }],
      },
    },
    podAntiAffinity: {
      preferredDuringSchedulingIgnoredDuringExecution: [
        { weight: 100, podAffinityTerm: { labelSelector: selector, topologyKey: 'kubernetes.io/hostname' } },
      ],
    },
  },
  tolerations: [{ key: 'a', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 }],
  topologySpreadConstraints: [
    { maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule', labelSelector: selector },
  ],
  securityContext: {
    runAsUser: 1000,
    fsGroup: 2000,
    seccompProfile: { type: 'RuntimeDefault' },
    sysctls: [{ name: 'kernel.shm_rmid_forced', value: '0' }],
  },
  dnsPolicy: 'None',
  dnsConfig: { nameservers: ['1.1.1.1'], searches: ['svc.local'], options: [{ name: 'ndots', value: '2' }] },
  hostAliases: [{ ip: '10.0.0.1', hostnames: ['h'] }],
  hostname: 'web',
  subdomain: 'svc',
  nodeSelector: { disk: 'ssd' },
  serviceAccountName: 'default',
};

const manifests: [path: string, object: Record<string, unknown>][] = [
  ['/api/v1/namespaces/default/pods', { kind: 'Pod', apiVersion: 'v1', spec: { containers: [container] } }],
  ['/api/v1/namespaces/default/pods', { kind: 'Pod', apiVersion: 'v1', spec: rich }],
  ['/api/v1/namespaces/default/podtemplates', { kind: 'PodTemplate', apiVersion: 'v1', template }],
  [
    '/api/v1/namespaces/default/replicationcontrollers',
    { kind: 'ReplicationController', apiVersion: 'v1', spec: { selector: { app: 'web' }, template } },
  ],
  [
    '/apis/apps/v1/namespaces/default/deployments',
    { kind: 'Deployment', apiVersion: 'apps/v1', spec: { selector, template } },
  ],
  [
    '/apis/apps/v1/namespaces/default/replicasets',
    { kind: 'ReplicaSet', apiVersion: 'apps/v1', spec: { selector, template } },
  ],
  [
    '/apis/apps/v1/namespaces/default/daemonsets',
    { kind: 'DaemonSet', apiVersion: 'apps/v1', spec: { selector, template } },
  ],
  [
    '/apis/apps/v1/namespaces/default/statefulsets',
    {
      kind: 'StatefulSet',
      apiVersion: 'apps/v1',
      spec: {
        selector,
        template: {
          ...template,
          spec: { containers: [{ ...container, volumeMounts: [{ name: 'd', mountPath: '/d' }] }] },
        },
        serviceName: 'web',
        volumeClaimTemplates: [
          {
            metadata: { name: 'd' },
            spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
          },
        ],
      },
    },
  ],
  [
    '/apis/apps/v1/namespaces/default/controllerrevisions',
    { kind: 'ControllerRevision', apiVersion: 'apps/v1', revision: 1, data: { spec: {} } },
  ],
  ['/apis/batch/v1/namespaces/default/jobs', { kind: 'Job', apiVersion: 'batch/v1', spec: { template: once } }],
  [
    '/apis/batch/v1/namespaces/default/jobs',
    { kind: 'Job', apiVersion: 'batch/v1', spec: { completions: 3, completionMode: 'Indexed', template: once } },
  ],
  [
    '/apis/batch/v1/namespaces/default/cronjobs',
    {
      kind: 'CronJob',
      apiVersion: 'batch/v1',
      spec: { schedule: '*/5 * * * *', jobTemplate: { spec: { template: once } } },
    },
  ],
  [
    '/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers',
    {
      kind: 'HorizontalPodAutoscaler',
      apiVersion: 'autoscaling/v2',
      spec: {
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
        maxReplicas: 5,
        metrics: [
          { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } },
        ],
        behavior: { scaleDown: { policies: [{ type: 'Pods', value: 1, periodSeconds: 60 }] } },
      },
    },
  ],
  [
    '/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers',
    {
      kind: 'HorizontalPodAutoscaler',
      apiVersion: 'autoscaling/v1',
      spec: {
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
        maxReplicas: 5,
        targetCPUUtilizationPercentage: 60,
      },
    },
  ],
  [
    '/apis/policy/v1/namespaces/default/poddisruptionbudgets',
    { kind: 'PodDisruptionBudget', apiVersion: 'policy/v1', spec: { selector, minAvailable: '50%' } },
  ],
];

describe('an ordinary manifest', () => {
  it.each(manifests)('%s is created, updated and replaced unchanged', async (path, object) => {
    await using api = await ApiFixture.open();
    const answer = await api.call('POST', path, { body: { metadata: { name: 'web' }, ...object } });
    expect([answer.status, answer.object['message'], answer.warnings]).toEqual([201, undefined, []]);
    const put = await api.call('PUT', `${path}/web`, { body: answer.object });
    expect([put.status, put.object['message'], put.warnings]).toEqual([200, undefined, []]);
    expect(put.object.metadata).toMatchObject({
      resourceVersion: answer.object.metadata.resourceVersion,
      ...(answer.object.metadata.generation !== undefined && { generation: answer.object.metadata.generation }),
    });
    const labels = JSON.stringify({ metadata: { labels: { x: 'y' } } });
    const contentType = 'application/merge-patch+json';
    const patched = await api.call('PATCH', `${path}/web`, { text: labels, contentType });
    expect([patched.status, patched.object['message']]).toEqual([200, undefined]);
    if (!answer.object['spec'] || object['kind'] === 'PodTemplate') return;
    const status = await api.call('PUT', `${path}/web/status`, { body: patched.object });
    expect([status.status, status.object['message']]).toEqual([200, undefined]);
  });
});

describe('a pod that is wrong', () => {
  it('is refused with all causes', async () => {
    await using api = await ApiFixture.open();
    const body = { kind: 'Pod', apiVersion: 'v1', metadata: { name: 'web' }, spec: { containers: [{ name: 'A' }] } };
    const { status, object } = await api.call('POST', '/api/v1/namespaces/default/pods', { body });
    expect(status).toBe(422);
    expect(object['message']).toMatch(
      /^Pod "web" is invalid: \[spec\.containers\[0\]\.name: Invalid value: "A": a lowercase RFC 1123 label .*, spec\.containers\[0\]\.image: Required value\]$/,
    );
  });

  it('may not change its image to nothing, nor its node', async () => {
    await using api = await ApiFixture.open();
    const path = '/api/v1/namespaces/default/pods';
    const body = { kind: 'Pod', apiVersion: 'v1', metadata: { name: 'web' }, spec: { containers: [container] } };
    await api.ok('POST', path, { body });
    const contentType = 'application/merge-patch+json';
    const text = JSON.stringify({ spec: { nodeName: 'n' } });
    const { status, object } = await api.call('PATCH', `${path}/web`, { text, contentType });
    expect(status).toBe(422);
    expect(object['message']).toMatch(
      /^Pod "web" is invalid: spec: Forbidden: pod updates may not change fields other than/,
    );
  });
});
