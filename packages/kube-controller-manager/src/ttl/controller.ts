/** Tells kubelets how long they may keep secrets and config maps (upstream `pkg/controller/ttl`). */
import { isNotFound } from '@kubets/apimachinery/status';
import { keyOf } from '@kubets/client';
import { nodes as nodeResource } from '@kubets/client/resources';
import type { Controller, ControllerContext, ControllerDescriptor } from '../controller.ts';
import { reconciler, workersOf } from '../lib/reconciler.ts';
import { ttlAnnotation, ttlSeconds, ttlStep } from './plan.ts';

function create(context: ControllerContext): Controller {
  const queue = context.queue('ttlcontroller');
  const nodes = context.informers.informer(nodeResource);
  let step = 0;
  // When the wish changes, each node learns of it when its status changes next, as all do often.
  const recount = (): void => void (step = ttlStep(step, nodes.store.size));
  nodes.addEventHandler({
    onAdd: (node) => {
      recount();
      queue.add(keyOf(node));
    },
    onUpdate: (_, node) => queue.add(keyOf(node)),
    onDelete: recount,
  });
  return reconciler(context, {
    queue,
    informers: [nodes],
    workers: workersOf(context, 5),
    async reconcile(name) {
      const node = nodes.store.get(name);
      const seconds = String(ttlSeconds(step));
      if (node === undefined || node.metadata.annotations?.[ttlAnnotation] === seconds) return;
      const body = { metadata: { annotations: { [ttlAnnotation]: seconds } } };
      try {
        await context.client.nodes().patch(name, { type: 'application/strategic-merge-patch+json', body });
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    },
  });
}

/** The TTL controller. */
export const ttlController: ControllerDescriptor = { name: 'ttl-controller', create };
