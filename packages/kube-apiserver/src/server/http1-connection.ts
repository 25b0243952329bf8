/** HTTP/1.1 over a TLS socket, by node:http's parser. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { failure, newBadRequest, newRequestEntityTooLarge, newTimeout } from '@kubets/apimachinery/status';
import { ConnectionGuard } from './connection-guard.ts';
import type { ConnectionOptions } from './connection-options.ts';
import { HttpRequest, type Exchange } from './http-request.ts';
import { targetTooLong } from './refusals.ts';
import type { HeaderList, ResponseSink } from './response-sink.ts';

// Importing the module as ECMAScript reads all its exports, and with them loads Node's fetch: 5 MB and 20 ms.
const { createServer } = process.getBuiltinModule('node:http');

class Http1Exchange implements Exchange, ResponseSink {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #server: Http1Server;

  constructor(request: IncomingMessage, response: ServerResponse, server: Http1Server) {
    this.#request = request;
    this.#response = response;
    this.#server = server;
    // `close` follows, and is what we act on.
    response.on('error', () => {});
  }

  get hasBody(): boolean {
    const headers = this.#request.headers;
    return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
  }

  readBody(): Promise<Buffer> {
    const { limits, clock } = this.#server.options;
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    const request = this.#request;
    const chunks: Buffer[] = [];
    let size = 0;
    const timer = clock.setTimer(limits.bodyTimeoutMs, () => reject(newTimeout('request body', 0)));
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= limits.maxBodyBytes) {
        chunks.push(chunk);
        return;
      }
      reject(newRequestEntityTooLarge(`limit is ${limits.maxBodyBytes}`));
      request.pause();
    });
    let ended = false;
    request.once('end', () => {
      ended = true;
      resolve(Buffer.concat(chunks));
    });
    request.once('error', (error) => reject(newBadRequest(error.message, error)));
    request.once('close', () => {
      timer.cancel();
      // Every request closes some day: an error, costly with its stack, is made only for those that broke off.
      if (!ended) reject(newBadRequest('the request body ended early'));
    });
    return promise;
  }

  onGone(callback: () => void): void {
    this.#response.once('close', () => {
      if (!this.#response.writableFinished) callback();
    });
  }

  #head(status: number, headers: HeaderList): void {
    // An unread body would be taken for the next request.
    if (!this.#request.complete || this.#server.stopping) headers.push('connection', 'close');
    try {
      this.#response.writeHead(status, headers);
    } catch (error) {
      this.#server.options.log.error({ error: String(error) }, 'the head of an answer could not be sent');
      this.abort();
    }
  }

  send(status: number, headers: HeaderList, body: Uint8Array): void {
    if (this.closed) return;
    if (status !== 304 && status !== 204) headers.push('content-length', String(body.length));
    this.#head(status, headers);
    this.#response.end(this.#request.method === 'HEAD' ? undefined : body);
  }

  start(status: number, headers: HeaderList): void {
    if (this.closed) return;
    this.#head(status, headers);
    this.#response.flushHeaders();
  }

  write(chunk: Uint8Array): boolean {
    if (this.closed || this.#request.method === 'HEAD') return true;
    return this.#response.write(chunk);
  }

  onDrain(callback: () => void): void {
    this.#response.once('drain', callback);
  }

  end(): void {
    if (!this.closed) this.#response.end();
  }

  abort(): void {
    this.#response.destroy();
  }

  get closed(): boolean {
    return this.#response.destroyed || this.#response.writableEnded;
  }

  onClose(callback: () => void): void {
    if (this.#response.closed) callback();
    else this.#response.once('close', callback);
  }
}

const codeOfParserError: Readonly<Record<string, readonly [code: number, text: string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'Request Header Fields Too Large'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'Request Timeout'],
};

/** Answers what is no HTTP at all, as far as the socket still takes an answer. */
function answerParserError(error: Error & { code?: string }, socket: Socket): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const [code, text] = codeOfParserError[error.code ?? ''] ?? [400, 'Bad Request'];
  const body = JSON.stringify(failure('BadRequest', text, { code }).status);
  const head = `HTTP/1.1 ${code} ${text}\r\ncontent-type: application/json\r\nconnection: close\r\n`;
  socket.end(`${head}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`, () => socket.destroy());
}

export class Http1Server {
  readonly options: ConnectionOptions;
  /** Never listens: sockets are handed to it. */
  readonly #server: Server;
  readonly #guards = new WeakMap<Socket, ConnectionGuard>();
  stopping = false;

  constructor(options: ConnectionOptions) {
    this.options = options;
    // The connection guard keeps the time, on the clock of the server; Node's own timeouts are off.
    this.#server = createServer({
      maxHeaderSize: options.limits.maxHeaderBytes,
      keepAliveTimeout: 0,
      headersTimeout: 0,
      requestTimeout: 0,
    });
    this.#server.on('request', this.#onRequest);
    this.#server.on('clientError', answerParserError);
    this.#server.on('connect', (_request, socket) => answerParserError(new Error('CONNECT'), socket as Socket));
  }

  serve(socket: Socket): void {
    const guard = new ConnectionGuard(this.options, () => socket.destroy());
    this.#guards.set(socket, guard);
    socket.once('close', () => guard[Symbol.dispose]());
    this.#server.emit('connection', socket);
  }

  /** From now on answers close their connection; idle ones are closed at once. */
  stop(sockets: Iterable<Socket>): void {
    this.stopping = true;
    for (const socket of sockets) if (this.#guards.get(socket)?.openRequests === 0) socket.destroy();
  }

  readonly #onRequest = (incoming: IncomingMessage, response: ServerResponse): void => {
    const { handler } = this.options;
    const exchange = new Http1Exchange(incoming, response, this);
    const guard = this.#guards.get(incoming.socket);
    guard?.started();
    response.once('close', () => guard?.finished());
    try {
      handler.handle(this.#requestOf(incoming, exchange), exchange);
    } catch (error) {
      handler.refuse(error, exchange);
    }
  };

  #requestOf(incoming: IncomingMessage, exchange: Exchange): HttpRequest {
    const { limits, clock, peerOf } = this.options;
    const target = incoming.url ?? '/';
    if (target.length > limits.maxTargetBytes) throw targetTooLong();
    // Node's parser also takes a bare request line, as of HTTP/0.9; Go's does not.
    if (incoming.httpVersionMajor < 1) throw newBadRequest('malformed HTTP request: no version');
    return new HttpRequest(
      {
        method: incoming.method ?? '',
        target,
        headers: incoming.headers as Readonly<Record<string, string | undefined>>,
        rawHeaders: incoming.rawHeaders,
        peer: peerOf(incoming.socket),
        receivedAt: clock.now(),
      },
      exchange,
    );
  }
}
