/** Rows of networking and discovery (`pkg/printers/internalversion/printers.go`). */
import type { EndpointSlice } from '../generated/types/discovery-v1.ts';
import type { Ingress, IngressClass, IPAddress, NetworkPolicy, ServiceCIDR } from '../generated/types/networking-v1.ts';
import { ageOf, firstFew, formatSelector, loadBalancerAddresses, nameOf, none, unset } from './format.ts';

/** `formatHosts`: rules count, hosts are shown; only the first three hosts. */
function hosts(ingress: Ingress): string {
  const rules = ingress.spec?.rules ?? [];
  const named = rules.map((rule) => rule.host ?? '');
  const shown: string[] = [];
  let more = false;
  for (const host of named) {
    if (shown.length === 3) more = true;
    else if (host !== '') shown.push(host);
  }
  if (shown.length === 0) return '*';
  return more ? `${shown.join(',')} + ${rules.length - 3} more...` : shown.join(',');
}

/** Class, hosts, addresses, ports. */
export function ingressCells(object: Ingress, now: number): unknown[] {
  return [
    nameOf(object),
    object.spec?.ingressClassName ?? none,
    hosts(object),
    loadBalancerAddresses(object.status?.loadBalancer?.ingress),
    (object.spec?.tls ?? []).length > 0 ? '80, 443' : '80',
    ageOf(object, now),
  ];
}

/** Controller and parameters. */
export function ingressClassCells(object: IngressClass, now: number): unknown[] {
  const parameters = object.spec?.parameters;
  const group = parameters?.apiGroup === undefined ? '' : `.${parameters.apiGroup}`;
  const text = parameters === undefined ? none : `${parameters.kind}${group}/${parameters.name}`;
  return [nameOf(object), object.spec?.controller ?? '', text, ageOf(object, now)];
}

/** The pod selector. */
export function networkPolicyCells(object: NetworkPolicy, now: number): unknown[] {
  return [nameOf(object), formatSelector(object.spec?.podSelector ?? {}), ageOf(object, now)];
}

/** The object the address belongs to. */
export function ipAddressCells(object: IPAddress): unknown[] {
  const parent = object.spec?.parentRef;
  if (parent === undefined) return [nameOf(object), none];
  const resource = parent.group ? `${parent.resource}.${parent.group}` : parent.resource;
  const namespace = parent.namespace ? `/${parent.namespace}` : '';
  return [nameOf(object), `${resource.toLowerCase()}${namespace}/${parent.name}`];
}

/** The ranges. */
export function serviceCIDRCells(object: ServiceCIDR, now: number): unknown[] {
  return [nameOf(object), (object.spec?.cidrs ?? []).join(','), ageOf(object, now)];
}

/** Address type, and the first few ports and addresses. */
export function endpointSliceCells(object: EndpointSlice, now: number): unknown[] {
  const ports = (object.ports ?? []).map((port) => (port.port === undefined ? (port.name ?? '*') : String(port.port)));
  const addresses = (object.endpoints ?? []).flatMap((endpoint) => endpoint.addresses ?? []);
  return [
    nameOf(object),
    object.addressType ?? '',
    firstFew(ports, { max: 3 }) || unset,
    firstFew(addresses, { max: 3 }) || unset,
    ageOf(object, now),
  ];
}
