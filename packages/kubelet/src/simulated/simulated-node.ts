/** One simulated node: who it is, where its pods get their addresses, what it has written. */
import type { Lease } from '@kubets/api/types/coordination-v1';
import type { Node, Pod } from '@kubets/api/types/core-v1';
import type { Transport } from '@kubets/client';
import { AddressPool } from './address-pool.ts';
import { nodeAddress, nodeName, unresponsiveAnnotation } from './node-object.ts';
import type { SimulatedPod } from './simulated-pods.ts';

export class SimulatedNode {
  readonly index: number;
  readonly name: string;
  readonly hostIP: string;
  /** Requests as `system:node:<name>`. */
  readonly transport: Transport;
  readonly pods = new Set<SimulatedPod>();
  /** As last seen; undefined: not registered, or deleted. */
  object: Readonly<Node> | undefined;
  /** Registration is complete; a Node that is deleted later stays away until the next start, as with a kubelet. */
  registered = false;
  /** As written last. */
  lease: Readonly<Lease> | undefined;
  /** When the status was written last. */
  reportedAt = 0;
  #podCIDRs = '';
  #pools: readonly AddressPool[] = [];
  readonly #fallback: AddressPool;

  /** `fallback`: addresses for pods while the node has no `podCIDR`. */
  constructor(index: number, transport: Transport, fallback: AddressPool) {
    this.index = index;
    this.name = nodeName(index);
    this.hostIP = nodeAddress(index);
    this.transport = transport;
    this.#fallback = fallback;
  }

  /** Whether its kubelet does anything. */
  get responsive(): boolean {
    return (
      this.registered &&
      this.object !== undefined &&
      this.object.metadata.annotations?.[unresponsiveAnnotation] !== 'true'
    );
  }

  /** Takes what the API says about the node; pods get addresses of the node's ranges from then on. */
  see(object: Readonly<Node> | undefined): void {
    this.object = object;
    const { podCIDRs = [] } = object?.spec ?? {};
    const text = podCIDRs.join(',');
    if (text === '' || text === this.#podCIDRs) return;
    this.#podCIDRs = text;
    this.#pools = podCIDRs.map((cidr) => new AddressPool(cidr));
    for (const pod of this.pods) this.#keep(pod.podIPs);
  }

  /** Addresses for a pod: those it has already, the node's own on its network, or new ones. Empty: none is free. */
  addressesFor(pod: Readonly<Pod>): readonly string[] {
    if (pod.spec?.hostNetwork === true) return [this.hostIP];
    const known = (pod.status?.podIPs ?? []).map(({ ip }) => ip);
    if (known.length > 0) {
      this.#keep(known);
      return known;
    }
    const pools = this.#pools.length > 0 ? this.#pools : [this.#fallback];
    return pools.flatMap((pool) => pool.allocate() ?? []);
  }

  /** Idempotent. */
  release(addresses: readonly string[]): void {
    for (const address of addresses) {
      for (const pool of this.#pools) pool.release(address);
      this.#fallback.release(address);
    }
  }

  #keep(addresses: readonly string[]): void {
    for (const address of addresses) {
      if (!this.#pools.some((pool) => pool.take(address))) this.#fallback.take(address);
    }
  }
}
