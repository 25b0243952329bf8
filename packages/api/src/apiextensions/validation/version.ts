/** Subresources, printer columns and selectable fields of a version (`ValidateCustomResourceDefinitionSubresources` and its neighbours). */
import type { ErrorList } from '../../core/validation/pod-error-list.ts';
import { byteLength } from '@kubets/apimachinery/names';
import type {
  CustomResourceColumnDefinition,
  CustomResourceDefinitionVersion,
  CustomResourceSubresources,
  SelectableField,
} from '../../generated/types/apiextensions-v1.ts';
import { asSchema, type Schema } from './schema-parts.ts';

const columnTypes = ['boolean', 'date', 'integer', 'number', 'string'];
const columnFormats = ['byte', 'date', 'date-time', 'double', 'float', 'int32', 'int64', 'password'];
const maxSelectableFields = 8;

function isSimplePath(errors: ErrorList, text: string, path: string): boolean {
  if (text.startsWith('.')) return true;
  errors.invalid(path, text, 'must be a simple json path starting with .');
  return false;
}

/** Where the replicas of a scale are. */
export function checkSubresources(
  errors: ErrorList,
  subresources: CustomResourceSubresources | undefined,
  path: string,
): void {
  const { scale } = subresources ?? {};
  if (scale === undefined) return;
  for (const [field, root] of [['specReplicasPath', '.spec'] as const, ['statusReplicasPath', '.status'] as const]) {
    const [text, at] = [scale[field] ?? '', `${path}.scale.${field}`];
    if (text === '') errors.required(at);
    else if (isSimplePath(errors, text, at) && !text.startsWith(`${root}.`)) {
      errors.invalid(at, text, `should be a json path under ${root}`);
    }
  }
  const [selector = '', at] = [scale.labelSelectorPath, `${path}.scale.labelSelectorPath`];
  if (selector === '' || !isSimplePath(errors, selector, at)) return;
  if (!selector.startsWith('.spec.') && !selector.startsWith('.status.')) {
    errors.invalid(at, selector, 'should be a json path under either .spec or .status');
  }
}

function checkColumn(errors: ErrorList, column: CustomResourceColumnDefinition, path: string): void {
  const { name, type, format, jsonPath } = column;
  const oneOf = (list: readonly string[]): string => `must be one of ${list.join(',')}`;
  if (!name) errors.required(`${path}.name`);
  if (!type) errors.required(`${path}.type`, oneOf(columnTypes));
  else if (!columnTypes.includes(type)) errors.invalid(`${path}.type`, type, oneOf(columnTypes));
  if (format && !columnFormats.includes(format)) errors.invalid(`${path}.format`, format, oneOf(columnFormats));
  if (!jsonPath) errors.required(`${path}.JSONPath`);
  else isSimplePath(errors, jsonPath, `${path}.JSONPath`);
}

export function checkColumns(
  errors: ErrorList,
  columns: readonly CustomResourceColumnDefinition[] | undefined,
  path: string,
): void {
  (columns ?? []).forEach((column, i) => checkColumn(errors, column, `${path}[${i}]`));
}

/** The schema of the field that the path leads to; a string says why there is none. */
function fieldAt(root: Schema | undefined, path: string): Schema | string {
  if (!/^(?:\.[A-Za-z_$][\w$-]*)+$/.test(path)) return 'only simple paths of field names are supported';
  let schema = root;
  for (const name of path.slice(1).split('.')) {
    schema = asSchema(schema?.properties?.[name]);
    if (schema === undefined) return `does not refer to a valid field: ${name}`;
  }
  return schema ?? 'does not refer to a valid field';
}

/** Scalars below spec and status, at most eight. */
export function checkSelectableFields(
  errors: ErrorList,
  fields: readonly SelectableField[] | undefined,
  { path, schema }: { path: string; schema: Schema | undefined },
): void {
  const seen = new Set<string>();
  for (const [i, { jsonPath = '' }] of ((fields ?? []) as Partial<SelectableField>[]).entries()) {
    const at = `${path}[${i}].jsonPath`;
    if (jsonPath === '') {
      errors.required(at);
      continue;
    }
    const field = fieldAt(schema, jsonPath);
    if (typeof field === 'string') {
      errors.invalid(at, jsonPath, `is an invalid path: ${field}`);
      continue;
    }
    if (jsonPath.startsWith('.metadata')) errors.invalid(at, jsonPath, 'must not point to fields in metadata');
    if (!['string', 'boolean', 'integer'].includes(field.type ?? '')) {
      const types = 'must point to a field of type string, boolean or integer';
      errors.invalid(at, jsonPath, `${types}. Enum string fields and strings with formats are allowed.`);
    }
    if (seen.has(jsonPath)) errors.duplicate(at, jsonPath);
    seen.add(jsonPath);
  }
  if (seen.size > maxSelectableFields) errors.tooMany(path, seen.size, maxSelectableFields);
}

export function checkDeprecation(errors: ErrorList, version: CustomResourceDefinitionVersion, path: string): void {
  const { deprecated = false, deprecationWarning: warning } = version;
  if (warning === undefined) return;
  const complain = (detail: string): void => errors.invalid(`${path}.deprecationWarning`, warning, detail);
  if (!deprecated) {
    complain('can only be set for deprecated versions');
    return;
  }
  if (byteLength(warning) > 256) complain('must be <= 256 characters long');
  if (warning === '') complain('must not be an empty string');
  const at = warning.search(/[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/u);
  if (at >= 0) {
    const index = byteLength(warning.slice(0, at));
    complain(`must only contain printable UTF-8 characters; non-printable character found at index ${index}`);
  }
}
