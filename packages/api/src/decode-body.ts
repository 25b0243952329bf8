/**
 * Request bodies to objects, with the errors that kubectl users know
 * (`apimachinery/pkg/runtime/serializer/json/json.go`, `apiserver/pkg/endpoints/handlers/{create,rest}.go`).
 */
import { parseJson } from '@kubets/apimachinery/codec/json';
import { openEnvelope } from '@kubets/apimachinery/codec/protobuf-decode';
import { parseYaml } from '@kubets/apimachinery/codec/yaml';
import {
  apiVersionOf,
  parseApiVersion,
  type ApiObject,
  type GroupVersion,
  type GroupVersionKind,
} from '@kubets/apimachinery/meta';
import { countKeyMarks, maxNesting } from '@kubets/apimachinery/schema/key-marks';
import type { JsonObject } from '@kubets/apimachinery/schema/decoder';
import { DecodeError, strictErrorText } from '@kubets/apimachinery/schema/decode-error';
import { failure, newBadRequest, type StatusError } from '@kubets/apimachinery/status';
import type { DefaultingContext } from './defaulting/condition.ts';
import { kindInfo, type KindInfo } from './scheme.ts';

export type FieldValidation = 'Strict' | 'Warn' | 'Ignore';

export interface DecodeBodyOptions {
  /** The kind that the endpoint takes; it fills in what the body leaves out. */
  readonly gvk: GroupVersionKind;
  /** The Content-Type header; JSON when empty. */
  readonly contentType: string;
  readonly fieldValidation: FieldValidation;
  /** Set defaults; `true` with the defaults of all feature gates. */
  readonly defaults?: boolean | DefaultingContext;
}

export interface DecodedBody {
  readonly object: ApiObject;
  /** Texts for `Warning` headers; only with `Warn`. */
  readonly warnings: readonly string[];
}

export const jsonMediaType = 'application/json';
export const yamlMediaType = 'application/yaml';
export const protobufMediaType = 'application/vnd.kubernetes.protobuf';

const mediaTypes: ReadonlySet<string> = new Set(['', jsonMediaType, yamlMediaType, protobufMediaType]);

/** The scheme's name in upstream's error texts. */
const schemeName = 'k8s.io/kubernetes/pkg/api/legacyscheme/scheme.go:30';

/** 415 with the media types that a body may have. */
export function newUnsupportedMediaType(): StatusError {
  const accepted = [jsonMediaType, yamlMediaType, protobufMediaType].join(', ');
  return failure(
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${accepted}`,
  );
}

/** Empty for an empty header only: one with parameters alone is malformed. */
function mediaTypeOf(contentType: string): string {
  const end = contentType.indexOf(';');
  return end < 0 ? contentType.trim().toLowerCase() : contentType.slice(0, end).trim().toLowerCase() || 'none';
}

function hex(bytes: Uint8Array): string {
  return bytes.toHex();
}

/** The start of a body, to recognise it by. */
function summary(body: Uint8Array): string {
  const max = 30;
  if (body.length === 0) return '<empty>';
  const head = body.subarray(0, max);
  const text = body[0] === 0x7b ? new TextDecoder().decode(head) : hex(head);
  return body.length > max ? `${text} ...` : text;
}

function unrecognized(expected: GroupVersionKind, error: unknown, body: Uint8Array): StatusError {
  const why = error instanceof Error ? error.message : String(error);
  return newBadRequest(
    `the object provided is unrecognized (must be of type ${expected.kind}): ${why} (${summary(body)})`,
    error,
  );
}

function cannotBeHandled(actual: GroupVersionKind, expected: GroupVersionKind, error: unknown): StatusError {
  const why = error instanceof Error ? error.message : String(error);
  const text = `${actual.kind} in version ${JSON.stringify(actual.version)} cannot be handled as a ${expected.kind}: ${why}`;
  return newBadRequest(text, error);
}

const jsonKindOf = (value: unknown): string =>
  Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value;

const typeMetaStruct =
  'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }';

function stringField(value: object, name: 'kind' | 'apiVersion'): string {
  const field = (value as Record<string, unknown>)[name];
  if (field === undefined || field === null) return '';
  if (typeof field === 'string') return field;
  throw new DecodeError(
    `couldn't get version/kind; json parse error: json: cannot unmarshal ${jsonKindOf(field)} into Go struct field .${name} of type string`,
  );
}

/** The kind that a document says it is; what it leaves out is taken from `expected`. */
function interpret(value: unknown, expected: GroupVersionKind): GroupVersionKind {
  if (value === null) return expected;
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw new DecodeError(
      `couldn't get version/kind; json parse error: json: cannot unmarshal ${jsonKindOf(value)} into Go value of type ${typeMetaStruct}`,
    );
  }
  const apiVersion = stringField(value, 'apiVersion');
  const kind = stringField(value, 'kind') || expected.kind;
  if (apiVersion === '' || apiVersion === '/') return { group: expected.group, version: expected.version, kind };
  const gv: GroupVersion | undefined = parseApiVersion(apiVersion);
  if (gv === undefined) throw new DecodeError(`unexpected GroupVersion string: ${apiVersion}`);
  return gv.version === '' && gv.group === expected.group ? { ...expected, kind } : { ...gv, kind };
}

interface Parsed {
  readonly value: unknown;
  /** The JSON that the value came from, for duplicate detection. */
  readonly text: string | undefined;
  readonly strictErrors: readonly string[];
}

function parseText(text: string, media: string): Parsed {
  if (media === yamlMediaType) {
    const { value, duplicates } = parseYaml(text);
    const strictErrors = duplicates.length === 0 ? [] : [`yaml: unmarshal errors:\n  ${duplicates.join('\n  ')}`];
    return { value, text: undefined, strictErrors };
  }
  try {
    return { value: parseJson(text), text, strictErrors: [] };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new DecodeError(`couldn't get version/kind; json parse error: ${why}`, { cause: error });
  }
}

function notRegistered(gvk: GroupVersionKind): DecodeError {
  return new DecodeError(
    `no kind ${JSON.stringify(gvk.kind)} is registered for version ${JSON.stringify(apiVersionOf(gvk))} in scheme ${JSON.stringify(schemeName)}`,
  );
}

const internalName = (info: KindInfo): string => {
  const [pkg = '', name = ''] = info.typeId.split('.');
  return `${pkg.slice(0, pkg.lastIndexOf('-'))}.${name}`;
};

/** The known kind of a document; it must be convertible to the expected one. */
function resolveKind(actual: GroupVersionKind, expected: GroupVersionKind): KindInfo {
  const info = kindInfo(actual);
  const wanted = kindInfo(expected);
  if (wanted === undefined) throw new Error(`unknown kind ${apiVersionOf(expected)} ${expected.kind}`);
  if (info === undefined) throw cannotBeHandled(actual, expected, notRegistered(actual));
  if (info.typeId === wanted.typeId) return info;
  if (info.gvk.kind === wanted.gvk.kind) {
    throw newBadRequest(
      `the API version in the data (${apiVersionOf(actual)}) does not match the expected API version (${apiVersionOf(expected)})`,
    );
  }
  const goName = info.typeName.split('.').slice(-2).join('.');
  throw cannotBeHandled(actual, expected, `converting (${goName}) to (${internalName(wanted)}): unknown conversion`);
}

interface Prepared {
  readonly info: KindInfo;
  readonly parsed: Parsed;
}

/** A protobuf body says its kind in the envelope; it cannot have unknown or repeated JSON fields. */
function prepareProtobuf(body: Uint8Array, expected: GroupVersionKind): Prepared {
  try {
    const { apiVersion, kind, raw } = openEnvelope(body);
    const info = resolveKind(interpret({ apiVersion, kind }, expected), expected);
    return { info, parsed: { value: info.parseProtobuf(raw), text: undefined, strictErrors: [] } };
  } catch (error) {
    if (error instanceof DecodeError) throw unrecognized(expected, error, body);
    throw error;
  }
}

function prepare(body: Uint8Array, media: string, expected: GroupVersionKind): Prepared {
  if (media === protobufMediaType) return prepareProtobuf(body, expected);
  let parsed: Parsed;
  let actual: GroupVersionKind;
  try {
    parsed = parseText(new TextDecoder().decode(body), media);
    actual = interpret(parsed.value, expected);
  } catch (error) {
    if (error instanceof DecodeError) throw unrecognized(expected, error, body);
    throw error;
  }
  return { parsed, info: resolveKind(actual, expected) };
}

function setDefaults(info: KindInfo, document: JsonObject, defaults: DecodeBodyOptions['defaults']): number {
  if (defaults === undefined || defaults === false) return 0;
  return info.applyDefaults(document, defaults === true ? undefined : defaults);
}

/** Strict decoding errors as warnings: one for each line of a YAML error (`endpoints/handlers/rest.go`, `parseYAMLWarnings`). */
export function strictWarnings(errors: readonly string[]): string[] {
  return errors.flatMap((error) =>
    error.startsWith(yamlErrors)
      ? error
          .slice(yamlErrors.length)
          .split('\n')
          .map((line) => line.trim())
      : [error],
  );
}

const yamlErrors = 'yaml: unmarshal errors:\n';

/** Texts shorter than the nesting limit cannot break it. */
function checkNesting(text: string | undefined): void {
  if (text !== undefined && text.length > maxNesting) countKeyMarks(text);
}

function finish(info: KindInfo, parsed: Parsed, options: DecodeBodyOptions): DecodedBody {
  const strict = options.fieldValidation !== 'Ignore';
  const document = (parsed.value ?? {}) as JsonObject;
  const added = setDefaults(info, document, options.defaults);
  // Strict decoding checks the nesting when it counts keys.
  if (!strict) checkNesting(parsed.text);
  const result = info.decodeStrict(document, strict ? parsed.text : undefined, added);
  const object = result.object as ApiObject;
  if (!strict) return { object, warnings: [] };
  const problems = [...parsed.strictErrors, ...result.strictErrors];
  if (problems.length > 0 && options.fieldValidation === 'Strict') throw new DecodeError(strictErrorText(problems));
  return { object, warnings: strictWarnings(problems) };
}

/**
 * Decodes a request body: parses, finds the kind, prunes and normalises, and reports unknown and duplicate fields
 * as `fieldValidation` says. Defaults are set when asked for.
 *
 * Throws StatusError 400 for anything wrong with the document, 415 for a media type that is not read.
 */
export function decodeBody(body: Uint8Array, options: DecodeBodyOptions): DecodedBody {
  const media = mediaTypeOf(options.contentType);
  if (!mediaTypes.has(media)) throw newUnsupportedMediaType();
  const { info, parsed } = prepare(body, media, options.gvk);
  try {
    return finish(info, parsed, options);
  } catch (error) {
    if (error instanceof DecodeError) throw cannotBeHandled(info.gvk, options.gvk, error);
    // The stack ran out on nesting within the limit of the text.
    if (error instanceof RangeError)
      throw cannotBeHandled(info.gvk, options.gvk, new DecodeError('exceeded max depth'));
    throw error;
  }
}
