/** Strategies of the kinds that run no work, by `group/resource` (the core group is empty: `/namespaces`). */
import { validateKubeFinalizers } from '@kubets/api/core/validation/resource-names-finalizers';
import { configMapStrategy } from './core/configmap/config-map-strategy.ts';
import { endpointsStrategy } from './core/endpoint/endpoints-strategy.ts';
import { coreEventStrategy, newEventStrategy } from './core/event/event-strategy.ts';
import { limitRangeStrategy } from './core/limitrange/limit-range-strategy.ts';
import { namespaceStrategy } from './core/namespace/namespace-strategy.ts';
import { nodeStrategy } from './core/node/node-strategy.ts';
import { persistentVolumeStrategy } from './core/persistentvolume/persistent-volume-strategy.ts';
import { claimStrategy } from './core/persistentvolumeclaim/claim-strategy.ts';
import { resourceQuotaStrategy } from './core/resourcequota/resource-quota-strategy.ts';
import { secretStrategy } from './core/secret/secret-strategy.ts';
import { serviceStrategy } from './core/service/service-strategy.ts';
import { serviceAccountStrategy } from './core/serviceaccount/service-account-strategy.ts';
import { endpointSliceStrategy } from './discovery/endpoint-slice-strategy.ts';
import { networkingStrategies } from './networking/networking-strategies.ts';
import { storageStrategies } from './storage/storage-strategies.ts';
import type { Strategy } from './strategy.ts';

/** Adds the rule of finalizer names that all kinds of Kubernetes' own share. */
function withFinalizerRule(strategy: Strategy): Strategy {
  return {
    ...strategy,
    validate: (context, obj) => [...validateKubeFinalizers(obj.metadata), ...strategy.validate(context, obj)],
    validateUpdate: (context, obj, old) => [
      ...validateKubeFinalizers(obj.metadata),
      ...strategy.validateUpdate(context, obj, old),
    ],
  };
}

const core = {
  '/configmaps': configMapStrategy as Strategy,
  '/endpoints': endpointsStrategy as Strategy,
  '/limitranges': limitRangeStrategy as Strategy,
  '/namespaces': namespaceStrategy as Strategy,
  '/nodes': nodeStrategy as Strategy,
  '/persistentvolumeclaims': claimStrategy as Strategy,
  '/persistentvolumes': persistentVolumeStrategy as Strategy,
  '/resourcequotas': resourceQuotaStrategy as Strategy,
  '/secrets': secretStrategy as Strategy,
  '/services': serviceStrategy as Strategy,
  '/serviceaccounts': serviceAccountStrategy as Strategy,
} satisfies Record<string, Strategy>;

const events: Record<string, Strategy> = {
  '/events': coreEventStrategy as Strategy,
  'events.k8s.io/events': newEventStrategy as Strategy,
};

const checked: Record<string, Strategy> = {
  ...core,
  ...networkingStrategies,
  ...storageStrategies,
  'discovery.k8s.io/endpointslices': endpointSliceStrategy as Strategy,
};
for (const [key, strategy] of Object.entries(checked)) checked[key] = withFinalizerRule(strategy);

export const clusterStrategies: Readonly<Record<string, Strategy>> = { ...checked, ...events };
