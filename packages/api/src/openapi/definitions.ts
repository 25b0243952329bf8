/**
 * The published OpenAPI definition of every type, without descriptions: rebuilt from the schema tables and a
 * table of what those do not hold (`packages/api/scripts/generate-openapi.ts`). For documents, not for the hot path.
 */
import type { GroupVersionKind } from '@kubets/apimachinery/meta';
import { json } from '../generated/openapi/definitions.ts';
import { lazy } from '../lazy.ts';
import { allTypeIds, openapiName, refId, typeTable, type Row, type RowExtras } from '../schema-table.ts';

export interface PropertyDefinition {
  readonly $ref?: string;
  readonly type?: string;
  readonly format?: string;
  readonly enum?: readonly string[];
  readonly default?: unknown;
  readonly items?: PropertyDefinition;
  readonly additionalProperties?: PropertyDefinition;
  readonly 'x-kubernetes-list-type'?: string;
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly 'x-kubernetes-map-type'?: string;
  readonly 'x-kubernetes-patch-strategy'?: string;
  readonly 'x-kubernetes-patch-merge-key'?: string;
}

/** References are bare type names (`io.k8s.api.core.v1.PodSpec`); the documents write them their own way. */
export interface TypeDefinition {
  readonly gvk?: readonly GroupVersionKind[];
  readonly type?: string;
  readonly format?: string;
  readonly oneOf?: readonly { readonly type: string }[];
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, PropertyDefinition>>;
  readonly 'x-kubernetes-map-type'?: string;
  readonly 'x-kubernetes-unions'?: readonly unknown[];
}

/** What the generator adds to a rebuilt definition. */
export interface DefinitionDelta {
  /** The whole definition, for types without a table. */
  readonly d?: TypeDefinition;
  /** Index into the list of kind lists. */
  readonly g?: number;
  readonly u?: readonly unknown[];
  /** Fields that are published as atomic lists. */
  readonly a?: readonly string[];
  /** Fields that a table cannot express. */
  readonly p?: Readonly<Record<string, PropertyDefinition>>;
}

export interface DefinitionDeltas {
  readonly gvks: readonly (readonly GroupVersionKind[])[];
  readonly types: Readonly<Record<string, DefinitionDelta>>;
}

const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1';
const apiextensions = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1';

const referenceOfCode: Readonly<Record<string, string>> = {
  q: 'io.k8s.apimachinery.pkg.api.resource.Quantity',
  x: 'io.k8s.apimachinery.pkg.util.intstr.IntOrString',
  t: `${meta}.Time`,
  u: `${meta}.MicroTime`,
  D: `${meta}.Duration`,
  '*r': 'io.k8s.apimachinery.pkg.runtime.RawExtension',
  '*f': `${meta}.FieldsV1`,
  '*j': `${apiextensions}.JSON`,
  '*a': `${apiextensions}.JSONSchemaPropsOrArray`,
  '*b': `${apiextensions}.JSONSchemaPropsOrBool`,
  '*c': `${apiextensions}.JSONSchemaPropsOrStringArray`,
};

const scalarOfCode: Readonly<Record<string, PropertyDefinition>> = {
  s: { type: 'string' },
  b: { type: 'boolean' },
  i: { type: 'integer', format: 'int32' },
  l: { type: 'integer', format: 'int64' },
  d: { type: 'number', format: 'double' },
  y: { type: 'string', format: 'byte' },
};

function propertyOfCode(code: string, file: string): PropertyDefinition {
  if (code.startsWith('w')) return propertyOfCode(code.slice(1), file);
  if (code.startsWith('[]')) return { type: 'array', items: propertyOfCode(code.slice(2), file) };
  if (code.startsWith('{}')) return { type: 'object', additionalProperties: propertyOfCode(code.slice(2), file) };
  if (code.startsWith('#')) return { $ref: openapiName(refId(code, file)) };
  const $ref = referenceOfCode[code];
  return $ref === undefined ? (scalarOfCode[code] ?? { type: 'string' }) : { $ref };
}

function marks(extras: RowExtras): PropertyDefinition {
  return {
    ...(extras.e && { enum: extras.e }),
    ...('d' in extras && { default: extras.d }),
    ...(extras.lt && { 'x-kubernetes-list-type': extras.lt }),
    ...(extras.mk && { 'x-kubernetes-list-map-keys': extras.mk }),
    ...(extras.mt && { 'x-kubernetes-map-type': extras.mt }),
    ...(extras.pk && { 'x-kubernetes-patch-merge-key': extras.pk }),
    ...(extras.ps && { 'x-kubernetes-patch-strategy': extras.ps }),
  };
}

/** The definition as far as the schema tables know it. */
export function rebuiltDefinition(id: string): TypeDefinition {
  const [atomic, ...rows] = typeTable(id);
  const file = id.slice(0, id.lastIndexOf('.'));
  const properties = Object.fromEntries(
    rows.map((row: Row) => [row[0], { ...propertyOfCode(row[1], file), ...marks(row[4] ?? {}) }]),
  );
  const required = rows.filter((row) => (row[2] & 1) !== 0).map((row) => row[0]);
  return {
    type: 'object',
    ...(required.length > 0 && { required: required.sort() }),
    ...(rows.length > 0 && { properties }),
    ...(atomic === 1 && { 'x-kubernetes-map-type': 'atomic' }),
  };
}

/** A rebuilt definition with its delta. */
export function completedDefinition(
  base: TypeDefinition | undefined,
  delta: DefinitionDelta,
  gvks: DefinitionDeltas['gvks'],
): TypeDefinition {
  const definition: { -readonly [K in keyof TypeDefinition]: TypeDefinition[K] } = { ...(delta.d ?? base) };
  if (delta.g !== undefined) definition.gvk = gvks[delta.g];
  if (delta.u !== undefined) definition['x-kubernetes-unions'] = delta.u;
  if (definition.properties !== undefined && (delta.a !== undefined || delta.p !== undefined)) {
    const properties: Record<string, PropertyDefinition> = { ...definition.properties };
    for (const name of delta.a ?? []) properties[name] = { ...properties[name], 'x-kubernetes-list-type': 'atomic' };
    definition.properties = Object.assign(properties, delta.p);
  }
  return definition;
}

const deltas = lazy(() => JSON.parse(json) as DefinitionDeltas);
const idOfName = lazy(() => new Map(allTypeIds().map((id) => [openapiName(id), id])));
const known = new Map<string, TypeDefinition>();

/** The definition of a type by its OpenAPI name; `undefined` when there is none. */
export function definitionOf(name: string): TypeDefinition | undefined {
  const cached = known.get(name);
  if (cached !== undefined) return cached;
  const id = idOfName().get(name);
  const delta = deltas().types[name];
  if (id === undefined && delta?.d === undefined) return undefined;
  const base = id === undefined ? undefined : rebuiltDefinition(id);
  const definition = completedDefinition(base, delta ?? {}, deltas().gvks);
  known.set(name, definition);
  return definition;
}
