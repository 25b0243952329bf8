/**
 * Writes protobuf by hand, for messages that no generated table describes.
 */

const initialSize = 64 * 1024;

export class ProtoWriter {
  #buffer = Buffer.allocUnsafe(initialSize);
  #length = 0;

  /** Written even when empty: oneof members and repeated fields are told apart from absent ones. */
  string(field: number, value: string): void {
    this.#tag(field, 2);
    const size = Buffer.byteLength(value);
    this.#varint(size);
    this.#reserve(size);
    this.#length += this.#buffer.write(value, this.#length);
  }

  /** A `true`; proto3 leaves `false` out. */
  flag(field: number, value: boolean): void {
    if (!value) return;
    this.#tag(field, 0);
    this.#varint(1);
  }

  /** A message whose fields `body` writes. */
  message(field: number, body: () => void): void {
    this.#tag(field, 2);
    const start = this.#length;
    body();
    const size = this.#length - start;
    const prefix = varintSize(size);
    // The length stands before what it counts, and is known only now.
    this.#reserve(prefix);
    this.#buffer.copyWithin(start + prefix, start, this.#length);
    this.#length = start;
    this.#varint(size);
    this.#length = start + prefix + size;
  }

  finish(): Buffer {
    return Buffer.from(this.#buffer.subarray(0, this.#length));
  }

  #tag(field: number, wireType: number): void {
    this.#varint(field * 8 + wireType);
  }

  #varint(value: number): void {
    this.#reserve(5);
    let rest = value;
    while (rest >= 0x80) {
      this.#buffer[this.#length++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#buffer[this.#length++] = rest;
  }

  #reserve(size: number): void {
    const needed = this.#length + size;
    if (needed <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }
}

function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 0x80; rest >>>= 7) size++;
  return size;
}
