/** The subresources and resources of Kubernetes that are more than stored objects. */
import type { ResourceScope } from './scope.ts';
import { handleBinding } from './binding.ts';
import { handleEviction } from './eviction.ts';
import type { ExtraHandler } from './extra-handler.ts';
import { refuseLog, refuseNodeProxy, refusePodProxy, refuseServiceProxy, refuseStream } from './node-side.ts';
import { handleScale } from './scale.ts';

export interface BuiltInExtras {
  readonly subresources: Readonly<Record<string, ExtraHandler>>;
  readonly resources: Readonly<Record<string, ExtraHandler>>;
}

/** Part of every `makeApiHandler`. `scopes`: as in a Registry. */
export function builtInExtras(scopes: ReadonlyMap<string, ResourceScope>): BuiltInExtras {
  const budgets = scopes.get('policy/v1/poddisruptionbudgets');
  const subresources: Record<string, ExtraHandler> = {
    'apps/deployments/scale': handleScale,
    'apps/replicasets/scale': handleScale,
    'apps/statefulsets/scale': handleScale,
    '/replicationcontrollers/scale': handleScale,
    '/pods/binding': handleBinding,
    '/pods/log': refuseLog,
    '/pods/exec': refuseStream,
    '/pods/attach': refuseStream,
    '/pods/portforward': refuseStream,
    '/pods/proxy': refusePodProxy,
    '/nodes/proxy': refuseNodeProxy,
    '/services/proxy': refuseServiceProxy,
  };
  if (budgets !== undefined) {
    subresources['/pods/eviction'] = (request, scope) => handleEviction(request, scope, budgets.store);
  }
  const resources: Record<string, ExtraHandler> = {
    '/bindings': (request) => handleBinding(request, scopes.get('/v1/pods')),
  };
  return { subresources, resources };
}
