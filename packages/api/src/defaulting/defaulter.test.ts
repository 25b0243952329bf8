import { describe, expect, it } from 'vitest';
import { allKinds, kindInfo } from '../scheme.ts';
import { defaultContext, defaulterOf } from './defaulter.ts';
import { imageTag } from './image-tag.ts';

function countKeys(value: unknown): number {
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + countKeys(item), 0);
  if (typeof value !== 'object' || value === null) return 0;
  return Object.values(value).reduce<number>((sum, item) => sum + 1 + countKeys(item), 0);
}

/** Defaults a document and checks the count of added keys on the way. */
function defaulted<T extends object>(typeId: string, document: T): Record<string, Record<string, unknown>> {
  const copy = structuredClone(document) as Record<string, Record<string, unknown>>;
  const before = countKeys(copy);
  const added = defaulterOf(typeId)(copy, { ...defaultContext, now: () => '2026-01-01T00:00:00Z' });
  expect(countKeys(copy) - before).toBe(added);
  return copy;
}

const container = { name: 'a', image: 'nginx' };

describe('defaults', () => {
  it('compile for every kind', () => {
    for (const info of allKinds()) expect(defaulterOf(info.typeId)).toBeTypeOf('function');
  });

  it('complete a pod', () => {
    const { spec } = defaulted('core-v1.Pod', {
      spec: {
        hostNetwork: true,
        volumes: [{ name: 'v' }, { name: 's', secret: {} }],
        initContainers: [{ ...container, resources: { limits: { cpu: '1' } } }],
        containers: [
          { ...container, ports: [{ containerPort: 80 }], livenessProbe: { httpGet: { port: 1 } } },
          { name: 'b', image: 'nginx:1.25', resources: { limits: { memory: '0.0001' }, requests: {} } },
        ],
      },
    });
    expect(spec).toMatchObject({
      restartPolicy: 'Always',
      dnsPolicy: 'ClusterFirst',
      terminationGracePeriodSeconds: 30,
      securityContext: {},
      schedulerName: 'default-scheduler',
      enableServiceLinks: true,
      volumes: [
        { name: 'v', emptyDir: {} },
        { name: 's', secret: { defaultMode: 420 } },
      ],
      initContainers: [{ resources: { limits: { cpu: '1' }, requests: { cpu: '1' } } }],
      containers: [
        {
          imagePullPolicy: 'Always',
          terminationMessagePath: '/dev/termination-log',
          ports: [{ containerPort: 80, hostPort: 80, protocol: 'TCP' }],
          livenessProbe: { httpGet: { path: '/', scheme: 'HTTP' }, periodSeconds: 10 },
        },
        { imagePullPolicy: 'IfNotPresent', resources: { limits: { memory: '1m' } } },
      ],
    });
  });

  it('derive pod-level resources from the containers', () => {
    const part = (cpu: string): object => ({
      ...container,
      resources: { requests: { cpu }, limits: { 'hugepages-2Mi': '2Mi' } },
    });
    const { spec } = defaulted('core-v1.Pod', {
      spec: {
        resources: { limits: { cpu: '4', memory: '1Gi' } },
        initContainers: [part('3'), { ...part('1'), restartPolicy: 'Always' }],
        containers: [part('500m'), part('1')],
      },
    });
    expect(spec?.['resources']).toEqual({
      limits: { cpu: '4', memory: '1Gi', 'hugepages-2Mi': '6Mi' },
      requests: { cpu: '3', memory: '1Gi', 'hugepages-2Mi': '6Mi' },
    });
  });

  it('leave what is set, zero behind a pointer too', () => {
    const { spec } = defaulted('apps-v1.Deployment', { spec: { replicas: 0, strategy: { type: 'Recreate' } } });
    expect(spec).toMatchObject({ replicas: 0, strategy: { type: 'Recreate' }, revisionHistoryLimit: 10 });
    expect(spec?.['strategy']).not.toHaveProperty('rollingUpdate');
  });

  it.each<[string, object, object]>([
    ['apps-v1.Deployment', {}, { spec: { replicas: 1, strategy: { rollingUpdate: { maxSurge: '25%' } } } }],
    [
      'apps-v1.StatefulSet',
      { spec: {} },
      { spec: { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } } } },
    ],
    [
      'apps-v1.DaemonSet',
      { spec: {} },
      { spec: { updateStrategy: { rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } } } },
    ],
    ['batch-v1.Job', { spec: {} }, { spec: { completions: 1, parallelism: 1, backoffLimit: 6, suspend: false } }],
    ['batch-v1.Job', { spec: { backoffLimitPerIndex: 1 } }, { spec: { backoffLimit: 2147483647 } }],
    [
      'core-v1.Service',
      { spec: { ports: [{ port: 80 }] } },
      {
        spec: {
          type: 'ClusterIP',
          sessionAffinity: 'None',
          ports: [{ protocol: 'TCP', targetPort: 80 }],
          internalTrafficPolicy: 'Cluster',
        },
      },
    ],
    [
      'core-v1.Service',
      { spec: { type: 'LoadBalancer' } },
      { spec: { allocateLoadBalancerNodePorts: true, externalTrafficPolicy: 'Cluster' } },
    ],
    [
      'core-v1.Service',
      { spec: { sessionAffinity: 'ClientIP' } },
      { spec: { sessionAffinityConfig: { clientIP: { timeoutSeconds: 10800 } } } },
    ],
    [
      'core-v1.Namespace',
      { metadata: { name: 'x' } },
      { metadata: { labels: { 'kubernetes.io/metadata.name': 'x' } }, status: { phase: 'Active' } },
    ],
    [
      'core-v1.LimitRange',
      { spec: { limits: [{ type: 'Container', max: { cpu: '2' }, min: { memory: '1' } }] } },
      { spec: { limits: [{ default: { cpu: '2' }, defaultRequest: { cpu: '2', memory: '1' } }] } },
    ],
    ['core-v1.Node', { status: { capacity: { cpu: '1' } } }, { status: { allocatable: { cpu: '1' } } }],
    [
      'networking-v1.NetworkPolicy',
      { spec: { egress: [{ ports: [{}] }] } },
      { spec: { policyTypes: ['Ingress', 'Egress'], egress: [{ ports: [{ protocol: 'TCP' }] }] } },
    ],
    [
      'rbac-v1.RoleBinding',
      { subjects: [{ kind: 'User', name: 'u' }], roleRef: {} },
      { roleRef: { apiGroup: 'rbac.authorization.k8s.io' }, subjects: [{ apiGroup: 'rbac.authorization.k8s.io' }] },
    ],
    [
      'autoscaling-v1.HorizontalPodAutoscaler',
      { spec: {} },
      { spec: { minReplicas: 1, targetCPUUtilizationPercentage: 80 } },
    ],
    [
      'autoscaling-v2.HorizontalPodAutoscaler',
      { spec: { behavior: {} } },
      {
        spec: {
          behavior: {
            scaleUp: { selectPolicy: 'Max', stabilizationWindowSeconds: 0 },
            scaleDown: { policies: [{ type: 'Percent' }] },
          },
        },
      },
    ],
    [
      'apiextensions-v1.CustomResourceDefinition',
      {
        spec: {
          names: { kind: 'Foo' },
          versions: [
            { name: 'v1', storage: false },
            { name: 'v2', storage: true },
          ],
        },
      },
      {
        spec: { names: { singular: 'foo', listKind: 'FooList' }, conversion: { strategy: 'None' } },
        status: { storedVersions: ['v2'] },
      },
    ],
  ])('%s %j', (typeId, document, expected) => {
    expect(defaulted(typeId, document)).toMatchObject(expected);
  });

  it('are not set on metrics that an annotation carries', () => {
    const annotations = { 'autoscaling.alpha.kubernetes.io/metrics': '[]' };
    expect(
      defaulted('autoscaling-v1.HorizontalPodAutoscaler', { metadata: { annotations }, spec: {} })['spec'],
    ).toEqual({ minReplicas: 1 });
  });

  it('stamp the time', () => {
    const slice = defaulted('resource-v1.ResourceSlice', {
      spec: { devices: [{ name: 'd', taints: [{ key: 'a' }] }] },
    });
    expect(slice['spec']).toMatchObject({ devices: [{ taints: [{ timeAdded: '2026-01-01T00:00:00Z' }] }] });
  });

  it('leave garbage to the decoder', () => {
    for (const spec of [
      1,
      'x',
      [],
      null,
      { containers: 3 },
      { containers: [null, 1, []] },
      { volumes: { a: 1 } },
      { resources: { limits: { cpu: 'x' } } },
    ]) {
      expect(() => defaulterOf('core-v1.Pod')({ spec })).not.toThrow();
    }
  });

  it('come out in wire order and change nothing the second time', () => {
    const info = kindInfo({ group: '', version: 'v1', kind: 'Pod' })!;
    const once = info.decodeWithDefaults({ spec: { containers: [container] } });
    expect(Object.keys((once as unknown as { spec: { containers: object[] } }).spec.containers[0] ?? {})).toEqual([
      'name',
      'image',
      'resources',
      'terminationMessagePath',
      'terminationMessagePolicy',
      'imagePullPolicy',
    ]);
    expect(JSON.stringify(info.decodeWithDefaults(once))).toBe(JSON.stringify(once));
  });
});

describe('imageTag', () => {
  it.each([
    ['nginx', 'latest'],
    ['nginx:1.25', '1.25'],
    ['localhost:5000/a/b', 'latest'],
    ['localhost:5000/a/b:v1', 'v1'],
    [`nginx@sha256:${'a'.repeat(64)}`, ''],
    [`nginx:v2@sha256:${'a'.repeat(64)}`, 'v2'],
    ['Nginx', ''],
    ['', ''],
  ])('%s → %j', (image, tag) => {
    expect(imageTag(image)).toBe(tag);
  });
});
