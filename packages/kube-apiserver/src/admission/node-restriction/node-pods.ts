/** What nodes may do to pods: mirror pods, the status of their own, evicting their own. */
import type { Pod } from '@kubets/api/types/core-v1';
import { newNotFound } from '@kubets/apimachinery/status';
import { podReferences, type PodObject } from '../../authorization/node/references.ts';
import { semanticEqual } from '../../registry/generic/semantic-equal.ts';
import { forbid } from '../common/attributes.ts';
import type { NodeRequest } from './node-restriction.ts';

const mirrorAnnotation = 'kubernetes.io/config.mirror';

const pods = { group: '', resource: 'pods' } as const;
const q = (text: string): string => JSON.stringify(text);

/** Mirror pods are created and deleted. */
export function admitPod(request: NodeRequest): void {
  const { attributes, nodeName } = request;
  switch (attributes.operation) {
    case 'CREATE':
      return admitCreate(request);
    case 'DELETE':
      if (existing(request, attributes.name).spec?.nodeName !== nodeName) {
        throw forbid(attributes, `node ${q(nodeName)} can only delete pods with spec.nodeName set to itself`);
      }
      return;
    default:
      throw forbid(
        attributes,
        `unexpected operation ${q(attributes.operation)}, node ${q(nodeName)} can only create and delete mirror pods`,
      );
  }
}

function existing({ deps, attributes }: NodeRequest, name: string): Pod {
  const entry = deps.caches.of(pods).get(attributes.namespace, name);
  if (entry === undefined) throw newNotFound(pods, name);
  return entry.object as unknown as Pod;
}

function admitCreate(request: NodeRequest): void {
  const { attributes, nodeName } = request;
  const pod = attributes.object as unknown as Pod;
  if (pod.metadata.annotations?.[mirrorAnnotation] === undefined) {
    throw forbid(
      attributes,
      `pod does not have ${q(mirrorAnnotation)} annotation, node ${q(nodeName)} can only create mirror pods`,
    );
  }
  if (pod.spec?.nodeName !== nodeName) {
    throw forbid(attributes, `node ${q(nodeName)} can only create pods with spec.nodeName set to itself`);
  }
  checkOwner(request, pod);
  checkReferences(request, pod);
}

function checkOwner({ deps, attributes, nodeName }: NodeRequest, pod: Pod): void {
  const owners = pod.metadata.ownerReferences ?? [];
  const who = `node ${q(nodeName)}`;
  if (owners.length > 1)
    throw forbid(attributes, `${who} can only create pods with a single owner reference set to itself`);
  const [owner] = owners;
  if (owner === undefined || owner.apiVersion !== 'v1' || owner.kind !== 'Node' || owner.name !== nodeName) {
    throw forbid(attributes, `${who} can only create pods with an owner reference set to itself`);
  }
  if (owner.controller !== true) {
    throw forbid(attributes, `${who} can only create pods with a controller owner reference set to itself`);
  }
  if (owner.blockOwnerDeletion === true) {
    throw forbid(attributes, `${who} must not set blockOwnerDeletion on an owner reference`);
  }
  const node = deps.caches.of({ group: '', resource: 'nodes' }).get('', nodeName);
  if (node === undefined) throw newNotFound({ group: '', resource: 'nodes' }, nodeName);
  const uid = node.object.metadata.uid ?? '';
  if (owner.uid !== uid) throw forbid(attributes, `node ${nodeName} UID mismatch: expected ${owner.uid} got ${uid}`);
}

/** A pod made by a node must not open other objects to it. */
function checkReferences({ attributes, nodeName }: NodeRequest, pod: Pod): void {
  const references = podReferences(pod as unknown as PodObject);
  const sources = (pod.spec?.volumes ?? []).flatMap((volume) => volume.projected?.sources ?? []);
  const found: [string, boolean][] = [
    ['a service account', references.serviceaccounts.length > 0],
    ['secrets', references.secrets.length > 0],
    ['configmaps', references.configmaps.length > 0],
    ['clustertrustbundles', sources.some((source) => source.clusterTrustBundle !== undefined)],
    ['persistentvolumeclaims', references.persistentvolumeclaims.length > 0],
    ['resource claims', (pod.spec?.resourceClaims ?? []).length > 0],
  ];
  const [bad] = found.find(([, present]) => present) ?? [];
  if (bad !== undefined) throw forbid(attributes, `node ${q(nodeName)} can not create pods that reference ${bad}`);
}

/** Of its own pods; labels and resource claims stay as they are. */
export function admitPodStatus({ attributes, nodeName }: NodeRequest): void {
  if (attributes.operation !== 'UPDATE') throw forbid(attributes, `unexpected operation ${q(attributes.operation)}`);
  const pod = attributes.object as unknown as Pod;
  const old = attributes.oldObject as unknown as Pod;
  const who = `node ${q(nodeName)}`;
  if (old.spec?.nodeName !== nodeName) {
    throw forbid(attributes, `${who} can only update pod status for pods with spec.nodeName set to itself`);
  }
  if (!semanticEqual(pod.metadata.labels ?? {}, old.metadata.labels ?? {})) {
    throw forbid(attributes, `${who} cannot update labels through pod status`);
  }
  if (!semanticEqual(pod.status?.resourceClaimStatuses, old.status?.resourceClaimStatuses)) {
    throw forbid(attributes, `${who} cannot update resource claim statues`);
  }
  if (!semanticEqual(pod.status?.extendedResourceClaimStatus, old.status?.extendedResourceClaimStatus)) {
    throw forbid(attributes, `${who} cannot update extended resource claim status`);
  }
}

/** Of its own pods. */
export function admitPodEviction(request: NodeRequest): void {
  const { attributes, nodeName } = request;
  if (attributes.operation !== 'CREATE') throw forbid(attributes, `unexpected operation ${attributes.operation}`);
  const name = attributes.name || (attributes.object?.metadata.name ?? '');
  if (name === '') throw forbid(attributes, 'could not determine pod from request data');
  if (existing(request, name).spec?.nodeName !== nodeName) {
    throw forbid(attributes, `node ${nodeName} can only evict pods with spec.nodeName set to itself`);
  }
}
