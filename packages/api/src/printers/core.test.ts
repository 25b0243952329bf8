import { describe, expect, it } from 'vitest';
import { printerFor } from './printer-for.ts';

const now = Date.parse('2026-01-10T00:00:00Z');
const metadata = { name: 'x', namespace: 'ns', creationTimestamp: '2026-01-07T00:00:00Z' };
const containers = [
  { name: 'c1', image: 'i1' },
  { name: 'c2', image: 'i2' },
];
const template = { metadata: { labels: { app: 'web' } }, spec: { containers, nodeSelector: { disk: 'ssd' } } };

describe('rows of the core group and of Events', () => {
  it.each<[string, string, Record<string, unknown>, unknown[]]>([
    [
      '',
      'ComponentStatus',
      { conditions: [{ type: 'Healthy', status: 'True', message: 'ok' }] },
      ['x', 'Healthy', 'ok', ''],
    ],
    ['', 'ComponentStatus', {}, ['x', 'Unknown', '', '']],
    ['', 'ConfigMap', { data: { a: '1', b: '2' }, binaryData: { c: '' } }, ['x', 3, '3d']],
    ['', 'Secret', { type: 'Opaque', data: { a: '' } }, ['x', 'Opaque', 1, '3d']],
    ['', 'ServiceAccount', {}, ['x', '3d']],
    ['', 'Namespace', { status: { phase: 'Active' } }, ['x', 'Active', '3d']],
    ['', 'Endpoints', {}, ['x', '<none>', '3d']],
    [
      '',
      'Endpoints',
      { subsets: [{ addresses: [{ ip: '10.0.0.1' }, { ip: '::1' }], ports: [{ port: 80 }, { port: 81 }] }] },
      ['x', '10.0.0.1:80,[::1]:80,10.0.0.1:81 + 1 more...', '3d'],
    ],
    ['', 'Endpoints', { subsets: [{ addresses: [{ ip: '10.0.0.1' }] }] }, ['x', '10.0.0.1', '3d']],
    [
      '',
      'Service',
      {
        spec: {
          type: 'ClusterIP',
          clusterIPs: ['10.96.0.1'],
          ports: [{ port: 443, protocol: 'TCP' }],
          selector: { b: '2', a: '1' },
        },
      },
      ['x', 'ClusterIP', '10.96.0.1', '<none>', '443/TCP', '3d', 'a=1,b=2'],
    ],
    [
      '',
      'Service',
      {
        spec: {
          type: 'NodePort',
          clusterIPs: ['None'],
          externalIPs: ['1.1.1.1', '2.2.2.2'],
          ports: [
            { port: 80, nodePort: 30080, protocol: 'TCP' },
            { port: 53, protocol: 'UDP' },
          ],
        },
      },
      ['x', 'NodePort', 'None', '1.1.1.1,2.2.2.2', '80:30080/TCP,53/UDP', '3d', '<none>'],
    ],
    [
      '',
      'Service',
      { spec: { type: 'LoadBalancer' } },
      ['x', 'LoadBalancer', '<none>', '<pending>', '<none>', '3d', '<none>'],
    ],
    [
      '',
      'Service',
      {
        spec: { type: 'LoadBalancer', externalIPs: ['9.9.9.9'] },
        status: { loadBalancer: { ingress: [{ hostname: 'h' }, { ip: '5.5.5.5' }] } },
      },
      ['x', 'LoadBalancer', '<none>', '5.5.5.5,h,9.9.9.9', '<none>', '3d', '<none>'],
    ],
    [
      '',
      'Service',
      { spec: { type: 'ExternalName', externalName: 'e.com' } },
      ['x', 'ExternalName', '<none>', 'e.com', '<none>', '3d', '<none>'],
    ],
    [
      '',
      'Node',
      {
        metadata: {
          ...metadata,
          labels: {
            'node-role.kubernetes.io/worker': '',
            'node-role.kubernetes.io/control-plane': '',
            'kubernetes.io/role': 'r',
          },
        },
        spec: { unschedulable: true },
        status: {
          conditions: [{ type: 'Ready', status: 'True' }],
          addresses: [
            { type: 'InternalIP', address: '10.0.0.5' },
            { type: 'ExternalIP', address: '8.8.8.8' },
          ],
          nodeInfo: {
            kubeletVersion: 'v1.36.0',
            osImage: 'Linux',
            kernelVersion: '6.1',
            containerRuntimeVersion: 'containerd://2',
          },
        },
      },
      [
        'x',
        'Ready,SchedulingDisabled',
        'control-plane,r,worker',
        '3d',
        'v1.36.0',
        '10.0.0.5',
        '8.8.8.8',
        'Linux',
        '6.1',
        'containerd://2',
      ],
    ],
    [
      '',
      'Node',
      { status: { conditions: [{ type: 'Ready', status: 'Unknown' }] } },
      ['x', 'NotReady', '<none>', '3d', '', '<none>', '<none>', '<unknown>', '<unknown>', '<unknown>'],
    ],
    ['', 'Node', {}, ['x', 'Unknown', '<none>', '3d', '', '<none>', '<none>', '<unknown>', '<unknown>', '<unknown>']],
    [
      '',
      'PersistentVolume',
      {
        spec: {
          capacity: { storage: '5Gi' },
          accessModes: ['ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOnce'],
          persistentVolumeReclaimPolicy: 'Retain',
          claimRef: { namespace: 'ns', name: 'c' },
          storageClassName: 'fast',
          volumeMode: 'Block',
        },
        status: { phase: 'Bound' },
      },
      ['x', '5Gi', 'RWO,RWX', 'Retain', 'Bound', 'ns/c', 'fast', '<unset>', '', '3d', 'Block'],
    ],
    [
      '',
      'PersistentVolumeClaim',
      { spec: { resources: { requests: { storage: '1Gi' } } }, status: { phase: 'Pending' } },
      ['x', 'Pending', '', '', '', '', '<unset>', '3d', '<unset>'],
    ],
    [
      '',
      'PersistentVolumeClaim',
      {
        metadata: { ...metadata, deletionTimestamp: metadata.creationTimestamp },
        spec: { volumeName: 'pv', storageClassName: 'fast', volumeMode: 'Filesystem' },
        status: { phase: 'Bound', capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOncePod'] },
      },
      ['x', 'Terminating', 'pv', '1Gi', 'RWOP', 'fast', '<unset>', '3d', 'Filesystem'],
    ],
    ['', 'PodTemplate', { template }, ['x', 'c1,c2', 'i1,i2', 'app=web']],
    [
      '',
      'ReplicationController',
      { spec: { replicas: 3, template, selector: { app: 'web' } }, status: { replicas: 2, readyReplicas: 1 } },
      ['x', 3, 2, 1, '3d', 'c1,c2', 'i1,i2', 'app=web'],
    ],
    [
      '',
      'ResourceQuota',
      {
        status: {
          hard: { 'limits.cpu': '2', 'requests.cpu': '1', pods: '10' },
          used: { pods: '3', 'limits.cpu': '500m' },
        },
      },
      ['x', 'pods: 3/10, requests.cpu: 0/1', 'limits.cpu: 500m/2', '3d'],
    ],
    ['', 'LimitRange', {}, ['x', '2026-01-07T00:00:00Z']],
    [
      '',
      'Event',
      {
        type: 'Warning',
        reason: 'Failed',
        message: ' m\n',
        count: 4,
        firstTimestamp: '2026-01-09T23:00:00Z',
        lastTimestamp: '2026-01-09T23:59:00Z',
        involvedObject: { kind: 'Pod', name: 'p', fieldPath: 'spec.containers{c}' },
        source: { component: 'kubelet', host: 'n1' },
      },
      ['60s', 'Warning', 'Failed', 'pod/p', 'spec.containers{c}', 'kubelet, n1', 'm', '60m', 4, 'x'],
    ],
    [
      'events.k8s.io',
      'Event',
      {
        type: 'Normal',
        reason: 'R',
        note: 'n',
        eventTime: '2026-01-09T23:00:00.000000Z',
        series: { count: 7, lastObservedTime: '2026-01-09T23:59:30.000000Z' },
        regarding: { kind: 'Node', name: 'n' },
        reportingController: 'rc',
        reportingInstance: 'ri',
      },
      ['30s', 'Normal', 'R', 'node/n', '', 'rc, ri', 'n', '60m', 7, 'x'],
    ],
  ])('%s/%s %j', (group, kind, fields, cells) => {
    const printer = printerFor(group, kind);
    const object = { metadata, ...fields };
    expect(printer.rows(object, now)).toEqual([{ cells }]);
    expect(printer.cells(object, now)).toEqual(cells);
    expect(printer.columns).toHaveLength(cells.length);
  });
});
