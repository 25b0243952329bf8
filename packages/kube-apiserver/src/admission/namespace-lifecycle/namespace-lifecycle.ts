/** Keeps content out of missing and dying namespaces (`apiserver/pkg/admission/plugin/namespace/lifecycle/admission.go`). */
import { newNotFound, StatusError } from '@kubets/apimachinery/status';
import type { CacheDirectory, CachedObject, ResourceCache } from '../../storage/cache.ts';
import { forbid } from '../common/attributes.ts';
import type { AdmissionAttributes, AdmissionPlugin } from '../plugin.ts';

/** These are never deleted. */
export const immortalNamespaces: ReadonlySet<string> = new Set(['default', 'kube-system', 'kube-public']);

const namespaces = { group: '', resource: 'namespaces' } as const;

export function namespaceLifecycle(deps: { caches: CacheDirectory }): AdmissionPlugin {
  const cache = deps.caches.of(namespaces);
  const terminating = new WeakMap<CachedObject, boolean>();
  return {
    name: 'NamespaceLifecycle',
    handles: (operation) => operation !== 'CONNECT',
    admit(attributes) {
      const { operation, resource, name, kind } = attributes;
      if (operation === 'DELETE') {
        if (resource.resource === 'namespaces' && resource.group === '' && immortalNamespaces.has(name)) {
          throw forbid(attributes, 'this namespace may not be deleted');
        }
        return;
      }
      if (attributes.namespace === '' || (kind.kind === 'Namespace' && kind.group === '')) return;
      // Asking who may do what is always fine, also about namespaces that are not there.
      if (resource.group === 'authorization.k8s.io' && resource.resource === 'localsubjectaccessreviews') return;
      checkNamespace(attributes, cache, terminating);
    },
  };
}

function checkNamespace(
  attributes: AdmissionAttributes,
  cache: ResourceCache,
  terminating: WeakMap<CachedObject, boolean>,
): void {
  const entry = cache.get('', attributes.namespace);
  if (entry === undefined) throw newNotFound(namespaces, attributes.namespace);
  if (attributes.operation !== 'CREATE') return;
  let dying = terminating.get(entry);
  if (dying === undefined) {
    dying = (entry.object['status'] as { phase?: string } | undefined)?.phase === 'Terminating';
    terminating.set(entry, dying);
  }
  if (dying) throw beingTerminated(attributes);
}

/** The 403 with the cause that clients look for (`corev1.NamespaceTerminatingCause`). */
function beingTerminated(attributes: AdmissionAttributes): StatusError {
  const { namespace } = attributes;
  const { status } = forbid(
    attributes,
    `unable to create new content in namespace ${namespace} because it is being terminated`,
  );
  const cause = {
    reason: 'NamespaceTerminating',
    message: `namespace ${namespace} is being terminated`,
    field: 'metadata.namespace',
  };
  return new StatusError({ ...status, details: { ...status.details, causes: [cause] } });
}
