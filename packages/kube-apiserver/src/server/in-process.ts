/**
 * The transport of clients in the same process: the same pipeline, no HTTP and no JSON. Objects of
 * answers are those of the caches, shared and immutable.
 */
import type { Clock } from '@kubets/apimachinery/clock';
import { apiVersionOf, type ApiObject } from '@kubets/apimachinery/meta';
import { newInternalError, StatusError } from '@kubets/apimachinery/status';
import {
  TransportError,
  type Transport,
  type TransportRequest,
  type TransportResponse,
  type WatchStream,
  type WatchStreamEvent,
} from '@kubets/client';
import { itemKindOf, listMetaOf } from './encode-list.ts';
import type { Log } from '@kubets/apimachinery/log';
import { noRequestInfo } from './request-info.ts';
import { statusOfError } from './status-of-error.ts';
import type { ApiRequest, ApiResult, Next, Peer, RequestBody, RequestInfo, UserInfo, WatchSource } from './types.ts';
import { bookmarkObject, eventObject } from './watch-events.ts';

export interface InProcessServer {
  readonly pipeline: Next;
  readonly clock: Clock;
  readonly log: Log;
  /** Watches end when it is aborted: the server stops. */
  readonly stopping: AbortSignal;
}

/** Who asks. */
export interface InProcessClient {
  readonly user: UserInfo;
  /** Its first word, up to a slash, names the manager of the fields it writes. */
  readonly userAgent: string;
}

class InProcessRequest implements ApiRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly peer: Peer;
  readonly receivedAt: number;
  id = '';
  info: RequestInfo = noRequestInfo;
  user: UserInfo;
  warnings: string[] = [];
  responseHeaders: Record<string, string> = {};
  readonly #request: TransportRequest;
  readonly #abort = new AbortController();

  constructor(request: TransportRequest, { user, userAgent }: InProcessClient, receivedAt: number) {
    this.#request = request;
    this.method = request.method;
    this.path = request.path;
    this.query = new URLSearchParams(request.query);
    const type = request.body === undefined ? undefined : (request.contentType ?? 'application/json');
    this.headers = {
      'user-agent': userAgent,
      ...request.headers,
      ...(type === undefined ? {} : { 'content-type': type }),
    };
    this.peer = { transport: 'in-process', user };
    this.user = user;
    this.receivedAt = receivedAt;
    request.signal?.addEventListener('abort', this.#clientGone, { once: true });
    if (request.signal?.aborted === true) this.#clientGone();
  }

  readonly #clientGone = (): void => this.cancel(new Error('the client has gone away'));

  body(): RequestBody {
    const { body } = this.#request;
    if (body === undefined) return { type: 'none' };
    return { type: 'object', object: body as ApiObject, contentType: this.headers['content-type'] ?? '' };
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  cancel(reason: Error): void {
    this.#abort.abort(reason);
  }

  /** The answer is complete: the caller's signal is of no interest any more. */
  done(): void {
    this.#request.signal?.removeEventListener('abort', this.#clientGone);
  }
}

function parseBytes(bytes: Uint8Array | string): ApiObject {
  return JSON.parse(typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString()) as ApiObject;
}

function listObject(list: Extract<ApiResult, { type: 'list' }>): ApiObject {
  return {
    kind: `${itemKindOf(list.gvk)}List`,
    apiVersion: apiVersionOf(list.gvk),
    metadata: listMetaOf(list),
    items: list.entries.map((entry) => entry.object),
  };
}

function objectOf(result: Exclude<ApiResult, { type: 'watch' }>): Readonly<ApiObject> {
  switch (result.type) {
    case 'cached':
      return result.entry.object;
    case 'list':
      return listObject(result);
    case 'object':
      return result.object as ApiObject;
    case 'bytes':
      return parseBytes(result.bytes);
    default:
      return result satisfies never;
  }
}

/** A result outside 2xx as the error it stands for. */
function throwFailure(result: Exclude<ApiResult, { type: 'watch' }>): void {
  if (result.status >= 200 && result.status < 300) return;
  if (result.type !== 'object') {
    const text = result.type === 'bytes' ? Buffer.from(result.bytes).toString() : '';
    const status = { ...newInternalError(text.trim()).status, code: result.status };
    throw new StatusError(result.status === 429 ? { ...status, reason: 'TooManyRequests', message: text } : status);
  }
  throw new StatusError(statusOfError({ status: result.object }));
}

/** Iterates over a source; at most one consumer. */
class InProcessWatch implements WatchStream {
  readonly #result: Extract<ApiResult, { type: 'watch' }>;
  readonly #signals: readonly AbortSignal[];
  #closed = false;
  #wake: (() => void) | undefined;

  constructor(result: Extract<ApiResult, { type: 'watch' }>, signals: readonly AbortSignal[]) {
    this.#result = result;
    this.#signals = signals;
    for (const signal of signals) {
      signal.addEventListener('abort', this.#close, { once: true });
      if (signal.aborted) this.#close();
    }
  }

  readonly #close = (): void => {
    if (this.#closed) return;
    this.#closed = true;
    for (const signal of this.#signals) signal.removeEventListener('abort', this.#close);
    this.#result.source.close();
    this.#wake?.();
  };

  #ready(source: WatchSource): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    source.onReady(resolve);
    return promise;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<WatchStreamEvent> {
    const { source, gvk } = this.#result;
    try {
      while (!this.#closed) {
        const events = source.take(batch);
        for (const event of events) {
          if (event.type === 'ERROR') yield { type: 'ERROR', object: event.status as ApiObject };
          else if (event.type === 'BOOKMARK') yield { type: 'BOOKMARK', object: bookmarkObject(event, gvk) };
          else yield { type: event.type, object: eventObject(event) };
          if (this.#closed) return;
        }
        if (events.length === 0 && source.ended) return;
        if (events.length === 0) await this.#ready(source);
      }
    } finally {
      this.#close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#close();
  }
}

const batch = 256;

class InProcessTransport implements Transport {
  readonly #server: InProcessServer;
  readonly #client: InProcessClient;

  constructor(server: InProcessServer, client: InProcessClient) {
    this.#server = server;
    this.#client = client;
  }

  /** The result, or a StatusError for whatever was thrown. */
  async #run(request: InProcessRequest): Promise<ApiResult> {
    const { pipeline, log, stopping } = this.#server;
    if (stopping.aborted) throw new TransportError('the server has stopped');
    try {
      return await pipeline(request);
    } catch (error) {
      const status = statusOfError(error);
      if (status.reason === 'InternalError') {
        const stack = error instanceof Error ? error.stack : String(error);
        log.error({ request: request.id, method: request.method, path: request.path, stack }, 'request failed');
      }
      throw error instanceof StatusError ? error : new StatusError(status, { cause: error });
    }
  }

  async request(asked: TransportRequest): Promise<TransportResponse> {
    const request = new InProcessRequest(asked, this.#client, this.#server.clock.now());
    try {
      const result = await this.#run(request);
      if (result.type === 'watch') {
        result.source.close();
        throw new TransportError('a watch was asked for as a plain request');
      }
      throwFailure(result);
      return { status: result.status, object: objectOf(result), warnings: request.warnings };
    } finally {
      request.done();
    }
  }

  async watch(asked: TransportRequest): Promise<WatchStream> {
    const request = new InProcessRequest(asked, this.#client, this.#server.clock.now());
    const result = await this.#run(request);
    if (result.type === 'watch') return new InProcessWatch(result, [request.signal, this.#server.stopping]);
    throwFailure(result);
    throw new TransportError('the server did not answer with a watch');
  }

  /** Nothing is held open but watches, which belong to their readers. */
  async [Symbol.asyncDispose](): Promise<void> {}
}

/** A client's way to the server without a network. */
export function inProcessTransport(server: InProcessServer, client: InProcessClient): Transport {
  return new InProcessTransport(server, client);
}
