/**
 * Sends events one after the other, and again when the server cannot be reached: at most 12 times, 10 s
 * apart, the first pause at random (client-go `tools/record/event.go`: `recordToSink`).
 */
import { sleep, type Clock, type Random } from '@kubets/apimachinery/clock';
import { StatusError } from '@kubets/apimachinery/status';

export interface EventSenderOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Told when an event could not be sent, or was held back; recording itself never throws. */
  readonly onDropped: (reason: string, error?: unknown) => void;
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

export class EventSender implements AsyncDisposable {
  readonly #options: EventSenderOptions;
  readonly #stop = new AbortController();
  #tail: Promise<void> = Promise.resolve();
  #waiting = 0;

  constructor(options: EventSenderOptions) {
    this.#options = options;
  }

  /** Queues; `what` names the event in reports of its loss. */
  send(what: string, write: () => Promise<void>): void {
    if (this.#stop.signal.aborted) return this.#options.onDropped(`${what}: the recorder is closed`);
    if (this.#waiting >= queueLimit) return this.#options.onDropped(`${what}: too many events wait`);
    this.#waiting++;
    this.#tail = this.#tail.then(() => this.#try(what, write)).finally(() => this.#waiting--);
  }

  /** Resolves when everything sent so far has arrived or been given up. */
  async flush(): Promise<void> {
    await this.#tail;
  }

  /** Gives up what waits for another try. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new Error('the recorder is closed'));
    await this.#tail;
  }

  async #try(what: string, write: () => Promise<void>): Promise<void> {
    const { clock, random, onDropped } = this.#options;
    for (let attempt = 1; ; attempt++) {
      try {
        await write();
        return;
      } catch (error) {
        // What the server refuses once it refuses again.
        if (isNamespaceTerminating(error)) return onDropped(`${what}: its namespace is being deleted`);
        const final = error instanceof StatusError || attempt >= tries || this.#stop.signal.aborted;
        if (final) return onDropped(what, error);
        const pause = attempt === 1 ? retryMs * random.float() : retryMs;
        await sleep(clock, pause, this.#stop.signal).catch(() => undefined);
      }
    }
  }
}
