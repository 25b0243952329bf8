/** Object metadata as the registry keeps it (`apiserver/pkg/registry/rest/meta.go`). */
import type { ApiObject, GroupVersionKind, ObjectMeta } from '@kubets/apimachinery/meta';
import { apiVersionOf } from '@kubets/apimachinery/meta';
import { newBadRequest } from '@kubets/apimachinery/status';

/**
 * The same metadata with its fields in Go's order and no zero values. There is a place for the
 * resourceVersion, which is not stored (JSON leaves `undefined` out) but set when the write is durable.
 */
export function canonicalMetadata(meta: ObjectMeta): ObjectMeta {
  const out: ObjectMeta = {};
  if (meta.name) out.name = meta.name;
  if (meta.generateName) out.generateName = meta.generateName;
  if (meta.namespace) out.namespace = meta.namespace;
  if (meta.uid) out.uid = meta.uid;
  (out as { resourceVersion: string | undefined }).resourceVersion = undefined;
  if (meta.generation) out.generation = meta.generation;
  if (meta.creationTimestamp !== undefined) out.creationTimestamp = meta.creationTimestamp;
  if (meta.deletionTimestamp) out.deletionTimestamp = meta.deletionTimestamp;
  if (typeof meta.deletionGracePeriodSeconds === 'number') {
    out.deletionGracePeriodSeconds = meta.deletionGracePeriodSeconds;
  }
  if (hasKeys(meta.labels)) out.labels = meta.labels;
  if (hasKeys(meta.annotations)) out.annotations = meta.annotations;
  if (meta.ownerReferences && meta.ownerReferences.length > 0) out.ownerReferences = meta.ownerReferences;
  if (meta.finalizers && meta.finalizers.length > 0) out.finalizers = meta.finalizers;
  if (meta.managedFields && meta.managedFields.length > 0) out.managedFields = meta.managedFields;
  return out;
}

function hasKeys(map: Readonly<Record<string, string>> | undefined): boolean {
  for (const _ in map) return true;
  return false;
}

/**
 * The object as it is stored: kind and apiVersion of the storage version, then metadata, then the rest
 * in the order it has.
 */
export function canonicalObject(obj: ApiObject, gvk: GroupVersionKind): ApiObject {
  const { kind: _kind, apiVersion: _apiVersion, metadata, ...rest } = obj;
  return { kind: gvk.kind, apiVersion: apiVersionOf(gvk), metadata: canonicalMetadata(metadata), ...rest };
}

/** `FillObjectMetaSystemFields`. */
export function fillSystemFields(meta: ObjectMeta, uid: string, now: string): void {
  meta.creationTimestamp = now;
  meta.uid = uid;
}

/** Drops what a client may not choose on create (`WipeObjectMetaSystemFields`). */
export function wipeSystemFields(meta: ObjectMeta): void {
  delete meta.creationTimestamp;
  delete meta.uid;
  delete meta.deletionTimestamp;
  delete meta.deletionGracePeriodSeconds;
  delete meta.selfLink;
}

/**
 * Sets the namespace of the request on an object without one; refuses another one with 400
 * (`EnsureObjectNamespaceMatchesRequestNamespace`). `namespace` is '' for cluster-scoped resources.
 */
export function ensureNamespace(meta: ObjectMeta, namespace: string): void {
  const given = meta.namespace ?? '';
  if (given === namespace) return;
  if (given === '') meta.namespace = namespace;
  else if (namespace === '') delete meta.namespace;
  else {
    throw newBadRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
}

/** The name (and namespace) of a PUT or PATCH must be that of the URL (`handlers/rest.go`, `checkName`). */
export function checkName(meta: ObjectMeta, name: string, namespace: string): void {
  const given = meta.name ?? '';
  if (given === '') {
    throw newBadRequest(`the name of the object (${name} based on URL) was undeterminable: name must be provided`);
  }
  if (given !== name) {
    throw newBadRequest(`the name of the object (${given}) does not match the name on the URL (${name})`);
  }
  const of = meta.namespace ?? '';
  if (namespace !== '' && of !== '' && of !== namespace) {
    throw newBadRequest(
      `the namespace of the object (${of}) does not match the namespace on the request (${namespace})`,
    );
  }
}

/**
 * The resourceVersion a client sent: 0 for none. 400 for what is no number
 * (upstream answers 500 here; a client's mistake is no server error).
 */
export function resourceVersionOf(meta: ObjectMeta): number {
  return parseResourceVersion(meta.resourceVersion ?? '');
}

/** As {@link resourceVersionOf}, for a text of its own. */
export function parseResourceVersion(text: string): number {
  if (text === '' || text === '0') return 0;
  const isNumber = /^[0-9]+$/.test(text);
  // Beyond 2^53 all numbers are equally far in the future; only what no uint64 holds is an error.
  if (isNumber && (text.length < 20 || BigInt(text.slice(0, 400)) < 2n ** 64n)) return Number(text);
  const shown = JSON.stringify(text);
  const why = isNumber ? 'value out of range' : 'invalid syntax';
  throw newBadRequest(`resourceVersion: Invalid value: ${shown}: strconv.ParseUint: parsing ${shown}: ${why}`);
}

/** Drops repeated owner references; tells whether there were any (`dedupOwnerReferences`). */
export function dedupOwnerReferences(meta: ObjectMeta): string[] {
  const references = meta.ownerReferences;
  if (references === undefined || references.length < 2) return [];
  const seen = new Set<string>();
  const duplicates = new Set<string>();
  const kept = references.filter((reference) => {
    if (!seen.has(reference.uid)) {
      seen.add(reference.uid);
      return true;
    }
    duplicates.add(reference.uid);
    return false;
  });
  if (duplicates.size > 0) meta.ownerReferences = kept;
  return [...duplicates];
}
