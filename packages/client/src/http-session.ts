/**
 * One HTTP/2 connection with its watchdogs: the time to connect, and pings while nothing is received
 * (client-go: dialer of 30 s; `http2.ConfigureTransports` with ReadIdleTimeout 30 s and PingTimeout 15 s).
 */
import { connect, type ClientHttp2Session, type SecureClientSessionOptions } from 'node:http2';
import type { Clock, Timer } from '@kubets/apimachinery/clock';
import { TransportError } from './transport.ts';

export interface HttpSessionOptions {
  /** `https://host:port`; a path is ignored. */
  readonly server: string;
  readonly tls: SecureClientSessionOptions;
  readonly clock: Clock;
  readonly connectTimeoutMs: number;
  readonly pingIntervalMs: number;
  readonly pingTimeoutMs: number;
  /** The connection has ended, however. */
  readonly onClose: (session: HttpSession) => void;
}

/** Flow-control window of the session and its streams: lists of tens of megabytes must not wait for it. */
const window = 16 * 1024 * 1024;

export class HttpSession {
  readonly http2: ClientHttp2Session;
  /** Resolves when requests can be sent; rejects with a TransportError when the connection fails before. */
  readonly ready: Promise<void>;
  readonly #options: HttpSessionOptions;
  /** At most one is set: connecting, waiting to ping, or waiting for the answer. */
  #timer: Timer;
  #draining = false;

  constructor(options: HttpSessionOptions) {
    this.#options = options;
    const { server, tls, clock, connectTimeoutMs, onClose } = options;
    const http2 = connect(server, {
      ALPNProtocols: ['h2'],
      settings: { initialWindowSize: window, enablePush: false },
      maxSessionMemory: 1024,
      ...tls,
    });
    this.http2 = http2;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.ready = promise;
    // Whoever asked for the connection sees the failure; this keeps one that nobody waits for from ending the process.
    promise.catch(() => undefined);
    this.#timer = clock.setTimer(connectTimeoutMs, () =>
      this.#fail(`${server}: no connection within ${connectTimeoutMs / 1000} s`),
    );
    http2.once('connect', () => this.#connected(resolve));
    http2.on('error', (error) => reject(this.#describe(error)));
    http2.once('goaway', () => this.#drain());
    http2.once('close', () => {
      this.#timer.cancel();
      onClose(this);
      reject(new TransportError(`${server}: the connection closed`, { lost: true }));
    });
  }

  /** New requests may be sent on it. After a GOAWAY only those under way go on. */
  get usable(): boolean {
    return !this.#draining && !this.http2.closed && !this.http2.destroyed;
  }

  /** Ends the connection and everything on it; resolves when it is closed. */
  async destroy(): Promise<void> {
    if (this.http2.destroyed) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.http2.once('close', resolve);
    this.http2.destroy();
    await promise;
  }

  #connected(resolve: () => void): void {
    this.#timer.cancel();
    const { server } = this.#options;
    if (server.startsWith('https:') && this.http2.alpnProtocol !== 'h2') {
      this.#fail(`${server}: the server does not speak HTTP/2 (it did not choose "h2" by ALPN)`);
      return;
    }
    this.http2.setLocalWindowSize(window);
    this.#watchSilence(this.#received());
    resolve();
  }

  /**
   * The server wants to be rid of the connection. Node closes it by itself when what is under way has
   * ended, and sends no pings on it any more: silence alone has to do as the sign of its death.
   */
  #drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    this.#timer.cancel();
    if (!this.http2.destroyed) this.#watchSilence(this.#received());
  }

  #fail(message: string): void {
    this.http2.destroy(new TransportError(message, { lost: true }));
  }

  #describe(error: Error & { code?: string }): TransportError {
    if (error instanceof TransportError) return error;
    const { server } = this.#options;
    // TLS alert 120: what servers answer that know only HTTP/1.1.
    if (error.code === 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL' || error.code === 'ERR_HTTP2_ERROR') {
      const message = `${server}: the server does not speak HTTP/2: ${error.message}`;
      return new TransportError(message, { cause: error });
    }
    return new TransportError(`${server}: ${error.message}`, { cause: error, lost: error.code === 'ECONNRESET' });
  }

  /** Bytes received so far; grows with every frame. */
  #received(): number {
    return this.http2.socket.bytesRead;
  }

  /** Pings after an interval without a byte; the connection is given up when no answer comes. */
  #watchSilence(received: number): void {
    const { clock, server, pingIntervalMs, pingTimeoutMs } = this.#options;
    const ms = this.#draining ? pingIntervalMs + pingTimeoutMs : pingIntervalMs;
    this.#timer = clock.setTimer(ms, () => {
      if (this.http2.destroyed) return;
      const now = this.#received();
      if (now !== received) this.#watchSilence(now);
      else if (this.#draining) this.#fail(`${server}: the connection was to be closed and has gone silent`);
      else this.#ping();
    });
  }

  #ping(): void {
    const { clock, server, pingTimeoutMs } = this.#options;
    const timer = clock.setTimer(pingTimeoutMs, () => this.#fail(`${server}: the server no longer answers pings`));
    this.#timer = timer;
    this.http2.ping(() => {
      // A GOAWAY may have come in between: then silence is watched already.
      if (this.#timer !== timer || this.http2.destroyed) return;
      timer.cancel();
      this.#watchSilence(this.#received());
    });
  }
}
