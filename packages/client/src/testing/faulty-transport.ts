/** Any transport with faults on demand: what networks, proxies and busy servers do to clients. */
import type { Status } from '@kubets/apimachinery/status';
import type { ApiObject } from '@kubets/apimachinery/meta';
import {
  TransportError,
  type Transport,
  type TransportRequest,
  type TransportResponse,
  type WatchStream,
  type WatchStreamEvent,
} from '../transport.ts';

type Interruption =
  | { readonly type: 'end' }
  | { readonly type: 'break'; readonly error: Error }
  | { readonly type: 'event'; readonly event: WatchStreamEvent };

export type EventFilter = (event: WatchStreamEvent) => readonly WatchStreamEvent[];

class FaultyStream implements WatchStream {
  readonly #inner: WatchStream;
  readonly #owner: FaultyTransport;
  readonly #interruptions: Interruption[] = [];
  #wake = Promise.withResolvers<void>();

  constructor(inner: WatchStream, owner: FaultyTransport) {
    this.#inner = inner;
    this.#owner = owner;
  }

  interrupt(interruption: Interruption): void {
    this.#interruptions.push(interruption);
    this.#wake.resolve();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<WatchStreamEvent> {
    const inner = this.#inner[Symbol.asyncIterator]();
    try {
      let next = inner.next();
      for (;;) {
        // A failure that nobody waits for yet must not end the process.
        next.catch(() => undefined);
        const interruption = await this.#await(next);
        if (interruption?.type === 'end') return;
        if (interruption?.type === 'break') throw interruption.error;
        if (interruption?.type === 'event') {
          yield interruption.event;
          continue;
        }
        const result = await next;
        if (result.done === true) return;
        yield* this.#owner.filter(result.value);
        next = inner.next();
      }
    } finally {
      await this[Symbol.asyncDispose]();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#owner.left(this);
    await this.#inner[Symbol.asyncDispose]();
  }

  /** An interruption if one comes first; while stalled only that is waited for. */
  async #await(next: Promise<unknown>): Promise<Interruption | undefined> {
    for (;;) {
      const interruption = this.#interruptions.shift();
      if (interruption !== undefined) return interruption;
      this.#wake = Promise.withResolvers<void>();
      const { stalled } = this.#owner;
      if (stalled) await this.#wake.promise;
      else if (await Promise.race([next.then(() => true), this.#wake.promise.then(() => false)])) return undefined;
    }
  }
}

export class FaultyTransport implements Transport {
  /** Thrown by the next requests and watches, one each. */
  readonly faults: Error[] = [];
  /** What becomes of each event of a watch: none, itself, several. */
  filter: EventFilter = (event) => [event];
  stalled = false;
  readonly #inner: Transport;
  readonly #streams = new Set<FaultyStream>();

  /** Takes `inner` over: disposing this disposes it. */
  constructor(inner: Transport) {
    this.#inner = inner;
  }

  get watches(): number {
    return this.#streams.size;
  }

  async request(request: TransportRequest): Promise<TransportResponse> {
    this.#fail();
    return await this.#inner.request(request);
  }

  async watch(request: TransportRequest): Promise<WatchStream> {
    this.#fail();
    const stream = new FaultyStream(await this.#inner.watch(request), this);
    this.#streams.add(stream);
    request.signal?.addEventListener('abort', () =>
      stream.interrupt({ type: 'break', error: request.signal?.reason as Error }),
    );
    return stream;
  }

  /** All watches break, as with a lost connection. */
  reset(): void {
    this.#interrupt({ type: 'break', error: new TransportError('connection reset', { lost: true }) });
  }

  /** All watches end cleanly, as when the server has had enough. */
  end(): void {
    this.#interrupt({ type: 'end' });
  }

  /** An ERROR event on all watches. */
  failWatches(status: Status): void {
    this.#interrupt({ type: 'event', event: { type: 'ERROR', object: status as unknown as ApiObject } });
  }

  /** Watches that are open now bring nothing any more. */
  stallOpen(): void {
    this.stalled = true;
  }

  left(stream: FaultyStream): void {
    this.#streams.delete(stream);
    if (this.#streams.size === 0) this.stalled = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.end();
    await this.#inner[Symbol.asyncDispose]();
  }

  #fail(): void {
    const fault = this.faults.shift();
    if (fault !== undefined) throw fault;
  }

  #interrupt(interruption: Interruption): void {
    for (const stream of this.#streams) stream.interrupt(interruption);
  }
}
