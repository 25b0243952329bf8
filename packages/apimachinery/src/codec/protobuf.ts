/**
 * Objects to `application/vnd.kubernetes.protobuf`
 * (`apimachinery/pkg/runtime/serializer/protobuf/protobuf.go` and the gogo marshallers of the API types).
 */
import { parseDuration } from '../duration.ts';
import { parseMicroTime, parseTime } from '../time.ts';
import { ProtoWriter } from './proto-writer.ts';
import type { ProtoField, ProtoMessage, ProtoScalar, ProtoType } from './proto-types.ts';

type JsonObject = Readonly<Record<string, unknown>>;

/** What every envelope starts with: `k8s` and a zero byte. */
export const protobufMagic: Uint8Array = Uint8Array.of(0x6b, 0x38, 0x73, 0x00);

const empty: JsonObject = {};
const utf8 = new TextEncoder();

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
const numberOf = (value: unknown): number => (typeof value === 'number' ? value : 0);

/** Seconds and nanoseconds; the zero time (`null`) is an empty message. */
function writeTime(out: ProtoWriter, value: unknown, micro: boolean): void {
  if (typeof value !== 'string') return;
  const ms = micro ? parseMicroTime(value) : parseTime(value);
  const seconds = Math.floor(ms / 1000);
  const nanos = micro ? Math.round((ms - seconds * 1000) * 1000) * 1000 : 0;
  out.int(nanos);
  out.tag(2, 0);
  out.int(seconds);
  out.tag(1, 0);
}

function writeIntOrString(out: ProtoWriter, value: unknown): void {
  out.string(textOf(value));
  out.tag(3, 2);
  out.int(numberOf(value));
  out.tag(2, 0);
  out.int(typeof value === 'string' ? 1 : 0);
  out.tag(1, 0);
}

function writeRaw(out: ProtoWriter, value: unknown): void {
  if (value === undefined || value === null) return;
  out.bytes(utf8.encode(JSON.stringify(value)));
  out.tag(1, 2);
}

/** The inside of a scalar that is a message in protobuf. */
function writeScalarMessage(out: ProtoWriter, kind: ProtoScalar, value: unknown): void {
  switch (kind) {
    case 'time':
      return writeTime(out, value, false);
    case 'microTime':
      return writeTime(out, value, true);
    case 'duration':
      out.int(typeof value === 'string' ? parseDuration(value) : 0);
      return out.tag(1, 0);
    case 'quantity':
      out.string(typeof value === 'string' ? value : '0');
      return out.tag(1, 2);
    case 'intOrString':
      return writeIntOrString(out, value);
    default:
      return writeRaw(out, value);
  }
}

function writeWrapped(out: ProtoWriter, items: ProtoType, value: unknown): void {
  const list = Array.isArray(value) ? (value as unknown[]) : [];
  for (let i = list.length - 1; i >= 0; i--) writeValue(out, { type: items, number: 1 }, list[i]);
}

function writeSchemaOr(
  out: ProtoWriter,
  type: Extract<ProtoType, { kind: `schemaOr${string}` }>,
  value: unknown,
): void {
  const message: ProtoType = { kind: 'message', message: type.message };
  if (type.kind === 'schemaOrBool') {
    if (isObject(value)) writeValue(out, { type: message, number: 2 }, value);
    out.int(value === false ? 0 : 1);
    out.tag(1, 0);
    return;
  }
  if (isObject(value)) writeValue(out, { type: message, number: 1 }, value);
  else if (Array.isArray(value)) {
    const item: ProtoType = type.kind === 'schemaOrArray' ? message : { kind: 'string' };
    for (let i = value.length - 1; i >= 0; i--) writeValue(out, { type: item, number: 2 }, value[i]);
  }
}

/** The inside of a length-delimited value. */
function writeInside(out: ProtoWriter, type: ProtoType, value: unknown): void {
  switch (type.kind) {
    case 'message':
      return writeMessage(out, type.message(), isObject(value) ? value : empty);
    case 'wrapped':
      return writeWrapped(out, type.items, value);
    case 'schemaOrArray':
    case 'schemaOrBool':
    case 'schemaOrStrings':
      return writeSchemaOr(out, type, value);
    default:
      return writeScalarMessage(out, type.kind, value);
  }
}

/** One value with its tag. */
function writeValue(out: ProtoWriter, place: { type: ProtoType; number: number }, value: unknown): void {
  const { type, number } = place;
  switch (type.kind) {
    case 'string':
      out.string(textOf(value));
      return out.tag(number, 2);
    case 'bool':
      out.int(value === true ? 1 : 0);
      return out.tag(number, 0);
    case 'int':
      out.int(numberOf(value));
      return out.tag(number, 0);
    case 'double':
      out.double(numberOf(value));
      return out.tag(number, 1);
    case 'bytes':
      out.bytes(Uint8Array.fromBase64(textOf(value)));
      return out.tag(number, 2);
    default: {
      const before = out.written;
      writeInside(out, type, value);
      return out.close(number, before);
    }
  }
}

function writeMap(out: ProtoWriter, field: ProtoField, map: JsonObject): void {
  const keys = Object.keys(map).sort();
  for (let i = keys.length - 1; i >= 0; i--) {
    const key = keys[i] ?? '';
    const before = out.written;
    writeValue(out, { type: field.type, number: 2 }, map[key]);
    out.string(key);
    out.tag(1, 2);
    out.close(field.number, before);
  }
}

/** Bytes and wrapped lists are left out when empty although Go holds them by value: a nil slice is no value. */
function isLeftOut(field: ProtoField, value: unknown): boolean {
  if (value !== undefined && value !== null) {
    return field.type.kind === 'wrapped' && Array.isArray(value) && value.length === 0;
  }
  return field.pointer || field.type.kind === 'bytes' || field.type.kind === 'wrapped';
}

function writeField(out: ProtoWriter, field: ProtoField, holder: JsonObject): void {
  if (field.shape === 'inline') {
    const before = out.written;
    writeInside(out, field.type, holder);
    out.close(field.number, before);
    return;
  }
  const value = holder[field.name];
  if (field.shape === 'list') {
    const list = Array.isArray(value) ? (value as unknown[]) : [];
    for (let i = list.length - 1; i >= 0; i--) writeValue(out, field, list[i]);
  } else if (field.shape === 'map') {
    if (isObject(value)) writeMap(out, field, value);
  } else if (!isLeftOut(field, value)) writeValue(out, field, value);
}

function writeMessage(out: ProtoWriter, message: ProtoMessage, object: JsonObject): void {
  const { fields } = message;
  for (let i = fields.length - 1; i >= 0; i--) {
    const field = fields[i];
    if (field !== undefined) writeField(out, field, object);
  }
}

/** The bytes of a message without envelope. The object must fit its type (decoded objects do). */
export function encodeMessage(message: ProtoMessage, object: JsonObject): Uint8Array {
  const out = new ProtoWriter();
  writeMessage(out, message, object);
  return out.finish();
}

export interface TypeNames {
  readonly apiVersion: string;
  readonly kind: string;
}

/** The enveloped bytes of an object: magic, then `runtime.Unknown` with its type and the message. */
export function encodeProtobuf(message: ProtoMessage, object: JsonObject, names: TypeNames): Uint8Array {
  const out = new ProtoWriter();
  out.string('');
  out.tag(4, 2);
  out.string('');
  out.tag(3, 2);
  const raw = out.written;
  writeMessage(out, message, object);
  out.close(2, raw);
  const meta = out.written;
  out.string(names.kind);
  out.tag(2, 2);
  out.string(names.apiVersion);
  out.tag(1, 2);
  out.close(1, meta);
  out.raw(protobufMagic);
  return out.finish();
}

/** `meta.v1.WatchEvent` without envelope, as watch streams frame it; `object` is an enveloped object. */
export function encodeWatchEvent(type: string, object: Uint8Array): Uint8Array {
  const out = new ProtoWriter();
  out.bytes(object);
  out.tag(1, 2);
  out.close(2, 0);
  out.string(type);
  out.tag(1, 2);
  return out.finish();
}
