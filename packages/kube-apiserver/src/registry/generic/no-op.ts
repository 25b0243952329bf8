/** Recognising updates that change nothing (`fieldmanager.IgnoreManagedFieldsTimestampsTransformer`). */
import type { ApiObject, ManagedFieldsEntry, ObjectMeta } from '@kubets/apimachinery/meta';
import { semanticEqual } from './semantic-equal.ts';

/**
 * Whether two states differ at most in the times of managed fields (and in the resourceVersion, which
 * one of them has and the other one has not).
 */
export function sameButForTimes(a: Readonly<ApiObject>, b: Readonly<ApiObject>): boolean {
  return sameMetadata(a.metadata, b.metadata) && sameFields(a, b, 'metadata');
}

function sameMetadata(a: Readonly<ObjectMeta>, b: Readonly<ObjectMeta>): boolean {
  const { managedFields: managedA, resourceVersion: _a, ...restA } = a;
  const { managedFields: managedB, resourceVersion: _b, ...restB } = b;
  return sameManagedFields(managedA ?? [], managedB ?? []) && semanticEqual(restA, restB);
}

function sameManagedFields(a: readonly ManagedFieldsEntry[], b: readonly ManagedFieldsEntry[]): boolean {
  if (a.length !== b.length) return false;
  return a.every((entry, i) => {
    const { time: _time, ...rest } = entry;
    const { time: _otherTime, ...otherRest } = b[i] ?? {};
    return semanticEqual(rest, otherRest);
  });
}

function sameFields(a: Readonly<ApiObject>, b: Readonly<ApiObject>, except: string): boolean {
  for (const key of Object.keys(a)) if (key !== except && !semanticEqual(a[key], b[key])) return false;
  for (const key of Object.keys(b)) if (key !== except && !Object.hasOwn(a, key) && b[key] !== undefined) return false;
  return true;
}
