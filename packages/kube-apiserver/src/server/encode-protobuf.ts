/**
 * Answers as protobuf: the message inside `runtime.Unknown` behind four magic bytes
 * (`apimachinery/pkg/runtime/serializer/protobuf/protobuf.go`).
 */
import { apiVersionOf, type GroupVersionKind } from '@kubets/apimachinery/meta';
import type { CachedObject } from '../storage/cache.ts';
import type { ObjectCodecs } from './encode-environment.ts';
import { itemKindOf, listMetaOf } from './encode-list.ts';
import { notAcceptable } from './negotiate.ts';
import type { ApiResult } from './types.ts';

type ObjectResult = Extract<ApiResult, { type: 'cached' | 'object' | 'list' }>;

const magic = Buffer.from([0x6b, 0x38, 0x73, 0x00]);
const empty = Buffer.alloc(0);

/** A tag and length (wire type 2), as bytes. */
function lengthPrefix(field: number, length: number): Buffer {
  const bytes = [(field << 3) | 2];
  let rest = length;
  while (rest > 127) {
    bytes.push((rest & 127) | 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
  return Buffer.from(bytes);
}

function delimited(field: number, content: Uint8Array): Buffer {
  return Buffer.concat([lengthPrefix(field, content.length), content]);
}

function text(field: number, value: string): Buffer {
  return delimited(field, Buffer.from(value));
}

function varint(field: number, value: number): Buffer {
  const bytes = [field << 3];
  let rest = value;
  while (rest > 127) {
    bytes.push((rest % 128) | 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
  return Buffer.from(bytes);
}

/** `Unknown`: typeMeta, raw, and the two empty strings that Go always writes. */
export function protobufEnvelope(gvk: GroupVersionKind, message: readonly Uint8Array[]): Uint8Array[] {
  const typeMeta = delimited(1, Buffer.concat([text(1, apiVersionOf(gvk)), text(2, gvk.kind)]));
  let size = 0;
  for (const piece of message) size += piece.length;
  return [magic, typeMeta, lengthPrefix(2, size), ...message, delimited(3, empty), delimited(4, empty)];
}

const messages = new WeakMap<CachedObject, Uint8Array>();

type Encode = (object: object) => Uint8Array;

function encoderOf(codecs: ObjectCodecs, gvk: GroupVersionKind | undefined): Encode {
  const encode = gvk === undefined ? undefined : codecs.protobufOf(gvk);
  if (encode === undefined) throw notAcceptable('object');
  return encode;
}

/** The message of a cached object, made once. */
export function cachedMessage(entry: CachedObject, encode: Encode): Uint8Array {
  let message = messages.get(entry);
  if (message === undefined) {
    message = encode(entry.object);
    messages.set(entry, message);
  }
  return message;
}

function listMeta(list: Extract<ObjectResult, { type: 'list' }>): Buffer {
  const meta = listMetaOf(list);
  const parts = [text(1, ''), text(2, meta.resourceVersion ?? ''), text(3, meta.continue ?? '')];
  if (meta.remainingItemCount !== undefined) parts.push(varint(4, meta.remainingItemCount));
  return delimited(1, Buffer.concat(parts));
}

function listMessage(list: Extract<ObjectResult, { type: 'list' }>, encode: Encode): Uint8Array[] {
  const pieces: Uint8Array[] = [listMeta(list)];
  for (const entry of list.entries) {
    const message = cachedMessage(entry, encode);
    pieces.push(lengthPrefix(2, message.length), message);
  }
  return pieces;
}

/** Throws 406 for kinds without a protobuf form. */
export function encodeProtobufPieces(
  codecs: ObjectCodecs,
  result: ObjectResult,
  gvk: GroupVersionKind | undefined,
): Uint8Array[] {
  if (result.type === 'list') {
    const kind = itemKindOf(result.gvk);
    const encode = encoderOf(codecs, { ...result.gvk, kind });
    return protobufEnvelope({ ...result.gvk, kind: `${kind}List` }, listMessage(result, encode));
  }
  const encode = encoderOf(codecs, gvk);
  const message = result.type === 'cached' ? cachedMessage(result.entry, encode) : encode(result.object);
  return protobufEnvelope(gvk as GroupVersionKind, [message]);
}
