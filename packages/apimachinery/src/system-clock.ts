/** The adapter to the machine's clock, timers and random numbers: the one place where they are read. */
import type { Clock, Random } from './clock.ts';

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimer(ms, callback) {
    const handle: unknown = setTimeout(callback, ms);
    // A browser's handle is a number and has no unref.
    if (typeof handle === 'object' && handle !== null && 'unref' in handle) (handle as { unref(): void }).unref();
    return { cancel: () => clearTimeout(handle as Parameters<typeof clearTimeout>[0]) };
  },
};

const digits = Uint8Array.from('0123456789abcdef', (digit) => digit.charCodeAt(0));
const dash = '-'.charCodeAt(0);

/**
 * Random UUIDs (RFC 9562, version 4) as flat strings. `crypto.randomUUID` concatenates its text from pieces, and one string that
 * is made of pieces makes JSON.stringify take its slow path for the whole object: twice the time for a pod.
 */
class Uuids {
  readonly #pool = new Uint8Array(4096);
  readonly #codes = Array.from({ length: 36 }, () => dash);
  #used = this.#pool.length;

  next(): string {
    if (this.#used === this.#pool.length) {
      globalThis.crypto.getRandomValues(this.#pool);
      this.#used = 0;
    }
    const bytes = this.#pool.subarray(this.#used, (this.#used += 16));
    bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40;
    bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
    let at = 0;
    for (let i = 0; i < 16; i++) {
      if (i === 4 || i === 6 || i === 8 || i === 10) at++;
      const byte = bytes[i] as number;
      this.#codes[at++] = digits[byte >> 4] as number;
      this.#codes[at++] = digits[byte & 0x0f] as number;
    }
    return String.fromCharCode.apply(undefined, this.#codes);
  }
}

const uuids = new Uuids();

export const systemRandom: Random = {
  float: () => Math.random(),
  uuid: () => uuids.next(),
};
