/** EndpointSlices (`pkg/apis/discovery/validation/validation.go`, `ValidateEndpointSlice`). */
import { Path, type FieldError } from '@kubets/apimachinery/field';
import { isFullyQualifiedDomainName } from '@kubets/apimachinery/validation-domain';
import { isValidIPv4Address, isValidIPv6Address, warningsForIP } from '@kubets/apimachinery/validation-ip';
import { checkNonSpecialIP } from '../../core/validation/endpoints-addresses.ts';
import { ErrorList } from '../../core/validation/pod-error-list.ts';
import { dnsLabel, labelValue, nameIsSubdomain, portNumber, qualifiedName } from '../../core/validation/pod-names.ts';
import { checkLabels } from '../../core/validation/pod-selectors.ts';
import type { Endpoint, EndpointHints, EndpointPort, EndpointSlice } from '../../generated/types/discovery-v1.ts';

const addressTypes = ['FQDN', 'IPv4', 'IPv6'];
const protocols = ['SCTP', 'TCP', 'UDP'];
const max = { topologyLabels: 16, addresses: 100, ports: 20_000, endpoints: 1000, hints: 8 } as const;

function checkAddress(errors: ErrorList, address: string, { path, type }: { path: string; type: string }): void {
  if (type === 'FQDN') return errors.add(isFullyQualifiedDomainName(Path.of(path), address));
  if (type !== 'IPv4' && type !== 'IPv6') return;
  errors.eachInvalid(path, address, type === 'IPv4' ? isValidIPv4Address(address) : isValidIPv6Address(address));
  checkNonSpecialIP(errors, address, path);
}

function checkNames(
  errors: ErrorList,
  names: readonly string[],
  { path, check }: { path: string; check: (name: string) => string[] },
): void {
  if (names.length > max.hints) return errors.tooMany(path, names.length, max.hints);
  names.forEach((name, i) => {
    if (names.indexOf(name) < i) errors.duplicate(`${path}[${i}].name`, name);
    errors.eachInvalid(`${path}[${i}].name`, name, check(name));
  });
}

function checkHints(errors: ErrorList, { forZones = [], forNodes = [] }: EndpointHints, path: string): void {
  const zones = forZones.map(({ name }) => name);
  checkNames(errors, zones, { path: `${path}.forZones`, check: labelValue });
  const nodes = forNodes.map(({ name }) => name);
  checkNames(errors, nodes, { path: `${path}.forNodes`, check: (name) => nameIsSubdomain(name, false) });
}

function checkEndpoint(errors: ErrorList, endpoint: Endpoint, { path, type }: { path: string; type: string }): void {
  const addresses = endpoint.addresses ?? [];
  const { nodeName, deprecatedTopology: topology, hostname, hints } = endpoint;
  const at = `${path}.addresses`;
  if (addresses.length === 0) errors.required(at, 'must contain at least 1 address');
  else if (addresses.length > max.addresses) errors.tooMany(at, addresses.length, max.addresses);
  addresses.forEach((address, i) => checkAddress(errors, address, { path: `${at}[${i}]`, type }));
  if (nodeName !== undefined) errors.eachInvalid(`${path}.nodeName`, nodeName, nameIsSubdomain(nodeName, false));
  const labels = Object.keys(topology ?? {}).length;
  if (labels > max.topologyLabels) errors.tooMany(`${path}.deprecatedTopology`, labels, max.topologyLabels);
  checkLabels(errors, topology, `${path}.deprecatedTopology`);
  if (hostname !== undefined) errors.eachInvalid(`${path}.hostname`, hostname, dnsLabel(hostname));
  if (hints) checkHints(errors, hints, `${path}.hints`);
}

function checkPort(
  errors: ErrorList,
  { name = '', port, protocol, appProtocol }: EndpointPort,
  { path, seen }: { path: string; seen: Set<string> },
): void {
  if (name !== '') errors.eachInvalid(`${path}.name`, name, dnsLabel(name));
  if (seen.has(name)) errors.duplicate(`${path}.name`, name);
  seen.add(name);
  if (port !== undefined) errors.eachInvalid(`${path}.port`, port, portNumber(port));
  if (!protocol) errors.required(`${path}.protocol`);
  else if (!protocols.includes(protocol)) errors.notSupported(`${path}.protocol`, protocol, protocols);
  if (appProtocol !== undefined) errors.eachInvalid(`${path}.appProtocol`, appProtocol, qualifiedName(appProtocol));
}

export function validateEndpointSlice(slice: EndpointSlice): FieldError[] {
  const errors = new ErrorList();
  const type: string = slice.addressType ?? '';
  const endpoints = slice.endpoints ?? [];
  const ports = slice.ports ?? [];
  if (type === '') errors.required('addressType');
  else if (!addressTypes.includes(type)) errors.notSupported('addressType', type, addressTypes);
  if (endpoints.length > max.endpoints) errors.tooMany('endpoints', endpoints.length, max.endpoints);
  else endpoints.forEach((endpoint, i) => checkEndpoint(errors, endpoint, { path: `endpoints[${i}]`, type }));
  const seen = new Set<string>();
  if (ports.length > max.ports) errors.tooMany('ports', ports.length, max.ports);
  else ports.forEach((port, i) => checkPort(errors, port, { path: `ports[${i}]`, seen }));
  return errors.errors;
}

export function validateEndpointSliceUpdate(slice: EndpointSlice, old: Readonly<EndpointSlice>): FieldError[] {
  const errors = new ErrorList();
  errors.add(validateEndpointSlice(slice));
  if (slice.addressType !== old.addressType) errors.invalid('addressType', slice.addressType, 'field is immutable');
  return errors.errors;
}

/** `pkg/registry/discovery/endpointslice/strategy.go`, `warnOnBadAddresses`, and the deprecated address type. */
export function endpointSliceWarnings(slice: EndpointSlice): string[] {
  if (slice.addressType === 'FQDN') return ['spec.addressType: FQDN endpoints are deprecated'];
  const manager = slice.metadata.labels?.['endpointslice.kubernetes.io/managed-by'];
  if (manager === 'endpointslice-controller.k8s.io') return [];
  return (slice.endpoints ?? []).flatMap(({ addresses }, i) =>
    (addresses ?? []).flatMap((address, j) => warningsForIP(Path.of(`endpoints[${i}].addresses[${j}]`), address)),
  );
}
