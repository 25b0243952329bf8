/**
 * ReplicationControllers: the same work as for ReplicaSets, with a selector of plain labels (upstream
 * `pkg/controller/replication`, which converts the one into the other).
 */
import type { ReplicationController } from '@kubets/api/types/core-v1';
import { replicationControllers } from '@kubets/client/resources';
import { Selector } from '@kubets/apimachinery/labels';
import type { ControllerDescriptor } from '../controller.ts';
import { replicaController } from '../replicaset/replica-manager.ts';

/** `replicationcontroller-controller`. */
export const replicationControllerController: ControllerDescriptor = {
  name: 'replicationcontroller-controller',
  create(context) {
    return replicaController<ReplicationController>(context, {
      resource: replicationControllers,
      queue: 'replicationmanager',
      selectorOf: ({ spec }) => (spec?.selector === undefined ? Selector.nothing : Selector.fromLabels(spec.selector)),
      terminatingReplicas: false,
    });
  },
};
