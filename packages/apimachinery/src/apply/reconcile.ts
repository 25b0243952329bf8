/**
 * Fits what a manager owns to the schema as it is now (structured-merge-diff `typed/reconcile_schema.go`).
 *
 * Owning parts of what has become atomic becomes owning it whole. The other way round nothing changes: an entry
 * that owns a container and nothing in it may say just that.
 */
import type { Schema } from '../schema/types.ts';
import { isEmptySet, leaf, type FieldSet, type MutableFieldSet } from './field-set.ts';
import type { PathElement } from './path-element.ts';
import { isAtomic, planOfObject } from './schema-plan.ts';

/** The set itself when it fits, which is the rule. Fields that the schema does not know are left alone. */
export function reconcileWithSchema(set: FieldSet, schema: Schema): FieldSet {
  let out: MutableFieldSet | undefined;
  for (const key in set) {
    const before = set[key] as FieldSet;
    if (key === '.' || before === leaf || isEmptySet(before)) continue;
    const below = schemaBelow(schema, key);
    if (below === undefined || below.kind === 'scalar') continue;
    const after = isAtomic(below) ? leaf : reconcileWithSchema(before, below);
    if (after === before) continue;
    out ??= { ...set };
    out[key] = after;
  }
  return out ?? set;
}

function schemaBelow(schema: Schema, element: PathElement): Schema | undefined {
  if (schema.kind === 'object') return planOfObject(schema).byName.get(element.slice(2))?.schema;
  if (schema.kind === 'map') return schema.values;
  return schema.kind === 'list' ? schema.items : undefined;
}
