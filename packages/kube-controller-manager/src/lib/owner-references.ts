/** Who owns an object (`k8s.io/apimachinery/pkg/apis/meta/v1/controller_ref.go`). */
import { apiVersionOf, type ApiObject, type OwnerReference } from '@kubets/apimachinery/meta';
import type { Resource } from '@kubets/client';

/** The one owner that manages the object, if any (`GetControllerOf`). */
export function controllerOf(object: Readonly<ApiObject>): Readonly<OwnerReference> | undefined {
  return object.metadata.ownerReferences?.find((reference) => reference.controller === true);
}

/** Whether the owner, of that uid, manages the object (`IsControlledBy`). */
export function isControlledBy(object: Readonly<ApiObject>, owner: Readonly<ApiObject>): boolean {
  return controllerOf(object)?.uid === owner.metadata.uid;
}

/** The reference by which an object says that it is managed by `owner` (`NewControllerRef`). */
export function controllerRef<T extends ApiObject>(owner: Readonly<T>, resource: Resource<T>): OwnerReference {
  return {
    apiVersion: apiVersionOf(resource),
    kind: resource.kind,
    name: owner.metadata.name ?? '',
    uid: owner.metadata.uid ?? '',
    controller: true,
    blockOwnerDeletion: true,
  };
}

/** `ownerUid` index of informers: objects by the uid of their managing owner, '' for orphans. */
export const controllerUidIndex = 'controllerUid';

/** For {@link controllerUidIndex}. Orphans are found under `orphans:<namespace>`. */
export function byControllerUid(object: Readonly<ApiObject>): readonly string[] {
  const uid = controllerOf(object)?.uid;
  return [uid ?? orphansOf(object.metadata.namespace ?? '')];
}

/** The value of {@link controllerUidIndex} under which a namespace's objects without a managing owner are found. */
export const orphansOf = (namespace: string): string => `orphans:${namespace}`;
