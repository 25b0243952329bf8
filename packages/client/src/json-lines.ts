/** Cuts a byte stream into JSON values, one a line. */

const newline = 0x0a;

export class JsonLines {
  /** Pieces of a line whose end has not come yet. */
  #pending: Buffer[] = [];

  /** A line has begun and not ended. */
  get pending(): boolean {
    return this.#pending.length > 0;
  }

  /** The values completed by this chunk, in order. Throws SyntaxError on a line that is no JSON. */
  push(chunk: Buffer): unknown[] {
    const values: unknown[] = [];
    let start = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      this.#pending.push(chunk.subarray(start, end));
      const line = this.#pending.length === 1 ? this.#pending[0] : Buffer.concat(this.#pending);
      this.#pending = [];
      start = end + 1;
      if (line !== undefined && line.length > 0) values.push(JSON.parse(line.toString('utf8')));
    }
    if (start < chunk.length) this.#pending.push(chunk.subarray(start));
    return values;
  }
}
