/**
 * What a request asks for, read from its method, path and query alone
 * (`apiserver/pkg/endpoints/request/requestinfo.go`, `RequestInfoFactory.NewRequestInfo`).
 */
import { newBadRequest } from '@kubets/apimachinery/status';
import type { RequestInfo } from './types.ts';

const verbOfMethod: ReadonlyMap<string, string> = new Map([
  ['POST', 'create'],
  ['GET', 'get'],
  ['HEAD', 'get'],
  ['PUT', 'update'],
  ['PATCH', 'patch'],
  ['DELETE', 'delete'],
]);

/** The subset of URLSearchParams that is read here; asked for only where the query can matter. */
export interface QueryReader {
  get(name: string): string | null;
}

export interface RequestLine {
  readonly method: string;
  /** Decoded path without the query. */
  readonly path: string;
  /** Read only for GET, HEAD and DELETE of collections. */
  readonly query: QueryReader;
}

/** Thrown for `/api/v1/watch` and the like. A 400: upstream answers 500, but the mistake is the client's. */
export class RequestInfoError extends Error {
  override readonly name = 'RequestInfoError';
  readonly status = newBadRequest(this.message).status;
}

/** As upstream's `splitPath`: slashes at both ends do not count, empty segments inside do. */
function splitPath(path: string): string[] {
  let start = 0;
  let end = path.length;
  while (start < end && path.charCodeAt(start) === 47) start++;
  while (end > start && path.charCodeAt(end - 1) === 47) end--;
  return start === end ? [] : path.slice(start, end).split('/');
}

function nonResource(line: RequestLine, apiPrefix: string, group = ''): RequestInfo {
  return {
    isResourceRequest: false,
    path: line.path,
    verb: line.method.toLowerCase(),
    apiPrefix,
    group,
    version: '',
    namespace: '',
    resource: '',
    subresource: '',
    name: '',
    parts: [],
  };
}

/** True for any value but `false` and `0`; a bare `?watch` counts as true. */
function queryFlag(value: string | null): boolean {
  if (value === null) return false;
  const lower = value.toLowerCase();
  return lower !== 'false' && lower !== '0';
}

/** A path segment that upstream's `path.IsValidPathSegmentName` accepts. */
function isPathSegmentName(name: string): boolean {
  return name !== '.' && name !== '..' && !name.includes('/') && !name.includes('%');
}

/** The name when the selector requires exactly one (`metadata.name=x`), else ''. */
function nameOfFieldSelector(selector: string | null): string {
  if (selector === null || !selector.includes('metadata.name')) return '';
  for (const term of selector.split(',')) {
    const match = /^metadata\.name==?([^=!\\]*)$/.exec(term);
    if (match !== null) return isPathSegmentName(match[1] ?? '') ? (match[1] ?? '') : '';
  }
  return '';
}

function isNamespaceSubresource(segment: string | undefined): boolean {
  return segment === 'status' || segment === 'finalize';
}

interface Position {
  readonly apiPrefix: string;
  readonly group: string;
  readonly version: string;
  /** Index of the first segment behind the version. */
  readonly next: number;
}

function positionOf(segments: readonly string[]): Position | undefined {
  const prefix = segments[0];
  if (segments.length < 3) return undefined;
  if (prefix === 'api') return { apiPrefix: prefix, group: '', version: segments[1] ?? '', next: 2 };
  if (prefix !== 'apis' || segments.length < 4) return undefined;
  return { apiPrefix: prefix, group: segments[1] ?? '', version: segments[2] ?? '', next: 3 };
}

/** Where the resource's own segments begin: behind `namespaces/{ns}` unless the namespace itself is meant. */
function resourceStart(segments: readonly string[], at: number): { namespace: string; start: number } {
  if (segments[at] !== 'namespaces' || at + 1 >= segments.length) return { namespace: '', start: at };
  const namespace = segments[at + 1] ?? '';
  const nested = at + 2 < segments.length && !isNamespaceSubresource(segments[at + 2]);
  return { namespace, start: nested ? at + 2 : at };
}

function collectionVerb(line: RequestLine, verb: string, name: string): { verb: string; name: string } {
  if (name !== '') return { verb, name };
  if (verb === 'get') {
    const watch = queryFlag(line.query.get('watch'));
    return { verb: watch ? 'watch' : 'list', name: nameOfFieldSelector(line.query.get('fieldSelector')) };
  }
  if (verb === 'delete') return { verb: 'deletecollection', name };
  return { verb, name };
}

/** Never fails for paths that are no API paths: those are non-resource requests. */
export function requestInfoOf(line: RequestLine): RequestInfo {
  const segments = splitPath(line.path);
  const position = positionOf(segments);
  if (position === undefined) {
    const prefix = segments.length >= 3 && segments[0] === 'apis' ? 'apis' : '';
    return nonResource(line, prefix);
  }
  let at = position.next;
  let verb = verbOfMethod.get(line.method) ?? '';
  const special = segments[at];
  if (special === 'proxy' || special === 'watch') {
    if (at + 1 >= segments.length) {
      throw new RequestInfoError(`unable to determine kind and namespace from url, ${line.path}`);
    }
    verb = special;
    at++;
  }
  const { namespace, start } = resourceStart(segments, at);
  const parts = segments.slice(start);
  const named = collectionVerb(line, verb, parts[1] ?? '');
  return {
    isResourceRequest: true,
    path: line.path,
    verb: named.verb,
    apiPrefix: position.apiPrefix,
    group: position.group,
    version: position.version,
    namespace,
    resource: parts[0] ?? '',
    subresource: verb === 'proxy' ? '' : (parts[2] ?? ''),
    name: named.name,
    parts,
  };
}

/** A request that has not been looked at yet. */
export const noRequestInfo: RequestInfo = nonResource({ method: '', path: '', query: { get: () => null } }, '');

const longRunningSubresources: ReadonlySet<string> = new Set(['proxy', 'attach', 'exec', 'log', 'portforward']);

/**
 * Requests without a deadline and outside the in-flight limits
 * (`genericfilters.BasicLongRunningRequestCheck` with kube-apiserver's sets).
 */
export function isLongRunning(info: RequestInfo): boolean {
  if (!info.isResourceRequest) return info.path.startsWith('/debug/pprof/');
  return info.verb === 'watch' || info.verb === 'proxy' || longRunningSubresources.has(info.subresource);
}
