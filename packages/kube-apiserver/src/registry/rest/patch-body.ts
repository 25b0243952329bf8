/** The four kinds of patches: reading them, and putting them on an object (`endpoints/handlers/patch.go`). */
import { parseJson } from '@kubets/apimachinery/codec/json';
import { parseYaml } from '@kubets/apimachinery/codec/yaml';
import { invalid, Path } from '@kubets/apimachinery/field';
import type { ApiObject } from '@kubets/apimachinery/meta';
import { applyJsonPatch, parseJsonPatch, type JsonPatchOperation } from '@kubets/apimachinery/patch/json-patch';
import { goText, isObject, type JsonObject } from '@kubets/apimachinery/patch/json-value';
import { applyMergePatch } from '@kubets/apimachinery/patch/merge-patch';
import { applyStrategicMergePatch } from '@kubets/apimachinery/patch/strategic';
import { DecodeError, strictErrorText } from '@kubets/apimachinery/schema/decode-error';
import { duplicateFields } from '@kubets/apimachinery/schema/duplicates';
import { hasRepeatedKeys } from '@kubets/apimachinery/schema/key-marks';
import type { ObjectSchema } from '@kubets/apimachinery/schema/types';
import { failure, newBadRequest, newInvalid, newRequestEntityTooLarge } from '@kubets/apimachinery/status';
import type { RequestBody } from '../../server/types.ts';
import { unstructuredErrorText } from './unstructured-error.ts';

export type PatchType = 'json' | 'merge' | 'strategic' | 'apply';

const mediaTypes: ReadonlyMap<string, PatchType> = new Map<string, PatchType>([
  ['application/json-patch+json', 'json'],
  ['application/merge-patch+json', 'merge'],
  ['application/strategic-merge-patch+json', 'strategic'],
  ['application/apply-patch+yaml', 'apply'],
]);

/** Throws 415 for other media types. Custom resources know no strategic merge. */
export function patchTypeOf(contentType: string, strategic: boolean): PatchType {
  const end = contentType.indexOf(';');
  const type = mediaTypes.get(end < 0 ? contentType : contentType.slice(0, end));
  if (type !== undefined && (strategic || type !== 'strategic')) return type;
  const known = [...mediaTypes.keys()].filter((media) => strategic || mediaTypes.get(media) !== 'strategic');
  throw failure(
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${known.join(', ')}`,
  );
}

export interface PatchBody {
  readonly type: PatchType;
  readonly value: unknown;
  /** What strict field validation objects to in the patch itself. */
  readonly strictErrors: readonly string[];
  readonly operations: readonly JsonPatchOperation[];
}

const maxJsonPatchOperations = 10_000;

/** `strict`: whether to look for duplicate and unknown fields. Throws 400, 413. */
export function readPatch(body: RequestBody, type: PatchType, schema: ObjectSchema, strict: boolean): PatchBody {
  const { value, strictErrors } = body.type === 'object' ? inHand(body.object) : parseText(body, type, schema, strict);
  if (type !== 'json') {
    if (type === 'apply' && !isObject(value)) throw newBadRequest('error decoding YAML: the patch is no object');
    return { type, value, strictErrors, operations: [] };
  }
  const operations = parseJsonPatch(value);
  if (operations.length > maxJsonPatchOperations) {
    throw newRequestEntityTooLarge(
      `The allowed maximum operations in a JSON patch is ${maxJsonPatchOperations}, got ${operations.length}`,
    );
  }
  return { type, value, operations, strictErrors: strict ? unknownOperationFields(operations) : [] };
}

interface Parsed {
  readonly value: unknown;
  readonly strictErrors: readonly string[];
}

function inHand(value: unknown): Parsed {
  return { value, strictErrors: [] };
}

function parseText(body: RequestBody, type: PatchType, schema: ObjectSchema, strict: boolean): Parsed {
  const text = body.type === 'bytes' ? body.bytes.toString() : '';
  try {
    if (type === 'apply') return parseApply(text);
    const value = parseJson(text);
    const repeats = strict && type !== 'json' && hasRepeatedKeys(text, value);
    return { value, strictErrors: repeats ? duplicateFields(text, schema) : [] };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw newBadRequest(type === 'apply' ? `error decoding YAML: ${why}` : `error decoding patch: ${why}`, error);
  }
}

/**
 * YAML, but client libraries send JSON, which is YAML too: that is read many times faster by the JSON parser. Whatever it does
 * not take, or has repeated fields to complain of, is read again as YAML, for the words of the complaint.
 */
function parseApply(text: string): Parsed {
  if (text.startsWith('{')) {
    try {
      const value = parseJson(text);
      if (!hasRepeatedKeys(text, value)) return inHand(value);
    } catch (error) {
      // A flow mapping of YAML, perhaps; if it is wrong, the YAML parser says why.
      if (!(error instanceof DecodeError)) throw error;
    }
  }
  const { value, duplicates } = parseYaml(text);
  const strictErrors = duplicates.length === 0 ? [] : [`yaml: unmarshal errors:\n  ${duplicates.join('\n  ')}`];
  return { value, strictErrors };
}

const operationFields = new Set(['op', 'path', 'from', 'value']);

function unknownOperationFields(operations: readonly JsonPatchOperation[]): string[] {
  return operations.flatMap((operation, i) =>
    Object.keys(operation)
      .filter((field) => !operationFields.has(field))
      .map((field) => `json patch unknown field "[${i}].${field}"`),
  );
}

/** The patched JSON, to be decoded; nothing of `base` is changed. Not for apply. Throws 400, 422. */
export function patched(base: Readonly<ApiObject>, patch: PatchBody, schema: ObjectSchema): unknown {
  switch (patch.type) {
    case 'json':
      return applyJsonPatch(base, patch.operations);
    case 'merge':
      return applyMergePatch(base as JsonObject, patch.value);
    case 'strategic':
      return applyStrategicMergePatch(base as JsonObject, patch.value, schema);
    case 'apply':
      throw new Error('apply is no patch of this kind');
  }
}

/** 422 with the field `patch`, as upstream reports results that cannot be decoded. */
export function invalidPatch(patch: PatchBody, result: unknown, why: string): Error {
  const strategic = patch.type === 'strategic';
  const shown = strategic ? goText(patch.value) : JSON.stringify(result);
  const text = strategic ? unstructuredErrorText(why) : why;
  return newInvalid({ group: '', kind: '' }, '', [invalid(Path.of('patch'), shown, text)]);
}

/** The error of a patch that strict validation refuses. */
export function strictPatchError(patch: PatchBody, result: unknown, errors: readonly string[]): Error {
  if (patch.type === 'apply') return newBadRequest(`error strict decoding YAML: ${errors.join(', ')}`);
  return invalidPatch(patch, result, strictErrorText(errors));
}
