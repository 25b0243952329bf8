/**
 * The HTTP transport: HTTP/2 over TLS with node:http2.
 *
 * One connection carries all requests and watches, as client-go's does. When it is lost, has gone
 * silent (see `http-session.ts`) or drains after a GOAWAY, the next request opens a new one. Requests
 * the server says it has not processed (REFUSED_STREAM, as after a GOAWAY) are sent again; nothing
 * else is retried here: that is `managed-transport.ts`.
 *
 * Answers are not compressed: neither side would gain on a local network.
 */
import {
  constants,
  type ClientHttp2Stream,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type SecureClientSessionOptions,
} from 'node:http2';
import type { Clock } from '@kubets/apimachinery/clock';
import { HttpSession } from './http-session.ts';
import { checkComplete, HttpWatchStream } from './http-watch-stream.ts';
import { decodeAnswer, statusErrorOf, warningsOf } from './http-answer.ts';
import { JsonLines } from './json-lines.ts';
import {
  TransportError,
  type Transport,
  type TransportRequest,
  type TransportResponse,
  type WatchStream,
} from './transport.ts';

export interface HttpTransportOptions {
  /** `https://host:port`, perhaps with a path prefix. */
  readonly server: string;
  /** PEM. Absent: the system's authorities. */
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly insecureSkipTlsVerify?: boolean | undefined;
  readonly serverName?: string | undefined;
  /** A bearer token, asked for at each request as it may rotate. */
  readonly token?: (() => string | undefined) | undefined;
  readonly userAgent?: string;
  readonly clock: Clock;
  /** TCP and TLS together. Default 30 s. */
  readonly connectTimeoutMs?: number;
  /** Silence before a ping. Default 30 s. */
  readonly pingIntervalMs?: number;
  /** Silence after it before the connection is given up. Default 15 s. */
  readonly pingTimeoutMs?: number;
}

/** How often a request that the server has not processed is sent again. */
const maxRefusals = 6;

interface Answer {
  readonly stream: ClientHttp2Stream;
  readonly headers: IncomingHttpHeaders;
  readonly status: number;
}

export class HttpTransport implements Transport {
  readonly #options: HttpTransportOptions;
  readonly #prefix: string;
  readonly #tls: SecureClientSessionOptions;
  /** All that are open: those that drain too. */
  readonly #sessions = new Set<HttpSession>();
  #session: HttpSession | undefined;
  #closed = false;

  /** Connects at the first request. Throws a TypeError for a server that is no URL. */
  constructor(options: HttpTransportOptions) {
    this.#options = options;
    this.#prefix = new URL(options.server).pathname.replace(/\/$/, '');
    const { ca, cert, key, serverName, insecureSkipTlsVerify } = options;
    this.#tls = {
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      ...(serverName === undefined ? {} : { servername: serverName }),
      ...(insecureSkipTlsVerify === true ? { rejectUnauthorized: false } : {}),
    };
  }

  async request(request: TransportRequest): Promise<TransportResponse> {
    const answer = await this.#ask(request);
    const object = decodeAnswer(await readAll(answer.stream, request), answer.status);
    if (answer.status > 299) throw statusErrorOf(object, answer.status, answer.headers);
    return { status: answer.status, object, warnings: warningsOf(answer.headers) };
  }

  async watch(request: TransportRequest): Promise<WatchStream> {
    const answer = await this.#ask({ ...request, query: { ...request.query, watch: '1' } });
    const { stream, status, headers } = answer;
    if (status > 299) throw statusErrorOf(decodeAnswer(await readAll(stream, request), status), status, headers);
    return new HttpWatchStream(stream, {
      lines: new JsonLines(),
      warnings: warningsOf(headers),
      signal: request.signal,
    });
  }

  /** Closes the connections: requests and watches under way fail. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#session = undefined;
    await Promise.all([...this.#sessions].map((session) => session.destroy()));
  }

  async #ask(request: TransportRequest): Promise<Answer> {
    for (let refusals = 1; ; refusals++) {
      request.signal?.throwIfAborted();
      const session = this.#connected();
      await orAborted(session.ready, request.signal);
      // It may have begun to drain in between; then nothing was sent.
      if (!session.usable) {
        if (refusals < maxRefusals) continue;
        throw new TransportError(`${request.method} ${request.path}: the server closes every connection`);
      }
      const stream = this.#send(session, request);
      try {
        return await answerOf(stream, request);
      } catch (error) {
        if (stream.rstCode !== constants.NGHTTP2_REFUSED_STREAM || refusals >= maxRefusals) throw error;
      }
    }
  }

  #send(session: HttpSession, request: TransportRequest): ClientHttp2Stream {
    const body = request.body === undefined ? undefined : JSON.stringify(request.body);
    const stream = session.http2.request(this.#headers(request, body !== undefined), { endStream: body === undefined });
    if (body !== undefined) stream.end(body);
    return stream;
  }

  #headers(request: TransportRequest, hasBody: boolean): OutgoingHttpHeaders {
    const query = request.query === undefined ? '' : `?${new URLSearchParams(request.query).toString()}`;
    const token = this.#options.token?.();
    return {
      accept: 'application/json',
      'user-agent': this.#options.userAgent ?? 'kubets-client',
      ...(hasBody ? { 'content-type': request.contentType ?? 'application/json' } : {}),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...request.headers,
      ':method': request.method,
      ':path': `${this.#prefix}${request.path}${query}`,
    };
  }

  #connected(): HttpSession {
    if (this.#closed) throw new TransportError('the transport is closed');
    if (this.#session?.usable === true) return this.#session;
    const { server, clock, connectTimeoutMs = 30_000, pingIntervalMs = 30_000, pingTimeoutMs = 15_000 } = this.#options;
    const session = new HttpSession({
      server,
      tls: this.#tls,
      clock,
      connectTimeoutMs,
      pingIntervalMs,
      pingTimeoutMs,
      onClose: (closed) => void this.#sessions.delete(closed),
    });
    this.#sessions.add(session);
    this.#session = session;
    return session;
  }
}

/** The promise, or the signal's reason when it is aborted first. */
async function orAborted(promise: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return await promise;
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => aborted.reject(signal.reason as Error);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** Waits for the answer's headers. An abort ends the stream, also later, while the body comes. */
async function answerOf(stream: ClientHttp2Stream, request: TransportRequest): Promise<Answer> {
  const { method, path, signal } = request;
  const { promise, resolve, reject } = Promise.withResolvers<IncomingHttpHeaders>();
  const onAbort = (): void => {
    reject(signal?.reason as Error);
    stream.close(constants.NGHTTP2_CANCEL);
  };
  signal?.addEventListener('abort', onAbort, { once: true });
  stream.once('response', resolve);
  stream.on('error', (error) =>
    reject(new TransportError(`${method} ${path}: ${error.message}`, { cause: error, lost: true })),
  );
  stream.once('close', () => {
    signal?.removeEventListener('abort', onAbort);
    reject(new TransportError(`${method} ${path}: the connection closed before an answer came`, { lost: true }));
  });
  const headers = await promise;
  return { stream, headers, status: Number(headers[':status']) };
}

async function readAll(stream: ClientHttp2Stream, request: TransportRequest): Promise<Buffer> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    checkComplete(stream);
  } catch (error) {
    request.signal?.throwIfAborted();
    const message = `${request.method} ${request.path}: the answer broke off: ${(error as Error).message}`;
    throw new TransportError(message, { cause: error, lost: true });
  }
  return Buffer.concat(chunks);
}
