/**
 * Objects that are not to go while something uses them (upstream `pkg/controller/volume/pvprotection`, `pvcprotection`,
 * `vacprotection`): each has a finalizer from its beginning, which is taken away when it is being deleted and nobody uses it.
 */
import type { ApiObject } from '@kubets/apimachinery/meta';
import { isNotFound } from '@kubets/apimachinery/status';
import type { ResourceClient, SharedInformer, WorkQueue } from '@kubets/client';
import type { Controller, ControllerContext } from '../controller.ts';
import { reconciler, workersOf } from './reconciler.ts';

export interface ProtectionOptions<T extends ApiObject> {
  readonly queue: WorkQueue<string>;
  readonly objects: SharedInformer<T>;
  readonly client: ResourceClient<T>;
  readonly finalizer: string;
  /** Informers that `isUsed` looks into, `objects` aside. */
  readonly informers?: readonly Pick<SharedInformer<ApiObject>, 'waitForSync'>[];
  /** Asked only about objects that are being deleted. */
  isUsed(object: Readonly<T>): boolean | Promise<boolean>;
}

export type ProtectionStep = 'add' | 'check' | 'none';

/** What is to be done about the finalizer; `check`: taken away if nobody uses the object. */
export function protectionStep({ metadata }: Readonly<ApiObject>, finalizer: string): ProtectionStep {
  const has = metadata.finalizers?.includes(finalizer) === true;
  if (metadata.deletionTimestamp === undefined) return has ? 'none' : 'add';
  return has ? 'check' : 'none';
}

function withFinalizers<T extends ApiObject>(object: Readonly<T>, finalizers: readonly string[]): T {
  const { finalizers: _old, ...metadata } = object.metadata;
  return structuredClone({ ...object, metadata: { ...metadata, ...(finalizers.length > 0 && { finalizers }) } }) as T;
}

/** A controller that keeps one finalizer right. */
export function finalizerProtection<T extends ApiObject>(
  context: ControllerContext,
  options: ProtectionOptions<T>,
): Controller {
  const { queue, objects, client, finalizer, informers = [] } = options;
  const reconcile = async (key: string): Promise<void> => {
    const object = objects.store.get(key);
    if (object === undefined) return;
    const step = protectionStep(object, finalizer);
    if (step === 'none' || (step === 'check' && (await options.isUsed(object)))) return;
    const { finalizers = [], namespace } = object.metadata;
    const wanted = step === 'add' ? [...finalizers, finalizer] : finalizers.filter((each) => each !== finalizer);
    try {
      await (namespace === undefined ? client : client.in(namespace)).update(withFinalizers(object, wanted));
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  };
  return reconciler(context, {
    queue,
    informers: [objects, ...informers],
    workers: workersOf(context, 1),
    reconcile,
  });
}
