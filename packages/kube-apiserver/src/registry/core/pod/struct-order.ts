/** Field order of objects that a strategy adds fields to. */
import { schemaOf } from '@kubets/api/schema-table';

/** Puts the fields of `object` where the type's struct has them (`core-v1.PodSpec`), as the server writes them. */
export function orderLike(object: object, type: string): void {
  const fields = object as Record<string, unknown>;
  for (const { name } of schemaOf(type).fields) {
    if (!(name in fields)) continue;
    const value = fields[name];
    delete fields[name];
    fields[name] = value;
  }
}

/** A copy of `object` whose fields are where the type's struct has them; for objects that must not be changed. */
export function orderedCopy<T extends object>(object: T, type: string): T {
  const fields = object as Record<string, unknown>;
  const copy: Record<string, unknown> = {};
  for (const { name } of schemaOf(type).fields) if (name in fields) copy[name] = fields[name];
  return { ...copy, ...object };
}
