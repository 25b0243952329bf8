/** The flags of `kubets up`, checked. */
import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { parseQuantity } from '@kubets/apimachinery/quantity';
import { parseCIDR } from '@kubets/apimachinery/validation-ip';
import type { LogFormat } from '../log.ts';
import { UserError } from '../user-error.ts';
import type { SimulationOptions } from './simulation.ts';

/** As commander hands them over. */
export interface UpFlags {
  readonly controlPlaneOnly?: boolean;
  readonly dataDir: string;
  readonly bindAddress: string;
  readonly securePort: string;
  readonly writeKubeconfig?: string;
  readonly serviceClusterIpRange: string;
  readonly clusterCidr?: string;
  /** `false`: `--no-controllers`. */
  readonly controllers: string | false;
  readonly scheduler: boolean;
  readonly schedulerConfig?: string;
  readonly simulateNodes?: string;
  readonly simulatedStages?: string;
  readonly simulatedCapacity?: string;
  readonly simulatedTaint?: string;
  readonly simulatedZones?: string;
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
  /** Addresses of pods, by node. */
  readonly clusterCidrs: readonly string[];
  /** As `--controllers` of kube-controller-manager; undefined: no controller runs here. */
  readonly controllers: readonly string[] | undefined;
  readonly scheduler: boolean;
  /** Path of a KubeSchedulerConfiguration. */
  readonly schedulerConfig: string | undefined;
  /** Undefined: simulated nodes are left as they are. */
  readonly simulation: SimulationOptions | undefined;
  readonly logFormat: LogFormat;
  readonly verbosity: number;
}

/** What simulated nodes are like unless flags say otherwise. */
export const simulationDefaults = {
  simulatedCapacity: 'cpu=4,memory=32Gi,ephemeral-storage=100Gi,pods=110',
  simulatedTaint: 'PreferNoSchedule',
  simulatedZones: '0',
} as const;

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

/** `cpu=4,memory=32Gi`. Throws a {@link UserError}. */
function capacity(text: string): Record<string, string> {
  const entries = text.split(',').map((part) => {
    const [name = '', quantity = '', ...rest] = part.split('=');
    try {
      if (name !== '' && rest.length === 0) return [name, parseQuantity(quantity).toString()] as const;
    } catch (error) {
      throw new UserError(`--simulated-capacity: ${part}: ${(error as Error).message}`, { cause: error });
    }
    throw new UserError(`--simulated-capacity: ${JSON.stringify(part)} is not of the form cpu=4`);
  });
  return Object.fromEntries(entries);
}

/** Throws a {@link UserError}. */
function taint(text: string): SimulationOptions['taint'] {
  if (text === 'none') return undefined;
  if (text === 'NoSchedule' || text === 'PreferNoSchedule' || text === 'NoExecute') return text;
  const effects = 'NoSchedule, PreferNoSchedule, NoExecute or none';
  throw new UserError(`--simulated-taint: ${JSON.stringify(text)} is none of ${effects}`);
}

function simulation(flags: UpFlags): SimulationOptions | undefined {
  if (flags.simulateNodes === undefined) {
    const given = {
      '--simulated-stages': flags.simulatedStages,
      '--simulated-capacity': flags.simulatedCapacity,
      '--simulated-taint': flags.simulatedTaint,
      '--simulated-zones': flags.simulatedZones,
    };
    const [unused] = Object.entries(given).find(([, value]) => value !== undefined) ?? [];
    if (unused === undefined) return undefined;
    throw new UserError(`${unused}: there are no simulated nodes: add --simulate-nodes`);
  }
  const { simulatedCapacity, simulatedTaint, simulatedZones } = { ...simulationDefaults, ...flags };
  return {
    count: integer('--simulate-nodes', flags.simulateNodes, 0, maxNodes),
    capacity: capacity(simulatedCapacity),
    taint: taint(simulatedTaint),
    zones: integer('--simulated-zones', simulatedZones, 0, 1000),
    stagesFile: flags.simulatedStages,
  };
}

/** As many as there are addresses for. */
const maxNodes = 30_000;

/** One /24 for each node; a range with room for more nodes than usual when so many are asked for. */
function clusterCidrs(flags: UpFlags, nodes: number): string[] {
  const flag = '--cluster-cidr';
  const ranges = (flags.clusterCidr ?? (nodes > 250 ? '10.128.0.0/9' : '10.244.0.0/16')).split(',');
  const families = ranges.map((range) => {
    const cidr = parseCIDR(range);
    if (cidr === undefined) throw new UserError(`${flag}: ${JSON.stringify(range)} is no CIDR range`);
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
  const simulated = simulation(flags);
  if (flags.schedulerConfig !== undefined && !flags.scheduler)
    throw new UserError('--scheduler-config: no scheduler runs: remove --no-scheduler');
  return {
    controlPlaneOnly: flags.controlPlaneOnly === true,
    dataDir: flags.dataDir,
    bindAddress: flags.bindAddress,
    securePort: integer('--secure-port', flags.securePort, 1, 65_535),
    writeKubeconfig: flags.writeKubeconfig === undefined ? undefined : resolve(flags.writeKubeconfig),
    serviceClusterIpRanges: serviceRanges(flags.serviceClusterIpRange),
    clusterCidrs: clusterCidrs(flags, simulated?.count ?? 0),
    controllers: flags.controllers === false ? undefined : flags.controllers.split(',').filter((name) => name !== ''),
    scheduler: flags.scheduler,
    schedulerConfig: flags.schedulerConfig,
    simulation: simulated,
    logFormat: flags.logFormat,
    verbosity: integer('-v', flags.v.replace(/^=/, ''), 0, 10),
  };
}
