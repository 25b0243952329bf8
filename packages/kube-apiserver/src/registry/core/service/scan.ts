/** Looking for something free, from a random place on (`pkg/registry/core/service/allocator/bitmap.go`). */

/** A part of the numbers to choose from, both ends included; empty when `last < first`. */
export interface Band {
  readonly first: bigint;
  readonly last: bigint;
}

/** A number below `size`, uniform enough for ranges of any length. */
function randomBelow(size: bigint, float: () => number): bigint {
  if (size <= 0x1_0000_0000n) return BigInt(Math.floor(float() * Number(size)));
  let value = 0n;
  for (let bits = 0n; bits < 128n; bits += 32n) value = (value << 32n) | BigInt(Math.floor(float() * 0x1_0000_0000));
  return value % size;
}

/** The numbers of each band in turn: every one once, starting at a random one and going round. */
export function* scan(bands: readonly Band[], float: () => number): Generator<bigint, void, undefined> {
  for (const { first, last } of bands) {
    const size = last - first + 1n;
    if (size <= 0n) continue;
    const start = first + randomBelow(size, float);
    for (let at = start; at <= last; at++) yield at;
    for (let at = first; at < start; at++) yield at;
  }
}
