/** Ingresses without a class get the default one (`plugin/pkg/admission/network/defaultingressclass/admission.go`). */
import type { Ingress } from '@kubets/api/types/networking-v1';
import type { CacheDirectory } from '../../storage/cache.ts';
import { isResource } from '../common/attributes.ts';
import { defaultClass } from '../common/default-class.ts';
import type { AdmissionPlugin } from '../plugin.ts';

const classAnnotation = 'kubernetes.io/ingress.class';
const defaultAnnotation = 'ingressclass.kubernetes.io/is-default-class';

export function defaultIngressClass(deps: { caches: CacheDirectory }): AdmissionPlugin {
  const cache = deps.caches.of({ group: 'networking.k8s.io', resource: 'ingressclasses' });
  return {
    name: 'DefaultIngressClass',
    handles: (operation) => operation === 'CREATE',
    admit(attributes) {
      if (!isResource(attributes, 'networking.k8s.io', 'ingresses')) return;
      const ingress = attributes.object as unknown as Ingress;
      if (ingress.spec?.ingressClassName !== undefined || ingress.metadata.annotations?.[classAnnotation] !== undefined)
        return;
      const found = defaultClass(cache, [defaultAnnotation]);
      if (found !== undefined) ingress.spec = { ...ingress.spec, ingressClassName: found.name };
    },
  };
}
