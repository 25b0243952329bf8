/**
 * Requests and results inside the API server, independent of the transport.
 *
 * An HTTP listener and the in-process transport both make an {@link ApiRequest}, send it through the
 * same pipeline, and turn the {@link ApiResult} into bytes (the encode step) or hand it over as it is.
 */
import type { ApiObject, GroupVersionKind } from '@kubets/apimachinery/meta';
import type { CachedObject } from '../storage/cache.ts';

export interface UserInfo {
  readonly name: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

export type Verb =
  | 'get'
  | 'list'
  | 'watch'
  | 'create'
  | 'update'
  | 'patch'
  | 'delete'
  | 'deletecollection'
  /** Non-resource requests use the lower-case HTTP method. */
  | 'post'
  | 'put'
  | 'head'
  | 'options'
  | (string & {});

/** As upstream's `apiserver/pkg/endpoints/request/requestinfo.go`. */
export interface RequestInfo {
  readonly isResourceRequest: boolean;
  readonly path: string;
  readonly verb: Verb;
  readonly apiPrefix: string;
  readonly group: string;
  readonly version: string;
  readonly namespace: string;
  readonly resource: string;
  readonly subresource: string;
  readonly name: string;
  /** Path segments behind `/namespaces/{ns}/`, for proxies. */
  readonly parts: readonly string[];
}

/** How the caller reached us, before authentication. */
export type Peer =
  | {
      readonly transport: 'tls';
      readonly remoteAddress: string;
      readonly certificate: PeerCertificate | undefined;
      /** A certificate was shown, but it does not verify: why. Then `certificate` is undefined, and the answer 401 unless other credentials are good. */
      readonly certificateError?: string | undefined;
      readonly socket: object;
    }
  | { readonly transport: 'in-process'; readonly user: UserInfo };

/** A client certificate whose chain the TLS layer has verified against the client CA or front-proxy CA. */
export interface PeerCertificate {
  readonly commonName: string;
  readonly organizations: readonly string[];
  /** Which configured CA it chains to. */
  readonly issuer: 'client-ca' | 'front-proxy-ca';
  readonly notAfter: number;
  /** SHA-256 of the certificate in lower-case hexadecimal. */
  readonly fingerprint?: string;
}

/** The request's body: bytes from the wire, or an object handed over in process (owned by the server from then on). */
export type RequestBody =
  | { readonly type: 'none' }
  | { readonly type: 'bytes'; readonly bytes: Buffer; readonly contentType: string }
  | { readonly type: 'object'; readonly object: ApiObject; readonly contentType: string };

export interface ApiRequest {
  readonly method: string;
  /** Decoded path without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Lower-case names; several values of one name joined with ', '. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Names and values in turn, as they came; absent for requests that came over no wire. */
  readonly rawHeaders?: readonly string[] | undefined;
  readonly peer: Peer;
  /** Reads the whole body once; rejects 413 above the limit, 408/400 for slow or broken ones. */
  body(): RequestBody | Promise<RequestBody>;
  /** Aborted when the client goes away, the deadline passes, or the server stops. Made on first use. */
  readonly signal: AbortSignal;
  /** Milliseconds since the epoch, when the request came in. */
  readonly receivedAt: number;

  /** Set by the filters of the pipeline, in its order. */
  id: string;
  info: RequestInfo;
  user: UserInfo;
  /** Texts for `Warning: 299` headers; see {@link addWarning}. */
  warnings: string[];
  /** Headers to add to the answer whatever it is. */
  responseHeaders: Record<string, string>;
}

/** Adds a warning once, as upstream's `warning.AddWarning` does. */
export function addWarning(request: Pick<ApiRequest, 'warnings'>, text: string): void {
  if (!request.warnings.includes(text)) request.warnings.push(text);
}

export type ApiResult =
  /** One stored object, bytes at hand. */
  | { readonly type: 'cached'; readonly status: number; readonly entry: CachedObject; readonly gvk: GroupVersionKind }
  /** An object made for this answer (Status, reviews, converted or dry-run objects). */
  | {
      readonly type: 'object';
      readonly status: number;
      readonly object: object;
      readonly gvk?: GroupVersionKind;
      /** `false`: no Table can be made of it (reviews): who accepts nothing else gets 406. */
      readonly tables?: boolean;
    }
  | {
      readonly type: 'list';
      readonly status: number;
      readonly gvk: GroupVersionKind;
      readonly entries: readonly CachedObject[];
      readonly resourceVersion: string;
      readonly continue: string;
      readonly remainingItemCount: number | undefined;
    }
  | { readonly type: 'watch'; readonly gvk: GroupVersionKind; readonly source: WatchSource }
  /** Ready bytes: health, metrics, OpenAPI, discovery. */
  | {
      readonly type: 'bytes';
      readonly status: number;
      readonly contentType: string;
      readonly bytes: Uint8Array | string;
      readonly headers?: Readonly<Record<string, string>>;
    };

export type WatchResultEvent =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly entry: CachedObject; readonly eventRevision: number }
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: number; readonly initialEventsEnd: boolean }
  | { readonly type: 'ERROR'; readonly status: object };

/** A running watch, filtered for one request. The consumer pulls: what is pending is bounded by the cache, not by the reader. */
export interface WatchSource {
  /**
   * Takes all pending events (perhaps none). When it returns none, `onReady` is called once as soon as
   * there are some. After an ERROR event, or when `ended` is true, nothing follows.
   */
  take(max: number): readonly WatchResultEvent[];
  onReady(callback: () => void): void;
  readonly ended: boolean;
  close(): void;
}

export type Next = (request: ApiRequest) => ApiResult | Promise<ApiResult>;
/** One step of the pipeline. Keep it synchronous where nothing has to be awaited: the hot path counts microseconds. */
export type Filter = (request: ApiRequest, next: Next) => ApiResult | Promise<ApiResult>;
