/**
 * From pods and Services to endpoints (upstream `staging/src/k8s.io/endpointslice/utils.go`, `util/controller_utils.go`,
 * `util/endpointset.go`). Pure.
 */
import { formatIP, isIPv6, parseIP } from '@kubets/apimachinery/validation-ip';
import { isPodReady, isPodTerminal } from '@kubets/api/core/helpers/pod';
import type { Node, ObjectReference, Pod, Service, ServicePort } from '@kubets/api/types/core-v1';
import type { Endpoint, EndpointPort, EndpointSlice } from '@kubets/api/types/discovery-v1';

export type AddressType = EndpointSlice['addressType'];

export const zoneLabel = 'topology.kubernetes.io/zone';

/** Whether a pod can be behind a Service at all: it has an address and has not ended (`ShouldPodBeInEndpoints`). */
export function shouldPodBeInEndpoints(pod: Readonly<Pod>, includeTerminating: boolean): boolean {
  if (isPodTerminal(pod)) return false;
  const { podIP = '', podIPs = [] } = pod.status ?? {};
  if (podIP === '' && podIPs.length === 0) return false;
  return includeTerminating || pod.metadata.deletionTimestamp === undefined;
}

/** Whether the pod is known by its own name below the Service's (`ShouldSetHostname`). */
export function shouldSetHostname(pod: Readonly<Pod>, service: Readonly<Service>): boolean {
  const { hostname = '', subdomain } = pod.spec ?? {};
  return (
    hostname !== '' && subdomain === service.metadata.name && service.metadata.namespace === pod.metadata.namespace
  );
}

/** The number of the port to which a Service's port leads in this pod; undefined when the pod has no such port (`FindPort`). */
export function findPort(pod: Readonly<Pod>, port: Readonly<ServicePort>): number | undefined {
  const target = port.targetPort;
  if (typeof target === 'number') return target;
  const { containers = [], initContainers = [] } = pod.spec ?? {};
  const sidecars = initContainers.filter((container) => container.restartPolicy === 'Always');
  const protocol = port.protocol ?? 'TCP';
  for (const container of [...containers, ...sidecars]) {
    const found = container.ports?.find((p) => p.name === target && (p.protocol ?? 'TCP') === protocol);
    if (found !== undefined) return found.containerPort;
  }
  return undefined;
}

/** Whether a Service's ports are the same in every pod: none is found by its name. */
export const portsAreNumbers = (service: Readonly<Service>): boolean =>
  (service.spec?.ports ?? []).every((port) => typeof port.targetPort === 'number');

/** A Service's ports as this pod has them; those it lacks are left out (`getEndpointPorts`). */
export function endpointPorts(service: Readonly<Service>, pod: Readonly<Pod>): EndpointPort[] {
  return (service.spec?.ports ?? []).flatMap((port) => {
    const number = findPort(pod, port);
    if (number === undefined) return [];
    const { name = '', protocol = 'TCP', appProtocol } = port;
    return [{ name, protocol, port: number, ...(appProtocol !== undefined && { appProtocol }) }];
  });
}

const portKey = (port: Readonly<EndpointPort>): string =>
  JSON.stringify([port.name, port.protocol, port.port, port.appProtocol]);

/** Ports in the order in which {@link portMapKey} sees them. */
export function sortedPorts(ports: readonly EndpointPort[]): EndpointPort[] {
  if (ports.length < 2) return [...ports];
  return ports
    .map((port) => ({ port, key: portKey(port) }))
    .toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
    .map(({ port }) => port);
}

/** The same for the same set of ports (`NewPortMapKey`). */
export const portMapKey = (ports: readonly Readonly<EndpointPort>[] | undefined): string =>
  ports === undefined ? '' : ports.map(portKey).toSorted().join();

/** An address in its canonical form; undefined when it is none. */
export function canonicalAddress(text: string): { readonly text: string; readonly type: AddressType } | undefined {
  const ip = parseIP(text);
  return ip === undefined ? undefined : { text: formatIP(ip), type: isIPv6(ip) ? 'IPv6' : 'IPv4' };
}

/** A pod's addresses by family, in their canonical form. */
export interface PodAddresses {
  readonly IPv4: readonly string[];
  readonly IPv6: readonly string[];
}

/** Pods are looked at many times before they change; objects in caches are immutable. */
const knownAddresses = new WeakMap<Readonly<Pod>, PodAddresses>();

/** The addresses in a pod's status; what is no address is left out (`getEndpointAddresses`). */
export function podAddresses(pod: Readonly<Pod>): PodAddresses {
  let addresses = knownAddresses.get(pod);
  if (addresses !== undefined) return addresses;
  const [four, six]: [string[], string[]] = [[], []];
  for (const { ip } of pod.status?.podIPs ?? []) {
    const address = canonicalAddress(ip);
    if (address !== undefined) (address.type === 'IPv6' ? six : four).push(address.text);
  }
  addresses = { IPv4: four, IPv6: six };
  knownAddresses.set(pod, addresses);
  return addresses;
}

/** What a pod is behind a Service (`podToEndpoint`); its list of addresses is empty when it has none of the family. */
export function podToEndpoint(
  pod: Readonly<Pod>,
  node: Readonly<Node> | undefined,
  service: Readonly<Service>,
  type: AddressType,
): Endpoint {
  const serving = isPodReady(pod);
  const terminating = pod.metadata.deletionTimestamp !== undefined;
  // A pod that goes away is not ready for those who know no other condition.
  const ready = service.spec?.publishNotReadyAddresses === true || (serving && !terminating);
  const { namespace = '', name = '', uid = '' } = pod.metadata;
  const { nodeName = '', hostname = '' } = pod.spec ?? {};
  const zone = node?.metadata.labels?.[zoneLabel] ?? '';
  return {
    addresses: type === 'FQDN' ? [] : [...podAddresses(pod)[type]],
    conditions: { ready, serving, terminating },
    ...(shouldSetHostname(pod, service) && { hostname }),
    targetRef: { kind: 'Pod', namespace, name, uid },
    ...(nodeName !== '' && { nodeName }),
    ...(zone !== '' && { zone }),
  };
}

/** The same for what is one endpoint in the course of time (`hashEndpoint`): addresses, hostname, target. */
export function endpointKey(endpoint: Readonly<Endpoint>): string {
  const { addresses, hostname = '', targetRef } = endpoint;
  const all = addresses.length === 1 ? (addresses[0] as string) : addresses.toSorted().join();
  return `${all} ${hostname} ${targetRef?.namespace ?? ''}/${targetRef?.name ?? ''}`;
}

function sameReference(a: Readonly<ObjectReference> | undefined, b: Readonly<ObjectReference> | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return (
    a.uid === b.uid &&
    a.name === b.name &&
    a.namespace === b.namespace &&
    a.kind === b.kind &&
    (a.apiVersion ?? '') === (b.apiVersion ?? '') &&
    (a.fieldPath ?? '') === (b.fieldPath ?? '')
  );
}

/** Whether two endpoints of the same {@link endpointKey} say the same, hints aside (`EndpointsEqualBeyondHash`). */
export function sameBeyondKey(a: Readonly<Endpoint>, b: Readonly<Endpoint>): boolean {
  return (
    a.nodeName === b.nodeName &&
    a.zone === b.zone &&
    a.conditions?.ready === b.conditions?.ready &&
    a.conditions?.serving === b.conditions?.serving &&
    a.conditions?.terminating === b.conditions?.terminating &&
    sameReference(a.targetRef, b.targetRef)
  );
}

/** Whether the Ready condition is true (`EndpointReady`). */
export const endpointReady = (endpoint: Readonly<Endpoint>): boolean => endpoint.conditions?.ready === true;

/** The families for which a Service has slices (`getAddressTypesForService`). */
export function addressTypesOf(service: Readonly<Service>): readonly AddressType[] {
  const { ipFamilies = [], clusterIP = '' } = service.spec ?? {};
  const families = ipFamilies.filter((family) => family === 'IPv4' || family === 'IPv6');
  if (families.length > 0) return [...new Set(families)];
  // Only servers without families leave them out: both for headless Services, so that nothing is taken away.
  if (clusterIP === '' || clusterIP === 'None') return ['IPv4', 'IPv6'];
  return [canonicalAddress(clusterIP)?.type ?? 'IPv4'];
}
