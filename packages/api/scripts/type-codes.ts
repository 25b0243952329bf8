/**
 * The one-letter codes of the compact schema tables; `packages/api/src/schema-table.ts` reads them.
 *
 * `s` string, `b` boolean, `i` int32, `l` int64, `d` double, `y` bytes, `t` Time, `u` MicroTime, `D` Duration,
 * `q` Quantity, `x` int or string, `*…` anything, `#Name` or `#file.Name` an object, `[]T` a list, `{}T` a map,
 * `w[]T` a list that protobuf wraps in a message of its own.
 */
import { fileOf, isOpen, shortNameOf, type Property, type Reference } from './model.ts';

const scalarRefs: Record<string, string> = {
  'io.k8s.apimachinery.pkg.api.resource.Quantity': 'q',
  'io.k8s.apimachinery.pkg.util.intstr.IntOrString': 'x',
  'io.k8s.apimachinery.pkg.apis.meta.v1.Time': 't',
  'io.k8s.apimachinery.pkg.apis.meta.v1.Timestamp': 't',
  'io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime': 'u',
  'io.k8s.apimachinery.pkg.apis.meta.v1.Duration': 'D',
};

const openCodes: Record<string, string> = {
  RawExtension: '*r',
  FieldsV1: '*f',
  JSON: '*j',
  Patch: '*r',
  JSONSchemaPropsOrArray: '*a',
  JSONSchemaPropsOrBool: '*b',
  JSONSchemaPropsOrStringArray: '*c',
};

function refCode(ref: string, file: string): string {
  const scalar = scalarRefs[ref];
  if (scalar !== undefined) return scalar;
  if (isOpen(ref)) return openCodes[shortNameOf(ref)] ?? '*r';
  return fileOf(ref) === file ? `#${shortNameOf(ref)}` : `#${fileOf(ref)}.${shortNameOf(ref)}`;
}

function plainCode(property: Property): string {
  switch (property.type) {
    case 'integer':
      return property.format === 'int64' ? 'l' : 'i';
    case 'number':
      return 'd';
    case 'boolean':
      return 'b';
    case 'string':
      return property.format === 'byte' ? 'y' : 's';
    default:
      return '*r';
  }
}

export interface CodeContext {
  file: string;
  reference: Reference;
}

/** The code of one property; `protoType` is the protobuf type of the value, to see wrapped lists. */
export function typeCode(property: Property, protoType: string, context: CodeContext): string {
  if (property.$ref !== undefined) return refCode(property.$ref, context.file);
  if (property.type === 'array') {
    const wrapped = context.reference.message(protoType)?.jsonForm === 'array';
    return `${wrapped ? 'w' : ''}[]${typeCode(property.items ?? {}, wrapped ? '' : protoType, context)}`;
  }
  if (property.type === 'object' && property.additionalProperties !== undefined) {
    const value = /^map<string, (.*)>$/.exec(protoType)?.[1] ?? '';
    return `{}${typeCode(property.additionalProperties, value, context)}`;
  }
  return plainCode(property);
}
