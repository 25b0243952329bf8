/** Ports that pods take of their host (`pkg/scheduler/util/utils.go`, `GetHostPorts`; `framework/types.go`, `HostPortInfo`). */
import type { Container, Pod } from '@kubets/api/types/core-v1';

export interface HostPort {
  /** `0.0.0.0` for all addresses. */
  readonly ip: string;
  readonly protocol: string;
  readonly port: number;
}

const allAddresses = '0.0.0.0';

function portsOf(container: Readonly<Container>, into: HostPort[]): void {
  for (const { hostPort, hostIP, protocol } of container.ports ?? []) {
    if (hostPort === undefined || hostPort <= 0) continue;
    into.push({
      ip: hostIP === undefined || hostIP === '' ? allAddresses : hostIP,
      protocol: protocol ?? 'TCP',
      port: hostPort,
    });
  }
}

/** Of containers, and of init containers that go on running. */
export function hostPortsOf(pod: Readonly<Pod>): readonly HostPort[] {
  const ports: HostPort[] = [];
  for (const container of pod.spec?.containers ?? []) portsOf(container, ports);
  for (const container of pod.spec?.initContainers ?? []) {
    if (container.restartPolicy === 'Always') portsOf(container, ports);
  }
  return ports.length === 0 ? noPorts : ports;
}

const noPorts: readonly HostPort[] = [];

/** The ports in use on one node. A port may be held several times: users bind pods as they like. */
export class UsedPorts {
  readonly #byPort = new Map<string, Map<string, number>>();

  get size(): number {
    return this.#byPort.size;
  }

  add({ ip, protocol, port }: HostPort): void {
    const key = `${protocol}/${port}`;
    let holders = this.#byPort.get(key);
    if (holders === undefined) this.#byPort.set(key, (holders = new Map()));
    holders.set(ip, (holders.get(ip) ?? 0) + 1);
  }

  remove({ ip, protocol, port }: HostPort): void {
    const key = `${protocol}/${port}`;
    const holders = this.#byPort.get(key);
    const count = holders?.get(ip);
    if (holders === undefined || count === undefined) return;
    if (count > 1) holders.set(ip, count - 1);
    else holders.delete(ip);
    if (holders.size === 0) this.#byPort.delete(key);
  }

  /** Whether somebody holds the port on an address that overlaps. */
  conflicts({ ip, protocol, port }: HostPort): boolean {
    const holders = this.#byPort.get(`${protocol}/${port}`);
    if (holders === undefined) return false;
    return ip === allAddresses || holders.has(allAddresses) || holders.has(ip);
  }

  clone(): UsedPorts {
    const copy = new UsedPorts();
    for (const [key, holders] of this.#byPort) copy.#byPort.set(key, new Map(holders));
    return copy;
  }
}
