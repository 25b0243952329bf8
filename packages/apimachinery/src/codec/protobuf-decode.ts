/**
 * `application/vnd.kubernetes.protobuf` to plain JSON values. The result is raw: the schema decoder then puts
 * fields into order and drops zero values.
 */
import { formatDuration } from '../duration.ts';
import { DecodeError } from '../schema/decode-error.ts';
import { formatMicroTime, formatTime } from '../time.ts';
import { protobufMagic } from './protobuf.ts';
import { ProtoReader } from './proto-reader.ts';
import type { ProtoField, ProtoMessage, ProtoScalar, ProtoType } from './proto-types.ts';

type JsonObject = Record<string, unknown>;

/** Upstream's generated code has no limit of its own; ours keeps the stack safe. */
const maxDepth = 1000;
const utf8 = new TextDecoder();

function expectWire(actual: number, wanted: number, name: string): void {
  if (actual !== wanted) throw new DecodeError(`proto: wrong wireType = ${actual} for field ${name}`);
}

/** Reads all fields of a message, handing each to `take`, which must read or skip it. */
function eachField(reader: ProtoReader, take: (number: number, wireType: number) => void): void {
  while (!reader.done) {
    const tag = reader.varint();
    const number = Math.floor(tag / 8);
    if (number === 0) throw new DecodeError('proto: illegal tag 0');
    take(number, tag % 8);
  }
}

function readTime(reader: ProtoReader, micro: boolean): string | null {
  let seconds: number | undefined;
  let nanos = 0;
  eachField(reader, (number, wireType) => {
    if (number === 1 && wireType === 0) seconds = reader.int();
    else if (number === 2 && wireType === 0) nanos = reader.int();
    else reader.skip(wireType);
  });
  // An empty message is the zero time; any time sent has its seconds, be they zero.
  if (seconds === undefined) return null;
  try {
    return micro ? formatMicroTime(seconds * 1000 + Math.floor(nanos / 1000) / 1000) : formatTime(seconds * 1000);
  } catch (error) {
    throw new DecodeError('proto: time out of range', { cause: error });
  }
}

function readIntOrString(reader: ProtoReader): string | number {
  let type = 0;
  let int = 0;
  let text = '';
  eachField(reader, (number, wireType) => {
    if (number === 1 && wireType === 0) type = reader.int();
    else if (number === 2 && wireType === 0) int = reader.int();
    else if (number === 3 && wireType === 2) text = reader.string();
    else reader.skip(wireType);
  });
  return type === 1 ? text : int;
}

function readRaw(reader: ProtoReader): unknown {
  let raw: Uint8Array | undefined;
  eachField(reader, (number, wireType) => {
    if (number === 1 && wireType === 2) raw = reader.bytes();
    else reader.skip(wireType);
  });
  if (raw === undefined || raw.length === 0) return null;
  try {
    return JSON.parse(utf8.decode(raw));
  } catch (error) {
    throw new DecodeError('proto: embedded value is not JSON', { cause: error });
  }
}

function readDuration(reader: ProtoReader): string {
  let nanos = 0n;
  eachField(reader, (number, wireType) => {
    if (number === 1 && wireType === 0) nanos = BigInt.asIntN(64, reader.big());
    else reader.skip(wireType);
  });
  return formatDuration(nanos);
}

function readQuantity(reader: ProtoReader): string {
  let text = '0';
  eachField(reader, (number, wireType) => {
    if (number === 1 && wireType === 2) text = reader.string();
    else reader.skip(wireType);
  });
  return text;
}

function readScalarMessage(reader: ProtoReader, kind: ProtoScalar): unknown {
  switch (kind) {
    case 'time':
      return readTime(reader, false);
    case 'microTime':
      return readTime(reader, true);
    case 'duration':
      return readDuration(reader);
    case 'quantity':
      return readQuantity(reader);
    case 'intOrString':
      return readIntOrString(reader);
    default:
      return readRaw(reader);
  }
}

function readWrapped(reader: ProtoReader, items: ProtoType, depth: number): unknown[] {
  const list: unknown[] = [];
  eachField(reader, (number, wireType) => {
    if (number === 1) list.push(readValue(reader, items, { wireType, depth, name: 'items' }));
    else reader.skip(wireType);
  });
  return list;
}

function readSchemaOr(
  reader: ProtoReader,
  type: Extract<ProtoType, { kind: `schemaOr${string}` }>,
  depth: number,
): unknown {
  const bool = type.kind === 'schemaOrBool';
  let allows = false;
  let schema: unknown;
  const list: unknown[] = [];
  eachField(reader, (number, wireType) => {
    if (bool && number === 1 && wireType === 0) allows = reader.int() !== 0;
    else if (number === (bool ? 2 : 1) && wireType === 2)
      schema = readMessage(reader.message(), type.message(), depth + 1);
    else if (!bool && number === 2 && wireType === 2) {
      list.push(
        type.kind === 'schemaOrStrings' ? reader.string() : readMessage(reader.message(), type.message(), depth + 1),
      );
    } else reader.skip(wireType);
  });
  return schema ?? (bool ? allows : list);
}

interface Where {
  readonly wireType: number;
  readonly depth: number;
  readonly name: string;
}

function readInside(reader: ProtoReader, type: ProtoType, depth: number): unknown {
  switch (type.kind) {
    case 'message':
      return readMessage(reader, type.message(), depth + 1);
    case 'wrapped':
      return readWrapped(reader, type.items, depth);
    case 'schemaOrArray':
    case 'schemaOrBool':
    case 'schemaOrStrings':
      return readSchemaOr(reader, type, depth);
    default:
      return readScalarMessage(reader, type.kind);
  }
}

function readValue(reader: ProtoReader, type: ProtoType, where: Where): unknown {
  switch (type.kind) {
    case 'bool':
      expectWire(where.wireType, 0, where.name);
      return reader.int() !== 0;
    case 'int':
      expectWire(where.wireType, 0, where.name);
      return reader.int();
    case 'double':
      expectWire(where.wireType, 1, where.name);
      return reader.double();
    case 'string':
      expectWire(where.wireType, 2, where.name);
      return reader.string();
    case 'bytes':
      expectWire(where.wireType, 2, where.name);
      return reader.bytes().toBase64();
    default:
      expectWire(where.wireType, 2, where.name);
      return readInside(reader.message(), type, where.depth);
  }
}

/** The value that a map entry has when its bytes leave the value out. */
function zeroOf(type: ProtoType): unknown {
  switch (type.kind) {
    case 'string':
    case 'bytes':
      return '';
    case 'int':
    case 'double':
      return 0;
    case 'bool':
      return false;
    case 'quantity':
      return '0';
    case 'message':
      return {};
    default:
      return null;
  }
}

function readEntry(reader: ProtoReader, field: ProtoField, depth: number): [key: string, value: unknown] {
  let key = '';
  let value: unknown = zeroOf(field.type);
  eachField(reader, (number, wireType) => {
    if (number === 1 && wireType === 2) key = reader.string();
    else if (number === 2) value = readValue(reader, field.type, { wireType, depth, name: field.name });
    else reader.skip(wireType);
  });
  return [key, value];
}

function setOwn(target: JsonObject, key: string, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(target, key, { value, enumerable: true, writable: true, configurable: true });
  } else target[key] = value;
}

function readField(reader: ProtoReader, field: ProtoField, into: { object: JsonObject; where: Where }): void {
  const { object, where } = into;
  if (field.shape === 'inline') {
    expectWire(where.wireType, 2, 'inline');
    if (field.type.kind === 'message')
      readInto(reader.message(), field.type.message(), { object, depth: where.depth + 1 });
  } else if (field.shape === 'list') {
    const list = (object[field.name] ??= []) as unknown[];
    list.push(readValue(reader, field.type, where));
  } else if (field.shape === 'map') {
    expectWire(where.wireType, 2, field.name);
    const map = (object[field.name] ??= {}) as JsonObject;
    const [key, value] = readEntry(reader.message(), field, where.depth);
    setOwn(map, key, value);
  } else object[field.name] = readValue(reader, field.type, where);
}

const indexes = new WeakMap<ProtoMessage, ReadonlyMap<number, ProtoField>>();

function indexOf(message: ProtoMessage): ReadonlyMap<number, ProtoField> {
  let index = indexes.get(message);
  if (index === undefined) {
    index = new Map(message.fields.map((field) => [field.number, field]));
    indexes.set(message, index);
  }
  return index;
}

function readInto(reader: ProtoReader, message: ProtoMessage, target: { object: JsonObject; depth: number }): void {
  const { object, depth } = target;
  if (depth > maxDepth) throw new DecodeError('proto: exceeded max depth');
  const index = indexOf(message);
  eachField(reader, (number, wireType) => {
    const field = index.get(number);
    if (field === undefined) reader.skip(wireType);
    else readField(reader, field, { object, where: { wireType, depth, name: field.name } });
  });
}

function readMessage(reader: ProtoReader, message: ProtoMessage, depth: number): JsonObject {
  const object: JsonObject = {};
  readInto(reader, message, { object, depth });
  return object;
}

/** A message without envelope. */
export function decodeMessage(message: ProtoMessage, bytes: Uint8Array): JsonObject {
  return readMessage(new ProtoReader(bytes), message, 0);
}

export interface Envelope {
  readonly apiVersion: string;
  readonly kind: string;
  /** The bytes of the message. */
  readonly raw: Uint8Array;
}

/** Opens the envelope. Throws {@link DecodeError} when it is none. */
export function openEnvelope(bytes: Uint8Array): Envelope {
  if (bytes.length === 0) throw new DecodeError('empty data');
  if (!protobufMagic.every((byte, i) => bytes[i] === byte)) {
    const prefix = [...protobufMagic].join(' ');
    throw new DecodeError(`provided data does not appear to be a protobuf message, expected prefix [${prefix}]`);
  }
  const reader = new ProtoReader(bytes, protobufMagic.length);
  const envelope = { apiVersion: '', kind: '', raw: new Uint8Array() };
  eachField(reader, (number, wireType) => {
    if (number === 1 && wireType === 2) readTypeMeta(reader.message(), envelope);
    else if (number === 2 && wireType === 2) envelope.raw = reader.bytes() as Uint8Array<ArrayBuffer>;
    else reader.skip(wireType);
  });
  return envelope;
}

function readTypeMeta(reader: ProtoReader, into: { apiVersion: string; kind: string }): void {
  eachField(reader, (number, wireType) => {
    if (number === 1 && wireType === 2) into.apiVersion = reader.string();
    else if (number === 2 && wireType === 2) into.kind = reader.string();
    else reader.skip(wireType);
  });
}
