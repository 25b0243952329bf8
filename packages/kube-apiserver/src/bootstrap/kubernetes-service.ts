/**
 * The service `default/kubernetes`, its endpoints and the service CIDR (`pkg/controlplane/controller/kubernetesservice/controller.go`,
 * `pkg/controlplane/reconcilers`, `pkg/controlplane/controller/defaultservicecidr`).
 */
import type { EndpointSlice } from '@kubets/api/types/discovery-v1';
import type { Endpoints, Service, ServicePort } from '@kubets/api/types/core-v1';
import type { ServiceCIDR } from '@kubets/api/types/networking-v1';
import type { Clock } from '@kubets/apimachinery/clock';
import type { ApiObject, GroupVersionResource } from '@kubets/apimachinery/meta';
import { formatTime } from '@kubets/apimachinery/time';
import { semanticEqual } from '../registry/generic/semantic-equal.ts';
import type { CacheDirectory } from '../storage/cache.ts';
import { ensureNamespace, ensureObject } from './ensure.ts';
import type { InternalClient } from './internal-client.ts';

export interface KubernetesServiceOptions {
  /** Where this server can be reached (`--advertise-address`). IPv4 or IPv6. */
  readonly advertiseAddress: string;
  /** `--secure-port`. */
  readonly securePort: number;
  /** The first address of the first service range. */
  readonly serviceAddress: string;
  /** `--service-cluster-ip-range`: one range, or one of each family. */
  readonly serviceCIDRs: readonly string[];
}

const isLoopback = (address: string): boolean => address.startsWith('127.') || address === '::1';

const name = 'kubernetes';
const namespace = 'default';

const services: GroupVersionResource = { group: '', version: 'v1', resource: 'services' };
const endpointsResource: GroupVersionResource = { group: '', version: 'v1', resource: 'endpoints' };
const endpointSlices: GroupVersionResource = { group: 'discovery.k8s.io', version: 'v1', resource: 'endpointslices' };
const serviceCIDRs: GroupVersionResource = { group: 'networking.k8s.io', version: 'v1', resource: 'servicecidrs' };

/** One pass; call it again from time to time. Knows of one API server: this one. */
export class KubernetesService {
  readonly #client: InternalClient;
  readonly #caches: CacheDirectory;
  readonly #options: KubernetesServiceOptions;
  readonly #clock: Clock;

  constructor(
    deps: { client: InternalClient; caches: CacheDirectory; clock: Clock },
    options: KubernetesServiceOptions,
  ) {
    this.#client = deps.client;
    this.#caches = deps.caches;
    this.#clock = deps.clock;
    this.#options = options;
  }

  /** Idempotent: writes only what differs. */
  async reconcile(): Promise<void> {
    await ensureNamespace(this.#client, this.#caches, namespace);
    await this.#reconcileService();
    // Endpoints must not be loopback addresses: a machine without any other has a service nobody answers for.
    if (isLoopback(this.#options.advertiseAddress)) return;
    await this.#reconcileEndpoints();
    await this.#reconcileSlice();
  }

  /** The range that services get their addresses from, ready at once. Idempotent. */
  async reconcileServiceCIDR(): Promise<void> {
    const object = {
      kind: 'ServiceCIDR',
      apiVersion: 'networking.k8s.io/v1',
      metadata: { name },
      spec: { cidrs: [...this.#options.serviceCIDRs] },
    };
    await ensureObject(this.#client, this.#caches, { resource: serviceCIDRs, object });
    const stored = this.#caches.of(serviceCIDRs).get('', name)?.object;
    const conditions = (stored as unknown as ServiceCIDR | undefined)?.status?.conditions ?? [];
    if (stored === undefined || conditions.some((condition) => condition.type === 'Ready')) return;
    const ready = {
      type: 'Ready',
      status: 'True',
      lastTransitionTime: formatTime(this.#clock.now()),
      reason: '',
      message: 'Kubernetes default Service CIDR is ready',
    };
    const changed = { ...structuredClone(stored), status: { conditions: [...conditions, ready] } };
    await this.#client.updateStatus(serviceCIDRs, '', changed as ApiObject);
  }

  async #reconcileService(): Promise<void> {
    const existing = this.#caches.of(services).get(namespace, name)?.object as unknown as Service | undefined;
    const ports = [
      { name: 'https', protocol: 'TCP', port: 443, targetPort: this.#options.securePort },
    ] as ServicePort[];
    if (existing === undefined) return this.#createService(ports);
    const spec = existing.spec;
    if (spec?.type === 'ClusterIP' && samePorts(spec.ports ?? [], ports)) return;
    const changed = { ...structuredClone(existing), spec: { ...spec, ports, type: 'ClusterIP' } };
    await this.#client.update(services, namespace, changed as unknown as ApiObject);
  }

  async #createService(ports: ServicePort[]): Promise<void> {
    const labels = { component: 'apiserver', provider: 'kubernetes' };
    const spec = {
      ports,
      clusterIP: this.#options.serviceAddress,
      type: 'ClusterIP',
      sessionAffinity: 'None',
      ipFamilyPolicy: 'SingleStack',
    };
    const object = { kind: 'Service', apiVersion: 'v1', metadata: { name, namespace, labels }, spec };
    await ensureObject(this.#client, this.#caches, { resource: services, object });
  }

  async #reconcileEndpoints(): Promise<void> {
    const { advertiseAddress, securePort } = this.#options;
    const subsets = [
      { addresses: [{ ip: advertiseAddress }], ports: [{ name: 'https', port: securePort, protocol: 'TCP' }] },
    ];
    const labels = { 'endpointslice.kubernetes.io/skip-mirror': 'true' };
    const wanted = { kind: 'Endpoints', apiVersion: 'v1', metadata: { name, namespace, labels }, subsets };
    const existing = this.#caches.of(endpointsResource).get(namespace, name)?.object as unknown as
      | Endpoints
      | undefined;
    if (existing === undefined)
      return ensureObject(this.#client, this.#caches, { resource: endpointsResource, object: wanted });
    if (semanticEqual(existing.subsets, subsets) && hasLabels(existing.metadata.labels, labels)) return;
    const changed = { ...structuredClone(existing), subsets, metadata: withLabels(existing.metadata, labels) };
    await this.#client.update(endpointsResource, namespace, changed as unknown as ApiObject);
  }

  async #reconcileSlice(): Promise<void> {
    const { advertiseAddress, securePort } = this.#options;
    const labels = { 'kubernetes.io/service-name': name };
    const addressType = advertiseAddress.includes(':') ? 'IPv6' : 'IPv4';
    const endpoints = [{ addresses: [advertiseAddress], conditions: { ready: true } }];
    const ports = [{ name: 'https', protocol: 'TCP', port: securePort }];
    const metadata = { name, namespace, labels };
    const wanted = {
      kind: 'EndpointSlice',
      apiVersion: 'discovery.k8s.io/v1',
      metadata,
      addressType,
      endpoints,
      ports,
    };
    const existing = this.#caches.of(endpointSlices).get(namespace, name)?.object as unknown as
      | EndpointSlice
      | undefined;
    if (existing !== undefined && existing.addressType !== addressType) {
      await this.#client.delete(endpointSlices, namespace, name);
    } else if (existing !== undefined) {
      const same = semanticEqual(existing.endpoints, endpoints) && semanticEqual(existing.ports, ports);
      if (same && hasLabels(existing.metadata.labels, labels)) return;
      const changed = {
        ...structuredClone(existing),
        endpoints,
        ports,
        metadata: withLabels(existing.metadata, labels),
      };
      await this.#client.update(endpointSlices, namespace, changed as unknown as ApiObject);
      return;
    }
    await ensureObject(this.#client, this.#caches, { resource: endpointSlices, object: wanted });
  }
}

type Labels = Readonly<Record<string, string>>;

const hasLabels = (actual: Labels | undefined, wanted: Labels): boolean =>
  Object.entries(wanted).every(([key, value]) => actual?.[key] === value);

const withLabels = (metadata: Endpoints['metadata'], labels: Labels): Endpoints['metadata'] => ({
  ...metadata,
  labels: { ...metadata.labels, ...labels },
});

const samePorts = (a: readonly ServicePort[], b: readonly ServicePort[]): boolean =>
  a.length === b.length &&
  a.every((port, i) => {
    const other = b[i];
    return (
      port.name === other?.name &&
      (port.protocol ?? 'TCP') === other?.protocol &&
      port.port === other?.port &&
      port.targetPort === other?.targetPort
    );
  });
