/** One request from the wire, as the pipeline sees it. */
import { newBadRequest } from '@kubets/apimachinery/status';
import { noRequestInfo } from './request-info.ts';
import type { ApiRequest, Peer, RequestBody, RequestInfo, UserInfo } from './types.ts';

const noUser: UserInfo = { name: '', groups: [] };

/** What the two protocol versions do differently. */
export interface Exchange {
  /** Reads the whole body; synchronous when it is here already. Rejects with a StatusError. */
  readBody(): Buffer | Promise<Buffer>;
  /** Whether a body was announced or came. */
  readonly hasBody: boolean;
  /** Calls back when the client goes away before the answer is complete. */
  onGone(callback: () => void): void;
}

export interface RequestHead {
  readonly method: string;
  /** Path and query as sent. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly rawHeaders: readonly string[] | undefined;
  readonly peer: Peer;
  readonly receivedAt: number;
}

const emptyQuery = new URLSearchParams();

function decodePath(raw: string): string {
  if (!raw.includes('%')) return raw;
  try {
    return decodeURIComponent(raw);
  } catch (error) {
    throw newBadRequest('the request path is not valid percent-encoding', error);
  }
}

/** Made per request on the hot path: one shape, nothing computed before it is asked for. */
export class HttpRequest implements ApiRequest {
  readonly method: string;
  readonly path: string;
  readonly rawQuery: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly rawHeaders: readonly string[] | undefined;
  readonly peer: Peer;
  readonly receivedAt: number;
  id = '';
  info: RequestInfo = noRequestInfo;
  user: UserInfo = noUser;
  warnings: string[] = [];
  responseHeaders: Record<string, string> = {};
  readonly #exchange: Exchange;
  #query: URLSearchParams | undefined;
  #abort: AbortController | undefined;
  #aborted: Error | undefined;

  /** Throws 400 for a path that cannot be decoded. */
  constructor(head: RequestHead, exchange: Exchange) {
    const target = head.target;
    const mark = target.indexOf('?');
    this.method = head.method;
    this.path = decodePath(mark < 0 ? target : target.slice(0, mark));
    this.rawQuery = mark < 0 ? '' : target.slice(mark + 1);
    this.headers = head.headers;
    this.rawHeaders = head.rawHeaders;
    this.peer = head.peer;
    this.receivedAt = head.receivedAt;
    this.#exchange = exchange;
  }

  get query(): URLSearchParams {
    if (this.rawQuery === '') return emptyQuery;
    this.#query ??= new URLSearchParams(this.rawQuery);
    return this.#query;
  }

  body(): RequestBody | Promise<RequestBody> {
    if (!this.#exchange.hasBody) return { type: 'none' };
    const bytes = this.#exchange.readBody();
    return bytes instanceof Promise ? bytes.then((b) => this.#wrap(b)) : this.#wrap(bytes);
  }

  #wrap(bytes: Buffer): RequestBody {
    if (bytes.length === 0) return { type: 'none' };
    return { type: 'bytes', bytes, contentType: this.headers['content-type'] ?? '' };
  }

  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (this.#aborted !== undefined) this.#abort.abort(this.#aborted);
      this.#exchange.onGone(() => this.cancel(new Error('the client has gone away')));
    }
    return this.#abort.signal;
  }

  /** Aborts the signal: the client went, the deadline passed, or the server stops. Idempotent. */
  cancel(reason: Error): void {
    this.#aborted ??= reason;
    this.#abort?.abort(reason);
  }
}
