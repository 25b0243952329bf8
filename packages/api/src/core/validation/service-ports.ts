/** Ports of Services (`pkg/apis/core/validation/validation.go`, `validateServicePort`, `ValidatePortNumOrName`). */
import type { IntOrString } from '@kubets/apimachinery/int-or-string';
import type { Service, ServicePort } from '../../generated/types/core-v1.ts';
import type { ErrorList } from './pod-error-list.ts';
import { dnsLabel, portName, portNumber, qualifiedName } from './pod-names.ts';

const protocols = ['SCTP', 'TCP', 'UDP'];

/** A port number, or the name of a container's port. */
export function checkPortNumOrName(errors: ErrorList, port: IntOrString, path: string): void {
  errors.eachInvalid(path, port, typeof port === 'number' ? portNumber(port) : portName(port));
}

function checkPort(
  errors: ErrorList,
  port: ServicePort,
  { path, names, named }: { path: string; names: Set<string>; named: boolean },
): void {
  const { name = '', protocol, targetPort = 0, appProtocol } = port;
  if (name !== '') {
    errors.eachInvalid(`${path}.name`, name, dnsLabel(name));
    if (names.has(name)) errors.duplicate(`${path}.name`, name);
    names.add(name);
  } else if (named) errors.required(`${path}.name`);
  errors.eachInvalid(`${path}.port`, port.port, portNumber(port.port));
  if (!protocol) errors.required(`${path}.protocol`);
  else if (!protocols.includes(protocol)) errors.notSupported(`${path}.protocol`, protocol, protocols);
  checkPortNumOrName(errors, targetPort, `${path}.targetPort`);
  if (appProtocol !== undefined) errors.eachInvalid(`${path}.appProtocol`, appProtocol, qualifiedName(appProtocol));
}

export function checkServicePorts(errors: ErrorList, ports: readonly ServicePort[]): void {
  const names = new Set<string>();
  ports.forEach((port, i) => checkPort(errors, port, { path: `spec.ports[${i}]`, names, named: ports.length > 1 }));
}

/** Neither a node port nor a port twice for one protocol. */
export function checkPortRepeats(errors: ErrorList, { spec }: Service): void {
  const ports = spec?.ports ?? [];
  const seen = new Set<string>();
  ports.forEach(({ nodePort, protocol }, i) => {
    if (!nodePort) return;
    const path = `spec.ports[${i}].nodePort`;
    if (spec?.type === 'ClusterIP') errors.forbidden(path, "may not be used when `type` is 'ClusterIP'");
    const key = `${protocol}/${nodePort}`;
    if (seen.has(key)) errors.duplicate(path, nodePort);
    seen.add(key);
  });
  const used = new Set<string>();
  ports.forEach(({ port, protocol }, i) => {
    const key = `${protocol}/${port}`;
    if (used.has(key)) errors.duplicate(`spec.ports[${i}]`, { protocol, port, targetPort: 0 });
    used.add(key);
  });
}
