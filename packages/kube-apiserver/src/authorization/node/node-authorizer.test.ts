import { describe, expect, it } from 'vitest';
import type { AuthorizationAttributes } from '../authorizer.ts';
import { FakeCacheDirectory } from '../testing/fake-cache.ts';
import { NodeAuthorizer } from './node-authorizer.ts';
import { NodeGraph } from './node-graph.ts';

const user = { name: 'system:node:n1', groups: ['system:nodes'] };
const ask = (text: string, over: Partial<AuthorizationAttributes> = {}): AuthorizationAttributes => {
  const [verb = '', what = '', where = ''] = text.split(' ');
  const [resourceAndSub = '', ...group] = what.split('.');
  const [resource = '', subresource = ''] = resourceAndSub.split('/');
  const [namespace = '', name = ''] = where.split('/');
  return {
    user,
    verb,
    isResourceRequest: true,
    path: '',
    group: group.join('.'),
    version: 'v1',
    resource,
    subresource,
    namespace,
    name,
    ...over,
  };
};

const pod = (name: string, nodeName: string, spec: object, extra: object = {}) => ({
  metadata: { name, namespace: 'ns', uid: name, ...extra },
  spec: { nodeName, ...spec },
});

function setup() {
  const caches = new FakeCacheDirectory();
  const graph = NodeGraph.start(caches);
  const authorizer = new NodeAuthorizer(graph, [
    { verbs: ['create', 'patch'], apiGroups: [''], resources: ['events'] },
  ]);
  caches.put(
    '',
    'pods',
    pod('p1', 'n1', {
      serviceAccountName: 'sa1',
      imagePullSecrets: [{ name: 'pull' }],
      containers: [
        { env: [{ valueFrom: { secretKeyRef: { name: 's-env' } } }], envFrom: [{ configMapRef: { name: 'cm-from' } }] },
      ],
      volumes: [
        { name: 'a', secret: { secretName: 's-vol' } },
        { name: 'b', projected: { sources: [{ configMap: { name: 'cm-proj' } }] } },
        { name: 'c', persistentVolumeClaim: { claimName: 'claim' } },
        { name: 'eph', ephemeral: {} },
      ],
      resourceClaims: [{ name: 'r', resourceClaimName: 'rc' }],
    }),
    pod('p2', 'n2', { volumes: [{ name: 'a', secret: { secretName: 's-other' } }] }),
    pod(
      'mirror',
      'n1',
      { volumes: [{ name: 'a', secret: { secretName: 's-mirror' } }] },
      { annotations: { 'kubernetes.io/config.mirror': 'x' } },
    ),
    pod('pending', '', { volumes: [{ name: 'a', secret: { secretName: 's-pending' } }] }),
  );
  caches.put('', 'persistentvolumes', {
    metadata: { name: 'pv1' },
    spec: {
      claimRef: { namespace: 'ns', name: 'claim' },
      csi: { nodeStageSecretRef: { name: 'stage', namespace: 'csi' } },
    },
  });
  caches.put('storage.k8s.io', 'volumeattachments', { metadata: { name: 'va1' }, spec: { nodeName: 'n1' } });
  caches.put(
    'resource.k8s.io',
    'resourceslices',
    { metadata: { name: 'slice1' }, spec: { nodeName: 'n1' } },
    { metadata: { name: 'slice2' }, spec: { nodeName: 'n2' } },
  );
  return { caches, authorizer };
}

const unrelated = "no relationship found between node 'n1' and this object";

describe('NodeAuthorizer', () => {
  const { authorizer } = setup();
  it.each<[string, string, Partial<AuthorizationAttributes>?]>([
    ['get secrets ns/s-vol', 'allow'],
    ['watch secrets ns/s-env', 'allow'],
    ['list secrets ns/pull', 'allow'],
    ['get secrets csi/stage', 'allow'],
    ['get secrets ns/s-other', unrelated],
    ['get secrets ns/s-mirror', unrelated],
    ['get secrets ns/s-pending', unrelated],
    ['get secrets ns/', 'No Object name found'],
    ['list secrets /', 'can only read namespaced object of this type'],
    ['update secrets ns/s-vol', 'can only read resources of this type'],
    ['get configmaps ns/cm-from', 'allow'],
    ['get configmaps ns/cm-proj', 'allow'],
    ['get persistentvolumeclaims ns/claim', 'allow'],
    ['get persistentvolumeclaims ns/p1-eph', 'allow'],
    ['update persistentvolumeclaims/status ns/claim', 'allow'],
    ['get persistentvolumeclaims/status ns/claim', 'can only get/update/patch this type'],
    ['list persistentvolumeclaims ns/', 'can only get individual resources of this type'],
    ['get persistentvolumes /pv1', 'allow'],
    ['get persistentvolumes /pv2', unrelated],
    ['get resourceclaims.resource.k8s.io ns/rc', 'allow'],
    ['get volumeattachments.storage.k8s.io /va1', 'allow'],
    ['get volumeattachments.storage.k8s.io /va2', unrelated],
    ['create serviceaccounts/token ns/sa1', 'allow'],
    ['create serviceaccounts/token ns/sa2', unrelated],
    ['create serviceaccounts ns/sa1', 'can only create token subresource of serviceaccount'],
    ['get serviceaccounts ns/sa1', 'can only create tokens for individual service accounts'],
    ['update leases.coordination.k8s.io kube-node-lease/n1', 'allow'],
    ['create leases.coordination.k8s.io kube-node-lease/', 'allow'],
    [
      'update leases.coordination.k8s.io kube-node-lease/n2',
      'can only access node lease with the same name as the requesting node',
    ],
    [
      'get leases.coordination.k8s.io kube-system/n1',
      'can only access leases in the "kube-node-lease" system namespace',
    ],
    ['list leases.coordination.k8s.io kube-node-lease/', 'can only get, create, update, patch, or delete a node lease'],
    ['get csinodes.storage.k8s.io /n1', 'allow'],
    ['get csinodes.storage.k8s.io /n2', 'can only access CSINode with the same name as the requesting node'],
    ['get resourceslices.resource.k8s.io /slice1', 'allow'],
    ['get resourceslices.resource.k8s.io /slice2', unrelated],
    ['list resourceslices.resource.k8s.io /', 'allow', { fieldSelector: 'spec.nodeName=n1' }],
    [
      'list resourceslices.resource.k8s.io /',
      'can only list/watch/deletecollection resourceslices with nodeName field selector',
    ],
    ['get nodes /n1', 'allow'],
    ['get nodes /n2', "node 'n1' cannot read 'n2', only its own Node object"],
    ['list nodes /', "node 'n1' cannot read all nodes, only its own Node object"],
    ['patch nodes/status /n1', 'allow'],
    ['delete nodes /n1', ''],
    ['get pods ns/p1', 'allow'],
    ['get pods ns/p2', unrelated],
    ['list pods /', 'allow', { fieldSelector: 'spec.nodeName=n1' }],
    [
      'list pods /',
      'can only list/watch pods with spec.nodeName field selector',
      { fieldSelector: 'spec.nodeName=n2' },
    ],
    ['patch pods/status ns/p1', 'allow'],
    ['create pods/eviction ns/p1', 'allow'],
    ['patch pods ns/p1', ''],
    ['create events ns/', 'allow'],
    ['get services ns/x', ''],
    ['get secrets ns/s-vol', '', { user: { name: 'system:node:n1', groups: [] } }],
    [
      'get secrets ns/s-vol',
      'unknown node for user "system:node:"',
      { user: { name: 'system:node:', groups: ['system:nodes'] } },
    ],
  ])('%s: %s', (text, expected, over) => {
    const { decision, reason } = authorizer.authorize(ask(text, over));
    expect(decision === 'allow' ? 'allow' : reason).toBe(expected);
  });

  it('follows deletions and rebinding of volumes', () => {
    const { caches, authorizer: a } = setup();
    caches.of({ group: '', resource: 'pods' }).remove('ns', 'p1');
    for (const text of [
      'get secrets ns/s-vol',
      'get persistentvolumes /pv1',
      'get secrets csi/stage',
      'get pods ns/p1',
    ]) {
      expect(a.authorize(ask(text)).reason).toBe(unrelated);
    }
    caches.put(
      '',
      'pods',
      pod('p3', 'n1', { volumes: [{ name: 'c', persistentVolumeClaim: { claimName: 'claim' } }] }),
    );
    expect(a.authorize(ask('get secrets csi/stage')).decision).toBe('allow');
    caches.put('', 'persistentvolumes', { metadata: { name: 'pv1' }, spec: {} });
    expect(a.authorize(ask('get secrets csi/stage')).decision).toBe('no-opinion');
  });
});
