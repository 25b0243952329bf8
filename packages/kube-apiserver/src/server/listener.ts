/**
 * The secure port: one TLS listener that speaks HTTP/2 and HTTP/1.1 as ALPN decides
 * (`apiserver/pkg/server/secure_serving.go`).
 */
import type { Server as HttpServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import type { Clock } from '@kubets/apimachinery/clock';
import { createHttp1Server } from './http1-connection.ts';
import { serveHttp2 } from './http2-connection.ts';
import { defaultLimits, type Limits } from './limits.ts';
import type { Log } from './log.ts';
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
  readonly #http1: HttpServer;
  readonly #options: ListenerOptions;
  readonly #verifier: PeerVerifier;
  readonly #sockets = new Set<TLSSocket>();
  readonly #peers = new WeakMap<object, { generation: number; peer: Peer }>();

  constructor(options: ListenerOptions) {
    this.#options = options;
    this.#verifier = new PeerVerifier(options.tls);
    const limits: Limits = { ...defaultLimits, ...options.limits };
    const shared = { clock: options.clock, limits, handler: options.handler, peerOf: (s: Socket) => this.#peerOf(s) };
    this.#http1 = createHttp1Server(shared);
    this.#server = createServer({
      ...secureContextOptions(options.tls),
      requestCert: true,
      rejectUnauthorized: false,
      ALPNProtocols: ['h2', 'http/1.1'],
      handshakeTimeout: limits.headerTimeoutMs,
    });
    this.#server.maxConnections = limits.maxConnections;
    this.#server.on('secureConnection', (socket: TLSSocket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
      socket.on('error', () => {});
      socket.setNoDelay(true);
      if (socket.alpnProtocol === 'h2') serveHttp2(socket, shared);
      else this.#http1.emit('connection', socket);
    });
    this.#server.on('tlsClientError', (error: Error) => {
      options.log.debug({ error: error.message }, 'TLS handshake failed');
    });
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

  /** Resolves when the port is open. Rejects with the system's error (`EADDRINUSE`, `EACCES`). */
  start(): Promise<AddressInfo> {
    const { promise, resolve, reject } = Promise.withResolvers<AddressInfo>();
    this.#server.once('error', reject);
    this.#server.listen(this.#options.port, this.#options.host, () => {
      this.#server.off('error', reject);
      resolve(this.#server.address() as AddressInfo);
    });
    return promise;
  }

  /** New certificates and CAs for handshakes from now on; open connections are judged anew. */
  setTlsMaterial(material: TlsMaterial): void {
    this.#verifier.replace(material);
    this.#server.setSecureContext(secureContextOptions(material));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}
