/** HTTP/1.1 over a TLS socket, by node:http's parser. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { newBadRequest, newRequestEntityTooLarge, newTimeout } from '@kubets/apimachinery/status';
import type { Clock } from '@kubets/apimachinery/clock';
import { HttpRequest, type Exchange } from './http-request.ts';
import type { Limits } from './limits.ts';
import type { RequestHandler } from './request-handler.ts';
import type { HeaderList, ResponseSink } from './response-sink.ts';
import type { Peer } from './types.ts';

export interface Http1Options {
  readonly clock: Clock;
  readonly limits: Limits;
  readonly handler: RequestHandler;
  readonly peerOf: (socket: Socket) => Peer;
}

class Http1Exchange implements Exchange, ResponseSink {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #options: Http1Options;

  constructor(request: IncomingMessage, response: ServerResponse, options: Http1Options) {
    this.#request = request;
    this.#response = response;
    this.#options = options;
    // A response whose socket breaks reports it here; `close` follows and is what we act on.
    response.on('error', () => {});
  }

  get hasBody(): boolean {
    const headers = this.#request.headers;
    return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
  }

  readBody(): Promise<Buffer> {
    const { maxBodyBytes, bodyTimeoutMs } = this.#options.limits;
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    const chunks: Buffer[] = [];
    let size = 0;
    const timer = this.#options.clock.setTimer(bodyTimeoutMs, () => reject(newTimeout('request body', 0)));
    this.#request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= maxBodyBytes) chunks.push(chunk);
      else {
        reject(newRequestEntityTooLarge(`limit is ${maxBodyBytes}`));
        this.#request.pause();
      }
    });
    this.#request.once('end', () => resolve(Buffer.concat(chunks)));
    this.#request.once('error', (error) => reject(newBadRequest(error.message, error)));
    this.#request.once('close', () => {
      timer.cancel();
      reject(newBadRequest('the request body ended early'));
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
    if (!this.#request.complete) headers.push('connection', 'close');
    this.#response.writeHead(status, headers);
  }

  send(status: number, headers: HeaderList, body: Uint8Array): void {
    if (this.closed) return;
    headers.push('content-length', String(body.length));
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
    this.#response.end();
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

const statusOfParserError: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};

/** Answers what is no HTTP at all, as far as the socket still takes an answer. */
function answerParserError(error: Error & { code?: string }, socket: Socket): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const line = statusOfParserError[error.code ?? ''] ?? '400 Bad Request';
  const body = JSON.stringify({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: line.slice(4),
    reason: 'BadRequest',
    code: Number(line.slice(0, 3)),
  });
  const head = `HTTP/1.1 ${line}\r\ncontent-type: application/json\r\nconnection: close\r\n`;
  socket.end(`${head}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
}

/** A server that never listens: sockets are handed to it with `emit('connection', socket)`. */
export function createHttp1Server(options: Http1Options): Server {
  const { limits } = options;
  const server = createServer({ maxHeaderSize: limits.maxHeaderBytes, keepAliveTimeout: limits.idleTimeoutMs });
  server.headersTimeout = limits.headerTimeoutMs;
  server.requestTimeout = 0;
  server.on('request', (incoming: IncomingMessage, response: ServerResponse) => {
    const exchange = new Http1Exchange(incoming, response, options);
    let request: HttpRequest;
    try {
      request = new HttpRequest(
        {
          method: incoming.method ?? '',
          target: incoming.url ?? '/',
          headers: incoming.headers as Record<string, string | undefined>,
          peer: options.peerOf(incoming.socket),
          receivedAt: options.clock.now(),
        },
        exchange,
      );
    } catch (error) {
      options.handler.refuse(error, exchange);
      return;
    }
    options.handler.handle(request, exchange);
  });
  server.on('clientError', answerParserError);
  return server;
}
