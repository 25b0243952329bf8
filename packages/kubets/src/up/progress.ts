/** The start-up display: a live one on a terminal, plain lines otherwise. */
import type { Clock, Timer } from '@kubets/apimachinery/clock';

export interface ProgressOutput {
  write(text: string): unknown;
  readonly isTTY?: boolean;
}

const frames = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏';
const frameMs = 80;
const clearLine = '\r\u001B[2K';
const dim = (text: string): string => `\u001B[2m${text}\u001B[0m`;

/** Shows each step with its time. Steps run one after the other. */
export class Progress {
  readonly #out: ProgressOutput;
  readonly #clock: Clock;
  readonly #live: boolean;
  #running: { readonly title: string; readonly started: number } | undefined;
  #frame = 0;
  #timer: Timer | undefined;

  constructor(out: ProgressOutput, clock: Clock) {
    this.#out = out;
    this.#clock = clock;
    this.#live = out.isTTY === true;
  }

  /** Runs one step; its line says what it came to, and how long it took. A failing step is marked and throws on. */
  async step<T>(title: string, run: () => Promise<T>, describe?: (result: T) => string): Promise<T> {
    const started = this.#clock.monotonic();
    this.#running = { title, started };
    this.#draw();
    try {
      const result = await run();
      this.#finish('✓', describe === undefined ? title : `${title}: ${describe(result)}`, started);
      return result;
    } catch (error) {
      this.#finish('✗', title, started);
      throw error;
    }
  }

  /** A line of its own. */
  line(text: string): void {
    this.#out.write(`${text}\n`);
  }

  /** Runs what writes a line to the same terminal, without mixing it up with the step's own. */
  around(write: () => void): void {
    const shown = this.#live && this.#running !== undefined;
    if (shown) this.#out.write(clearLine);
    write();
    if (shown) this.#draw();
  }

  /** The line of the running step, now and until it is finished. */
  #draw(): void {
    this.#timer?.cancel();
    if (!this.#live || this.#running === undefined) return;
    const { title, started } = this.#running;
    const seconds = ((this.#clock.monotonic() - started) / 1000).toFixed(1);
    this.#frame = (this.#frame + 1) % frames.length;
    this.#out.write(`${clearLine}  ${frames[this.#frame]} ${title}  ${dim(`${seconds} s`)}`);
    this.#timer = this.#clock.setTimer(frameMs, () => this.#draw());
  }

  #finish(mark: string, text: string, started: number): void {
    this.#running = undefined;
    this.#timer?.cancel();
    const took = `${Math.round(this.#clock.monotonic() - started)} ms`;
    this.#out.write(this.#live ? `${clearLine}  ${mark} ${text}  ${dim(took)}\n` : `  ${mark} ${text}  ${took}\n`);
  }
}
