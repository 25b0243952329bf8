/**
 * Structural schemas: every field has a type outside of the logic, and the logic only restricts values
 * (`apiextensions-apiserver/pkg/apiserver/schema/{validation,complete}.go`).
 */
import { fieldErrorText, type FieldError } from '@kubets/apimachinery/field';
import { semanticEqual } from '@kubets/apimachinery/validation-meta';
import { ErrorList } from '../../core/validation/pod-error-list.ts';
import { asSchema, itemsOf, schemaList, schemaMap, type Schema } from './schema-parts.ts';

type Level = 'root' | 'items' | 'field';

const intOrString = [{ type: 'integer' }, { type: 'string' }];
const missingType: Readonly<Record<Level, string>> = {
  root: 'must not be empty at the root',
  items: 'must not be empty for specified array items',
  field: 'must not be empty for specified object fields',
};

/** Words that must not stand below a junctor, with what is said about each. */
const forbiddenBelow: readonly (readonly [field: keyof Schema, detail: string])[] = [
  ['type', 'must be empty to be structural'],
  ['additionalProperties', 'must be undefined to be structural'],
  ['default', 'must be undefined to be structural'],
  ['title', 'must be empty to be structural'],
  ['description', 'must be empty to be structural'],
  ['nullable', 'must be false to be structural'],
  ['externalDocs', 'must be undefined to be structural'],
  ['x-kubernetes-preserve-unknown-fields', 'must be false to be structural'],
  ['x-kubernetes-embedded-resource', 'must be false to be structural'],
  ['x-kubernetes-int-or-string', 'must be false to be structural'],
  ['x-kubernetes-list-map-keys', 'must be empty to be structural'],
  ['x-kubernetes-list-type', 'must be undefined to be structural'],
  ['x-kubernetes-map-type', 'must be undefined to be structural'],
  ['x-kubernetes-validations', 'must be empty to be structural'],
];

const isSet = (value: unknown): boolean =>
  value !== undefined &&
  value !== null &&
  value !== '' &&
  value !== false &&
  !(Array.isArray(value) && value.length === 0);

interface Junctors {
  /** The `anyOf` is the one that int-or-string has. */
  readonly skipAnyOf: boolean;
  readonly skipFirstAllOf: boolean;
}

const noSkips: Junctors = { skipAnyOf: false, skipFirstAllOf: false };

function checkPattern(errors: ErrorList, pattern: unknown, path: string): void {
  if (typeof pattern !== 'string' || pattern === '') return;
  try {
    // Go's own forms are put into JavaScript's: flags inside the pattern, and the older way to name groups.
    const flags = pattern.replaceAll(/\(\?[imsU-]+\)/g, '').replaceAll(/\(\?[imsU-]+:/g, '(?:');
    RegExp(flags.replaceAll('(?P<', '(?<'));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    errors.invalid(`${path}.pattern`, pattern, `must be a valid regular expression, but isn't: ${why}`);
  }
}

function checkJunctors(errors: ErrorList, schema: Schema, path: string, skips: Junctors): void {
  if (!skips.skipAnyOf) {
    schemaList(schema.anyOf).forEach((item, i) => checkNested(errors, item, `${path}.anyOf[${i}]`, noSkips));
  }
  for (const [i, item] of schemaList(schema.allOf).entries()) {
    const skipAnyOf = skips.skipFirstAllOf && i === 0;
    checkNested(errors, item, `${path}.allOf[${i}]`, { skipAnyOf, skipFirstAllOf: false });
  }
  schemaList(schema.oneOf).forEach((item, i) => checkNested(errors, item, `${path}.oneOf[${i}]`, noSkips));
  const not = asSchema(schema.not);
  if (not !== undefined) checkNested(errors, not, `${path}.not`, noSkips);
  checkPattern(errors, schema.pattern, path);
}

/** Below a junctor. */
function checkNested(errors: ErrorList, schema: Schema, path: string, skips: Junctors): void {
  checkJunctors(errors, schema, path, skips);
  const items = itemsOf(schema);
  if (items !== undefined) checkNested(errors, items, `${path}.items`, noSkips);
  for (const [name, item] of schemaMap(schema.properties)) {
    checkNested(errors, item, `${path}.properties[${name}]`, noSkips);
    if (name !== 'metadata') continue;
    errors.forbidden(`${path}.properties[metadata]`, 'must not be specified in a nested context');
  }
  for (const [field, detail] of forbiddenBelow) {
    if (isSet(schema[field])) errors.forbidden(`${path}.${field}`, detail);
  }
}

function checkType(errors: ErrorList, schema: Schema, path: string, level: Level): void {
  const { type = '' } = schema;
  const rule = 'must be object if x-kubernetes-embedded-resource is true';
  if (schema['x-kubernetes-embedded-resource'] === true && type !== 'object') {
    if (type === '') errors.required(`${path}.type`, rule);
    else errors.invalid(`${path}.type`, type, rule);
  } else if (type === '') {
    const free =
      schema['x-kubernetes-int-or-string'] === true || schema['x-kubernetes-preserve-unknown-fields'] === true;
    if (!free) errors.required(`${path}.type`, missingType[level]);
  }
  if (level === 'root' && type !== '' && type !== 'object') {
    errors.invalid(`${path}.type`, type, 'must be object at the root');
  }
}

function checkExtensions(errors: ErrorList, schema: Schema, path: string): void {
  const embedded = schema['x-kubernetes-embedded-resource'] === true;
  const preserve = schema['x-kubernetes-preserve-unknown-fields'] === true;
  if (schema['x-kubernetes-int-or-string'] === true) {
    const rule = 'must be false if x-kubernetes-int-or-string is true';
    if (preserve) errors.invalid(`${path}.x-kubernetes-preserve-unknown-fields`, true, rule);
    if (embedded) errors.invalid(`${path}.x-kubernetes-embedded-resource`, true, rule);
  }
  if (embedded && isSet(schema.additionalProperties)) {
    errors.forbidden(`${path}.additionalProperties`, 'must not be used if x-kubernetes-embedded-resource is set');
  }
  if (embedded && !preserve && schemaMap(schema.properties).length === 0) {
    const rule = 'x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields';
    errors.required(`${path}.properties`, `must not be empty if ${rule}`);
  }
}

const nameFields = new Set(['name', 'generateName']);

/** Names can be restricted; the rest of metadata is the same for all objects. */
function isOnlyNames(metadata: Schema): boolean {
  for (const [field, value] of Object.entries(metadata)) {
    if (field === 'type' || field === 'default' || !isSet(value)) continue;
    if (field !== 'properties') return false;
    if (!Object.keys(value as object).every((name) => nameFields.has(name))) return false;
  }
  return true;
}

function checkMeta(errors: ErrorList, schema: Schema, path: string, level: Level): void {
  if (level !== 'root' && schema['x-kubernetes-embedded-resource'] !== true) return;
  for (const field of ['kind', 'apiVersion']) {
    const property = asSchema(schema.properties?.[field]);
    if (property !== undefined && property.type !== 'string') {
      errors.invalid(`${path}.properties[${field}].type`, property.type ?? '', 'must be string');
    }
  }
  const metadata = asSchema(schema.properties?.['metadata']);
  if (metadata === undefined) return;
  const at = `${path}.properties[metadata]`;
  if (metadata.type !== 'object') errors.invalid(`${at}.type`, metadata.type ?? '', 'must be object');
  if (level !== 'root' || isOnlyNames(metadata)) return;
  const rule = 'must not specify anything other than name and generateName';
  errors.forbidden(at, `${rule}, but metadata is implicitly specified`);
}

/** The two forms that logic may have beside `x-kubernetes-int-or-string`. */
function intOrStringForms(schema: Schema): Junctors {
  const [first] = schemaList(schema.allOf);
  return {
    skipAnyOf: semanticEqual(schema.anyOf, intOrString),
    skipFirstAllOf: first !== undefined && semanticEqual(first.anyOf, intOrString),
  };
}

function checkInvariants(errors: ErrorList, schema: Schema, path: string, level: Level): void {
  const items = itemsOf(schema);
  const additional = schema.additionalProperties;
  if (schema.type === 'array' && items === undefined) errors.required(`${path}.items`, 'must be specified');
  if (items !== undefined) checkInvariants(errors, items, `${path}.items`, 'items');
  for (const [name, item] of schemaMap(schema.properties)) {
    checkInvariants(errors, item, `${path}.properties[${name}]`, 'field');
  }
  if (isSet(additional) && level === 'root') {
    errors.forbidden(`${path}.additionalProperties`, 'must not be used at the root');
  }
  const values = asSchema(additional);
  if (values !== undefined) checkInvariants(errors, values, `${path}.additionalProperties`, 'field');
  checkJunctors(errors, schema, path, intOrStringForms(schema));
  checkType(errors, schema, path, level);
  checkExtensions(errors, schema, path);
  checkMeta(errors, schema, path, level);
}

const junctorsOf = (schema: Schema): [path: string, schema: Schema][] => [
  ...(asSchema(schema.not) === undefined ? [] : [['not', asSchema(schema.not) ?? {}] as [string, Schema]]),
  ...(['anyOf', 'allOf', 'oneOf'] as const).flatMap((junctor) =>
    schemaList(schema[junctor]).map((item, i) => [`${junctor}[${i}]`, item] as [string, Schema]),
  ),
];

interface Places {
  readonly structure: string;
  readonly logic: string;
}

/** Whatever the logic speaks of is there outside of it. */
function checkCovered(errors: ErrorList, logic: Schema, structure: Schema, places: Places): void {
  for (const [name, item] of junctorsOf(logic)) {
    checkCoveredFields(errors, item, structure, { ...places, logic: `${places.logic}.${name}` });
  }
}

function checkCoveredFields(errors: ErrorList, logic: Schema, structure: Schema, places: Places): void {
  checkCovered(errors, logic, structure, places);
  const parts: [name: string, logic: Schema, structure: Schema | undefined][] = schemaMap(logic.properties).map(
    ([name, item]) => [`properties[${name}]`, item, asSchema(structure.properties?.[name])],
  );
  const items = itemsOf(logic);
  if (items !== undefined) parts.push(['items', items, itemsOf(structure)]);
  for (const [name, item, counterpart] of parts) {
    const at = { structure: `${places.structure}.${name}`, logic: `${places.logic}.${name}` };
    if (counterpart !== undefined) checkCoveredFields(errors, item, counterpart, at);
    else errors.required(at.structure, `because it is defined in ${at.logic}`);
  }
}

function checkCompleteness(errors: ErrorList, schema: Schema, path: string): void {
  checkCovered(errors, schema, schema, { structure: path, logic: path });
  const items = itemsOf(schema);
  if (items !== undefined) checkCompleteness(errors, items, `${path}.items`);
  for (const [name, item] of schemaMap(schema.properties)) {
    checkCompleteness(errors, item, `${path}.properties[${name}]`);
  }
  const values = asSchema(schema.additionalProperties);
  if (values !== undefined) checkCompleteness(errors, values, `${path}.additionalProperties`);
}

/** Sorted by their text, as upstream's. */
export function validateStructural(schema: Schema, path: string): FieldError[] {
  const errors = new ErrorList();
  checkInvariants(errors, schema, path, 'root');
  checkCompleteness(errors, schema, path);
  const texts = errors.errors.map((error) => [fieldErrorText(error), error] as const);
  return texts.sort(([a], [b]) => (a < b ? -1 : Number(a > b))).map(([, error]) => error);
}
