/**
 * The addresses of a service range, and the part of it that is left for addresses asked for by name
 * (`pkg/registry/core/service/ipallocator/ipallocator.go`; KEP-3070).
 */
import { formatIP, parseCIDR, parseIP, type IP } from '@kubets/apimachinery/validation-ip';

export type IPFamily = 'IPv4' | 'IPv6';

/** First and last address that may be given out; empty when `last < first`. */
export interface IPRange {
  readonly cidr: string;
  readonly family: IPFamily;
  readonly network: bigint;
  readonly first: bigint;
  readonly last: bigint;
  /** Addresses below this one are given out only when asked for, or when all others are taken. */
  readonly dynamicFirst: bigint;
}

export function ipToBigInt(ip: IP): bigint {
  let value = 0n;
  for (const byte of ip) value = (value << 8n) | BigInt(byte);
  return value;
}

export function bigIntToText(value: bigint, family: IPFamily): string {
  const length = family === 'IPv4' ? 4 : 16;
  const bytes = Array.from({ length }, (_, i) => Number((value >> BigInt(8 * (length - 1 - i))) & 0xffn));
  return formatIP(bytes);
}

export const familyOfIP = (ip: IP): IPFamily => (ip.length === 4 ? 'IPv4' : 'IPv6');

/** The family of an address or a range in text form; undefined when it is neither. */
export function familyOf(text: string): IPFamily | undefined {
  const ip = text.includes('/') ? parseCIDR(text)?.network : parseIP(text);
  return ip && familyOfIP(ip);
}

/** The canonical text of an address; undefined when it is none. */
export function canonicalIP(text: string): string | undefined {
  const ip = parseIP(text);
  return ip && formatIP(ip);
}

/** `calculateRangeOffset`: a sixteenth of the range, 16 to 256 addresses; none in very small ranges. */
function staticBand(size: bigint): bigint {
  if (size <= 16n) return 0n;
  const part = size / 16n;
  return part < 16n ? 16n : part > 256n ? 256n : part;
}

/** Neither the network's address nor, in IPv4, the broadcast address is given out. Throws for a text that is no CIDR. */
export function parseRange(cidr: string): IPRange {
  const parsed = parseCIDR(cidr);
  if (parsed === undefined) throw new Error(`invalid service range ${JSON.stringify(cidr)}`);
  const family = familyOfIP(parsed.network);
  const size = 1n << BigInt(parsed.network.length * 8 - parsed.bits);
  const network = ipToBigInt(parsed.network);
  const first = network + 1n;
  const last = network + size - (family === 'IPv4' ? 2n : 1n);
  return { cidr, family, network, first, last, dynamicFirst: first + staticBand(size) };
}

export const rangeContains = (range: IPRange, address: bigint): boolean =>
  address >= range.first && address <= range.last;
