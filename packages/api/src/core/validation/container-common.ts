/** What holds for containers of all kinds (`pkg/apis/core/validation/validation.go`, `validateContainerCommon`). */
import type { Container, ContainerPort } from '../../generated/types/core-v1.ts';
import { checkResources } from './container-resources.ts';
import { checkResizePolicy } from './container-restart.ts';
import { checkSecurityContext } from './container-security.ts';
import { checkEnv, checkEnvFrom } from './env-vars.ts';
import type { ErrorList } from './pod-error-list.ts';
import { dnsLabel, portName, portNumber } from './pod-names.ts';
import type { PodScope } from './pod-scope.ts';
import { checkDevices, checkMounts } from './volume-mounts.ts';
import { checkPullPolicy } from './volume-sources.ts';

const protocols = ['SCTP', 'TCP', 'UDP'];

function checkPort(
  errors: ErrorList,
  port: ContainerPort,
  { path, names }: { path: string; names: Set<string> },
): void {
  const { name, containerPort, hostPort, protocol } = port;
  if (name) {
    const wrong = portName(name);
    if (wrong.length > 0) errors.eachInvalid(`${path}.name`, name, wrong);
    else if (names.has(name)) errors.duplicate(`${path}.name`, name);
    else names.add(name);
  }
  if (!containerPort) errors.required(`${path}.containerPort`);
  else errors.eachInvalid(`${path}.containerPort`, containerPort, portNumber(containerPort));
  if (hostPort) errors.eachInvalid(`${path}.hostPort`, hostPort, portNumber(hostPort));
  if (!protocol) errors.required(`${path}.protocol`);
  else if (!protocols.includes(protocol)) errors.notSupported(`${path}.protocol`, protocol, protocols);
}

const messagePolicies = ['File', 'FallbackToLogsOnError'];

function checkMessagePolicy(errors: ErrorList, policy: string | undefined, path: string): void {
  if (policy === 'File' || policy === 'FallbackToLogsOnError') return;
  if (!policy) errors.required(path);
  else errors.notSupported(path, policy, messagePolicies);
}

export function checkContainer(scope: PodScope, container: Container, path: string): void {
  const { errors, options } = scope;
  if (container.name) errors.eachInvalid(`${path}.name`, container.name, dnsLabel(container.name));
  else errors.required(`${path}.name`);
  if (!container.image) errors.required(`${path}.image`);
  checkMessagePolicy(errors, container.terminationMessagePolicy, `${path}.terminationMessagePolicy`);
  if (container.ports?.length) {
    const names = new Set<string>();
    container.ports.forEach((port, i) => checkPort(errors, port, { path: `${path}.ports[${i}]`, names }));
  }
  if (container.env) checkEnv(errors, container.env, { path: `${path}.env`, options });
  if (container.envFrom) checkEnvFrom(errors, container.envFrom, `${path}.envFrom`);
  checkMounts(scope, container, `${path}.volumeMounts`);
  checkDevices(scope, container, `${path}.volumeDevices`);
  checkPullPolicy(errors, container.imagePullPolicy, `${path}.imagePullPolicy`);
  if (container.resources) {
    const { claimNames } = scope;
    const { allowIndivisibleHugePages } = options;
    checkResources(errors, container.resources, { path: `${path}.resources`, claimNames, allowIndivisibleHugePages });
  }
  if (container.resizePolicy) checkResizePolicy(scope, container, `${path}.resizePolicy`);
  if (container.securityContext) {
    const { hostUsers } = scope;
    checkSecurityContext(errors, container.securityContext, { path: `${path}.securityContext`, hostUsers });
  }
}
