/**
 * The last step: an {@link ApiResult} becomes bytes
 * (`apiserver/pkg/endpoints/handlers/responsewriters/writers.go`, `handlers/response.go`).
 */
import type { GroupVersionKind } from '@kubets/apimachinery/meta';
import type { Status } from '@kubets/apimachinery/status';
import type { EncodeEnvironment } from './encode-environment.ts';
import { ListBody } from './encode-list.ts';
import { encodeProtobufPieces } from './encode-protobuf.ts';
import { encodeTransformed } from './encode-transform.ts';
import { serveWatch } from './encode-watch.ts';
import { bytesOf, Pieces, sendBody, type ByteSource } from './send-body.ts';
import { contentTypeOf, negotiate, notAcceptable, wantsPretty, type Negotiated, type Offer } from './negotiate.ts';
import type { ResponseSink } from './response-sink.ts';
import { headersFor, setHeader } from './response-headers.ts';
import { isStatus, statusOfError } from './status-of-error.ts';
import type { ApiRequest, ApiResult } from './types.ts';

/** What encoding needs of a request; the raw query spares parsing it. */
export interface EncodableRequest extends ApiRequest {
  readonly rawQuery: string;
}

type ObjectResult = Extract<ApiResult, { type: 'cached' | 'object' | 'list' }>;

const statusGvk: GroupVersionKind = { group: '', version: 'v1', kind: 'Status' };

function pretty(request: EncodableRequest, negotiated: Negotiated): boolean {
  return negotiated.pretty || wantsPretty(request.rawQuery, request.query, request.headers['user-agent'] ?? '');
}

function choose(request: EncodableRequest, offer: Offer): Negotiated {
  const negotiated = negotiate(request.headers['accept'], offer);
  if (negotiated === undefined) throw notAcceptable(offer);
  return negotiated;
}

type Body = Uint8Array | ByteSource;

function prettyBody(body: Body): Buffer {
  const text = (body instanceof Uint8Array ? Buffer.from(body) : bytesOf(body)).toString();
  return Buffer.from(JSON.stringify(JSON.parse(text), null, 2));
}

/** The plain JSON of a result. */
function jsonBody(result: ObjectResult): Body {
  switch (result.type) {
    case 'cached':
      return result.entry.json;
    case 'list':
      return new ListBody(result);
    case 'object':
      return Buffer.from(JSON.stringify(result.object));
    default:
      return result satisfies never;
  }
}

/** The whole object of a result, for formats that have no ready bytes. */
export function objectOf(result: ObjectResult): object {
  switch (result.type) {
    case 'cached':
      return result.entry.object;
    case 'object':
      return result.object;
    case 'list':
      return JSON.parse(bytesOf(new ListBody(result)).toString()) as object;
    default:
      return result satisfies never;
  }
}

function gvkOf(result: ObjectResult): GroupVersionKind | undefined {
  if (result.type === 'object' && isStatus(result.object)) return statusGvk;
  return result.gvk;
}

function encodeBody(environment: EncodeEnvironment, result: ObjectResult, negotiated: Negotiated): Body {
  switch (negotiated.format) {
    case 'json':
      return jsonBody(result);
    case 'yaml':
      return Buffer.from(environment.codecs.toYaml(objectOf(result)));
    case 'protobuf':
      return new Pieces(encodeProtobufPieces(environment.codecs, result, gvkOf(result)));
    default:
      return negotiated.format satisfies never;
  }
}

function offerOf(result: ObjectResult): Offer {
  return result.type === 'object' && result.tables === false ? 'untabled' : 'object';
}

function respondObject(
  environment: EncodeEnvironment,
  request: EncodableRequest,
  result: ObjectResult,
  sink: ResponseSink,
): void {
  const plain = result.type === 'object' && isStatus(result.object);
  const negotiated = plain ? chooseForStatus(request) : choose(request, offerOf(result));
  const transform = plain ? undefined : negotiated.transform;
  const shown = transform === undefined ? result : encodeTransformed(environment, request, { result, transform });
  let body = encodeBody(environment, shown, negotiated);
  if (negotiated.format === 'json' && pretty(request, negotiated)) body = prettyBody(body);
  const headers = headersFor(request, contentTypeOf[negotiated.format]);
  if (result.type === 'object' && plain) addRetryAfter(result.object as Status, headers);
  sendBody(environment, { request, sink, status: result.status, headers, body });
}

function addRetryAfter(status: Status, headers: string[]): void {
  const seconds = status.details?.retryAfterSeconds;
  if (seconds !== undefined && seconds > 0) headers.push('retry-after', String(seconds));
}

/** An error must be told even to a client that accepts none of our forms; a watch has it as JSON or protobuf. */
function chooseForStatus(request: EncodableRequest): Negotiated {
  const accept = request.headers['accept'];
  return negotiate(accept, 'object') ?? negotiate(accept, 'stream') ?? plainJson;
}

const plainJson: Negotiated = { format: 'json', transform: undefined, pretty: false };

function respondBytes(
  environment: EncodeEnvironment,
  request: EncodableRequest,
  result: Extract<ApiResult, { type: 'bytes' }>,
  sink: ResponseSink,
): void {
  const headers = headersFor(request, result.contentType);
  for (const [name, value] of Object.entries(result.headers ?? {})) setHeader(headers, name.toLowerCase(), value);
  const body = typeof result.bytes === 'string' ? Buffer.from(result.bytes) : result.bytes;
  sendBody(environment, { request, sink, status: result.status, headers, body });
}

/** Answers with a result. Throws what makes it impossible to answer so (406, encoders that fail) before anything is sent. */
export function respond(
  environment: EncodeEnvironment,
  request: EncodableRequest,
  result: ApiResult,
  sink: ResponseSink,
): void {
  switch (result.type) {
    case 'bytes':
      return respondBytes(environment, request, result, sink);
    case 'watch':
      try {
        return serveWatch(environment, { request, result, sink, negotiated: choose(request, 'stream') });
      } catch (error) {
        result.source.close();
        throw error;
      }
    default:
      return respondObject(environment, request, result, sink);
  }
}

/** Answers with an error. Never throws: at the worst the answer is a bare JSON 500. */
export function respondError(
  environment: EncodeEnvironment,
  request: EncodableRequest,
  error: unknown,
  sink: ResponseSink,
): void {
  const status = statusOfError(error);
  const result: ApiResult = { type: 'object', status: status.code ?? 500, object: status, gvk: statusGvk };
  try {
    respondObject(environment, request, result, sink);
  } catch (failed) {
    environment.log.error({ request: request.id, error: String(failed) }, 'an error could not be encoded as asked for');
    refuse(error, sink);
  }
}

/** Answers a request that never became one. */
export function refuse(error: unknown, sink: ResponseSink): void {
  const status = statusOfError(error);
  sink.send(status.code ?? 500, ['content-type', 'application/json'], Buffer.from(JSON.stringify(status)));
}
