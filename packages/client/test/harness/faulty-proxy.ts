/** A TCP proxy that resets, stalls and delays what passes through it; TLS goes through untouched. */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
}

export class FaultyProxy implements AsyncDisposable {
  readonly #listener: Server;
  readonly #pairs = new Set<Pair>();
  #stalled = false;
  #delayMs = 0;
  #refusing = false;
  /** Connections accepted so far. */
  accepted = 0;

  private constructor(targetPort: number) {
    this.#listener = createServer((client) => {
      this.accepted++;
      if (this.#refusing) return client.resetAndDestroy();
      this.#join(client, connect(targetPort, '127.0.0.1'));
    });
  }

  static async to(targetPort: number): Promise<FaultyProxy> {
    const proxy = new FaultyProxy(targetPort);
    const { promise, resolve } = Promise.withResolvers<void>();
    proxy.#listener.listen(0, '127.0.0.1', resolve);
    await promise;
    return proxy;
  }

  get port(): number {
    return (this.#listener.address() as AddressInfo).port;
  }

  get open(): number {
    return this.#pairs.size;
  }

  /** Ends all connections with RST. */
  reset(): void {
    for (const { client, server } of this.#pairs) {
      client.resetAndDestroy();
      server.resetAndDestroy();
    }
  }

  /** New connections are reset at once. */
  refuse(refusing: boolean): void {
    this.#refusing = refusing;
  }

  /** Nothing passes any more on connections that are open now; new ones work. */
  stallOpen(): void {
    for (const { client, server } of this.#pairs) {
      client.pause();
      server.pause();
    }
  }

  /** Nothing passes on any connection until told otherwise. */
  stall(stalled: boolean): void {
    this.#stalled = stalled;
    for (const pair of this.#pairs) for (const socket of [pair.client, pair.server]) this.#flow(socket);
  }

  /** Each piece is kept back so long. */
  delay(ms: number): void {
    this.#delayMs = ms;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.reset();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#listener.close(() => resolve());
    await promise;
  }

  #flow(socket: Socket): void {
    if (this.#stalled) socket.pause();
    else socket.resume();
  }

  #join(client: Socket, server: Socket): void {
    const pair = { client, server };
    this.#pairs.add(pair);
    this.#pipe(client, server, pair);
    this.#pipe(server, client, pair);
  }

  #pipe(from: Socket, to: Socket, pair: Pair): void {
    from.on('data', (chunk) => {
      if (this.#delayMs === 0) to.write(chunk);
      else setTimeout(() => to.destroyed || to.write(chunk), this.#delayMs);
    });
    from.on('error', () => to.destroy());
    from.on('close', () => {
      to.destroy();
      this.#pairs.delete(pair);
    });
    from.on('end', () => to.end());
    this.#flow(from);
  }
}
