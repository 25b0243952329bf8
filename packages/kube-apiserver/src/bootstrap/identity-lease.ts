/**
 * Tells others that this API server lives (`pkg/controlplane/apiserver/server.go`, KEP-1965;
 * `pkg/controlplane/controller/apiserverleasegc`).
 */
import { createHash } from 'node:crypto';
import type { Lease } from '@kubets/api/types/coordination-v1';
import type { Clock } from '@kubets/apimachinery/clock';
import type { ApiObject, GroupVersionResource } from '@kubets/apimachinery/meta';
import { isNotFound } from '@kubets/apimachinery/status';
import { formatMicroTime, parseMicroTime } from '@kubets/apimachinery/time';
import type { CacheDirectory } from '../storage/cache.ts';
import { ensureNamespace, ensureObject } from './ensure.ts';
import type { InternalClient } from './internal-client.ts';

const leases: GroupVersionResource = { group: 'coordination.k8s.io', version: 'v1', resource: 'leases' };
const namespace = 'kube-system';
const identityLabel = 'apiserver.kubernetes.io/identity';
const leaseSeconds = 3600;

/** How often to renew, and how often to look for leases of servers that are gone. Milliseconds. */
export const renewIntervalMs = 10_000;
export const garbageIntervalMs = 3_600_000;

const alphabet = 'abcdefghijklmnopqrstuvwxyz234567';

function base32(bytes: Uint8Array): string {
  let text = '';
  let bits = 0;
  let value = 0;
  for (const byte of bytes) {
    value = (value << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += alphabet[(value >>> bits) & 31] ?? '';
      value &= (1 << bits) - 1;
    }
  }
  return bits > 0 ? text + (alphabet[(value << (5 - bits)) & 31] ?? '') : text;
}

/** `apiserver-<hash of the host's name>`: the same after a restart. */
export function apiserverId(hostname: string): string {
  return `apiserver-${base32(createHash('sha256').update(hostname).digest().subarray(0, 16))}`;
}

export class IdentityLease {
  readonly #client: InternalClient;
  readonly #caches: CacheDirectory;
  readonly #clock: Clock;
  readonly #hostname: string;
  readonly #holder: string;
  readonly name: string;

  /** `uuid` tells this run of the server from others on the same host. */
  constructor(deps: { client: InternalClient; caches: CacheDirectory; clock: Clock }, hostname: string, uuid: string) {
    this.#client = deps.client;
    this.#caches = deps.caches;
    this.#clock = deps.clock;
    this.#hostname = hostname;
    this.name = apiserverId(hostname);
    this.#holder = `${this.name}_${uuid}`;
  }

  /** Creates or renews. */
  async renew(): Promise<void> {
    const existing = this.#caches.of(leases).get(namespace, this.name)?.object;
    const renewTime = formatMicroTime(this.#clock.now());
    const spec = { holderIdentity: this.#holder, leaseDurationSeconds: leaseSeconds, renewTime };
    if (existing !== undefined) {
      await this.#client.update(leases, namespace, { ...structuredClone(existing), spec } as ApiObject);
      return;
    }
    await ensureNamespace(this.#client, this.#caches, namespace);
    const labels = { [identityLabel]: 'kube-apiserver', 'kubernetes.io/hostname': this.#hostname };
    const metadata = { name: this.name, namespace, labels };
    const object = { kind: 'Lease', apiVersion: 'coordination.k8s.io/v1', metadata, spec };
    await ensureObject(this.#client, this.#caches, { resource: leases, object });
  }

  /** Deletes leases of API servers that have not renewed theirs in time. */
  async collectGarbage(): Promise<void> {
    const expired = [...this.#caches.of(leases).list(namespace)].filter(
      ({ labels, object }) => labels?.[identityLabel] === 'kube-apiserver' && this.#isExpired(object),
    );
    for (const entry of expired) {
      try {
        await this.#client.delete(leases, namespace, entry.name);
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }
  }

  #isExpired(object: Readonly<ApiObject>): boolean {
    const { renewTime, leaseDurationSeconds } = (object as unknown as Lease).spec ?? {};
    if (renewTime === undefined || leaseDurationSeconds === undefined) return true;
    return parseMicroTime(renewTime) + leaseDurationSeconds * 1000 < this.#clock.now();
  }
}
