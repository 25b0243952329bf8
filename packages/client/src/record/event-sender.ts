/**
 * Sends events, several at a time but those about one object one after the other, and again when the server cannot be
 * reached: at most 12 times, 10 s apart, the first pause at random (client-go `tools/record/event.go`: `recordToSink`).
 */
import { sleep, type Clock, type Random } from '@kubets/apimachinery/clock';
import { StatusError } from '@kubets/apimachinery/status';

/** What recorders are told about sending. */
export interface EventSenderOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Told when an event could not be sent, or was held back; recording itself never throws. */
  readonly onDropped: (reason: string, error?: unknown) => void;
}

/** How an event is written, and called in reports of its loss. */
export interface EventSink<E> {
  write(event: E): Promise<void>;
  describe(event: E): string;
}

/** As client-go: an event about what goes away with its namespace is no loss. */
function isNamespaceTerminating(error: unknown): boolean {
  if (!(error instanceof StatusError)) return false;
  return error.status.details?.causes?.some(({ reason }) => reason === 'NamespaceTerminating') === true;
}

const tries = 12;
const retryMs = 10_000;
/** As upstream's broadcaster: more than that would only be memory while the server is away. */
const queueLimit = 1000;
/** Events on their way at once. */
const laneCount = 8;
/** For what waits when the sender is closed; less than components are given to end. */
const closingMs = 750;

/** Which lane the events about an object take. */
function laneOf(name: string): number {
  let hash = 0;
  for (let i = 0; i < name.length; i++) hash = (hash * 31 + name.charCodeAt(i)) | 0;
  return (hash >>> 0) % laneCount;
}

/** Events that are sent one after the other. */
interface Lane<E> {
  waiting: E[];
  /** Settles when nothing waits; undefined while nothing is sent. */
  running: Promise<void> | undefined;
}

export class EventSender<E> implements AsyncDisposable {
  readonly #options: EventSenderOptions;
  readonly #sink: EventSink<E>;
  readonly #lanes: readonly Lane<E>[];
  /** No more tries of what has failed. */
  readonly #stop = new AbortController();
  #waiting = 0;
  #givenUp = false;

  constructor(options: EventSenderOptions, sink: EventSink<E>) {
    this.#options = options;
    this.#sink = sink;
    this.#lanes = Array.from({ length: laneCount }, () => ({ waiting: [], running: undefined }));
  }

  /** Queues an event about the object of that name. */
  send(event: E, name: string): void {
    if (this.#stop.signal.aborted) return this.#drop(event, ': the recorder is closed');
    if (this.#waiting >= queueLimit) return this.#drop(event, ': too many events wait');
    const lane = this.#lanes[laneOf(name)];
    if (lane === undefined) return;
    this.#waiting++;
    lane.waiting.push(event);
    lane.running ??= this.#run(lane);
  }

  /** Resolves when everything sent so far has arrived or been given up. */
  async flush(): Promise<void> {
    await Promise.all(this.#lanes.map(async ({ running }) => await running));
  }

  /** Sends what can be sent within 750 ms, and gives up the rest. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new Error('the recorder is closed'));
    if (this.#waiting === 0) return;
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = this.#options.clock.setTimer(closingMs, resolve);
    await Promise.race([this.flush(), late]);
    timer.cancel();
    this.#givenUp = true;
    if (this.#waiting > 0) this.#options.onDropped(`${this.#waiting} events could not be sent before the end`);
  }

  /** Never rejects. */
  async #run(lane: Lane<E>): Promise<void> {
    // Not in the time of who records.
    await Promise.resolve();
    while (lane.waiting.length > 0) {
      const batch = lane.waiting;
      lane.waiting = [];
      for (const event of batch) {
        if (this.#givenUp) return;
        await this.#try(event);
        this.#waiting--;
      }
    }
    lane.running = undefined;
  }

  async #try(event: E): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#sink.write(event);
        return;
      } catch (error) {
        if (this.#isFinal(event, error, attempt)) return;
        const { clock, random } = this.#options;
        const pause = attempt === 1 ? retryMs * random.float() : retryMs;
        await sleep(clock, pause, this.#stop.signal).catch(() => undefined);
      }
    }
  }

  /** Whether it is not tried again; then its loss has been reported. What the server refuses once it refuses again. */
  #isFinal(event: E, error: unknown, attempt: number): boolean {
    // Counted among those that were given up.
    if (this.#givenUp) return true;
    if (isNamespaceTerminating(error)) {
      this.#drop(event, ': its namespace is being deleted');
      return true;
    }
    const final = error instanceof StatusError || attempt >= tries || this.#stop.signal.aborted;
    if (final) this.#options.onDropped(this.#sink.describe(event), error);
    return final;
  }

  #drop(event: E, why: string): void {
    this.#options.onDropped(`${this.#sink.describe(event)}${why}`);
  }
}
