/** Gives cluster roles the rules of those they are made of (`pkg/controller/clusterroleaggregation/clusterroleaggregation_controller.go`). */
import { aggregatedRules, sameRules } from '@kubets/api/rbac/helpers/aggregated-rules';
import { isNotFound } from '@kubets/apimachinery/status';
import type { ClusterRole } from '@kubets/api/types/rbac-v1';
import { clusterRoles } from '@kubets/client/resources';
import type { ControllerContext, ControllerDescriptor } from '../controller.ts';
import { reconciler, workersOf } from '../lib/reconciler.ts';

const defaultWorkers = 5;
const fieldManager = 'clusterrole-aggregation-controller';

/** Only the rules are applied: everything else belongs to whoever made the role. */
async function apply(context: ControllerContext, name: string, rules: ClusterRole['rules']): Promise<void> {
  const object: ClusterRole = {
    kind: 'ClusterRole',
    apiVersion: 'rbac.authorization.k8s.io/v1',
    metadata: { name },
    rules,
  };
  try {
    await context.client.clusterRoles().apply(object, { fieldManager, force: true });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

export const clusterRoleAggregationController: ControllerDescriptor = {
  name: 'clusterrole-aggregation-controller',
  create(context) {
    const queue = context.queue('ClusterRoleAggregator');
    const informer = context.informers.informer(clusterRoles);
    // Any role may be part of any other: those that are made of others are all looked at, once for many changes.
    const enqueueAll = (): void => {
      for (const { metadata, aggregationRule } of informer.store.list())
        if (aggregationRule !== undefined) queue.add(metadata.name ?? '');
    };
    informer.addEventHandler({
      onAdd: enqueueAll,
      onUpdate: (old, role) => {
        if (old.metadata.resourceVersion !== role.metadata.resourceVersion) enqueueAll();
      },
      onDelete: enqueueAll,
    });
    return reconciler(context, {
      queue,
      informers: [informer],
      workers: workersOf(context, defaultWorkers),
      async reconcile(name) {
        const role = informer.store.get(name);
        if (role?.aggregationRule === undefined || role.metadata.deletionTimestamp !== undefined) return;
        const rules = aggregatedRules(role, informer.store.list());
        if (!sameRules(rules, role.rules)) await apply(context, name, structuredClone(rules));
      },
    });
  },
};
