/** An open watch whose events are awaited by what they have to be. */
import type { ApiClient } from '../harness/api-client.ts';
import type { Obj } from './cluster.ts';

export interface WatchEvent {
  readonly type: string;
  readonly object: Obj;
}

const patience = 10_000;

export class Watching implements Disposable {
  /** Every event so far, in order. */
  readonly events: WatchEvent[] = [];
  #rest = '';
  #wake: () => void = () => undefined;
  #close: () => void = () => undefined;

  static async open(client: ApiClient, path: string): Promise<Watching> {
    const watching = new Watching();
    const decoder = new TextDecoder();
    watching.#close = await client.stream(path, (chunk) => watching.#feed(decoder.decode(chunk, { stream: true })));
    return watching;
  }

  #feed(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.events.push(JSON.parse(line) as WatchEvent);
    this.#wake();
  }

  /** Resolves once `condition` holds for the events so far; fails after ten seconds. */
  async until(condition: (events: readonly WatchEvent[]) => boolean, what: string): Promise<void> {
    const deadline = performance.now() + patience;
    while (!condition(this.events)) {
      const left = deadline - performance.now();
      if (left <= 0) throw new Error(`no ${what} within ${patience} ms; seen: ${this.summary().join(', ')}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /** Resolves to the first event of this type for an object of this name, past or to come. */
  async event(type: string, name: string, check: (object: Obj) => boolean = () => true): Promise<WatchEvent> {
    const fits = (event: WatchEvent): boolean =>
      event.type === type && event.object.metadata.name === name && check(event.object);
    await this.until((events) => events.some(fits), `${type} ${name}`);
    const found = this.events.find(fits);
    if (found === undefined) throw new Error('unreachable');
    return found;
  }

  /** The events as `TYPE name`, for comparing orders. */
  summary(): string[] {
    return this.events.map((event) => `${event.type} ${event.object.metadata.name}`);
  }

  [Symbol.dispose](): void {
    this.#close();
  }
}
