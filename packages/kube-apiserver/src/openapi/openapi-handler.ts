/**
 * `/openapi/v2`, `/openapi/v3` and `/openapi/v3/…` (kube-openapi `pkg/handler/handler.go`, `pkg/handler3/handler.go`).
 */
import { failure, type StatusError } from '@kubets/apimachinery/status';
import type { ApiRequest, ApiResult } from '../server/types.ts';
import { matchesEtag } from '../discovery/etag.ts';
import type { Document, OpenApiService } from './openapi-service.ts';

type OpenApiRequest = Pick<ApiRequest, 'path' | 'query' | 'headers' | 'receivedAt'>;

const json = 'application/json';
const protobufV2 = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';
/** What kubectl asks for. It is no valid media type, so the answer never says it. */
const oldProtobufV2 = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';

const yearMs = 365 * 24 * 3600 * 1000;

/** Answers the OpenAPI paths; `undefined` for all others and for documents that do not exist. */
export function openApiHandler(service: OpenApiService): (request: OpenApiRequest) => ApiResult | undefined {
  return (request) => {
    const path = request.path.replace(/\/$/, '');
    if (path === '/openapi/v2') return serveV2(service, request);
    if (path === '/openapi/v3') return serve(request, service.index(), acceptedV3(request));
    if (!path.startsWith('/openapi/v3/')) return undefined;
    return serveV3(service, request, path.slice('/openapi/v3/'.length));
  };
}

function serveV2(service: OpenApiService, request: OpenApiRequest): ApiResult {
  const accepted = firstAccepted(request.headers['accept'], [json, oldProtobufV2, protobufV2]);
  if (accepted === undefined) throw notAcceptable([json, protobufV2]);
  return accepted === json
    ? serve(request, service.v2('json'), json)
    : serve(request, service.v2('protobuf'), protobufV2);
}

function serveV3(service: OpenApiService, request: OpenApiRequest, key: string): ApiResult | undefined {
  const contentType = acceptedV3(request);
  const document = service.document(key);
  if (document === undefined) return undefined;
  const hash = request.query.get('hash') ?? '';
  if (hash === '') return serve(request, document, contentType);
  if (hash !== document.hash) return redirect(service.urlOf(key, document.hash));
  // Content behind a hash never changes.
  const expires = new Date(request.receivedAt + yearMs).toUTCString();
  return serve(request, document, contentType, { 'cache-control': 'public, immutable', expires });
}

function redirect(location: string): ApiResult {
  const bytes = `<a href="${location}">Moved Permanently</a>.\n\n`;
  return { type: 'bytes', status: 301, contentType: 'text/html; charset=utf-8', bytes, headers: { location } };
}

function serve(
  request: OpenApiRequest,
  document: Document,
  contentType: string,
  more: Readonly<Record<string, string>> = {},
): ApiResult {
  const etag = `"${document.hash}"`;
  const headers = { etag, vary: 'Accept', ...more };
  if (matchesEtag(request.headers['if-none-match'], etag)) {
    return { type: 'bytes', status: 304, contentType, bytes: '', headers };
  }
  return { type: 'bytes', status: 200, contentType, bytes: document.bytes, headers };
}

function acceptedV3(request: OpenApiRequest): string {
  const accepted = firstAccepted(request.headers['accept'], [json]);
  if (accepted === undefined) throw notAcceptable([json]);
  return accepted;
}

/** The client's order decides (goautoneg); nothing accepted means anything goes. */
function firstAccepted(accept: string | undefined, offered: readonly string[]): string | undefined {
  if (accept === undefined || accept.trim() === '') return offered[0];
  for (const clause of rangesOf(accept)) {
    const found = offered.find(
      (type) =>
        clause === type ||
        clause === '*/*' ||
        clause === '*' ||
        (clause.endsWith('/*') && type.startsWith(clause.slice(0, -1))),
    );
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Media ranges by falling `q`, otherwise in the order of the header. */
function rangesOf(accept: string): string[] {
  const clauses = accept.split(',').map((clause) => {
    const [range = '', ...parameters] = clause.split(';').map((part) => part.trim());
    const q = parameters.find((p) => p.startsWith('q='));
    return { range, q: q === undefined ? 1 : Number.parseFloat(q.slice(2)) || 0 };
  });
  return clauses
    .filter((c) => c.q > 0)
    .toSorted((a, b) => b.q - a.q)
    .map((c) => c.range);
}

function notAcceptable(offered: readonly string[]): StatusError {
  return failure('NotAcceptable', `only the following media types are accepted: ${offered.join(', ')}`);
}
