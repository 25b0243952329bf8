/** What nodes may do to objects other than pods. */
import type { Node, PersistentVolumeClaim } from '@kubets/api/types/core-v1';
import { newNotFound } from '@kubets/apimachinery/status';
import { semanticEqual } from '../../registry/generic/semantic-equal.ts';
import { csrSubject } from '../certificates/csr-subject.ts';
import { forbid } from '../common/attributes.ts';
import { forbiddenLabelChanges } from './node-labels.ts';
import type { NodeRequest } from './node-restriction.ts';

const q = (text: string): string => JSON.stringify(text);

/** Its own, without its taints and without labels that steer work to it. */
export function admitNode({ attributes, nodeName }: NodeRequest): void {
  const name = attributes.name || (attributes.object?.metadata.name ?? '');
  if (name !== nodeName) throw forbid(attributes, `node ${q(nodeName)} is not allowed to modify node ${q(name)}`);
  if (attributes.operation === 'DELETE') return;
  const node = attributes.object as unknown as Node;
  const old = attributes.oldObject as unknown as Node | undefined;
  const labels = forbiddenLabelChanges(node.metadata.labels, old?.metadata.labels);
  if (attributes.operation === 'CREATE') {
    if (node.spec?.configSource !== undefined) {
      throw forbid(attributes, `node ${q(nodeName)} is not allowed to create pods with a non-nil configSource`);
    }
    if (labels.length > 0) {
      throw forbid(attributes, `node ${q(nodeName)} is not allowed to set the following labels: ${labels.join(', ')}`);
    }
    return;
  }
  if (node.spec?.configSource !== undefined && !semanticEqual(node.spec.configSource, old?.spec?.configSource)) {
    throw forbid(attributes, `node ${q(nodeName)} is not allowed to update configSource to a new non-nil configSource`);
  }
  if (!semanticEqual(node.spec?.taints, old?.spec?.taints)) {
    throw forbid(attributes, `node ${q(nodeName)} is not allowed to modify taints`);
  }
  if (labels.length > 0) throw forbid(attributes, `is not allowed to modify labels: ${labels.join(', ')}`);
}

/** How far an expansion has come, and nothing else. */
export function admitClaimStatus({ attributes, nodeName }: NodeRequest): void {
  if (attributes.subresource !== 'status') throw forbid(attributes, 'may only update PVC status');
  if (attributes.operation !== 'UPDATE') throw forbid(attributes, `unexpected operation ${q(attributes.operation)}`);
  const claim = withoutExpansion(attributes.object as unknown as PersistentVolumeClaim);
  const old = withoutExpansion(attributes.oldObject as unknown as PersistentVolumeClaim);
  if (semanticEqual(claim, old)) return;
  throw forbid(
    attributes,
    `node ${q(nodeName)} is not allowed to update fields other than status.capacity and status.conditions`,
  );
}

function withoutExpansion(claim: PersistentVolumeClaim): object {
  const { resourceVersion: _, managedFields: __, ...metadata } = claim.metadata;
  const {
    capacity: _1,
    conditions: _2,
    allocatedResources: _3,
    allocatedResourceStatuses: _4,
    ...status
  } = claim.status ?? {};
  return { ...claim, metadata, status };
}

/** Its own, among the node leases. */
export function admitLease({ attributes, nodeName }: NodeRequest): void {
  if (attributes.namespace !== 'kube-node-lease') {
    throw forbid(attributes, 'can only access leases in the "kube-node-lease" system namespace');
  }
  if (targetName(attributes) !== nodeName) {
    throw forbid(attributes, 'can only access node lease with the same name as the requesting node');
  }
}

/** Its own. */
export function admitCsiNode({ attributes, nodeName }: NodeRequest): void {
  if (targetName(attributes) !== nodeName) {
    throw forbid(attributes, 'can only access CSINode with the same name as the requesting node');
  }
}

/** On create the name is in the object only. */
function targetName(attributes: NodeRequest['attributes']): string {
  return attributes.operation === 'CREATE' ? (attributes.object?.metadata.name ?? '') : attributes.name;
}

/** Those that say they are its own. */
export function admitResourceSlice({ deps, attributes, nodeName }: NodeRequest): void {
  const slices = { group: 'resource.k8s.io', resource: 'resourceslices' } as const;
  const nodeOf = (object: unknown): string =>
    (object as { spec?: { nodeName?: string } } | undefined)?.spec?.nodeName ?? '';
  if (attributes.operation === 'CREATE' && nodeOf(attributes.object) !== nodeName) {
    throw forbid(attributes, 'can only create ResourceSlice with the same NodeName as the requesting node');
  }
  if (attributes.operation !== 'DELETE') return;
  const entry = deps.caches.of(slices).get('', attributes.name);
  if (entry === undefined) throw newNotFound(slices, attributes.name);
  if (nodeOf(entry.object) !== nodeName) {
    throw forbid(attributes, 'can only delete ResourceSlice with the same NodeName as the requesting node');
  }
}

const kubeletClientSigner = 'kubernetes.io/kube-apiserver-client-kubelet';
const kubeletServingSigner = 'kubernetes.io/kubelet-serving';

/** Certificates for itself. */
export function admitCsr({ attributes, nodeName }: NodeRequest): void {
  if (attributes.operation !== 'CREATE' || attributes.subresource !== '') return;
  const { signerName, request } = (attributes.object?.['spec'] ?? {}) as { signerName?: string; request?: string };
  if (signerName !== kubeletClientSigner && signerName !== kubeletServingSigner) return;
  const subject = csrSubject(request ?? '');
  if (subject === undefined) throw forbid(attributes, 'unable to parse csr');
  const expected = `system:node:${nodeName}`;
  if (subject.commonName !== expected) throw forbid(attributes, `can only create a node CSR with CN=${expected}`);
}
