/** Sets and maps among the lists of a schema (`ValidateCustomResourceDefinitionOpenAPISchema`, `validateMapListKeysMapSet`). */
import type { ErrorList } from '../../core/validation/pod-error-list.ts';
import { asSchema, itemsOf, stringList, type Schema } from './schema-parts.ts';

interface At {
  readonly path: string;
  readonly atomicSets: boolean;
  readonly mapKeys: boolean;
}

const listTypeOf = (schema: Schema): string | undefined => schema['x-kubernetes-list-type'];
const propertyOf = (schema: Schema, name: string): Schema | undefined => asSchema(schema.properties?.[name]);

function checkAtomicItems(errors: ErrorList, items: Schema, path: string): void {
  const rule = 'must be atomic as item of a list with x-kubernetes-list-type=set';
  const [listType, mapType] = [listTypeOf(items), items['x-kubernetes-map-type']];
  if (items.type === 'array' && listType !== undefined && listType !== 'atomic') {
    errors.invalid(`${path}.items.x-kubernetes-list-type`, listType, rule);
  } else if (items.type === 'object' && mapType !== 'atomic') {
    // Upstream shows the list type of the item here, which an object has none of.
    errors.invalid(`${path}.items.x-kubernetes-map-type`, listType ?? null, rule);
  }
}

function checkKeys(errors: ErrorList, schema: Schema, items: Schema, path: string): void {
  const keys = stringList(schema['x-kubernetes-list-map-keys']);
  const at = `${path}.x-kubernetes-list-map-keys`;
  for (const [i, key] of keys.entries()) {
    const property = propertyOf(items, key);
    if (property === undefined) errors.invalid(at, keys, 'entries must all be names of item properties');
    else if (property.type === 'array' || property.type === 'object') {
      const rule = "must be a scalar type if parent array's x-kubernetes-list-type is map";
      errors.invalid(`${path}.items.properties[${key}].type`, items.type, rule);
    }
    if (keys.indexOf(key) < i) errors.invalid(at, keys, 'must not contain duplicate entries');
  }
}

function checkMap(errors: ErrorList, schema: Schema, path: string): void {
  const items = itemsOf(schema);
  if (stringList(schema['x-kubernetes-list-map-keys']).length === 0) {
    errors.required(`${path}.x-kubernetes-list-map-keys`, 'must not be empty if x-kubernetes-list-type is map');
  }
  if (schema.items === undefined) {
    errors.required(`${path}.items`, 'must have a schema if x-kubernetes-list-type is map');
  } else if (items === undefined) {
    errors.invalid(`${path}.items`, schema.items, 'must only have a single schema if x-kubernetes-list-type is map');
  } else if (items.type === 'object') checkKeys(errors, schema, items, path);
  else {
    const rule = "must be object if parent array's x-kubernetes-list-type is map";
    errors.invalid(`${path}.items.type`, items.type ?? '', rule);
  }
}

function checkType(errors: ErrorList, schema: Schema, { path, atomicSets }: At): void {
  const listType = listTypeOf(schema);
  if (listType === undefined) return;
  const items = itemsOf(schema);
  const rule = 'must be array if x-kubernetes-list-type is specified';
  if (!schema.type) errors.required(`${path}.type`, rule);
  else if (schema.type !== 'array') errors.invalid(`${path}.type`, schema.type, rule);
  else if (atomicSets && listType === 'set' && items !== undefined) checkAtomicItems(errors, items, path);
  const choices = ['atomic', 'set', 'map'];
  if (!choices.includes(listType)) errors.notSupported(`${path}.x-kubernetes-list-type`, listType, choices);
}

/** A key is always there, and never null. */
function checkItemValues(errors: ErrorList, schema: Schema, path: string): void {
  const [listType, items] = [listTypeOf(schema), itemsOf(schema)];
  if (items === undefined || (listType !== 'set' && listType !== 'map')) return;
  if (items.nullable === true) {
    errors.forbidden(`${path}.items.nullable`, `cannot be nullable when x-kubernetes-list-type is ${listType}`);
  }
  if (listType !== 'map') return;
  const rule = 'this property is in x-kubernetes-list-map-keys, so it';
  for (const key of stringList(schema['x-kubernetes-list-map-keys'])) {
    const property = propertyOf(items, key);
    const at = `${path}.items.properties[${key}]`;
    if (property === undefined) continue;
    if (!stringList(items.required).includes(key) && property.default === undefined) {
      errors.required(`${at}.default`, `${rule} must have a default or be a required property`);
    }
    if (property.nullable === true) errors.forbidden(`${at}.nullable`, `${rule} cannot be nullable`);
  }
}

export function checkListType(errors: ErrorList, schema: Schema, at: At): void {
  const { path } = at;
  const listType = listTypeOf(schema);
  checkType(errors, schema, at);
  if (stringList(schema['x-kubernetes-list-map-keys']).length > 0 && listType !== 'map') {
    const rule = 'must be map if x-kubernetes-list-map-keys is non-empty';
    if (listType === undefined) errors.required(`${path}.x-kubernetes-list-type`, rule);
    else errors.invalid(`${path}.x-kubernetes-list-type`, listType, rule);
  }
  if (listType === 'map') checkMap(errors, schema, path);
  if (at.mapKeys) checkItemValues(errors, schema, path);
}
