/**
 * Leases for objects that vanish by themselves (events after an hour). One lease serves all objects
 * written within a minute, so that a flood of events does not make a flood of leases
 * (`apiserver/pkg/storage/etcd3/lease_manager.go`).
 */
import type { Clock } from '@kubets/apimachinery/clock';
import type { Storage } from '@kubets/etcd';

export interface LeaseSource {
  /** The id of a lease that has at least the full time to live. */
  current(): Promise<number>;
}

const reuseSeconds = 60;
const maxObjects = 1000;

export class TtlLeases implements LeaseSource {
  readonly #storage: Storage;
  readonly #clock: Clock;
  readonly #ttlSeconds: number;
  #lease: Promise<number> | undefined;
  #objects = 0;
  #renewAt = 0;

  constructor(storage: Storage, clock: Clock, ttlSeconds: number) {
    this.#storage = storage;
    this.#clock = clock;
    this.#ttlSeconds = ttlSeconds;
  }

  current(): Promise<number> {
    const now = this.#clock.monotonic();
    if (this.#lease !== undefined && now < this.#renewAt && this.#objects < maxObjects) {
      this.#objects++;
      return this.#lease;
    }
    const lease = this.#storage.grantLease(this.#ttlSeconds + reuseSeconds);
    lease.catch(() => {
      if (this.#lease === lease) this.#lease = undefined;
    });
    this.#lease = lease;
    this.#objects = 1;
    this.#renewAt = now + reuseSeconds * 1000;
    return lease;
  }
}
