/**
 * Defaults of a structural schema fit it and have no fields that it does not name
 * (`apiextensions-apiserver/pkg/apiserver/schema/defaulting/validation.go`, `ValidateDefaults`).
 * Types, enumerations and required fields are checked; limits of numbers, lengths and patterns are not yet.
 */
import { semanticEqual } from '@kubets/apimachinery/validation-meta';
import { ErrorList } from '../../core/validation/pod-error-list.ts';
import type { FieldError } from '@kubets/apimachinery/field';
import { asSchema, itemsOf, schemaMap, stringList, type Schema } from './schema-parts.ts';

/** As JSON schema calls it; whole numbers are integers. */
function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

function fitsType(schema: Schema, actual: string): boolean {
  if (actual === 'null') return schema.nullable === true;
  if (schema['x-kubernetes-int-or-string'] === true) return actual === 'integer' || actual === 'string';
  const type = schema.type ?? '';
  return type === '' || type === actual || (type === 'number' && actual === 'integer');
}

function checkFields(errors: ErrorList, schema: Schema, value: Record<string, unknown>, path: string): void {
  for (const name of stringList(schema.required)) if (!Object.hasOwn(value, name)) errors.required(`${path}.${name}`);
  for (const [name, item] of Object.entries(value)) {
    const below = asSchema(schema.properties?.[name]) ?? asSchema(schema.additionalProperties);
    if (below !== undefined) checkValue(errors, below, item, `${path}.${name}`);
  }
}

function checkValue(errors: ErrorList, schema: Schema, value: unknown, path: string): void {
  const actual = typeOf(value);
  if (!fitsType(schema, actual)) {
    const type = schema['x-kubernetes-int-or-string'] === true ? 'integer,string' : (schema.type ?? '');
    errors.invalid(path, actual, `${path} in body must be of type ${type}: ${JSON.stringify(actual)}`);
    return;
  }
  const choices = Array.isArray(schema.enum) ? schema.enum : [];
  if (choices.length > 0 && !choices.some((choice) => semanticEqual(choice, value))) {
    const texts = choices.map((choice) => (typeof choice === 'string' ? choice : JSON.stringify(choice)));
    errors.notSupported(path, value, texts);
  }
  if (Array.isArray(value)) {
    const items = itemsOf(schema);
    if (items !== undefined) value.forEach((item, i) => checkValue(errors, items, item, `${path}[${i}]`));
  } else if (actual === 'object') checkFields(errors, schema, value as Record<string, unknown>, path);
}

const typeMeta = new Set(['kind', 'apiVersion', 'metadata']);

/** Whether pruning would leave the value as it is. */
function isPruned(schema: Schema, value: unknown): boolean {
  if (Array.isArray(value)) {
    const items = itemsOf(schema);
    return items === undefined || value.every((item) => isPruned(items, item));
  }
  if (typeof value !== 'object' || value === null) return true;
  const embedded = schema['x-kubernetes-embedded-resource'] === true;
  const preserve = schema['x-kubernetes-preserve-unknown-fields'] === true || schema.additionalProperties === true;
  return Object.entries(value).every(([name, item]) => {
    const below = asSchema(schema.properties?.[name]) ?? asSchema(schema.additionalProperties);
    if (below === undefined) return preserve || (embedded && typeMeta.has(name));
    return isPruned(below, item);
  });
}

interface DefaultRules {
  /** Not asked of schemas that are stored with defaults that have more fields. */
  readonly pruned: boolean;
}

function checkDefaults(errors: ErrorList, schema: Schema, path: string, rules: DefaultRules): void {
  const value = schema.default;
  if (value !== undefined) {
    checkValue(errors, schema, value, `${path}.default`);
    if (rules.pruned && !isPruned(schema, value))
      errors.invalid(`${path}.default`, value, 'must not have unknown fields');
  }
  const items = itemsOf(schema);
  if (items !== undefined) checkDefaults(errors, items, `${path}.items`, rules);
  for (const [name, item] of schemaMap(schema.properties)) {
    checkDefaults(errors, item, `${path}.properties[${name}]`, rules);
  }
  const values = asSchema(schema.additionalProperties);
  if (values !== undefined) checkDefaults(errors, values, `${path}.additionalProperties`, rules);
}

export function validateDefaults(schema: Schema, path: string, rules: DefaultRules): FieldError[] {
  const errors = new ErrorList();
  checkDefaults(errors, schema, path, rules);
  return errors.errors;
}

/** Whether a stored schema has a default that pruning would change. */
export function hasUnprunedDefault(schema: Schema): boolean {
  return schema.default !== undefined && !isPruned(schema, schema.default);
}
