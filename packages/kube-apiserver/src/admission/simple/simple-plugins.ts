/** Plugins of a few lines, all off by default (`plugin/pkg/admission/{admit,deny,namespace/exists,network/denyserviceexternalips}`). */
import type { Service } from '@kubets/api/types/core-v1';
import { newNotFound } from '@kubets/apimachinery/status';
import type { CacheDirectory } from '../../storage/cache.ts';
import { forbid, isResource } from '../common/attributes.ts';
import type { AdmissionAttributes, AdmissionPlugin } from '../plugin.ts';

/** Does nothing; kept since configurations name it. */
export const alwaysAdmit = (): AdmissionPlugin => ({ name: 'AlwaysAdmit', handles: () => false });

/** Refuses every write. */
export function alwaysDeny(): AdmissionPlugin {
  return {
    name: 'AlwaysDeny',
    handles: () => true,
    admit(attributes) {
      throw forbid(attributes, 'admission control is denying all modifications');
    },
  };
}

/** Refuses content in namespaces that are not there; NamespaceLifecycle does so too, and more. */
export function namespaceExists(deps: { caches: CacheDirectory }): AdmissionPlugin {
  const namespaces = { group: '', resource: 'namespaces' } as const;
  const cache = deps.caches.of(namespaces);
  return {
    name: 'NamespaceExists',
    handles: (operation) => operation !== 'CONNECT',
    validate({ namespace, kind }: AdmissionAttributes): void {
      if (namespace === '' || kind.kind === 'Namespace') return;
      if (cache.get('', namespace) === undefined) throw newNotFound(namespaces, namespace);
    },
  };
}

/** Refuses new external addresses of services: whoever sets them may catch the traffic of others. */
export function denyServiceExternalIPs(): AdmissionPlugin {
  return {
    name: 'DenyServiceExternalIPs',
    handles: (operation) => operation === 'CREATE' || operation === 'UPDATE',
    validate(attributes) {
      if (!isResource(attributes, '', 'services')) return;
      const addresses = (object: unknown): string[] => (object as Service | undefined)?.spec?.externalIPs ?? [];
      const before = new Set(addresses(attributes.oldObject));
      if (addresses(attributes.object).every((address) => before.has(address))) return;
      throw forbid(attributes, 'Use of external IPs is denied by admission control.');
    },
  };
}
