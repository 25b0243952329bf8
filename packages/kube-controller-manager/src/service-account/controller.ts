/** Every namespace has a service account `default` (`pkg/controller/serviceaccount/serviceaccounts_controller.go`). */
import { namespaces, serviceAccounts } from '@kubets/client/resources';
import type { ControllerDescriptor } from '../controller.ts';
import { createIfActive, followDefaults, isActive } from '../lib/active-namespaces.ts';
import { reconciler, workersOf } from '../lib/reconciler.ts';

const defaultWorkers = 1;
const name = 'default';

export const serviceAccountController: ControllerDescriptor = {
  name: 'serviceaccount-controller',
  create(context) {
    const queue = context.queue('serviceaccount');
    const informers = {
      namespaces: context.informers.informer(namespaces),
      defaults: context.informers.informer(serviceAccounts),
    };
    followDefaults(queue, informers, (changed) => changed === name);
    return reconciler(context, {
      queue,
      informers: Object.values(informers),
      workers: workersOf(context, defaultWorkers),
      async reconcile(namespace) {
        const object = informers.namespaces.store.get(namespace);
        if (object === undefined || !isActive(object)) return;
        if (informers.defaults.store.get(`${namespace}/${name}`) !== undefined) return;
        await createIfActive(() => context.client.serviceAccounts(namespace).create({ metadata: { name, namespace } }));
      },
    });
  },
};
