/** The start-up display: a live one on a terminal, plain lines otherwise. */
import type { Clock } from '@kubets/apimachinery/clock';

export interface ProgressOutput {
  write(text: string): unknown;
  readonly isTTY?: boolean;
}

/** Shows each step with its time. Steps run one after the other. */
export class Progress {
  readonly #out: ProgressOutput;
  readonly #clock: Clock;
  readonly #live: boolean;

  constructor(out: ProgressOutput, clock: Clock) {
    this.#out = out;
    this.#clock = clock;
    this.#live = out.isTTY === true;
  }

  /** Runs one step; its line says what it came to, and how long it took. A failing step is marked and throws on. */
  async step<T>(title: string, run: () => Promise<T>, describe?: (result: T) => string): Promise<T> {
    const started = this.#clock.monotonic();
    if (this.#live) this.#out.write(`  … ${title}`);
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

  #finish(mark: string, text: string, started: number): void {
    const took = `${Math.round(this.#clock.monotonic() - started)} ms`;
    const line = this.#live
      ? `\r\u001B[2K  ${mark} ${text}  \u001B[2m${took}\u001B[0m\n`
      : `  ${mark} ${text}  ${took}\n`;
    this.#out.write(line);
  }
}
