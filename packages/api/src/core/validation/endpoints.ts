/** Endpoints (`pkg/apis/core/validation/validation.go`, `ValidateEndpointsCreate`, `ValidateEndpointsUpdate`). */
import { Path, type FieldError } from '@kubets/apimachinery/field';
import { warningsForIP } from '@kubets/apimachinery/validation-ip';
import { semanticEqual } from '@kubets/apimachinery/validation-meta';
import type { EndpointAddress, Endpoints, EndpointPort, EndpointSubset } from '../../generated/types/core-v1.ts';
import { checkNonSpecialIP } from './endpoints-addresses.ts';
import { ErrorList } from './pod-error-list.ts';
import { checkIP } from './pod-ip.ts';
import { dnsLabel, nameIsSubdomain, portNumber, qualifiedName } from './pod-names.ts';

const protocols = ['SCTP', 'TCP', 'UDP'];

function checkAddress(
  errors: ErrorList,
  { ip, hostname, nodeName }: EndpointAddress,
  { path, strict }: { path: string; strict: boolean },
): void {
  checkIP(errors, ip, { path: `${path}.ip`, strict });
  if (hostname) errors.eachInvalid(`${path}.hostname`, hostname, dnsLabel(hostname));
  if (nodeName !== undefined) errors.eachInvalid(`${path}.nodeName`, nodeName, nameIsSubdomain(nodeName, false));
  checkNonSpecialIP(errors, ip, `${path}.ip`);
}

function checkPort(
  errors: ErrorList,
  { name = '', port, protocol, appProtocol }: EndpointPort,
  { path, named }: { path: string; named: boolean },
): void {
  if (name !== '') errors.eachInvalid(`${path}.name`, name, dnsLabel(name));
  else if (named) errors.required(`${path}.name`);
  errors.eachInvalid(`${path}.port`, port, portNumber(port));
  if (!protocol) errors.required(`${path}.protocol`);
  else if (!protocols.includes(protocol)) errors.notSupported(`${path}.protocol`, protocol, protocols);
  if (appProtocol !== undefined) errors.eachInvalid(`${path}.appProtocol`, appProtocol, qualifiedName(appProtocol));
}

function checkSubset(
  errors: ErrorList,
  { addresses = [], notReadyAddresses = [], ports = [] }: EndpointSubset,
  { path, strict }: { path: string; strict: boolean },
): void {
  if (addresses.length === 0 && notReadyAddresses.length === 0) {
    errors.required(path, 'must specify `addresses` or `notReadyAddresses`');
  }
  addresses.forEach((address, i) => checkAddress(errors, address, { path: `${path}.addresses[${i}]`, strict }));
  notReadyAddresses.forEach((address, i) =>
    checkAddress(errors, address, { path: `${path}.notReadyAddresses[${i}]`, strict }),
  );
  ports.forEach((port, i) => checkPort(errors, port, { path: `${path}.ports[${i}]`, named: ports.length > 1 }));
}

/** `old`: what an earlier release has let in stays as long as the subsets do not change. `strictIP`: no leading zeros. */
export function validateEndpoints(
  endpoints: Endpoints,
  { old, strictIP }: { old?: Readonly<Endpoints>; strictIP: boolean },
): FieldError[] {
  const errors = new ErrorList();
  (endpoints.subsets ?? []).forEach((subset, i) =>
    checkSubset(errors, subset, { path: `subsets[${i}]`, strict: strictIP }),
  );
  if (errors.length > 0 && old !== undefined && semanticEqual(old.subsets, endpoints.subsets)) return [];
  return errors.errors;
}

/** Warnings about addresses; the endpoints controller's are known to be fine. */
export function endpointsWarnings(endpoints: Endpoints): string[] {
  if (endpoints.metadata.labels?.['endpoints.kubernetes.io/managed-by'] === 'endpoint-controller') return [];
  const warnings: string[] = [];
  (endpoints.subsets ?? []).forEach((subset, i) => {
    for (const list of ['addresses', 'notReadyAddresses'] as const) {
      subset[list]?.forEach(({ ip }, j) =>
        warnings.push(...warningsForIP(Path.of(`subsets[${i}].${list}[${j}].ip`), ip)),
      );
    }
  });
  return warnings;
}
