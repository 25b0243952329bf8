/**
 * The HTTP transport: HTTP/2 over TLS with node:http2.
 *
 * One session carries all requests and watches, as client-go's does. A session that has gone silent
 * is found by pings (30 s without traffic, 15 s for the answer: client-go's `http2.ConfigureTransports`
 * with ReadIdleTimeout and PingTimeout) and thrown away; the next request opens a new one.
 */
import {
  connect,
  constants,
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type IncomingHttpHeaders,
} from 'node:http2';
import type { Clock, Timer } from '@kubets/apimachinery/clock';
import type { ApiObject } from '@kubets/apimachinery/meta';
import { failure, StatusError, type Status } from '@kubets/apimachinery/status';
import {
  TransportError,
  type Transport,
  type TransportRequest,
  type TransportResponse,
  type WatchStream,
} from './transport.ts';
import { JsonLines } from './json-lines.ts';
import { HttpWatchStream } from './http-watch-stream.ts';

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
  readonly pingIntervalMs?: number;
  readonly pingTimeoutMs?: number;
}

/** Flow-control window of the session and its streams: lists of tens of megabytes must not wait for it. */
const window = 16 * 1024 * 1024;

interface Session {
  readonly http2: ClientHttp2Session;
  readonly ready: Promise<void>;
  pingTimer: Timer | undefined;
}

export class HttpTransport implements Transport {
  readonly #options: HttpTransportOptions;
  readonly #prefix: string;
  #session: Session | undefined;
  #closed = false;

  constructor(options: HttpTransportOptions) {
    this.#options = options;
    this.#prefix = new URL(options.server).pathname.replace(/\/$/, '');
  }

  async request(request: TransportRequest): Promise<TransportResponse> {
    const { stream, headers } = await this.#open(request);
    const body = await readAll(stream);
    const status = Number(headers[':status']);
    const object = decode(body, status);
    if (status < 200 || status > 299) throw statusError(object, status);
    return { status, object, warnings: warningsOf(headers) };
  }

  async watch(request: TransportRequest): Promise<WatchStream> {
    const { stream, headers } = await this.#open({ ...request, query: { ...request.query, watch: '1' } });
    const status = Number(headers[':status']);
    if (status < 200 || status > 299) throw statusError(decode(await readAll(stream), status), status);
    return new HttpWatchStream(stream, new JsonLines());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    const session = this.#session;
    this.#session = undefined;
    if (session === undefined || session.http2.destroyed) return;
    session.pingTimer?.cancel();
    const { promise, resolve } = Promise.withResolvers<void>();
    session.http2.once('close', resolve);
    session.http2.destroy();
    await promise;
  }

  /** Sends a request and waits for the answer's headers. */
  async #open(request: TransportRequest): Promise<{ stream: ClientHttp2Stream; headers: IncomingHttpHeaders }> {
    request.signal?.throwIfAborted();
    const session = await this.#connected();
    const body = request.body === undefined ? undefined : JSON.stringify(request.body);
    const stream = session.request(this.#headers(request, body !== undefined), { endStream: body === undefined });
    const { promise, resolve, reject } = Promise.withResolvers<IncomingHttpHeaders>();
    const onAbort = (): void => stream.close(constants.NGHTTP2_CANCEL);
    request.signal?.addEventListener('abort', onAbort, { once: true });
    stream.once('response', resolve);
    stream.once('error', (error) =>
      reject(new TransportError(`${request.method} ${request.path}: ${error.message}`, { cause: error })),
    );
    stream.once('close', () => {
      request.signal?.removeEventListener('abort', onAbort);
      reject(
        (request.signal?.reason as Error) ??
          new TransportError(`${request.method} ${request.path}: the connection closed`),
      );
    });
    if (body !== undefined) stream.end(body);
    return { stream, headers: await promise };
  }

  #headers(request: TransportRequest, hasBody: boolean): Record<string, string> {
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

  async #connected(): Promise<ClientHttp2Session> {
    if (this.#closed) throw new TransportError('the transport is closed');
    const current = this.#session;
    const usable = current !== undefined && !current.http2.closed && !current.http2.destroyed;
    const session = usable ? current : this.#connect();
    await session.ready;
    return session.http2;
  }

  #connect(): Session {
    const { server, ca, cert, key, serverName, insecureSkipTlsVerify } = this.#options;
    const http2 = connect(server, {
      ALPNProtocols: ['h2'],
      settings: { initialWindowSize: window, enablePush: false },
      maxSessionMemory: 1024,
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      ...(serverName === undefined ? {} : { servername: serverName }),
      ...(insecureSkipTlsVerify === true ? { rejectUnauthorized: false } : {}),
    });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const session: Session = { http2, ready: promise, pingTimer: undefined };
    http2.once('connect', () => {
      http2.setLocalWindowSize(window);
      this.#schedulePing(session);
      resolve();
    });
    http2.once('error', (error) => reject(new TransportError(`${server}: ${error.message}`, { cause: error })));
    http2.once('goaway', () => this.#forget(session));
    http2.once('close', () => {
      this.#forget(session);
      reject(new TransportError(`${server}: the connection closed`));
    });
    // Whoever asked for the connection sees the failure; this keeps a failure nobody waits for from ending the process.
    promise.catch(() => undefined);
    this.#session = session;
    return session;
  }

  #forget(session: Session): void {
    session.pingTimer?.cancel();
    if (this.#session === session) this.#session = undefined;
  }

  #schedulePing(session: Session): void {
    const { clock, pingIntervalMs = 30_000, pingTimeoutMs = 15_000 } = this.#options;
    session.pingTimer = clock.setTimer(pingIntervalMs, () => {
      if (session.http2.destroyed) return;
      session.pingTimer = clock.setTimer(pingTimeoutMs, () => {
        session.http2.destroy(new TransportError('the server no longer answers pings'));
      });
      session.http2.ping((error) => {
        session.pingTimer?.cancel();
        if (error === null) this.#schedulePing(session);
      });
    });
  }
}

async function readAll(stream: ClientHttp2Stream): Promise<Buffer> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of stream) chunks.push(chunk as Buffer);
  } catch (error) {
    throw new TransportError(`the answer broke off: ${(error as Error).message}`, { cause: error });
  }
  return Buffer.concat(chunks);
}

/** JSON, or a Status made of a text answer (proxies and load balancers send such). */
function decode(body: Buffer, status: number): ApiObject {
  const text = body.toString('utf8');
  try {
    return JSON.parse(text) as ApiObject;
  } catch (error) {
    if (status >= 200 && status <= 299) throw new TransportError('the answer is not JSON', { cause: error });
    return { metadata: {}, message: text.trim() };
  }
}

function statusError(object: Readonly<ApiObject>, code: number): StatusError {
  if (object.kind === 'Status') return new StatusError(object as unknown as Status);
  const message =
    typeof object['message'] === 'string' && object['message'] !== '' ? object['message'] : `HTTP ${code}`;
  return failure('', message, { code });
}

/** The quoted texts of `warning: 299 - "text", 299 - "other"`. */
function warningsOf(headers: IncomingHttpHeaders): string[] {
  const value = headers['warning'];
  if (value === undefined) return [];
  const quoted = (Array.isArray(value) ? value.join(', ') : value).matchAll(/299 \S+ "((?:[^"\\]|\\.)*)"/g);
  return [...quoted].map((match) => (match[1] ?? '').replaceAll(/\\(.)/g, '$1'));
}
