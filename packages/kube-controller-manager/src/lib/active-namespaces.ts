/** What every namespace is to have: the shape of the controllers that see to it. */
import type { ConfigMap, Namespace, ServiceAccount } from '@kubets/api/types/core-v1';
import { isAlreadyExists, isForbidden, isNotFound, StatusError } from '@kubets/apimachinery/status';
import type { SharedInformer, WorkQueue } from '@kubets/client';

/** Things can be made in it. */
export const isActive = (namespace: Readonly<Namespace>): boolean =>
  namespace.metadata.deletionTimestamp === undefined && namespace.status?.phase !== 'Terminating';

/** Why a namespace takes nothing more, as the API server says it. */
const terminating = (error: unknown): boolean =>
  error instanceof StatusError &&
  error.status.details?.causes?.some(({ reason }) => reason === 'NamespaceTerminating') === true;

/** Makes an object unless it is there, or its namespace is gone or going. */
export async function createIfActive(create: () => Promise<unknown>): Promise<void> {
  try {
    await create();
  } catch (error) {
    if (isAlreadyExists(error) || isNotFound(error) || (isForbidden(error) && terminating(error))) return;
    throw error;
  }
}

/** Enqueues namespaces that come or change, and those whose object of that name changes or goes. */
export function followDefaults<T extends ConfigMap | ServiceAccount>(
  queue: WorkQueue<string>,
  informers: { readonly namespaces: SharedInformer<Namespace>; readonly defaults: SharedInformer<T> },
  isDefault: (name: string) => boolean,
): void {
  const enqueue = (namespace: Readonly<Namespace>): void => {
    if (isActive(namespace)) queue.add(namespace.metadata.name ?? '');
  };
  informers.namespaces.addEventHandler({ onAdd: enqueue, onUpdate: (_old, namespace) => enqueue(namespace) });
  const onDefault = ({ metadata }: Readonly<T>): void => {
    if (isDefault(metadata.name ?? '')) queue.add(metadata.namespace ?? '');
  };
  informers.defaults.addEventHandler({ onUpdate: (_old, object) => onDefault(object), onDelete: onDefault });
}
