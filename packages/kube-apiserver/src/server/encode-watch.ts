/**
 * Watches: events as JSON lines or protobuf frames (`apiserver/pkg/endpoints/handlers/watch.go`,
 * `response.go`). An event is encoded once per form, and shared by all its watchers; what is pending
 * leaves in one write; a client that does not read holds nothing up but itself.
 */
import { newBadRequest } from '@kubets/apimachinery/status';
import type { EncodeEnvironment } from './encode-environment.ts';
import type { EncodableRequest } from './encode.ts';
import type { Negotiated } from './negotiate.ts';
import { headersFor } from './response-headers.ts';
import type { ResponseSink } from './response-sink.ts';
import type { ApiResult, WatchSource } from './types.ts';
import { eventEncoderFor, watchContentType, type EventEncoder } from './watch-events.ts';
import { watchTicks } from './watch-ticks.ts';

export interface WatchTask {
  readonly request: EncodableRequest;
  readonly result: Extract<ApiResult, { type: 'watch' }>;
  readonly sink: ResponseSink;
  readonly negotiated: Negotiated;
}

/** Events taken from the source at a time: bounds what one watcher buffers. */
const batch = 64;

class WatchWriter {
  readonly #environment: EncodeEnvironment;
  readonly #source: WatchSource;
  readonly #sink: ResponseSink;
  readonly #encode: EventEncoder;
  #finished = false;

  constructor(environment: EncodeEnvironment, task: WatchTask, encode: EventEncoder) {
    this.#environment = environment;
    this.#source = task.result.source;
    this.#sink = task.sink;
    this.#encode = encode;
  }

  /** Called when there is something to take: waits for the end of the tick, so that one write carries all. */
  readonly ready = (): void => watchTicks.add(this.pump);

  /** Takes and writes until nothing is left or the client is slow. */
  readonly pump = (): void => {
    while (!this.#finished) {
      const events = this.#source.take(batch);
      if (events.length === 0) {
        if (this.#source.ended) this.finish();
        else this.#source.onReady(this.ready);
        return;
      }
      const pieces = events.map(this.#encode);
      const last = events.at(-1);
      const drained = this.#sink.write(pieces.length === 1 ? (pieces[0] as Uint8Array) : Buffer.concat(pieces));
      if (last?.type === 'ERROR') {
        this.finish();
        return;
      }
      if (!drained) {
        this.#waitForDrain();
        return;
      }
    }
  };

  #waitForDrain(): void {
    const timer = this.#environment.clock.setTimer(this.#environment.stalledWatchMs, () => {
      this.#environment.log.info({}, 'a watcher that does not read is cut off');
      this.#stop();
      this.#sink.abort();
    });
    this.#sink.onDrain(() => {
      timer.cancel();
      this.pump();
    });
  }

  #stop(): boolean {
    if (this.#finished) return false;
    this.#finished = true;
    this.#source.close();
    return true;
  }

  /** The client is gone, the time is over, or the source has ended. Idempotent. */
  readonly finish = (): void => {
    if (this.#stop()) this.#sink.end();
  };
}

/** `timeoutSeconds`, else a random time between once and twice the minimum, so that watches do not all end at once. */
function lifetimeMs(environment: EncodeEnvironment, request: EncodableRequest): number {
  const asked = Number(request.query.get('timeoutSeconds') ?? 0);
  if (Number.isFinite(asked) && asked > 0) return asked * 1000;
  return environment.minRequestTimeoutSeconds * 1000 * (1 + environment.random.float());
}

/** Starts the answer and keeps writing until either side ends it. Throws 406 before anything is sent. */
export function serveWatch(environment: EncodeEnvironment, task: WatchTask): void {
  const { request, sink, negotiated } = task;
  if (request.headers['upgrade']?.toLowerCase() === 'websocket') {
    throw newBadRequest('watching over a WebSocket is not supported by this server; watch over plain HTTP');
  }
  const writer = new WatchWriter(environment, task, eventEncoderFor(environment, task));
  const timer = environment.clock.setTimer(lifetimeMs(environment, request), writer.finish);
  const open = environment.metrics?.longRunning(request);
  if (open !== undefined) open.value++;
  environment.openWatches.add(writer.finish);
  sink.onClose(() => {
    timer.cancel();
    environment.openWatches.delete(writer.finish);
    if (open !== undefined) open.value--;
    writer.finish();
  });
  sink.start(200, headersFor(request, watchContentType(negotiated.format)));
  writer.pump();
}
