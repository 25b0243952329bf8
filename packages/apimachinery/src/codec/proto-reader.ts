/** Reads protobuf's wire format. Every broken input throws {@link DecodeError}; nothing reads past the end. */
import { DecodeError } from '../schema/decode-error.ts';

const utf8 = new TextDecoder();
/** Below this many bytes, ASCII is read faster byte by byte than by the decoder. */
const shortString = 24;

export class ProtoReader {
  readonly #bytes: Uint8Array;
  #at: number;
  readonly #end: number;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  get done(): boolean {
    return this.#at >= this.#end;
  }

  /** An unsigned 64-bit varint. */
  big(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#byte();
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return BigInt.asUintN(64, value);
    }
    throw new DecodeError('proto: integer overflow');
  }

  #byte(): number {
    if (this.#at >= this.#end) throw new DecodeError('unexpected EOF');
    return this.#bytes[this.#at++] ?? 0;
  }

  /** A varint that must be a length or a tag: below 2^31. */
  varint(): number {
    let value = 0;
    for (let i = 0, scale = 1; i < 5; i++, scale *= 128) {
      const byte = this.#byte();
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
    throw new DecodeError('proto: integer overflow');
  }

  /** A signed int64, as a number (exact up to 2^53). */
  int(): number {
    const start = this.#at;
    let value = 0;
    // Seven bytes fit a number exactly; longer ones (negative numbers) take the slow way.
    for (let i = 0, scale = 1; i < 7; i++, scale *= 128) {
      const byte = this.#byte();
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
    this.#at = start;
    return Number(BigInt.asIntN(64, this.big()));
  }

  double(): number {
    const start = this.#take(8);
    return new DataView(this.#bytes.buffer, this.#bytes.byteOffset + start, 8).getFloat64(0, true);
  }

  #take(size: number): number {
    const start = this.#at;
    if (size > this.#end - start) throw new DecodeError('unexpected EOF');
    this.#at = start + size;
    return start;
  }

  bytes(): Uint8Array {
    const size = this.varint();
    const start = this.#take(size);
    return this.#bytes.subarray(start, start + size);
  }

  string(): string {
    const size = this.varint();
    const start = this.#take(size);
    if (size > shortString) return utf8.decode(this.#bytes.subarray(start, start + size));
    let text = '';
    for (let i = start; i < start + size; i++) {
      const c = this.#bytes[i] ?? 0;
      if (c > 127) return utf8.decode(this.#bytes.subarray(start, start + size));
      text += String.fromCharCode(c);
    }
    return text;
  }

  /** A reader over the length-delimited value that comes next. */
  message(): ProtoReader {
    const size = this.varint();
    const start = this.#take(size);
    return new ProtoReader(this.#bytes, start, start + size);
  }

  skip(wireType: number): void {
    if (wireType === 0) this.big();
    else if (wireType === 1) this.#take(8);
    else if (wireType === 2) this.bytes();
    else if (wireType === 5) this.#take(4);
    else throw new DecodeError(`proto: illegal wireType ${wireType}`);
  }
}
