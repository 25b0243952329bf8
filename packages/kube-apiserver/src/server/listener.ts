/**
 * The secure port: one TLS listener that speaks HTTP/2 and HTTP/1.1 as ALPN decides
 * (`apiserver/pkg/server/secure_serving.go`).
 */
import type { AddressInfo, Socket } from 'node:net';
import { createSecureContext, createServer, type Server, type TLSSocket } from 'node:tls';
import type { Clock } from '@kubets/apimachinery/clock';
import type { ConnectionOptions } from './connection-options.ts';
import { Http1Server } from './http1-connection.ts';
import { serveHttp2, type Http2Connection } from './http2-connection.ts';
import { defaultLimits, type Limits } from './limits.ts';
import type { Log } from '@kubets/apimachinery/log';
import type { RequestHandler } from './request-handler.ts';
import { PeerVerifier, secureContextOptions, type TlsMaterial } from './tls.ts';
import type { Peer } from './types.ts';

export interface ListenerOptions {
  /** Address to bind. */
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly tls: TlsMaterial;
  readonly handler: RequestHandler;
  readonly clock: Clock;
  readonly log: Log;
  readonly limits?: Partial<Limits>;
}

export class Listener implements AsyncDisposable {
  readonly #server: Server;
  readonly #http1: Http1Server;
  readonly #options: ListenerOptions;
  readonly #shared: ConnectionOptions;
  readonly #verifier: PeerVerifier;
  readonly #sockets = new Set<TLSSocket>();
  /** The TCP connections below, handshakes included. */
  readonly #raw = new Set<Socket>();
  readonly #http2 = new Map<TLSSocket, Http2Connection>();
  readonly #peers = new WeakMap<object, { generation: number; peer: Peer }>();
  #stopped: Promise<void> | undefined;
  #allClosed: (() => void) | undefined;

  constructor(options: ListenerOptions) {
    this.#options = options;
    this.#verifier = new PeerVerifier(options.tls);
    const limits: Limits = { ...defaultLimits, ...options.limits };
    const { clock, log, handler } = options;
    this.#shared = { clock, log, limits, handler, peerOf: (socket) => this.#peerOf(socket) };
    this.#http1 = new Http1Server(this.#shared);
    this.#server = createServer({
      ...secureContextOptions(options.tls),
      requestCert: true,
      rejectUnauthorized: false,
      ALPNProtocols: ['h2', 'http/1.1'],
      handshakeTimeout: limits.headerTimeoutMs,
    });
    this.#server.maxConnections = limits.maxConnections;
    this.#server.on('connection', (socket: Socket) => this.#track(socket));
    this.#server.on('secureConnection', (socket: TLSSocket) => this.#serve(socket));
    this.#server.on('drop', () => log.warn({ limit: limits.maxConnections }, 'too many connections'));
    this.#server.on('tlsClientError', (error: Error, socket: TLSSocket) => {
      log.debug({ error: error.message, peer: socket.remoteAddress }, 'TLS handshake failed');
    });
  }

  #track(socket: Socket): void {
    this.#raw.add(socket);
    socket.once('close', () => this.#raw.delete(socket));
  }

  #serve(socket: TLSSocket): void {
    this.#sockets.add(socket);
    socket.once('close', () => {
      this.#sockets.delete(socket);
      this.#http2.delete(socket);
      if (this.#sockets.size === 0) this.#allClosed?.();
    });
    socket.on('error', (error: Error) => this.#options.log.debug({ error: error.message }, 'connection broken'));
    socket.setNoDelay(true);
    if (this.#stopped !== undefined) socket.destroy();
    else if (socket.alpnProtocol === 'h2') this.#http2.set(socket, serveHttp2(socket, this.#shared));
    else this.#http1.serve(socket);
  }

  #peerOf(socket: Socket): Peer {
    const generation = this.#verifier.generation;
    const known = this.#peers.get(socket);
    if (known?.generation === generation) return known.peer;
    const verdict = this.#verifier.verdict(socket as TLSSocket);
    const peer: Peer = {
      transport: 'tls',
      remoteAddress: socket.remoteAddress ?? '',
      certificate: verdict.type === 'valid' ? verdict.certificate : undefined,
      certificateError: verdict.type === 'invalid' ? verdict.reason : undefined,
      socket,
    };
    this.#peers.set(socket, { generation, peer });
    return peer;
  }

  /** Resolves when the port is open. Rejects with the system's error (`EADDRINUSE`, `EACCES`). Single use. */
  start(): Promise<AddressInfo> {
    const { promise, resolve, reject } = Promise.withResolvers<AddressInfo>();
    this.#server.once('error', reject);
    this.#server.listen(this.#options.port, this.#options.host, () => {
      this.#server.off('error', reject);
      this.#server.on('error', (error) => this.#options.log.error({ error: error.message }, 'listener failed'));
      resolve(this.#server.address() as AddressInfo);
    });
    return promise;
  }

  /**
   * New certificates and CAs for handshakes from now on; clients of open connections are judged
   * anew. Throws, and changes nothing, when they are not valid.
   */
  setTlsMaterial(material: TlsMaterial): void {
    const context = secureContextOptions(material);
    createSecureContext(context);
    this.#verifier.replace(material);
    this.#server.setSecureContext(context);
  }

  /** How many connections are open. */
  get connections(): number {
    return this.#sockets.size;
  }

  /**
   * Stops accepting, tells clients so (GOAWAY), ends watches, lets running requests finish, and
   * breaks off what is left after `deadlineMs`. Idempotent; resolves when all connections are closed.
   */
  stop(deadlineMs: number): Promise<void> {
    this.#stopped ??= this.#stop(deadlineMs);
    return this.#stopped;
  }

  async #stop(deadlineMs: number): Promise<void> {
    const { promise: unbound, resolve } = Promise.withResolvers<void>();
    const { promise: closed, resolve: allClosed } = Promise.withResolvers<void>();
    this.#allClosed = allClosed;
    const timer = this.#options.clock.setTimer(deadlineMs, () => this.#destroyAll());
    // Called back when the last connection, handshakes included, is closed.
    if (this.#server.listening) this.#server.close(() => resolve());
    else resolve();
    this.#options.handler.endWatches();
    for (const connection of this.#http2.values()) connection.close();
    this.#http1.stop([...this.#sockets].filter((socket) => !this.#http2.has(socket)));
    await unbound;
    // The TLS sockets tell of it a moment later.
    if (this.#sockets.size > 0) await closed;
    timer.cancel();
  }

  #destroyAll(): void {
    for (const socket of this.#sockets) socket.destroy();
    for (const socket of this.#raw) socket.destroy();
  }

  /** Stops at once. */
  async [Symbol.asyncDispose](): Promise<void> {
    const stopped = this.stop(0);
    this.#destroyAll();
    await stopped;
  }
}
