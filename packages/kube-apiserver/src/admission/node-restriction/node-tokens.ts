/** Tokens that nodes may ask for: of their own pods, for the audiences those pods use. */
import type { Pod } from '@kubets/api/types/core-v1';
import type { CSIDriver } from '@kubets/api/types/storage-v1';
import { newNotFound } from '@kubets/apimachinery/status';
import { forbid } from '../common/attributes.ts';
import type { NodeRequest } from './node-restriction.ts';

interface TokenRequestSpec {
  audiences?: string[] | null;
  boundObjectRef?: { kind?: string; apiVersion?: string; name?: string; uid?: string } | null;
}

const pods = { group: '', resource: 'pods' } as const;

/** Other requests for service accounts are the authorizer's business. */
export async function admitToken(request: NodeRequest): Promise<void> {
  const { attributes } = request;
  if (attributes.operation !== 'CREATE' || attributes.subresource !== 'token') return;
  const spec = (attributes.object?.['spec'] ?? {}) as TokenRequestSpec;
  const pod = boundPod(request, spec);
  const audiences = spec.audiences ?? [];
  if (audiences.length > 1) throw forbid(attributes, 'node may only request 0 or 1 audiences');
  const audience = audiences[0] ?? '';
  if (podUses(request, pod, audience) || (await mayRequest(request, audience))) return;
  throw forbid(attributes, `audience ${JSON.stringify(audience)} not found in pod spec volume`);
}

function boundPod({ deps, attributes, nodeName }: NodeRequest, spec: TokenRequestSpec): Pod {
  const ref = spec.boundObjectRef;
  if (!ref || ref.apiVersion !== 'v1' || ref.kind !== 'Pod' || !ref.name) {
    throw forbid(attributes, 'node requested token not bound to a pod');
  }
  if (!ref.uid) throw forbid(attributes, 'node requested token with a pod binding without a uid');
  const entry = deps.caches.of(pods).get(attributes.namespace, ref.name);
  if (entry === undefined) throw newNotFound(pods, ref.name);
  const pod = entry.object as unknown as Pod;
  if (ref.uid !== pod.metadata.uid) {
    throw forbid(
      attributes,
      `the UID in the bound object reference (${ref.uid}) does not match the UID in record. The object might have been deleted and then recreated`,
    );
  }
  if (pod.spec?.nodeName !== nodeName) {
    throw forbid(attributes, 'node requested token bound to a pod scheduled on a different node');
  }
  return pod;
}

/** In projected volumes, or for the CSI drivers of its volumes. */
function podUses({ deps }: NodeRequest, pod: Pod, audience: string): boolean {
  const volumes = pod.spec?.volumes ?? [];
  const projected = volumes.flatMap((volume) => volume.projected?.sources ?? []);
  if (
    projected.some((source) => source.serviceAccountToken && (source.serviceAccountToken.audience ?? '') === audience)
  ) {
    return true;
  }
  const drivers = deps.caches.of({ group: 'storage.k8s.io', resource: 'csidrivers' });
  return csiDriversOf({ deps }, pod).some((name) => {
    const driver = drivers.get('', name)?.object as unknown as CSIDriver | undefined;
    return (driver?.spec.tokenRequests ?? []).some((request) => (request.audience ?? '') === audience);
  });
}

function csiDriversOf({ deps }: Pick<NodeRequest, 'deps'>, pod: Pod): string[] {
  const claims = deps.caches.of({ group: '', resource: 'persistentvolumeclaims' });
  const persistent = deps.caches.of({ group: '', resource: 'persistentvolumes' });
  const namespace = pod.metadata.namespace ?? '';
  const names = (pod.spec?.volumes ?? []).map((volume) => {
    if (volume.csi !== undefined) return volume.csi.driver;
    const claim =
      volume.ephemeral === undefined
        ? volume.persistentVolumeClaim?.claimName
        : `${pod.metadata.name ?? ''}-${volume.name}`;
    if (claim === undefined) return undefined;
    const bound = (claims.get(namespace, claim)?.object['spec'] as { volumeName?: string } | undefined)?.volumeName;
    const spec = bound === undefined ? undefined : persistent.get('', bound)?.object['spec'];
    return (spec as { csi?: { driver?: string } } | undefined)?.csi?.driver;
  });
  return names.filter((name) => name !== undefined);
}

/** The verb `request-serviceaccounts-token-audience` on the audience (KEP-4935). */
async function mayRequest({ deps, attributes }: NodeRequest, audience: string): Promise<boolean> {
  const { decision } = await deps.authorizer.authorize({
    user: attributes.user,
    verb: 'request-serviceaccounts-token-audience',
    isResourceRequest: true,
    path: '',
    namespace: attributes.namespace,
    group: '',
    version: 'v1',
    resource: audience,
    subresource: '',
    name: attributes.name,
  });
  return decision === 'allow';
}
