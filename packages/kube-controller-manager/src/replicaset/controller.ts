/** ReplicaSets (upstream `pkg/controller/replicaset`). */
import type { ReplicaSet } from '@kubets/api/types/apps-v1';
import { replicaSets } from '@kubets/client/resources';
import type { ControllerDescriptor } from '../controller.ts';
import { selectorCache } from '../lib/selector-cache.ts';
import { replicaController } from './replica-manager.ts';

/** `replicaset-controller`. */
export const replicaSetController: ControllerDescriptor = {
  name: 'replicaset-controller',
  create(context) {
    const compiled = selectorCache();
    return replicaController<ReplicaSet>(context, {
      resource: replicaSets,
      queue: 'replicaset',
      selectorOf: ({ spec }) => compiled(spec?.selector),
      terminatingReplicas: true,
    });
  },
};
