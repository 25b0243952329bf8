/** Which changes may make room for a pod's volumes (upstream `volumebinding/volume_binding.go`, EventsToRegister). */
import { parseQuantity } from '@kubets/apimachinery/quantity';
import type { ApiObject } from '@kubets/apimachinery/meta';
import type { CSIDriver, CSINode, CSIStorageCapacity, StorageClass } from '@kubets/api/types/storage-v1';
import { action, type ClusterEventWithHint, type QueueingHintFn } from '../../framework/types.ts';
import { ownClaimHint } from './volume-lookup.ts';

const addOrUpdate = action.add | action.update;

/** The objects of an event are of the kind its resource names. */
function hint<T extends ApiObject>(helps: (old: Readonly<T>, now: Readonly<T>) => boolean): QueueingHintFn {
  return (_pod, oldObject, newObject) => {
    if (oldObject === undefined || newObject === undefined) return 'Queue';
    return helps(oldObject as Readonly<T>, newObject as Readonly<T>) ? 'Queue' : 'QueueSkip';
  };
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

const migrated = 'storage.alpha.kubernetes.io/migrated-plugins';

const limitOf = ({ maximumVolumeSize, capacity }: Readonly<CSIStorageCapacity>): number => {
  const text = maximumVolumeSize ?? capacity;
  return text === undefined ? -1 : parseQuantity(text).value();
};

/** The driver of one of the pod's inline volumes does not count its capacity any more. */
const driverHint: QueueingHintFn = (pod, oldObject, newObject) => {
  const old = oldObject as Readonly<CSIDriver> | undefined;
  const now = newObject as Readonly<CSIDriver> | undefined;
  const uses = pod.spec?.volumes?.some(({ csi }) => csi !== undefined && csi.driver === now?.metadata.name) === true;
  const freed = old?.spec?.storageCapacity === true && now?.spec?.storageCapacity !== true;
  return uses && freed ? 'Queue' : 'QueueSkip';
};

export const volumeBindingEvents: readonly ClusterEventWithHint[] = [
  {
    event: { resource: 'StorageClass', actionType: addOrUpdate },
    hint: hint<StorageClass>((old, now) => !same(old.allowedTopologies, now.allowedTopologies)),
  },
  { event: { resource: 'PersistentVolumeClaim', actionType: addOrUpdate }, hint: ownClaimHint },
  { event: { resource: 'PersistentVolume', actionType: addOrUpdate } },
  { event: { resource: 'Node', actionType: action.add | action.updateNodeLabel } },
  {
    event: { resource: 'CSINode', actionType: addOrUpdate },
    hint: hint<CSINode>((old, now) => old.metadata.annotations?.[migrated] !== now.metadata.annotations?.[migrated]),
  },
  { event: { resource: 'CSIDriver', actionType: action.update }, hint: driverHint },
  {
    event: { resource: 'CSIStorageCapacity', actionType: addOrUpdate },
    hint: hint<CSIStorageCapacity>((old, now) => limitOf(now) > limitOf(old)),
  },
];
