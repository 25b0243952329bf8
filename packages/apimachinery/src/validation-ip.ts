/**
 * IP addresses and CIDRs as the API accepts them: leading zeros and IPv4-mapped forms are let through, with a warning
 * (`k8s.io/apimachinery/pkg/util/validation/ip.go`, `k8s.io/utils/net` `ParseIPSloppy`).
 */
import type { Path } from './field.ts';

/** Four or sixteen bytes; IPv4-mapped addresses have four, as Go's `To4` gives. */
export type IP = readonly number[];

/** An address with the length of its prefix. */
export interface CIDR {
  /** As written, with the host bits. */
  readonly ip: IP;
  /** With the host bits cleared. */
  readonly network: IP;
  /** Length of the prefix, in bits of `network`. */
  readonly bits: number;
}

function parseIPv4(text: string): number[] | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  const bytes: number[] = [];
  for (const part of parts) {
    if (!/^[0-9]{1,10}$/.test(part) || Number(part) > 255) return undefined;
    bytes.push(Number(part));
  }
  return bytes;
}

/** Groups of one side of `::` to bytes; the last may be a dotted IPv4 address. */
function parseGroups(text: string, dottedTail: boolean): number[] | undefined {
  if (text === '') return [];
  const groups = text.split(':');
  const bytes: number[] = [];
  for (const [i, group] of groups.entries()) {
    if (dottedTail && i === groups.length - 1 && group.includes('.')) {
      const tail = parseIPv4(group);
      if (tail === undefined) return undefined;
      bytes.push(...tail);
    } else {
      if (!/^[0-9a-fA-F]{1,8}$/.test(group)) return undefined;
      const value = parseInt(group, 16);
      if (value > 0xffff) return undefined;
      bytes.push(value >> 8, value & 255);
    }
  }
  return bytes;
}

function parseIPv6(text: string): number[] | undefined {
  const gap = text.indexOf('::');
  if (gap < 0) {
    const bytes = parseGroups(text, true);
    return bytes?.length === 16 ? bytes : undefined;
  }
  const head = parseGroups(text.slice(0, gap), false);
  const tail = parseGroups(text.slice(gap + 2), true);
  // The gap stands for one group at least.
  if (head === undefined || tail === undefined || head.length + tail.length > 14) return undefined;
  return [...head, ...Array<number>(16 - head.length - tail.length).fill(0), ...tail];
}

const mappedPrefix = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255];
const isMapped = (bytes: IP): boolean => bytes.length === 16 && mappedPrefix.every((b, i) => bytes[i] === b);

/** The address, or undefined when it is none (`ParseIPSloppy`). */
export function parseIP(text: string): IP | undefined {
  if (text.length > 64) return undefined;
  if (!text.includes(':')) return parseIPv4(text);
  const bytes = parseIPv6(text);
  return bytes !== undefined && isMapped(bytes) ? bytes.slice(12) : bytes;
}

/** The canonical text: dotted, or RFC 5952. */
export function formatIP(ip: IP): string {
  if (ip.length === 4) return ip.join('.');
  const groups = Array.from({ length: 8 }, (_, i) => ((ip[2 * i] ?? 0) << 8) | (ip[2 * i + 1] ?? 0));
  let [start, length] = [-1, 1];
  for (let i = 0; i < 8; i++) {
    let end = i;
    while (end < 8 && groups[end] === 0) end++;
    if (end - i > length) [start, length] = [i, end - i];
  }
  const hex = (from: number, to: number): string =>
    groups
      .slice(from, to)
      .map((g) => g.toString(16))
      .join(':');
  return start < 0 ? hex(0, 8) : `${hex(0, start)}::${hex(start + length, 8)}`;
}

/** The CIDR, or undefined when it is none (`ParseCIDRSloppy`). */
export function parseCIDR(text: string): CIDR | undefined {
  const slash = text.indexOf('/');
  if (slash < 0) return undefined;
  const address = text.slice(0, slash);
  const ip = parseIP(address);
  const prefix = text.slice(slash + 1);
  if (ip === undefined || !/^[0-9]{1,6}$/.test(prefix)) return undefined;
  const written = address.includes(':') ? 128 : 32;
  if (Number(prefix) > written) return undefined;
  // The prefix of a mapped address counts from its 128 bits.
  const bits = Math.max(0, Number(prefix) - (written - ip.length * 8));
  const network = ip.map((byte, i) => byte & (0xff00 >> Math.min(8, Math.max(0, bits - i * 8))) & 255);
  return { ip, network, bits };
}

/** The canonical text of the network. */
export const formatCIDR = (cidr: CIDR): string => `${formatIP(cidr.network)}/${cidr.bits}`;

/** Whether the address has sixteen bytes. */
export const isIPv6 = (ip: IP): boolean => ip.length === 16;

const one = (ok: boolean, message: string): string[] => (ok ? [] : [message]);

/** An address of either family. */
export const isValidIP = (value: string): string[] =>
  one(parseIP(value) !== undefined, 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)');
/** An IPv4 address. */
export const isValidIPv4Address = (value: string): string[] =>
  one(parseIP(value)?.length === 4, 'must be a valid IPv4 address');
/** An IPv6 address. */
export const isValidIPv6Address = (value: string): string[] =>
  one(parseIP(value)?.length === 16, 'must be a valid IPv6 address');

const badCIDR = 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)';
/** A network of either family; host bits may be set. */
export const isValidCIDR = (value: string): string[] => one(parseCIDR(value) !== undefined, badCIDR);

/** A whole address with its prefix length, in canonical form: `192.168.1.5/24`. */
export function isValidInterfaceAddress(value: string): string[] {
  const cidr = parseCIDR(value);
  if (cidr === undefined) return [badCIDR];
  const canonical = `${formatIP(cidr.ip)}/${cidr.bits}`;
  return one(value === canonical, `must be in canonical form (${JSON.stringify(canonical)})`);
}

/** Leading zeros, over-long groups or an IPv4-mapped form: what a strict parser refuses. */
function isNonStandard(address: string): boolean {
  if (!address.includes(':')) return address.split('.').some((p) => p.length > 1 && p.startsWith('0'));
  const bytes = parseIPv6(address);
  const dotted = address.slice(address.lastIndexOf(':') + 1);
  if (dotted.includes('.') && isNonStandard(dotted)) return true;
  return bytes === undefined || isMapped(bytes) || address.split(':').some((g) => !g.includes('.') && g.length > 4);
}

/** Warnings for an address that {@link isValidIP} accepts (`GetWarningsForIP`). */
export function warningsForIP(path: Path, value: string): string[] {
  const ip = parseIP(value);
  if (ip === undefined) return [];
  const [given, canonical] = [JSON.stringify(value), JSON.stringify(formatIP(ip))];
  if (isNonStandard(value)) {
    const what = 'will be considered invalid in a future Kubernetes release';
    return [`${path}: non-standard IP address ${given} ${what}: use ${canonical}`];
  }
  if (given === canonical) return [];
  return [`${path}: IPv6 address ${given} should be in RFC 5952 canonical format (${canonical})`];
}

/** Warnings for a CIDR that {@link isValidCIDR} accepts (`GetWarningsForCIDR`). */
export function warningsForCIDR(path: Path, value: string): string[] {
  const cidr = parseCIDR(value);
  if (cidr === undefined) return [];
  const [given, canonical] = [JSON.stringify(value), JSON.stringify(formatCIDR(cidr))];
  const warnings: string[] = [];
  if (formatIP(cidr.ip) !== formatIP(cidr.network)) {
    const single = JSON.stringify(`${formatIP(cidr.ip)}/${cidr.ip.length * 8}`);
    warnings.push(`${path}: CIDR value ${given} is ambiguous in this context (should be ${canonical} or ${single}?)`);
  }
  const [address = '', prefix = ''] = value.split('/');
  if (isNonStandard(address) || (prefix.length > 1 && prefix.startsWith('0'))) {
    const what = 'will be considered invalid in a future Kubernetes release';
    warnings.push(`${path}: non-standard CIDR value ${given} ${what}: use ${canonical}`);
  }
  if (warnings.length === 0 && given !== canonical) {
    warnings.push(`${path}: IPv6 CIDR value ${given} should be in RFC 5952 canonical format (${canonical})`);
  }
  return warnings;
}
