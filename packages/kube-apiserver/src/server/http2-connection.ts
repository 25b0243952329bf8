/** HTTP/2 over a TLS socket, by node:http2's core stream API. */
import { performServerHandshake, type ServerHttp2Session, type ServerHttp2Stream, constants } from 'node:http2';
import type { IncomingHttpHeaders } from 'node:http2';
import type { Socket } from 'node:net';
import { newBadRequest, newRequestEntityTooLarge, newTimeout } from '@kubets/apimachinery/status';
import type { Clock } from '@kubets/apimachinery/clock';
import { HttpRequest, type Exchange } from './http-request.ts';
import type { Limits } from './limits.ts';
import type { RequestHandler } from './request-handler.ts';
import type { HeaderList, ResponseSink } from './response-sink.ts';
import type { Peer } from './types.ts';

export interface Http2Options {
  readonly clock: Clock;
  readonly limits: Limits;
  readonly handler: RequestHandler;
  readonly peerOf: (socket: Socket) => Peer;
}

class Http2Exchange implements Exchange, ResponseSink {
  readonly #stream: ServerHttp2Stream;
  readonly #options: Http2Options;
  readonly hasBody: boolean;

  constructor(stream: ServerHttp2Stream, options: Http2Options) {
    this.#stream = stream;
    this.#options = options;
    this.hasBody = !stream.endAfterHeaders;
    stream.on('error', () => {});
  }

  readBody(): Promise<Buffer> {
    const { maxBodyBytes, bodyTimeoutMs } = this.#options.limits;
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    const chunks: Buffer[] = [];
    let size = 0;
    const timer = this.#options.clock.setTimer(bodyTimeoutMs, () => reject(newTimeout('request body', 0)));
    this.#stream.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= maxBodyBytes) chunks.push(chunk);
      else reject(newRequestEntityTooLarge(`limit is ${maxBodyBytes}`));
    });
    this.#stream.once('end', () => {
      timer.cancel();
      resolve(chunks.length === 1 ? (chunks[0] ?? Buffer.alloc(0)) : Buffer.concat(chunks));
    });
    this.#stream.once('close', () => reject(newBadRequest('the request body ended early')));
    return promise;
  }

  onGone(callback: () => void): void {
    this.#stream.once('aborted', callback);
  }

  send(status: number, headers: HeaderList, body: Uint8Array): void {
    if (this.closed) return;
    headers.push('content-length', String(body.length));
    this.start(status, headers);
    this.#stream.end(body);
  }

  start(status: number, headers: HeaderList): void {
    if (this.closed) return;
    this.#stream.respond([':status', String(status), ...headers] as never);
  }

  write(chunk: Uint8Array): boolean {
    return this.closed ? true : this.#stream.write(chunk);
  }

  onDrain(callback: () => void): void {
    this.#stream.once('drain', callback);
  }

  end(): void {
    this.#stream.end();
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

/** Speaks HTTP/2 on a socket whose ALPN chose it. */
export function serveHttp2(socket: Socket, options: Http2Options): ServerHttp2Session {
  const session = performServerHandshake(socket, {
    maxSessionMemory: 1000,
    settings: { maxConcurrentStreams: options.limits.maxConcurrentStreams, initialWindowSize: 1 << 20 },
  } as never);
  session.on('error', () => {});
  session.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    const exchange = new Http2Exchange(stream, options);
    try {
      const request = new HttpRequest(
        {
          method: headers[':method'] ?? '',
          target: headers[':path'] ?? '/',
          headers: headers as Record<string, string | undefined>,
          peer: options.peerOf(socket),
          receivedAt: options.clock.now(),
        },
        exchange,
      );
      options.handler.handle(request, exchange);
    } catch (error) {
      options.handler.refuse(error, exchange);
    }
  });
  return session;
}
