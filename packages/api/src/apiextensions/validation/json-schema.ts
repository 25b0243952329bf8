/**
 * What a schema of a custom resource may contain
 * (`apiextensions-apiserver/pkg/apis/apiextensions/validation/validation.go`, `ValidateCustomResourceDefinitionOpenAPISchema`).
 * CEL rules are only checked for being there: there is no CEL engine yet.
 */
import type { ErrorList } from '../../core/validation/pod-error-list.ts';
import { checkListType } from './list-type.ts';
import { asSchema, schemaList, schemaMap, subSchemas, type Schema } from './schema-parts.ts';
import { checkRules } from './validation-rules.ts';

const types = ['array', 'boolean', 'integer', 'number', 'object', 'string'];
const metaFields = new Set(['metadata', 'kind', 'apiVersion']);

export interface SchemaRules {
  /** Types must be known: not asked of what is stored with others. */
  readonly validTypes: boolean;
  /** Items of sets must be atomic. */
  readonly atomicSets: boolean;
  /** Keys of list maps must be required or have a default; items must not be null. */
  readonly mapKeys: boolean;
}

interface Position {
  readonly path: string;
  readonly isRoot: boolean;
  /** Why there may be no defaults here. */
  readonly noDefaults: string | undefined;
  readonly insideMeta: boolean;
}

const unsupported = (field: string): string => `${field} is not supported`;

/** Words of JSON schema that custom resources do without (`specStandardValidatorV3.validate`). */
function checkWords(errors: ErrorList, schema: Schema, position: Position, rules: SchemaRules): void {
  const { path, noDefaults, insideMeta } = position;
  const type = schema.type ?? '';
  if (rules.validTypes && type !== '' && !types.includes(type)) errors.notSupported(`${path}.type`, type, types);
  if (schema.default !== undefined && noDefaults !== undefined) {
    errors.forbidden(`${path}.default`, `must not be set ${noDefaults}`);
  }
  if (schema.id) errors.forbidden(`${path}.id`, unsupported('id'));
  if (schema.additionalItems !== undefined) errors.forbidden(`${path}.additionalItems`, unsupported('additionalItems'));
  for (const field of ['patternProperties', 'definitions', 'dependencies'] as const) {
    if (schemaMap(schema[field]).length > 0) errors.forbidden(`${path}.${field}`, unsupported(field));
  }
  if (schema.$ref !== undefined) errors.forbidden(`${path}.$ref`, unsupported('$ref'));
  if (type === 'null') errors.forbidden(`${path}.type`, 'type cannot be set to null, use nullable as an alternative');
  if (schemaList(schema.items).length > 0) {
    errors.forbidden(`${path}.items`, 'items must be a schema object and not an array');
  }
  if (insideMeta && schema['x-kubernetes-embedded-resource'] === true) {
    errors.forbidden(`${path}.x-kubernetes-embedded-resource`, 'must not be used inside of resource meta');
  }
}

function checkExtensions(errors: ErrorList, schema: Schema, path: string): void {
  const preserve = schema['x-kubernetes-preserve-unknown-fields'];
  const mapType = schema['x-kubernetes-map-type'];
  if (preserve === false) {
    errors.invalid(`${path}.x-kubernetes-preserve-unknown-fields`, preserve, 'must be true or undefined');
  }
  if (mapType === undefined) return;
  const rule = 'must be object if x-kubernetes-map-type is specified';
  if (!schema.type) errors.required(`${path}.type`, rule);
  else if (schema.type !== 'object') errors.invalid(`${path}.type`, schema.type, rule);
  if (mapType !== 'atomic' && mapType !== 'granular') {
    errors.notSupported(`${path}.x-kubernetes-map-type`, mapType, ['atomic', 'granular']);
  }
}

/** Where a schema below stands: metadata is ruled more strictly. */
function positionOf(name: string, parent: Schema, position: Position): Position {
  const path = `${position.path}.${name}`;
  const below = { ...position, path, isRoot: false };
  if (name === 'additionalProperties' && position.insideMeta) {
    return { ...below, noDefaults: 'inside additionalProperties applying to object metadata' };
  }
  const property = name.startsWith('properties[') ? name.slice('properties['.length, -1) : '';
  if (!metaFields.has(property)) return below;
  if (position.isRoot) return { ...below, insideMeta: true, noDefaults: `in top-level ${property}` };
  return parent['x-kubernetes-embedded-resource'] === true ? { ...below, insideMeta: true } : below;
}

function checkSchema(errors: ErrorList, schema: Schema, position: Position, rules: SchemaRules): void {
  const { path } = position;
  const additional = schema.additionalProperties;
  checkWords(errors, schema, position, rules);
  if (schema.uniqueItems === true) {
    const detail = 'uniqueItems cannot be set to true since the runtime complexity becomes quadratic';
    errors.forbidden(`${path}.uniqueItems`, detail);
  }
  if (schemaMap(schema.properties).length > 0 && (additional === false || asSchema(additional) !== undefined)) {
    errors.forbidden(`${path}.additionalProperties`, 'additionalProperties and properties are mutual exclusive');
  }
  for (const [name, item] of subSchemas(schema)) {
    checkSchema(errors, item, positionOf(name, schema, position), rules);
  }
  checkExtensions(errors, schema, path);
  checkListType(errors, schema, { path, atomicSets: rules.atomicSets, mapKeys: rules.mapKeys });
  checkRules(errors, schema['x-kubernetes-validations'], `${path}.x-kubernetes-validations`);
}

/** The schema of one version, from the root. */
export function checkJsonSchema(errors: ErrorList, schema: Schema, path: string, rules: SchemaRules): void {
  checkSchema(errors, schema, { path, isRoot: true, noDefaults: undefined, insideMeta: false }, rules);
}

/** Whether some type of the schema is none that custom resources know. */
export const hasUnknownType = (schema: Schema): boolean => Boolean(schema.type) && !types.includes(schema.type ?? '');
