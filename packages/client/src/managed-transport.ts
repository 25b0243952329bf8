/**
 * What client-go's REST client adds to the bare connection (`rest/request.go`, `rest/with_retry.go`),
 * around any transport:
 *
 * - An answer of 429 or 5xx that names a time (`Retry-After`) is asked for again after it, up to 10
 *   times; so is, after a second, a GET whose connection was lost.
 * - A limit of requests per second: off unless `qps` is given, as servers have priority and fairness
 *   (client-go's own default is 5/s with bursts of 10). Watches are never limited.
 * - A time limit for the whole request, retries included; a watch may take it to be opened, no longer.
 * - Warnings of the server are handed on.
 */
import { sleep, type Clock } from '@kubets/apimachinery/clock';
import { StatusError } from '@kubets/apimachinery/status';
import {
  TransportError,
  type Transport,
  type TransportRequest,
  type TransportResponse,
  type WatchStream,
} from './transport.ts';
import { TokenBucket } from './workqueue/rate-limiter.ts';

export interface RequestPolicy {
  readonly clock: Clock;
  /** Default 10; 0: never. */
  readonly maxRetries?: number;
  /** Milliseconds. Default: no limit. */
  readonly timeoutMs?: number;
  /** Requests a second on average. Default: no limit. */
  readonly qps?: number;
  /** Requests at once before `qps` counts. Default 10. */
  readonly burst?: number;
  /** Told of every warning (`Warning: 299`) of an answer. */
  readonly onWarning?: (text: string, request: TransportRequest) => void;
}

const lostConnectionPauseMs = 1000;

export class ManagedTransport implements Transport {
  readonly #inner: Transport;
  readonly #policy: RequestPolicy;
  readonly #bucket: TokenBucket<string> | undefined;

  /** Takes `inner` over: disposing this disposes it. */
  constructor(inner: Transport, policy: RequestPolicy) {
    this.#inner = inner;
    this.#policy = policy;
    const { qps, burst = 10, clock } = policy;
    this.#bucket = qps === undefined ? undefined : new TokenBucket({ perSecond: qps, burst, clock });
  }

  async request(request: TransportRequest): Promise<TransportResponse> {
    const response = await this.#limited(request, async (limited) => {
      const wait = this.#bucket?.when() ?? 0;
      if (wait > 0) await sleep(this.#policy.clock, wait, limited.signal);
      return await this.#retried(limited, () => this.#inner.request(limited));
    });
    this.#warn(response.warnings, request);
    return response;
  }

  async watch(request: TransportRequest): Promise<WatchStream> {
    const stream = await this.#limited(request, (limited) => this.#retried(limited, () => this.#inner.watch(limited)));
    this.#warn(stream.warnings ?? [], request);
    return stream;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#inner[Symbol.asyncDispose]();
  }

  #warn(warnings: readonly string[], request: TransportRequest): void {
    for (const text of warnings) this.#policy.onWarning?.(text, request);
  }

  async #limited<R>(request: TransportRequest, run: (request: TransportRequest) => Promise<R>): Promise<R> {
    const { timeoutMs, clock } = this.#policy;
    if (timeoutMs === undefined) return await run(request);
    const late = new AbortController();
    const timer = clock.setTimer(timeoutMs, () =>
      late.abort(new TransportError(`${request.method} ${request.path}: no answer within ${timeoutMs / 1000} s`)),
    );
    const signal = request.signal === undefined ? late.signal : AbortSignal.any([request.signal, late.signal]);
    try {
      return await run({ ...request, signal });
    } catch (error) {
      // However a transport words its being aborted: this is why.
      throw late.signal.aborted && request.signal?.aborted !== true ? late.signal.reason : error;
    } finally {
      timer.cancel();
    }
  }

  async #retried<R>(request: TransportRequest, run: () => Promise<R>): Promise<R> {
    const { clock, maxRetries = 10 } = this.#policy;
    for (let retries = 0; ; retries++) {
      try {
        return await run();
      } catch (error) {
        const pause = pauseAfter(error, request);
        if (pause === undefined || retries >= maxRetries || request.signal?.aborted === true) throw error;
        await sleep(clock, pause, request.signal);
      }
    }
  }
}

/** Milliseconds before the same may be asked again; `undefined` when it may not. */
function pauseAfter(error: unknown, request: TransportRequest): number | undefined {
  if (error instanceof TransportError) {
    return error.lost && request.method === 'GET' ? lostConnectionPauseMs : undefined;
  }
  if (!(error instanceof StatusError)) return undefined;
  const { code = 0, details } = error.status;
  const seconds = details?.retryAfterSeconds ?? 0;
  return seconds > 0 && (code === 429 || code >= 500) ? seconds * 1000 : undefined;
}
