/** Deletes tokens that have expired (`pkg/controller/bootstrap/tokencleaner.go`). */
import type { Secret } from '@kubets/api/types/core-v1';
import { isConflict, isNotFound } from '@kubets/apimachinery/status';
import { keyOf, splitKey } from '@kubets/client';
import { secrets } from '@kubets/client/resources';
import type { ControllerDescriptor } from '../controller.ts';
import { reconciler } from '../lib/reconciler.ts';
import { isTokenSecret, remainingMs } from './bootstrap-token.ts';

export const tokenCleanerController: ControllerDescriptor = {
  name: 'token-cleaner-controller',
  create(context) {
    const queue = context.queue('token_cleaner');
    const informer = context.informers.informer(secrets);
    const enqueue = (secret: Readonly<Secret>): void => {
      if (isTokenSecret(secret)) queue.add(keyOf(secret));
    };
    informer.addEventHandler({ onAdd: enqueue, onUpdate: (_old, secret) => enqueue(secret) });
    return reconciler(context, {
      queue,
      informers: [informer],
      workers: 1,
      async reconcile(key) {
        const secret = informer.store.get(key);
        const ms = secret && remainingMs(secret, context.clock.now());
        if (secret === undefined || ms === undefined) return;
        if (ms > 0) return queue.addAfter(key, ms);
        const { namespace, name } = splitKey(key);
        try {
          await context.client.secrets(namespace).delete(name, { preconditions: { uid: secret.metadata.uid ?? '' } });
        } catch (error) {
          if (!isNotFound(error) && !isConflict(error)) throw error;
        }
      },
    });
  },
};
