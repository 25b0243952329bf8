/**
 * Reads the reference tables and joins the OpenAPI facts with the protobuf facts into one model per package.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export const referenceFolder = join(import.meta.dirname, '../../../../shared/reference');

export interface Definition {
  gvk?: { group: string; version: string; kind: string }[];
  type?: string;
  format?: string;
  oneOf?: unknown[];
  required?: string[];
  properties?: Record<string, Property>;
  'x-kubernetes-map-type'?: string;
}

export interface Property {
  $ref?: string;
  type?: string;
  format?: string;
  enum?: string[];
  default?: unknown;
  items?: Property;
  additionalProperties?: Property;
  'x-kubernetes-list-type'?: 'atomic' | 'set' | 'map';
  'x-kubernetes-list-map-keys'?: string[];
  'x-kubernetes-map-type'?: 'granular' | 'atomic';
  'x-kubernetes-patch-strategy'?: string;
  'x-kubernetes-patch-merge-key'?: string;
}

export interface ProtoField {
  number: number;
  name: string;
  type: string;
  label: 'optional' | 'repeated' | 'map';
  inline?: boolean;
  pointer?: boolean;
  omitempty?: boolean;
  omitzero?: boolean;
  json?: string | null;
}

export interface ProtoMessage {
  fields: ProtoField[];
  jsonForm?: string;
}

/** One field: its OpenAPI facts and the chain of protobuf fields that leads to it (several when inlined). */
export interface ModelField {
  name: string;
  property: Property;
  required: boolean;
  proto: ProtoField[];
}

export interface ModelType {
  /** OpenAPI name. */
  name: string;
  shortName: string;
  /** `core-v1`. */
  file: string;
  definition: Definition;
  fields: ModelField[];
}

export interface ModelPackage {
  name: string;
  file: string;
  types: ModelType[];
}

export function readJson<T>(name: string): T {
  return JSON.parse(readFileSync(join(referenceFolder, name), 'utf8')) as T;
}

const kept = [
  /^io\.k8s\.api\./,
  /^io\.k8s\.apimachinery\.pkg\.(apis\.meta\.v1|version)\./,
  /^io\.k8s\.apiextensions-apiserver\.pkg\.apis\.apiextensions\.v1\./,
  /^io\.k8s\.kube-aggregator\.pkg\.apis\.apiregistration\.v1\./,
  /^io\.k8s\.apiserver\.pkg\.apis\.audit\.v1\./,
  /^io\.k8s\.metrics\.pkg\.apis\.metrics\.v1beta1\./,
];

/** `io.k8s.api.core.v1.Pod` lives in `core-v1`; a package without a version takes its last label. */
export function fileOf(typeName: string): string {
  const labels = typeName.split('.').slice(0, -1);
  const last = labels.at(-1) ?? '';
  return /^v\d/.test(last) ? `${labels.at(-2)}-${last}` : last;
}

export const shortNameOf = (typeName: string): string => typeName.slice(typeName.lastIndexOf('.') + 1);

export class Reference {
  readonly #messages: Record<string, { messages: Record<string, ProtoMessage> }>;
  readonly definitions: Record<string, Definition>;

  constructor() {
    this.#messages = readJson<{ packages: Record<string, { messages: Record<string, ProtoMessage> }> }>(
      'protobuf-kubernetes.json',
    ).packages;
    const published = readJson<{ definitions: Record<string, Definition> }>('api-types.json').definitions;
    const unpublished = readJson<{ definitions: Record<string, Definition> }>('api-types-unpublished.json').definitions;
    this.definitions = { ...unpublished, ...published };
  }

  /** The message of a protobuf type name, if there is one. */
  message(protoName: string): ProtoMessage | undefined {
    const dot = protoName.lastIndexOf('.');
    return this.#messages[protoName.slice(0, dot)]?.messages[protoName.slice(dot + 1)];
  }

  packages(): ModelPackage[] {
    const result = new Map<string, ModelPackage>();
    for (const [name, definition] of Object.entries(this.definitions)) {
      if (!kept.some((pattern) => pattern.test(name)) || isScalarLike(definition)) continue;
      const file = fileOf(name);
      const pkg = result.get(file) ?? { name: name.slice(0, name.lastIndexOf('.')), file, types: [] };
      result.set(file, pkg);
      pkg.types.push({ name, shortName: shortNameOf(name), file, definition, fields: this.#fields(name, definition) });
    }
    for (const pkg of result.values()) pkg.types.sort((a, b) => (a.shortName < b.shortName ? -1 : 1));
    return [...result.values()].sort((a, b) => (a.file < b.file ? -1 : 1));
  }

  #fields(typeName: string, definition: Definition): ModelField[] {
    const protoName = typeName.replace(/^io\.k8s\./, 'k8s.io.').replaceAll('-', '_');
    const chains = new Map<string, ProtoField[]>();
    this.#chains(protoName, [], chains);
    const required = new Set(definition.required ?? []);
    return Object.entries(definition.properties ?? {}).map(([name, property]) => ({
      name,
      property,
      required: required.has(name),
      proto: chains.get(name) ?? [],
    }));
  }

  #chains(protoName: string, prefix: ProtoField[], into: Map<string, ProtoField[]>): void {
    for (const field of this.message(protoName)?.fields ?? []) {
      if (field.inline) this.#chains(field.type, [...prefix, field], into);
      else if (field.json !== null) into.set(field.json ?? field.name, [...prefix, field]);
    }
  }
}

const openNames = new Set([
  'RawExtension',
  'FieldsV1',
  'JSON',
  'JSONSchemaPropsOrArray',
  'JSONSchemaPropsOrBool',
  'JSONSchemaPropsOrStringArray',
  'Patch',
  'Unknown',
]);

/** Types that are one JSON value of their own kind, not an object with fields. */
export function isScalarLike(definition: Definition): boolean {
  return definition.type !== 'object' || definition.oneOf !== undefined;
}

export const isOpen = (typeName: string): boolean => openNames.has(shortNameOf(typeName));
