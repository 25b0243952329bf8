/**
 * The transport port: how a client's requests reach an API server.
 *
 * Two implementations pass one contract suite: HTTP/2 over TLS (`http-transport.ts`), and in process
 * (package `kube-apiserver`, `server/in-process.ts`), where objects are handed over as they are.
 */
import type { ApiObject } from '@kubets/apimachinery/meta';

export interface TransportRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Absolute path without the query, e.g. `/api/v1/namespaces/default/pods`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** Lower-case names. */
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * What to send. The caller gives the object away: an in-process server may go on using it.
   * A patch may be any JSON value (JSON patches are lists).
   */
  readonly body?: object;
  /** Default `application/json`; patches name theirs. */
  readonly contentType?: string;
  readonly signal?: AbortSignal;
}

export interface TransportResponse {
  readonly status: number;
  /** Decoded JSON; shared and immutable when it comes from a server in the same process. */
  readonly object: Readonly<ApiObject>;
  /** Texts of `Warning: 299` headers. */
  readonly warnings: readonly string[];
}

export interface WatchStreamEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR' | (string & {});
  readonly object: Readonly<ApiObject>;
}

/** A running watch. Iterates until the server ends it, throws when the connection breaks; leaving the loop closes it. */
export interface WatchStream extends AsyncIterable<WatchStreamEvent>, AsyncDisposable {
  /** Texts of `Warning: 299` headers, from transports that know them. */
  readonly warnings?: readonly string[];
}

export interface Transport extends AsyncDisposable {
  /**
   * One request, one answer. Rejects with a StatusError for every status outside 2xx, and with a
   * {@link TransportError} when no answer came.
   */
  request(request: TransportRequest): Promise<TransportResponse>;
  /** Opens a watch; resolves when the server has accepted it. Rejects as {@link request} does. */
  watch(request: TransportRequest): Promise<WatchStream>;
}

export interface TransportErrorOptions extends ErrorOptions {
  /** See {@link TransportError.lost}. */
  readonly lost?: boolean;
}

/** The connection failed before or while the answer came: the request may or may not have been carried out. */
export class TransportError extends Error {
  /** A connection that had worked was lost: what only reads may be asked again at once. */
  readonly lost: boolean;

  constructor(message: string, options?: TransportErrorOptions) {
    super(message, options);
    this.name = 'TransportError';
    this.lost = options?.lost ?? false;
  }
}
