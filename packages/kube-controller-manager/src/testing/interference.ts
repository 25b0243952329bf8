/** What goes wrong between controllers and API servers, at random but repeatably. */
import { newConflict } from '@kubets/apimachinery/status';
import {
  TransportError,
  type Transport,
  type TransportRequest,
  type TransportResponse,
  type WatchStream,
  type WatchStreamEvent,
} from '@kubets/client';
import { seededRandom } from './seeded-random.ts';

/**
 * Requests are lost on the way there or on the way back, writes meet conflicts, events come twice, watches break: from
 * `begin` on, until it is told to be `quiet`. (Fixtures start while the clock stands: nothing can be tried again then.)
 */
export class Interference {
  readonly #next: () => number;
  readonly #rate: number;
  #quiet = true;

  /** `rate`: how often something goes wrong, of 1. */
  constructor(seed: number, rate = 0.15) {
    this.#next = seededRandom(seed);
    this.#rate = rate;
  }

  begin(): this {
    this.#quiet = false;
    return this;
  }

  quiet(): void {
    this.#quiet = true;
  }

  readonly wrap = (inner: Transport): Transport => ({
    request: (request) => this.#request(inner, request),
    watch: async (request) => {
      if (this.#strikes()) throw new TransportError('connection refused');
      return this.#interrupted(await inner.watch(request));
    },
    [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
  });

  #strikes(): boolean {
    return !this.#quiet && this.#next() < this.#rate;
  }

  async #request(inner: Transport, request: TransportRequest): Promise<TransportResponse> {
    if (!this.#strikes()) return await inner.request(request);
    const kind = this.#next();
    if (kind < 0.4) throw new TransportError('connection refused');
    if (kind < 0.7 && request.method !== 'GET')
      throw newConflict({ group: '', resource: 'objects' }, request.path, 'somebody was faster');
    await inner.request(request);
    throw new TransportError('connection reset', { lost: true });
  }

  #interrupted(inner: WatchStream): WatchStream {
    const strikes = (): boolean => this.#strikes();
    const half = (): boolean => this.#next() < 0.5;
    async function* events(): AsyncGenerator<WatchStreamEvent> {
      for await (const event of inner) {
        yield event;
        if (!strikes()) continue;
        if (half()) throw new TransportError('connection reset', { lost: true });
        yield event;
      }
    }
    return {
      [Symbol.asyncIterator]: events,
      [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
    };
  }
}
