/** How many pods of a namespace have come to a state: a watch whose lines are counted, not read. */
import type { ApiClient } from '../test/harness/api-client.ts';

const mark = Buffer.from('{"type":"ADDED"');
const newline = 0x0a;

export class PodCounter {
  /** Pods that have entered the selection since the watch began. */
  count = 0;
  #tail: Buffer = Buffer.alloc(0);
  readonly #waiting = new Set<() => void>();
  #close: () => void = () => undefined;

  /** `selector`: a field selector, e.g. `spec.nodeName!=`. */
  static async start(client: ApiClient, namespace: string, selector: string): Promise<PodCounter> {
    const counter = new PodCounter();
    const query = `watch=1&resourceVersion=0&fieldSelector=${encodeURIComponent(selector)}`;
    const path = `/api/v1/namespaces/${namespace}/pods?${query}`;
    counter.#close = await client.stream(path, (chunk) => counter.#add(chunk));
    return counter;
  }

  #add(chunk: Buffer): void {
    const bytes = this.#tail.length === 0 ? chunk : Buffer.concat([this.#tail, chunk]);
    let start = 0;
    for (let end = bytes.indexOf(newline); end >= 0; end = bytes.indexOf(newline, start)) {
      if (bytes.subarray(start, start + mark.length).equals(mark)) this.count++;
      start = end + 1;
    }
    this.#tail = bytes.subarray(start);
    for (const check of this.#waiting) check();
  }

  /** Resolves when so many have been counted; rejects after `seconds`. */
  async until(count: number, seconds: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const late = (): void => reject(new Error(`only ${this.count} of ${count} pods within ${seconds} s`));
    const timer = setTimeout(late, seconds * 1000);
    const check = (): void => {
      if (this.count >= count) resolve();
    };
    this.#waiting.add(check);
    check();
    await promise.finally(() => {
      clearTimeout(timer);
      this.#waiting.delete(check);
    });
  }

  [Symbol.dispose](): void {
    this.#close();
  }
}
