/** The flags of `kubets up`, checked. */
import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { parseCIDR } from '@kubets/apimachinery/validation-ip';
import type { LogFormat } from '../log.ts';
import { UserError } from '../user-error.ts';

/** As commander hands them over. */
export interface UpFlags {
  readonly controlPlaneOnly?: boolean;
  readonly dataDir: string;
  readonly bindAddress: string;
  readonly securePort: string;
  readonly writeKubeconfig?: string;
  readonly serviceClusterIpRange: string;
  readonly logFormat: string;
  readonly v: string;
}

export interface UpOptions {
  readonly controlPlaneOnly: boolean;
  readonly dataDir: string;
  readonly bindAddress: string;
  readonly securePort: number;
  /** Absolute. */
  readonly writeKubeconfig: string | undefined;
  /** One range, or an IPv4 and an IPv6 one. */
  readonly serviceClusterIpRanges: readonly string[];
  readonly logFormat: LogFormat;
  readonly verbosity: number;
}

function integer(flag: string, text: string, min: number, max: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= min && value <= max))
    throw new UserError(`${flag}: ${JSON.stringify(text)} is not a number from ${min} to ${max}`);
  return value;
}

/**
 * `--service-cluster-ip-range`: one range, or one of each family. Smaller ones than of 16 addresses
 * have no room for the fixed addresses. Throws a {@link UserError}.
 */
export function serviceRanges(text: string): string[] {
  const flag = '--service-cluster-ip-range';
  const ranges = text.split(',');
  const families = ranges.map((range) => {
    const cidr = parseCIDR(range);
    if (cidr === undefined) throw new UserError(`${flag}: ${JSON.stringify(range)} is no CIDR range`);
    const hostBits = cidr.network.length * 8 - cidr.bits;
    if (hostBits < 4) throw new UserError(`${flag}: ${range} is too small: at least 16 addresses are needed`);
    return cidr.network.length;
  });
  if (ranges.length > 2 || (ranges.length === 2 && families[0] === families[1])) {
    throw new UserError(`${flag}: give one range, or one of IPv4 and one of IPv6`);
  }
  return ranges;
}

/** Throws a {@link UserError} that names the flag. */
export function upOptions(flags: UpFlags): UpOptions {
  if (isIP(flags.bindAddress) === 0)
    throw new UserError(`--bind-address: ${JSON.stringify(flags.bindAddress)} is no IP address`);
  if (flags.logFormat !== 'text' && flags.logFormat !== 'json') {
    throw new UserError(`--log-format: ${JSON.stringify(flags.logFormat)} is neither text nor json`);
  }
  return {
    controlPlaneOnly: flags.controlPlaneOnly === true,
    dataDir: flags.dataDir,
    bindAddress: flags.bindAddress,
    securePort: integer('--secure-port', flags.securePort, 1, 65_535),
    writeKubeconfig: flags.writeKubeconfig === undefined ? undefined : resolve(flags.writeKubeconfig),
    serviceClusterIpRanges: serviceRanges(flags.serviceClusterIpRange),
    logFormat: flags.logFormat,
    verbosity: integer('-v', flags.v.replace(/^=/, ''), 0, 10),
  };
}
