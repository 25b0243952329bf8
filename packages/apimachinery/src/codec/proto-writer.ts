/**
 * Writes protobuf from the end to the front, so that the length of a message is known when its head is written.
 */

const utf8 = new TextEncoder();

export class ProtoWriter {
  #bytes = new Uint8Array(4096);
  /** Index of the first byte written. */
  #at = 4096;

  /** How many bytes there are so far: the difference of two positions is a message's length. */
  get written(): number {
    return this.#bytes.length - this.#at;
  }

  #room(size: number): void {
    if (this.#at >= size) return;
    const used = this.written;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, used + size + 1024));
    grown.set(this.#bytes.subarray(this.#at), grown.length - used);
    this.#bytes = grown;
    this.#at = grown.length - used;
  }

  /** An unsigned varint below 2^53. */
  varint(value: number): void {
    let size = 1;
    for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) size++;
    this.#room(size);
    this.#at -= size;
    let rest = value;
    for (let i = 0; i < size; i++) {
      this.#bytes[this.#at + i] = i === size - 1 ? rest : (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
  }

  /** An int32 or int64: negative numbers take ten bytes. */
  int(value: number | bigint): void {
    if (typeof value === 'number' && value >= 0 && Number.isSafeInteger(value)) this.varint(value);
    else this.#bigVarint(BigInt.asUintN(64, BigInt(value)));
  }

  #bigVarint(value: bigint): void {
    const bytes: number[] = [];
    let rest = value;
    while (rest >= 128n) {
      bytes.push(Number(rest & 127n) | 128);
      rest >>= 7n;
    }
    bytes.push(Number(rest));
    this.raw(Uint8Array.from(bytes));
  }

  double(value: number): void {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setFloat64(0, value, true);
    this.raw(bytes);
  }

  raw(bytes: Uint8Array): void {
    this.#room(bytes.length);
    this.#at -= bytes.length;
    this.#bytes.set(bytes, this.#at);
  }

  /** Length and UTF-8 bytes. */
  string(text: string): void {
    const size = text.length;
    this.#room(size);
    const start = this.#at - size;
    for (let i = 0; i < size; i++) {
      const c = text.charCodeAt(i);
      if (c > 127) {
        this.bytes(utf8.encode(text));
        return;
      }
      this.#bytes[start + i] = c;
    }
    this.#at = start;
    this.varint(size);
  }

  /** Length and bytes. */
  bytes(bytes: Uint8Array): void {
    this.raw(bytes);
    this.varint(bytes.length);
  }

  tag(number: number, wireType: number): void {
    this.varint(number * 8 + wireType);
  }

  /** Closes a length-delimited field that began when {@link written} was `before`. */
  close(number: number, before: number): void {
    this.varint(this.written - before);
    this.tag(number, 2);
  }

  finish(): Uint8Array {
    return this.#bytes.slice(this.#at);
  }
}
