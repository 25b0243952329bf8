/**
 * Type definitions as the two versions of OpenAPI write them
 * (kube-openapi `pkg/schemaconv`, `pkg/builder/openapi.go`, `pkg/builder3/openapi.go`).
 */
import { definitionOf, type PropertyDefinition, type TypeDefinition } from '@kubets/api/openapi/definitions';
import { allTypeIds, openapiName } from '@kubets/api/schema-table';
import type { Descriptions } from './descriptions.ts';

export type Json = Record<string, unknown>;

/** Everything that `roots` refer to, themselves included, sorted. Unknown names are left out. */
export function closureOf(roots: Iterable<string>): string[] {
  const seen = new Set<string>();
  const open = [...roots];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const definition = seen.has(name) ? undefined : definitionOf(name);
    if (definition === undefined) continue;
    seen.add(name);
    for (const property of Object.values(definition.properties ?? {})) open.push(...referencesOf(property));
  }
  return [...seen].toSorted();
}

function referencesOf(property: PropertyDefinition | undefined): string[] {
  if (property === undefined) return [];
  if (property.$ref !== undefined) return [property.$ref];
  return [...referencesOf(property.items), ...referencesOf(property.additionalProperties)];
}

export interface SchemaStyle {
  readonly refPrefix: '#/definitions/' | '#/components/schemas/';
  readonly version: 2 | 3;
}

export const styleV2: SchemaStyle = { refPrefix: '#/definitions/', version: 2 };
export const styleV3: SchemaStyle = { refPrefix: '#/components/schemas/', version: 3 };

/** The schema of one type, keys sorted where upstream sorts them. */
export function schemaOfType(name: string, style: SchemaStyle, descriptions: Descriptions): Json {
  const definition = definitionOf(name) ?? {};
  const texts = descriptions.types[name] ?? {};
  const schema: Json = {};
  if (texts[''] !== undefined && !describedByFields(name, definition)) schema['description'] = texts[''];
  Object.assign(schema, scalarPart(definition, style));
  if (definition.required !== undefined) schema['required'] = definition.required;
  if (definition.properties !== undefined) {
    const entries = Object.entries(definition.properties).toSorted(([a], [b]) => (a < b ? -1 : 1));
    schema['properties'] = Object.fromEntries(
      entries.map(([field, p]) => [field, propertyOf(p, style, texts[field] ?? textOfType(p, descriptions))]),
    );
  }
  if (definition.gvk !== undefined) schema['x-kubernetes-group-version-kind'] = definition.gvk;
  if (definition['x-kubernetes-map-type']) schema['x-kubernetes-map-type'] = definition['x-kubernetes-map-type'];
  if (definition['x-kubernetes-unions']) schema['x-kubernetes-unions'] = definition['x-kubernetes-unions'];
  return schema;
}

/** The client library drops what is said of a field that is a reference: what is said of its type is the next best. */
function textOfType(property: PropertyDefinition, descriptions: Descriptions): string | undefined {
  return property.$ref === undefined ? undefined : descriptions.types[property.$ref]?.[''];
}

const listed = new Set<string>();

/** Types of list items and map values: the fields have a text of their own, so these have to keep theirs. */
function isListed(name: string): boolean {
  if (listed.size === 0) {
    const elements = allTypeIds().flatMap((id) => Object.values(definitionOf(openapiName(id))?.properties ?? {}));
    for (const p of elements)
      for (const r of [...referencesOf(p.items), ...referencesOf(p.additionalProperties)]) listed.add(r);
  }
  return listed.has(name);
}

/** Whether all fields of this type carry its text already: `kubectl explain` prints both, one after the other. */
function describedByFields(name: string, definition: TypeDefinition): boolean {
  return definition.gvk === undefined && definition.properties !== undefined && !isListed(name);
}

/** Version 2 has no `oneOf`, and version 3 names no type beside it. */
function scalarPart(definition: TypeDefinition, style: SchemaStyle): Json {
  const part: Json = {};
  const alternatives = style.version === 3 ? definition.oneOf : undefined;
  if (definition.type !== undefined && alternatives === undefined) part['type'] = definition.type;
  if (definition.format !== undefined) part['format'] = definition.format;
  if (alternatives !== undefined) part['oneOf'] = alternatives;
  return part;
}

function propertyOf(property: PropertyDefinition, style: SchemaStyle, description: string | undefined): Json {
  const { $ref, items, additionalProperties, default: initial, ...rest } = property;
  const out: Json = {};
  if (description !== undefined && description !== '') out['description'] = description;
  // Version 2 is published without defaults (handler.PruneDefaults).
  if (initial !== undefined && style.version === 3) out['default'] = initial;
  Object.assign(out, rest);
  if (items !== undefined) out['items'] = elementOf(items, style);
  if (additionalProperties !== undefined) out['additionalProperties'] = elementOf(additionalProperties, style);
  if ($ref === undefined) return out;
  const reference = { $ref: style.refPrefix + $ref };
  if (style.version === 2) return { ...reference, ...out };
  // Version 3 ignores what stands beside a reference.
  return Object.keys(out).length === 0 ? reference : { ...out, allOf: [reference] };
}

/** The values of lists and maps: Go's zero value is their published default. */
function elementOf(element: PropertyDefinition, style: SchemaStyle): Json {
  const zero = style.version === 3 && element.default === undefined ? zeroOf(element) : undefined;
  return propertyOf(zero === undefined ? element : { ...element, default: zero }, style, undefined);
}

function zeroOf(element: PropertyDefinition): unknown {
  if (element.$ref !== undefined) return definitionOf(element.$ref)?.properties === undefined ? undefined : {};
  if (element.type === 'string') return element.format === 'byte' ? undefined : '';
  if (element.type === 'integer' || element.type === 'number') return 0;
  return element.type === 'boolean' ? false : undefined;
}
