/** References to objects (client-go `tools/reference/ref.go`). */
import type { ApiObject } from '@kubets/apimachinery/meta';
import type { ObjectReference } from '@kubets/api/types/core-v1';

export type { ObjectReference };

/** A reference to an object, or the reference itself when it is one. */
export function referenceTo(about: Readonly<ApiObject> | ObjectReference): ObjectReference {
  if (!('metadata' in about)) return about as ObjectReference;
  const { kind, apiVersion, metadata } = about as Readonly<ApiObject>;
  const { namespace, name, uid, resourceVersion } = metadata;
  const reference: ObjectReference = {};
  if (kind !== undefined) reference.kind = kind;
  if (namespace !== undefined) reference.namespace = namespace;
  if (name !== undefined) reference.name = name;
  if (uid !== undefined) reference.uid = uid;
  if (apiVersion !== undefined) reference.apiVersion = apiVersion;
  if (resourceVersion !== undefined) reference.resourceVersion = resourceVersion;
  return reference;
}

/** Tells objects apart, of whatever version. */
export function referenceKey({ kind, namespace, name, uid, apiVersion }: ObjectReference): string {
  return `${kind}\n${namespace}\n${name}\n${uid}\n${apiVersion}`;
}

const maxNameLength = 253;

/**
 * A name for an event about an object: its name and the time in nanoseconds, in hexadecimal digits
 * (client-go `tools/internal/events`: cut where it would be too long for a name).
 */
export function eventName(reference: ObjectReference, nanoseconds: bigint): string {
  const suffix = `.${nanoseconds.toString(16)}`;
  return `${(reference.name ?? '').slice(0, maxNameLength - suffix.length)}${suffix}`;
}
