/** Node ports of Services (`pkg/registry/core/service/storage/alloc.go`, from `initNodePorts` to `updateHealthCheckNodePort`). */
import { needsHealthCheck, nodePortsOf } from '@kubets/api/core/validation/service-traits';
import type { Service, ServicePort } from '@kubets/api/types/core-v1';
import { invalid, Path } from '@kubets/apimachinery/field';
import { newInternalError, newInvalid } from '@kubets/apimachinery/status';
import { AllocationError } from './ip-allocator.ts';
import { specOf } from './normalize.ts';
import type { PortAllocator } from './port-allocator.ts';
import type { Transaction } from './transaction.ts';

type Old = Readonly<Service>;

/** One write's dealings with the allocator. A dry run looks, and takes nothing. */
export class PortOperation {
  readonly #ports: PortAllocator;
  readonly #owner: string;
  readonly #transaction: Transaction;
  readonly #dryRun: boolean;

  constructor(options: { ports: PortAllocator; owner: string; transaction: Transaction; dryRun: boolean }) {
    this.#ports = options.ports;
    this.#owner = options.owner;
    this.#transaction = options.transaction;
    this.#dryRun = options.dryRun;
  }

  allocate(port: number): void {
    if (this.#dryRun) return this.#ports.check(port);
    this.#ports.allocate(port, this.#owner);
    this.#transaction.onRevert(() => this.#ports.release(port, this.#owner));
  }

  next(): number {
    if (this.#dryRun) return this.#ports.peek();
    const port = this.#ports.next(this.#owner);
    this.#transaction.onRevert(() => this.#ports.release(port, this.#owner));
    return port;
  }

  releaseLater(port: number): void {
    if (!this.#dryRun) this.#transaction.onCommit(() => this.#ports.release(port, this.#owner));
  }
}

function refused(service: Service, error: unknown, { index, port }: { index: number; port: number }): Error {
  if (!(error instanceof AllocationError)) return error as Error;
  const path = Path.of(`spec.ports[${index}].nodePort`);
  return newInvalid({ group: '', kind: 'Service' }, service.metadata.name ?? '', [invalid(path, port, error.message)]);
}

function allocate(operation: PortOperation, service: Service, at: { index: number; port: number }): void {
  try {
    operation.allocate(at.port);
  } catch (error) {
    throw refused(service, error, at);
  }
}

function next(operation: PortOperation): number {
  try {
    return operation.next();
  } catch (error) {
    throw newInternalError(`failed to allocate a nodePort: ${error instanceof Error ? error.message : String(error)}`);
  }
}

const usesNodePorts = ({ spec }: Old): boolean => spec?.type === 'NodePort' || spec?.type === 'LoadBalancer';

/** Load balancers may do without node ports, but keep those that are asked for. */
function shouldAllocate({ spec }: Old): boolean {
  return spec?.type === 'NodePort' || (spec?.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts !== false);
}

const requestedFor = (ports: readonly ServicePort[], wanted: number): number =>
  ports.find(({ port, nodePort }) => port === wanted && nodePort)?.nodePort ?? 0;

/** Ports of one number share a node port, whatever their protocols, unless the client says otherwise. */
function initNodePorts(service: Service, operation: PortOperation): void {
  const ports = specOf(service).ports ?? [];
  const given = new Map<number, number>();
  for (const [index, port] of ports.entries()) {
    if (!port.nodePort && !shouldAllocate(service)) continue;
    const shared = given.get(port.port);
    if (shared === undefined) {
      const requested = requestedFor(ports, port.port);
      if (requested !== 0) allocate(operation, service, { index, port: requested });
      port.nodePort = requested !== 0 ? requested : next(operation);
      given.set(port.port, port.nodePort);
    } else if (!port.nodePort) port.nodePort = shared;
    else if (port.nodePort !== shared) allocate(operation, service, { index, port: port.nodePort });
  }
}

function updateNodePorts(service: Service, old: Old, operation: PortOperation): void {
  const before = nodePortsOf(old);
  const taken = new Set<number>(before);
  const pairs = new Set<string>();
  for (const [index, port] of (specOf(service).ports ?? []).entries()) {
    if (!port.nodePort && !shouldAllocate(service)) continue;
    if (!port.nodePort) port.nodePort = next(operation);
    else if (!taken.has(port.nodePort)) allocate(operation, service, { index, port: port.nodePort });
    taken.add(port.nodePort);
    const pair = `{${port.protocol ?? ''} ${port.nodePort}}`;
    if (pairs.has(pair)) throw newInternalError(`duplicate nodePort: ${pair}`);
    pairs.add(pair);
  }
  const now = new Set(nodePortsOf(service));
  for (const port of before) if (!now.has(port)) operation.releaseLater(port);
}

function allocateHealthCheckPort(service: Service, operation: PortOperation): void {
  const spec = specOf(service);
  const wanted = spec.healthCheckNodePort ?? 0;
  try {
    if (wanted === 0) spec.healthCheckNodePort = operation.next();
    else operation.allocate(wanted);
  } catch (error) {
    const what = wanted === 0 ? 'a HealthCheck NodePort 0' : `requested HealthCheck NodePort ${wanted}`;
    throw newInternalError(`failed to allocate ${what}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Fills the node ports of a new Service. Throws 422 for those that are taken, 500 when there are none left. */
export function allocateNodePorts(service: Service, operation: PortOperation): void {
  if (usesNodePorts(service)) initNodePorts(service, operation);
  if (needsHealthCheck(service)) allocateHealthCheckPort(service, operation);
}

/** Takes what the new state needs in addition, gives back what it no longer needs. Throws as {@link allocateNodePorts}. */
export function reallocateNodePorts(service: Service, old: Old, operation: PortOperation): void {
  if (usesNodePorts(service)) updateNodePorts(service, old, operation);
  else if (usesNodePorts(old)) for (const port of nodePortsOf(old)) operation.releaseLater(port);
  const needed = needsHealthCheck(old);
  const needs = needsHealthCheck(service);
  if (!needed && needs) allocateHealthCheckPort(service, operation);
  const before = old.spec?.healthCheckNodePort ?? 0;
  if (needed && !needs && before !== 0) operation.releaseLater(before);
}
