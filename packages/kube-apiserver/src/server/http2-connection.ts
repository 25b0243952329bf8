/** HTTP/2 over a TLS socket, by node:http2's core stream API (the compatibility layer costs too much). */
import {
  constants,
  performServerHandshake,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  type ServerOptions,
} from 'node:http2';
import type { Socket } from 'node:net';
import type { Timer } from '@kubets/apimachinery/clock';
import { newBadRequest, newRequestEntityTooLarge, newTimeout } from '@kubets/apimachinery/status';
import { ConnectionGuard } from './connection-guard.ts';
import type { ConnectionOptions } from './connection-options.ts';
import { keepAlive } from './http2-keepalive.ts';
import { HttpRequest, type Exchange } from './http-request.ts';
import { headerFieldsTooLarge, targetTooLong } from './refusals.ts';
import type { HeaderList, ResponseSink } from './response-sink.ts';

const noBytes = Buffer.alloc(0);

interface Settle {
  readonly resolve: (body: Buffer) => void;
  readonly reject: (error: Error) => void;
}

/** Collects the body of one request. */
class IncomingBody {
  readonly #stream: ServerHttp2Stream;
  readonly #maxBytes: number;
  readonly #settle: Settle;
  readonly #timer: Timer;
  /** Most bodies come in one piece. */
  #first: Buffer | undefined;
  #rest: Buffer[] | undefined;
  #size = 0;
  #ended = false;

  constructor(stream: ServerHttp2Stream, options: ConnectionOptions, settle: Settle) {
    const { maxBodyBytes, bodyTimeoutMs } = options.limits;
    this.#stream = stream;
    this.#maxBytes = maxBodyBytes;
    this.#settle = settle;
    this.#timer = options.clock.setTimer(bodyTimeoutMs, () => settle.reject(newTimeout('request body', 0)));
  }

  start(): void {
    this.#stream.on('data', this.#onData);
    this.#stream.once('end', this.#onEnd);
    this.#stream.once('close', this.#onClose);
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#size += chunk.length;
    if (this.#size > this.#maxBytes) this.#settle.reject(newRequestEntityTooLarge(`limit is ${this.#maxBytes}`));
    else if (this.#first === undefined) this.#first = chunk;
    else (this.#rest ??= []).push(chunk);
  };

  readonly #onEnd = (): void => {
    this.#ended = true;
    this.#timer.cancel();
    const first = this.#first ?? noBytes;
    // What came too late or was too much has been refused; the rest of it was dropped as it came.
    this.#settle.resolve(this.#rest === undefined ? first : Buffer.concat([first, ...this.#rest]));
  };

  readonly #onClose = (): void => {
    // Every stream closes some day: an error, costly with its stack, is made only for those that broke off.
    if (this.#ended) return;
    this.#timer.cancel();
    this.#settle.reject(newBadRequest('the request body ended early'));
  };
}

class Http2Exchange implements Exchange, ResponseSink {
  readonly #stream: ServerHttp2Stream;
  readonly #options: ConnectionOptions;
  readonly #isHead: boolean;
  readonly hasBody: boolean;

  constructor(stream: ServerHttp2Stream, isHead: boolean, options: ConnectionOptions) {
    this.#stream = stream;
    this.#isHead = isHead;
    this.#options = options;
    this.hasBody = !stream.endAfterHeaders;
    // `close` follows, and is what we act on.
    stream.on('error', ignore);
  }

  readBody(): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const body = new IncomingBody(this.#stream, this.#options, { resolve, reject });
      body.start();
    });
  }

  onGone(callback: () => void): void {
    this.#stream.once('aborted', callback);
  }

  send(status: number, headers: HeaderList, body: Uint8Array): void {
    if (this.closed) return;
    if (status !== 304 && status !== 204) headers.push('content-length', String(body.length));
    this.#respond(status, headers);
    // Node ends answers without a body by itself.
    if (!this.#isHead && status !== 304 && status !== 204) this.#stream.end(body);
    this.#dropUnreadBody();
  }

  /** Tells a client that is still sending to stop, now that it has its answer. */
  #dropUnreadBody(): void {
    if (this.hasBody && !this.#stream.readableEnded) this.#stream.once('finish', () => this.#refuseRest());
  }

  #refuseRest(): void {
    if (!this.#stream.readableEnded) this.#stream.close(constants.NGHTTP2_NO_ERROR);
  }

  #respond(status: number, headers: HeaderList): void {
    headers.unshift(':status', String(status));
    try {
      this.#stream.respond(headers as unknown as Record<string, string>);
    } catch (error) {
      this.#options.log.error({ error: String(error) }, 'the head of an answer could not be sent');
      this.abort();
    }
  }

  start(status: number, headers: HeaderList): void {
    if (!this.closed) this.#respond(status, headers);
  }

  write(chunk: Uint8Array): boolean {
    return this.closed || this.#isHead ? true : this.#stream.write(chunk);
  }

  onDrain(callback: () => void): void {
    this.#stream.once('drain', callback);
  }

  end(): void {
    if (!this.#isHead && !this.closed) this.#stream.end(noBytes);
  }

  abort(): void {
    this.#stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  }

  get closed(): boolean {
    return this.#stream.closed || this.#stream.destroyed;
  }

  onClose(callback: () => void): void {
    if (this.#stream.closed) callback();
    else this.#stream.once('close', callback);
  }
}

function ignore(): void {}

/** As HPACK counts: 32 bytes for each field on top of its text. */
function headerBytes(headers: IncomingHttpHeaders): number {
  let size = 0;
  for (const name in headers) size += name.length + (headers[name] as string).length + 32;
  return size;
}

function sessionOptions(options: ConnectionOptions): ServerOptions {
  const { limits } = options;
  return {
    // In MB. Large lists wait here for the client; the default of 10 makes Node refuse streams at once.
    maxSessionMemory: 1000,
    settings: {
      // Node refuses (ENHANCE_YOUR_CALM) by this number too, and counts a stream the client has reset until the
      // next turn of the event loop: at the limit, a reset and a new stream read together are one too many.
      maxConcurrentStreams: limits.maxConcurrentStreams,
      initialWindowSize: streamWindow,
      // Twice of what we take: what lies between gets a 431 that says why.
      maxHeaderListSize: limits.maxHeaderBytes * 2,
      enablePush: false,
    },
  };
}

const streamWindow = 1 << 20;
/** All uploads of one connection together: bounds what clients can make us hold before anybody reads it. */
const sessionWindow = 16 << 20;

export interface Http2Connection {
  /** GOAWAY; open streams go on. */
  close(): void;
}

class Http2Server implements Http2Connection {
  readonly #socket: Socket;
  readonly #options: ConnectionOptions;
  readonly #session: ServerHttp2Session;
  readonly #guard: ConnectionGuard;

  constructor(socket: Socket, options: ConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    const session = performServerHandshake(socket, sessionOptions(options));
    this.#session = session;
    this.#guard = new ConnectionGuard(options, () => session.close());
    const pings = keepAlive(session, options.clock, options.limits);
    session.on('error', (error: Error) => options.log.debug({ error: error.message }, 'HTTP/2 session ended'));
    session.on('stream', this.#onStream);
    session.once('connect', () => session.setLocalWindowSize(sessionWindow));
    session.once('close', () => {
      this.#guard[Symbol.dispose]();
      pings[Symbol.dispose]();
    });
  }

  close(): void {
    this.#session.close();
  }

  readonly #finished = (): void => this.#guard.finished();

  readonly #onStream = (
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    _flags: number,
    rawHeaders: readonly string[],
  ): void => {
    const options = this.#options;
    const exchange = new Http2Exchange(stream, headers[':method'] === 'HEAD', options);
    this.#guard.started();
    stream.once('close', this.#finished);
    try {
      options.handler.handle(this.#requestOf(headers, rawHeaders, exchange), exchange);
    } catch (error) {
      options.handler.refuse(error, exchange);
    }
  };

  #requestOf(headers: IncomingHttpHeaders, rawHeaders: readonly string[], exchange: Exchange): HttpRequest {
    const { limits, clock, peerOf } = this.#options;
    const target = headers[':path'] ?? '/';
    if (target.length > limits.maxTargetBytes) throw targetTooLong();
    if (headerBytes(headers) > limits.maxHeaderBytes) throw headerFieldsTooLarge();
    return new HttpRequest(
      {
        method: headers[':method'] ?? '',
        target,
        headers: headers as Readonly<Record<string, string | undefined>>,
        rawHeaders,
        peer: peerOf(this.#socket),
        receivedAt: clock.now(),
      },
      exchange,
    );
  }
}

/** Speaks HTTP/2 on a socket whose ALPN chose it. */
export function serveHttp2(socket: Socket, options: ConnectionOptions): Http2Connection {
  return new Http2Server(socket, options);
}
