/** References to objects (client-go `tools/reference/ref.go`). */
import type { ApiObject } from '@kubets/apimachinery/meta';
import type { ObjectReference } from '@kubets/api/types/core-v1';

export type { ObjectReference };

/** A reference to an object, or the reference itself when it is one. */
export function referenceTo(about: Readonly<ApiObject> | ObjectReference): ObjectReference {
  if (!('metadata' in about)) return about as ObjectReference;
  const { kind, apiVersion, metadata } = about as Readonly<ApiObject>;
  const { namespace, name, uid, resourceVersion } = metadata;
  const known = Object.entries({ kind, namespace, name, uid, apiVersion, resourceVersion }).filter(
    ([, v]) => v !== undefined,
  );
  return Object.fromEntries(known) as ObjectReference;
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
