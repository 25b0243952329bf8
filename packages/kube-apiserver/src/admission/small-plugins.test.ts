import 'reflect-metadata';
import { Pkcs10CertificateRequestGenerator } from '@peculiar/x509';
import { describe, expect, it } from 'vitest';
import type { Authorizer } from '../authorization/authorizer.ts';
import { FakeCacheDirectory } from '../authorization/testing/fake-cache.ts';
import { certificateApproval, certificateSigning, certificateSubjectRestriction } from './certificates/certificates.ts';
import { csrSubject } from './certificates/csr-subject.ts';
import { fieldOrder } from './common/field-order.ts';
import { defaultIngressClass } from './default-ingress-class/default-ingress-class.ts';
import { defaultStorageClass } from './default-storage-class/default-storage-class.ts';
import { defaultTolerationSeconds } from './default-toleration-seconds/default-toleration-seconds.ts';
import { namespaceLifecycle } from './namespace-lifecycle/namespace-lifecycle.ts';
import { persistentVolumeClaimResize } from './persistent-volume-claim-resize/persistent-volume-claim-resize.ts';
import { podTopologyLabels } from './pod-topology-labels/pod-topology-labels.ts';
import { priority } from './priority/priority.ts';
import { runtimeClass } from './runtime-class/runtime-class.ts';
import { storageObjectInUseProtection } from './storage-object-in-use-protection/storage-object-in-use-protection.ts';
import { taintNodesByCondition } from './taint-nodes-by-condition/taint-nodes-by-condition.ts';
import { attributes, verdict } from './testing/attributes.ts';

const caches = new FakeCacheDirectory();
caches.put(
  '',
  'namespaces',
  { metadata: { name: 'ns' }, status: { phase: 'Active' } },
  { metadata: { name: 'dying' }, status: { phase: 'Terminating' } },
);
caches.put('', 'nodes', { metadata: { name: 'n', labels: { 'topology.kubernetes.io/zone': 'z', other: 'x' } } });
caches.put(
  'storage.k8s.io',
  'storageclasses',
  {
    metadata: {
      name: 'old',
      creationTimestamp: '2025-01-01T00:00:00Z',
      annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' },
    },
  },
  {
    metadata: {
      name: 'new',
      creationTimestamp: '2026-01-01T00:00:00Z',
      annotations: { 'storageclass.beta.kubernetes.io/is-default-class': 'true' },
    },
    allowVolumeExpansion: true,
  },
);
caches.put('networking.k8s.io', 'ingressclasses', {
  metadata: { name: 'nginx', annotations: { 'ingressclass.kubernetes.io/is-default-class': 'true' } },
});
caches.put('node.k8s.io', 'runtimeclasses', {
  metadata: { name: 'kata' },
  handler: 'kata',
  overhead: { podFixed: { cpu: '250m' } },
  scheduling: { nodeSelector: { kata: 'yes' }, tolerations: [{ key: 'kata', operator: 'Exists' }] },
});

const pod = (spec: object = {}, metadata: object = {}) => ({
  metadata: { name: 'p', namespace: 'ns', ...metadata },
  spec: { containers: [{ name: 'c' }], ...spec },
});
const specOf = (object: object) => (object as { spec: Record<string, unknown> }).spec;

describe('NamespaceLifecycle', () => {
  it.each<[string, ReturnType<typeof attributes>, string]>([
    ['an active namespace', attributes('pods', pod()), ''],
    ['a missing namespace', attributes('pods', pod({}, { namespace: 'gone' })), 'namespaces "gone" not found'],
    [
      'a dying namespace',
      attributes('pods', pod({}, { namespace: 'dying' })),
      'pods "p" is forbidden: unable to create new content in namespace dying because it is being terminated',
    ],
    ['an update in a dying namespace', attributes('pods', pod({}, { namespace: 'dying' }), { old: pod() }), ''],
    ['a cluster-scoped object', attributes('nodes', { metadata: { name: 'n' } }), ''],
    [
      'a review',
      attributes('localsubjectaccessreviews', { metadata: { namespace: 'gone' } }, { group: 'authorization.k8s.io' }),
      '',
    ],
    [
      'deleting default',
      attributes('namespaces', undefined, { operation: 'DELETE', name: 'default' }),
      'namespaces "default" is forbidden: this namespace may not be deleted',
    ],
    ['deleting another', attributes('namespaces', undefined, { operation: 'DELETE', name: 'ns' }), ''],
  ])('%s', async (_, given, expected) => {
    expect(await verdict(namespaceLifecycle({ caches }), given)).toBe(expected);
  });

  it('names the cause', () => {
    const given = attributes('pods', pod({}, { namespace: 'dying' }));
    expect(() => namespaceLifecycle({ caches }).admit?.(given)).toThrow(
      expect.objectContaining({
        status: expect.objectContaining({
          details: expect.objectContaining({
            causes: [
              {
                reason: 'NamespaceTerminating',
                message: 'namespace dying is being terminated',
                field: 'metadata.namespace',
              },
            ],
          }),
        }),
      }),
    );
  });
});

describe('defaults', () => {
  it('tolerations for lost nodes', () => {
    const object = pod({
      tolerations: [{ key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute' }],
    });
    void defaultTolerationSeconds().admit?.(attributes('pods', object));
    expect(specOf(object)['tolerations']).toEqual([
      { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute' },
      { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 },
    ]);
  });

  it('the newest default storage class', () => {
    const claim = { metadata: { name: 'c', namespace: 'ns' }, spec: {} };
    void defaultStorageClass({ caches }).admit?.(attributes('persistentvolumeclaims', claim));
    expect(claim.spec).toEqual({ storageClassName: 'new' });
    const none = { metadata: { name: 'c', namespace: 'ns' }, spec: { storageClassName: '' } };
    void defaultStorageClass({ caches }).admit?.(attributes('persistentvolumeclaims', none));
    expect(none.spec).toEqual({ storageClassName: '' });
  });

  it('the default ingress class', () => {
    const ingress = { metadata: { name: 'i', namespace: 'ns' }, spec: { rules: [] } };
    void defaultIngressClass({ caches }).admit?.(attributes('ingresses', ingress, { group: 'networking.k8s.io' }));
    expect(ingress.spec).toEqual({ rules: [], ingressClassName: 'nginx' });
  });

  it('the taint of new nodes, once', () => {
    const node = { metadata: { name: 'n' }, spec: {} };
    void taintNodesByCondition().admit?.(attributes('nodes', node));
    void taintNodesByCondition().admit?.(attributes('nodes', node));
    expect(node.spec).toEqual({ taints: [{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }] });
  });

  it('finalizers of storage objects', () => {
    const volume = { metadata: { name: 'v', finalizers: ['x'] } };
    void storageObjectInUseProtection().admit?.(attributes('persistentvolumes', volume));
    expect(volume.metadata.finalizers).toEqual(['x', 'kubernetes.io/pv-protection']);
  });

  it('topology labels of pods and bindings', () => {
    const object = pod({ nodeName: 'n' });
    void podTopologyLabels({ caches }).admit?.(attributes('pods', object));
    expect(object.metadata).toMatchObject({ labels: { 'topology.kubernetes.io/zone': 'z' } });
    const binding = { metadata: { name: 'p', namespace: 'ns' }, target: { kind: 'Node', name: 'n' } };
    void podTopologyLabels({ caches }).admit?.(attributes('pods', binding, { subresource: 'binding' }));
    expect(binding.metadata).toMatchObject({ labels: { 'topology.kubernetes.io/zone': 'z' } });
  });

  it('fields in the order of the structs', () => {
    const object = { metadata: { finalizers: [], name: 'p' }, spec: { priority: 1, containers: [], volumes: [] } };
    void fieldOrder.admit?.(attributes('pods', object));
    expect(JSON.stringify(object)).toBe(
      '{"metadata":{"name":"p","finalizers":[]},"spec":{"volumes":[],"containers":[],"priority":1}}',
    );
  });
});

describe('PersistentVolumeClaimResize', () => {
  const claim = (size: string, over: object = {}) => ({
    metadata: { name: 'c', namespace: 'ns' },
    spec: { storageClassName: 'new', resources: { requests: { storage: size } } },
    status: { phase: 'Bound' },
    ...over,
  });
  it.each<[string, object, object, string]>([
    ['growing', claim('2Gi'), claim('1Gi'), ''],
    ['the same size', claim('1024Mi'), claim('1Gi', { status: {} }), ''],
    [
      'unbound',
      claim('2Gi'),
      claim('1Gi', { status: { phase: 'Pending' } }),
      'Only bound persistent volume claims can be expanded',
    ],
    [
      'a class that does not',
      { ...claim('2Gi'), spec: { storageClassName: 'old', resources: { requests: { storage: '2Gi' } } } },
      { ...claim('1Gi'), spec: { storageClassName: 'old', resources: { requests: { storage: '1Gi' } } } },
      'only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize',
    ],
  ])('%s', async (_, object, old, expected) => {
    const text = await verdict(
      persistentVolumeClaimResize({ caches }),
      attributes('persistentvolumeclaims', object, { old }),
    );
    expect(text.replace('persistentvolumeclaims "c" is forbidden: ', '')).toBe(expected);
  });
});

describe('Priority', () => {
  const withClasses = (...classes: object[]) => {
    const own = new FakeCacheDirectory();
    own.put('scheduling.k8s.io', 'priorityclasses', ...classes);
    return priority({ caches: own });
  };
  const high = { metadata: { name: 'high' }, value: 1000, preemptionPolicy: 'Never' };
  const standard = {
    metadata: { name: 'standard' },
    value: 10,
    globalDefault: true,
    preemptionPolicy: 'PreemptLowerPriority',
  };

  it.each<[string, object, object]>([
    [
      'a class',
      { priorityClassName: 'high' },
      { priorityClassName: 'high', priority: 1000, preemptionPolicy: 'Never' },
    ],
    [
      'the global default',
      {},
      { priorityClassName: 'standard', priority: 10, preemptionPolicy: 'PreemptLowerPriority' },
    ],
    ['the right value given', { priorityClassName: 'high', priority: 1000 }, { priority: 1000 }],
  ])('sets %s', async (_, spec, expected) => {
    const object = pod(spec);
    expect(await verdict(withClasses(high, standard), attributes('pods', object))).toBe('');
    expect(object.spec).toMatchObject(expected);
  });

  it('is zero without any class', async () => {
    const object = pod();
    await verdict(withClasses(), attributes('pods', object));
    expect(object.spec).toEqual({ containers: [{ name: 'c' }], priority: 0, preemptionPolicy: 'PreemptLowerPriority' });
  });

  it.each<[string, object, string]>([
    [
      'an unknown class',
      { priorityClassName: 'none' },
      'pods "p" is forbidden: no PriorityClass with name none was found',
    ],
    [
      'another value',
      { priorityClassName: 'high', priority: 5 },
      'pods "p" is forbidden: the integer value of priority (5) must not be provided in pod spec; priority admission controller computed 1000 from the given PriorityClass name',
    ],
    [
      'another policy',
      { priorityClassName: 'high', preemptionPolicy: 'PreemptLowerPriority' },
      'pods "p" is forbidden: the string value of PreemptionPolicy (PreemptLowerPriority) must not be provided in pod spec; priority admission controller computed Never from the given PriorityClass name',
    ],
  ])('refuses %s', async (_, spec, expected) => {
    expect(await verdict(withClasses(high), attributes('pods', pod(spec)))).toBe(expected);
  });

  it('keeps the priority on updates, and one default', async () => {
    const object = pod();
    await verdict(withClasses(), attributes('pods', object, { old: pod({ priority: 7 }) }));
    expect(object.spec).toMatchObject({ priority: 7 });
    const second = { metadata: { name: 'second' }, value: 1, globalDefault: true };
    expect(
      await verdict(withClasses(standard), attributes('priorityclasses', second, { group: 'scheduling.k8s.io' })),
    ).toBe(
      'priorityclasses.scheduling.k8s.io "second" is forbidden: PriorityClass standard is already marked as default. Only one default can exist',
    );
    expect(
      await verdict(
        withClasses(standard),
        attributes('priorityclasses', standard, { group: 'scheduling.k8s.io', old: standard }),
      ),
    ).toBe('');
  });
});

describe('RuntimeClass', () => {
  it('adds overhead and scheduling', async () => {
    const object = pod({ runtimeClassName: 'kata', nodeSelector: { disk: 'ssd' } });
    expect(await verdict(runtimeClass({ caches }), attributes('pods', object))).toBe('');
    expect(object.spec).toMatchObject({
      overhead: { cpu: '250m' },
      nodeSelector: { disk: 'ssd', kata: 'yes' },
      tolerations: [{ key: 'kata', operator: 'Exists' }],
    });
  });

  it.each<[string, object, string]>([
    ['a missing class', { runtimeClassName: 'none' }, 'pod rejected: RuntimeClass "none" not found'],
    [
      'another overhead',
      { runtimeClassName: 'kata', overhead: { cpu: '1' } },
      "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead",
    ],
    [
      'overhead without a class',
      { overhead: { cpu: '1' } },
      'pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead',
    ],
    [
      'a conflicting selector',
      { runtimeClassName: 'kata', nodeSelector: { kata: 'no' } },
      'conflict: runtimeClass.scheduling.nodeSelector[kata] = yes; pod.spec.nodeSelector[kata] = no',
    ],
  ])('refuses %s', async (_, spec, expected) => {
    expect(await verdict(runtimeClass({ caches }), attributes('pods', pod(spec)))).toBe(
      `pods "p" is forbidden: ${expected}`,
    );
  });
});

describe('certificates', () => {
  const group = 'certificates.k8s.io';
  const may = (verb: string, name: string): Authorizer => ({
    authorize: (a) => ({
      decision: a.verb === verb && a.name === name && a.resource === 'signers' ? 'allow' : 'no-opinion',
      reason: '',
    }),
  });
  const csr = (over: { signerName?: string; request?: string } = {}, status: object = {}) => ({
    metadata: { name: 'c' },
    spec: { signerName: 'example.com/x', request: '', ...over },
    status,
  });

  it.each<[string, Authorizer, string]>([
    ['the signer', may('approve', 'example.com/x'), ''],
    ['its domain', may('approve', 'example.com/*'), ''],
    [
      'another verb',
      may('sign', 'example.com/x'),
      'certificatesigningrequests.certificates.k8s.io "c" is forbidden: user not permitted to approve requests with signerName "example.com/x"',
    ],
  ])('approval with rights on %s', async (_, authorizer, expected) => {
    const given = attributes('certificatesigningrequests', csr(), { group, subresource: 'approval', old: csr() });
    expect(await verdict(certificateApproval({ authorizer }), given)).toBe(expected);
  });

  it('signing, when the certificate changes', async () => {
    const plugin = certificateSigning({ authorizer: may('none', '') });
    const signed = attributes('certificatesigningrequests', csr({}, { certificate: 'x' }), {
      group,
      subresource: 'status',
      old: csr(),
    });
    expect(await verdict(plugin, signed)).toContain(
      'user not permitted to sign requests with signerName "example.com/x"',
    );
    expect(
      await verdict(
        plugin,
        attributes('certificatesigningrequests', csr(), { group, subresource: 'status', old: csr() }),
      ),
    ).toBe('');
  });

  it.each([
    [
      'O=system:masters, CN=x',
      'certificatesigningrequests.certificates.k8s.io "c" is forbidden: use of kubernetes.io/kube-apiserver-client signer with system:masters group is not allowed',
    ],
    ['O=devs, CN=x', ''],
  ])('subject %s', async (name, expected) => {
    const keys = (await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, [
      'sign',
      'verify',
    ])) as { publicKey: never; privateKey: never };
    const request = await Pkcs10CertificateRequestGenerator.create({
      name,
      keys,
      signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
    });
    const object = csr({
      signerName: 'kubernetes.io/kube-apiserver-client',
      request: Buffer.from(request.toString('pem')).toString('base64'),
    });
    expect(csrSubject(object.spec.request)).toMatchObject({ commonName: 'x' });
    expect(
      await verdict(certificateSubjectRestriction(), attributes('certificatesigningrequests', object, { group })),
    ).toBe(expected);
  });
});
