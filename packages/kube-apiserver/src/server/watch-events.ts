/** The bytes of watch events, memoised per object and form. */
import { apiVersionOf, type ApiObject, type GroupVersionKind } from '@kubets/apimachinery/meta';
import type { CachedObject } from '../storage/cache.ts';
import { sharedJsonLine } from '../storage/watch-delivery.ts';
import type { EncodeEnvironment, ObjectCodecs } from './encode-environment.ts';
import { cachedMessage, protobufEnvelope } from './encode-protobuf.ts';
import { includeObjectOf, tableOf, type IncludeObject } from './encode-transform.ts';
import type { WatchTask } from './encode-watch.ts';
import { contentTypeOf, notAcceptable, type MediaFormat } from './negotiate.ts';
import type { WatchResultEvent } from './types.ts';

export type EventEncoder = (event: WatchResultEvent) => Uint8Array;

export function watchContentType(format: MediaFormat): string {
  return format === 'json' ? 'application/json' : `${contentTypeOf[format]};stream=watch`;
}

type ObjectEvent = Extract<WatchResultEvent, { entry: CachedObject }>;
type BookmarkEvent = Extract<WatchResultEvent, { type: 'BOOKMARK' }>;

/**
 * The entry as the event shows it: a DELETED event carries the revision of the event in the last
 * state before it (`cacher.go`, `getMutableObject`/`UpdateObject`).
 */
export function eventJson(event: ObjectEvent): Buffer {
  const { entry, eventRevision } = event;
  if (eventRevision === entry.resourceVersion) return entry.json;
  const mark = `"resourceVersion":"${entry.resourceVersion}"`;
  // Metadata comes first in stored bytes, and no quote stands unescaped inside a JSON string.
  const at = entry.json.indexOf(mark);
  if (at < 0) return entry.json;
  const tail = entry.json.subarray(at + mark.length);
  return Buffer.concat([entry.json.subarray(0, at), Buffer.from(`"resourceVersion":"${eventRevision}"`), tail]);
}

/** The object as the event shows it, for who needs no bytes. */
export function eventObject(event: ObjectEvent): Readonly<ApiObject> {
  const { entry, eventRevision } = event;
  if (eventRevision === entry.resourceVersion) return entry.object;
  return { ...entry.object, metadata: { ...entry.object.metadata, resourceVersion: String(eventRevision) } };
}

/** The object of a bookmark: kind, version and revision. */
export function bookmarkObject(event: BookmarkEvent, gvk: GroupVersionKind): ApiObject {
  const metadata: ApiObject['metadata'] = { resourceVersion: String(event.resourceVersion) };
  if (event.initialEventsEnd) metadata.annotations = { 'k8s.io/initial-events-end': 'true' };
  return { kind: gvk.kind, apiVersion: apiVersionOf(gvk), metadata };
}

interface Memo {
  revision: number;
  bytes: Uint8Array;
}

/** Remembers the newest bytes per entry and event type. One memo per form of output. */
class EventMemo {
  readonly #byType: Record<ObjectEvent['type'], WeakMap<CachedObject, Memo>> = {
    ADDED: new WeakMap(),
    MODIFIED: new WeakMap(),
    DELETED: new WeakMap(),
  };

  get(event: ObjectEvent): Uint8Array | undefined {
    const memo = this.#byType[event.type].get(event.entry);
    return memo !== undefined && memo.revision === event.eventRevision ? memo.bytes : undefined;
  }

  set(event: ObjectEvent, bytes: Uint8Array): Uint8Array {
    this.#byType[event.type].set(event.entry, { revision: event.eventRevision, bytes });
    return bytes;
  }
}

const lineEnd = Buffer.from('}\n');
const lineStart: Record<ObjectEvent['type'], Buffer> = {
  ADDED: Buffer.from('{"type":"ADDED","object":'),
  MODIFIED: Buffer.from('{"type":"MODIFIED","object":'),
  DELETED: Buffer.from('{"type":"DELETED","object":'),
};

function jsonLine(type: string, object: object): Buffer {
  return Buffer.from(`{"type":"${type}","object":${JSON.stringify(object)}}\n`);
}

const jsonMemo = new EventMemo();

function jsonEncoder(gvk: GroupVersionKind): EventEncoder {
  return (event) => {
    if (event.type === 'ERROR') return jsonLine('ERROR', event.status);
    if (event.type === 'BOOKMARK') return jsonLine('BOOKMARK', bookmarkObject(event, gvk));
    const shared = sharedJsonLine(event);
    if (shared !== undefined) return shared;
    const known = jsonMemo.get(event);
    if (known !== undefined) return known;
    return jsonMemo.set(event, Buffer.concat([lineStart[event.type], eventJson(event), lineEnd]));
  };
}

/** `metav1.WatchEvent`: type 1, object 2 (a RawExtension whose raw, 1, is the enveloped object); framed by its length. */
function protobufFrame(type: string, gvk: GroupVersionKind, message: Uint8Array): Buffer {
  const object = Buffer.concat(protobufEnvelope(gvk, [message]));
  const extension = Buffer.concat([Buffer.from([0x0a]), uvarint(object.length), object]);
  const name = Buffer.from(type);
  const event = Buffer.concat([
    Buffer.from([0x0a, name.length]),
    name,
    Buffer.from([0x12]),
    uvarint(extension.length),
    extension,
  ]);
  const frame = Buffer.concat(protobufEnvelope({ group: '', version: 'v1', kind: 'WatchEvent' }, [event]));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(frame.length);
  return Buffer.concat([length, frame]);
}

function uvarint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 127) {
    bytes.push((rest & 127) | 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
  return Buffer.from(bytes);
}

const protobufMemo = new EventMemo();
const statusGvk: GroupVersionKind = { group: '', version: 'v1', kind: 'Status' };

function protobufEncoder(codecs: ObjectCodecs, gvk: GroupVersionKind): EventEncoder {
  const encode = codecs.protobufOf(gvk);
  const encodeStatus = codecs.protobufOf(statusGvk);
  if (encode === undefined || encodeStatus === undefined) throw notAcceptable('stream');
  return (event) => {
    if (event.type === 'ERROR') return protobufFrame('ERROR', statusGvk, encodeStatus(event.status));
    if (event.type === 'BOOKMARK') return protobufFrame('BOOKMARK', gvk, encode(bookmarkObject(event, gvk)));
    const known = protobufMemo.get(event);
    if (known !== undefined) return known;
    const same = event.eventRevision === event.entry.resourceVersion;
    const message = same ? cachedMessage(event.entry, encode) : encode(eventObject(event));
    return protobufMemo.set(event, protobufFrame(event.type, gvk, message));
  };
}

/** Tables per event; only the first one describes the columns. */
function tableEncoder(environment: EncodeEnvironment, task: WatchTask, version: string): EventEncoder {
  const { gvk } = task.result;
  const include: IncludeObject = includeObjectOf(task.request);
  let headers = true;
  return (event) => {
    if (event.type === 'ERROR') return jsonLine('ERROR', event.status);
    const object = event.type === 'BOOKMARK' ? bookmarkObject(event, gvk) : eventObject(event);
    const metadata = { resourceVersion: object.metadata.resourceVersion };
    const table = tableOf(environment, { gvk, objects: [object], metadata, include, version, headers });
    headers = false;
    return jsonLine(event.type, table);
  };
}

function partialEncoder(gvk: GroupVersionKind, version: string): EventEncoder {
  const head = { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${version}` };
  return (event) => {
    if (event.type === 'ERROR') return jsonLine('ERROR', event.status);
    const object = event.type === 'BOOKMARK' ? bookmarkObject(event, gvk) : eventObject(event);
    return jsonLine(event.type, { ...head, metadata: object.metadata });
  };
}

/** Throws 406 for forms that cannot be streamed. */
export function eventEncoderFor(environment: EncodeEnvironment, task: WatchTask): EventEncoder {
  const { format, transform } = task.negotiated;
  const { gvk } = task.result;
  if (format === 'yaml') throw notAcceptable('stream');
  if (transform?.kind === 'Table') return tableEncoder(environment, task, transform.version);
  if (transform !== undefined && format === 'json') return partialEncoder(gvk, transform.version);
  if (transform !== undefined) throw notAcceptable('stream');
  return format === 'json' ? jsonEncoder(gvk) : protobufEncoder(environment.codecs, gvk);
}
