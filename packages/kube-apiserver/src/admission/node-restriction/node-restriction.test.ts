import { describe, expect, it } from 'vitest';
import type { Authorizer } from '../../authorization/authorizer.ts';
import { FakeCacheDirectory } from '../../authorization/testing/fake-cache.ts';
import { attributes, verdict } from '../testing/attributes.ts';
import { nodeRestriction } from './node-restriction.ts';

const user = { name: 'system:node:n1', groups: ['system:nodes'] };
const caches = new FakeCacheDirectory();
caches.put('', 'nodes', { metadata: { name: 'n1', uid: 'u1' } });
const pod = (name: string, spec: object = {}, metadata: object = {}) => ({
  metadata: { name, namespace: 'ns', uid: `uid-${name}`, ...metadata },
  spec: { nodeName: 'n1', ...spec },
});
caches.put(
  '',
  'pods',
  pod('mine', {
    volumes: [
      { name: 't', projected: { sources: [{ serviceAccountToken: { audience: 'vault', path: 't' } }] } },
      { name: 'v', csi: { driver: 'd' } },
    ],
  }),
  pod('other', { nodeName: 'n2' }),
);
caches.put('storage.k8s.io', 'csidrivers', { metadata: { name: 'd' }, spec: { tokenRequests: [{ audience: 'csi' }] } });
caches.put(
  'resource.k8s.io',
  'resourceslices',
  { metadata: { name: 's1' }, spec: { nodeName: 'n1' } },
  { metadata: { name: 's2' }, spec: { nodeName: 'n2' } },
);
const authorizer: Authorizer = {
  authorize: (a) => ({
    decision: a.resource === 'granted' && a.verb === 'request-serviceaccounts-token-audience' ? 'allow' : 'no-opinion',
    reason: '',
  }),
};
const plugin = nodeRestriction({ caches, authorizer });

const owner = { apiVersion: 'v1', kind: 'Node', name: 'n1', uid: 'u1', controller: true };
const mirror = (spec: object = {}, metadata: object = {}) =>
  pod('m', spec, { annotations: { 'kubernetes.io/config.mirror': 'x' }, ownerReferences: [owner], ...metadata });
const node = (labels: object = {}, spec: object = {}, name = 'n1') => ({ metadata: { name, labels }, spec });
const token = (ref: object | null, audiences: string[] = []) =>
  attributes(
    'serviceaccounts',
    { metadata: { name: 'sa', namespace: 'ns' }, spec: { audiences, boundObjectRef: ref } },
    { subresource: 'token', user },
  );
const mine = { apiVersion: 'v1', kind: 'Pod', name: 'mine', uid: 'uid-mine' };
const lease = (name: string, namespace = 'kube-node-lease') =>
  attributes('leases', { metadata: { name, namespace } }, { group: 'coordination.k8s.io', user });

describe('NodeRestriction', () => {
  it.each<[string, ReturnType<typeof attributes>, string]>([
    ['a mirror pod', attributes('pods', mirror(), { user }), ''],
    [
      'a pod',
      attributes('pods', pod('x'), { user }),
      'pod does not have "kubernetes.io/config.mirror" annotation, node "n1" can only create mirror pods',
    ],
    [
      'a mirror pod elsewhere',
      attributes('pods', mirror({ nodeName: 'n2' }), { user }),
      'node "n1" can only create pods with spec.nodeName set to itself',
    ],
    [
      'a mirror pod without owner',
      attributes('pods', mirror({}, { ownerReferences: [] }), { user }),
      'node "n1" can only create pods with an owner reference set to itself',
    ],
    [
      'a mirror pod with two owners',
      attributes('pods', mirror({}, { ownerReferences: [owner, owner] }), { user }),
      'node "n1" can only create pods with a single owner reference set to itself',
    ],
    [
      'a mirror pod not controlled',
      attributes('pods', mirror({}, { ownerReferences: [{ ...owner, controller: false }] }), { user }),
      'node "n1" can only create pods with a controller owner reference set to itself',
    ],
    [
      'a mirror pod that blocks',
      attributes('pods', mirror({}, { ownerReferences: [{ ...owner, blockOwnerDeletion: true }] }), { user }),
      'node "n1" must not set blockOwnerDeletion on an owner reference',
    ],
    [
      'a mirror pod of an older node',
      attributes('pods', mirror({}, { ownerReferences: [{ ...owner, uid: 'u0' }] }), { user }),
      'node n1 UID mismatch: expected u0 got u1',
    ],
    [
      'a mirror pod with an account',
      attributes('pods', mirror({ serviceAccountName: 'sa' }), { user }),
      'node "n1" can not create pods that reference a service account',
    ],
    [
      'a mirror pod with config maps',
      attributes('pods', mirror({ volumes: [{ name: 'v', configMap: { name: 'c' } }] }), { user }),
      'node "n1" can not create pods that reference configmaps',
    ],
    [
      'a mirror pod with claims',
      attributes('pods', mirror({ volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'c' } }] }), { user }),
      'node "n1" can not create pods that reference persistentvolumeclaims',
    ],
    [
      'deleting its own pod',
      attributes('pods', undefined, { operation: 'DELETE', name: 'mine', namespace: 'ns', user }),
      '',
    ],
    [
      'deleting another pod',
      attributes('pods', undefined, { operation: 'DELETE', name: 'other', namespace: 'ns', user }),
      'node "n1" can only delete pods with spec.nodeName set to itself',
    ],
    [
      'updating a pod',
      attributes('pods', pod('mine'), { old: pod('mine'), user }),
      'unexpected operation "UPDATE", node "n1" can only create and delete mirror pods',
    ],
    [
      'the status of its own pod',
      attributes('pods', pod('mine'), { old: pod('mine'), subresource: 'status', user }),
      '',
    ],
    [
      'the status of another pod',
      attributes('pods', pod('other'), { old: pod('other', { nodeName: 'n2' }), subresource: 'status', user }),
      'node "n1" can only update pod status for pods with spec.nodeName set to itself',
    ],
    [
      'labels with the status',
      attributes('pods', pod('mine', {}, { labels: { a: 'b' } }), { old: pod('mine'), subresource: 'status', user }),
      'node "n1" cannot update labels through pod status',
    ],
    [
      'evicting its own pod',
      attributes('pods', { metadata: { name: 'mine', namespace: 'ns' } }, { subresource: 'eviction', user }),
      '',
    ],
    [
      'evicting another pod',
      attributes('pods', { metadata: { name: 'other', namespace: 'ns' } }, { subresource: 'eviction', user }),
      'node n1 can only evict pods with spec.nodeName set to itself',
    ],
    [
      'another subresource',
      attributes('pods', pod('mine'), { subresource: 'resize', old: pod('mine'), user }),
      "unexpected pod subresource \"resize\", only 'status' and 'eviction' are allowed",
    ],
    [
      'its node',
      attributes('nodes', node({ 'kubernetes.io/hostname': 'n1', 'node.kubernetes.io/x': 'y', mine: 'z' }), { user }),
      '',
    ],
    ['another node', attributes('nodes', node({}, {}, 'n2'), { user }), 'node "n1" is not allowed to modify node "n2"'],
    [
      'forbidden labels',
      attributes('nodes', node({ 'node-restriction.kubernetes.io/x': 'y', 'foo.kubernetes.io/a': 'b' }), { user }),
      'node "n1" is not allowed to set the following labels: foo.kubernetes.io/a, node-restriction.kubernetes.io/x',
    ],
    [
      'removing a label',
      attributes('nodes', node(), { old: node({ 'k8s.io/x': 'y' }), user }),
      'is not allowed to modify labels: k8s.io/x',
    ],
    [
      'its taints',
      attributes('nodes', node({}, { taints: [] }), {
        old: node({}, { taints: [{ key: 'a', effect: 'NoSchedule' }] }),
        user,
      }),
      'node "n1" is not allowed to modify taints',
    ],
    ['a claim', attributes('persistentvolumeclaims', pod('c'), { old: pod('c'), user }), 'may only update PVC status'],
    ['its lease', lease('n1'), ''],
    ['another lease', lease('n2'), 'can only access node lease with the same name as the requesting node'],
    ['a lease elsewhere', lease('n1', 'ns'), 'can only access leases in the "kube-node-lease" system namespace'],
    [
      'another CSINode',
      attributes('csinodes', { metadata: { name: 'n2' } }, { group: 'storage.k8s.io', user }),
      'can only access CSINode with the same name as the requesting node',
    ],
    [
      'a slice of another',
      attributes(
        'resourceslices',
        { metadata: { name: 'x' }, spec: { nodeName: 'n2' } },
        { group: 'resource.k8s.io', user },
      ),
      'can only create ResourceSlice with the same NodeName as the requesting node',
    ],
    [
      'deleting a slice of another',
      attributes('resourceslices', undefined, { group: 'resource.k8s.io', operation: 'DELETE', name: 's2', user }),
      'can only delete ResourceSlice with the same NodeName as the requesting node',
    ],
    ['a token of its pod', token(mine, ['vault']), ''],
    ['a token for a CSI driver', token(mine, ['csi']), ''],
    ['a token it may have anyway', token(mine, ['granted']), ''],
    ['a token for others', token(mine, ['other']), 'audience "other" not found in pod spec volume'],
    ['a token for many', token(mine, ['a', 'b']), 'node may only request 0 or 1 audiences'],
    ['an unbound token', token(null), 'node requested token not bound to a pod'],
    ['a token without uid', token({ ...mine, uid: '' }), 'node requested token with a pod binding without a uid'],
    [
      'a token of an older pod',
      token({ ...mine, uid: 'x' }),
      'the UID in the bound object reference (x) does not match the UID in record. The object might have been deleted and then recreated',
    ],
    [
      'a token of a pod elsewhere',
      token({ ...mine, name: 'other', uid: 'uid-other' }),
      'node requested token bound to a pod scheduled on a different node',
    ],
    [
      'an unreadable request',
      attributes(
        'certificatesigningrequests',
        { metadata: { name: 'c' }, spec: { signerName: 'kubernetes.io/kubelet-serving', request: '' } },
        { group: 'certificates.k8s.io', user },
      ),
      'unable to parse csr',
    ],
    ['anything by others', attributes('nodes', node({}, {}, 'n2')), ''],
    [
      'an unknown node',
      attributes('nodes', node(), { user: { name: 'system:node:', groups: ['system:nodes'] } }),
      'could not determine node from user "system:node:"',
    ],
  ])('%s', async (_, given, expected) => {
    expect((await verdict(plugin, given)).replace(/^\S+( "[^"]*")? is forbidden: /, '')).toBe(expected);
  });

  const claim = (status: object, metadata: object = {}) => ({
    metadata: { name: 'c', namespace: 'ns', ...metadata },
    spec: {},
    status,
  });
  it.each<[string, object, string]>([
    ['the capacity', claim({ phase: 'Bound', capacity: { storage: '2Gi' } }, { resourceVersion: '9' }), ''],
    ['the phase', claim({ phase: 'Lost' }), 'is not allowed to update fields other than'],
  ])('of a claim it writes %s', async (_, object, expected) => {
    const given = attributes('persistentvolumeclaims', object, {
      old: claim({ phase: 'Bound' }),
      subresource: 'status',
      user,
    });
    expect(await verdict(plugin, given)).toContain(expected);
  });
});
