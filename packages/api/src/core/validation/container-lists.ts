/**
 * The three lists of containers (`pkg/apis/core/validation/validation.go`, `validateContainers`,
 * `validateInitContainers`, `validateEphemeralContainers`).
 */
import type { Container, EphemeralContainer, PodSpec } from '../../generated/types/core-v1.ts';
import { checkContainer } from './container-common.ts';
import { checkInitRestartPolicy, checkRestartPolicy } from './container-restart.ts';
import type { ErrorList } from './pod-error-list.ts';
import type { PodScope } from './pod-scope.ts';
import { checkHandlers } from './probe-handlers.ts';

/** Host ports that are taken, as `TCP/10.0.0.1/80`. */
function checkHostPorts(
  errors: ErrorList,
  container: Container,
  { path, taken }: { path: string; taken: Set<string> },
): void {
  const ports = container.ports ?? [];
  for (let i = 0; i < ports.length; i++) {
    const { hostPort, protocol = '', hostIP = '' } = ports[i] ?? {};
    if (!hostPort) continue;
    const key = `${protocol}/${hostIP}/${hostPort}`;
    if (taken.has(key)) errors.duplicate(`${path}.ports[${i}].hostPort`, key);
    else taken.add(key);
  }
}

export function checkContainers(scope: PodScope, containers: readonly Container[], path: string): void {
  const { errors } = scope;
  if (containers.length === 0) return errors.required(path);
  const names = new Set<string>();
  for (let i = 0; i < containers.length; i++) {
    const container = containers[i] as Container;
    const at = `${path}[${i}]`;
    checkContainer(scope, container, at);
    if (names.has(container.name)) errors.duplicate(`${at}.name`, container.name);
    else names.add(container.name);
    checkHandlers(scope, container, at);
    checkRestartPolicy(scope, container, at);
  }
  const taken = new Set<string>();
  for (let i = 0; i < containers.length; i++) {
    const container = containers[i] as Container;
    if (container.ports) checkHostPorts(errors, container, { path: `${path}[${i}]`, taken });
  }
}

const notForInit = 'may not be set for init containers without restartPolicy=Always';
const handlerFields = ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const;

/** An init container that keeps running beside the others: a sidecar. */
export function isSidecar(container: Container): boolean {
  return container.restartPolicy === 'Always';
}

function checkInitContainer(scope: PodScope, container: Container, path: string): void {
  const { errors, options } = scope;
  if (isSidecar(container)) return checkHandlers(scope, container, path);
  for (const field of handlerFields) if (container[field]) errors.forbidden(`${path}.${field}`, notForInit);
  if (options.allowRestartContainerForInit) return;
  (container.resizePolicy ?? []).forEach(({ restartPolicy }, i) => {
    if (restartPolicy !== 'RestartContainer') return;
    const detail = "must not be set to 'RestartContainer' for non-sidecar initContainers";
    errors.invalid(`${path}.resizePolicy[${i}].restartPolicy`, restartPolicy, detail);
  });
}

export function checkInitContainers(scope: PodScope, spec: PodSpec, path: string): void {
  const { errors } = scope;
  const containers = spec.initContainers;
  if (!containers?.length) return;
  const names = new Set((spec.containers ?? []).map((container) => container.name));
  containers.forEach((container, i) => {
    const at = `${path}[${i}]`;
    checkContainer(scope, container, at);
    checkInitRestartPolicy(scope, container, at);
    if (names.has(container.name)) errors.duplicate(`${at}.name`, container.name);
    else if (container.name) names.add(container.name);
    // Each runs alone; upstream shows index 0 for all of them.
    checkHostPorts(errors, container, { path: `${path}[0]`, taken: new Set() });
    checkInitContainer(scope, container, at);
  });
}

const notForEphemeral = 'cannot be set for an Ephemeral Container';
const ephemeralForbidden = [
  'ports',
  'resources',
  'resizePolicy',
  'restartPolicy',
  'restartPolicyRules',
  'livenessProbe',
  'readinessProbe',
  'startupProbe',
  'lifecycle',
] as const;

function isSet(value: unknown): boolean {
  if (value === undefined || value === null || value === '') return false;
  return typeof value !== 'object' || Object.keys(value).length > 0;
}

function checkEphemeralContainer(errors: ErrorList, container: EphemeralContainer, path: string): void {
  if (container.image !== undefined) checkImagePadding(errors, container.image, `${path}.image`);
  for (const field of ephemeralForbidden) {
    if (isSet(container[field])) errors.forbidden(`${path}.${field}`, notForEphemeral);
  }
  (container.volumeMounts ?? []).forEach((mount, i) => {
    if (mount.subPath) errors.forbidden(`${path}.volumeMounts[${i}].subPath`, notForEphemeral);
    if (mount.subPathExpr) errors.forbidden(`${path}.volumeMounts[${i}].subPathExpr`, notForEphemeral);
  });
}

export function checkEphemeralContainers(scope: PodScope, spec: PodSpec, path: string): void {
  const { errors } = scope;
  const containers = spec.ephemeralContainers;
  if (!containers?.length) return;
  const others = new Set([...(spec.containers ?? []), ...(spec.initContainers ?? [])].map(({ name }) => name));
  const names = new Set(others);
  containers.forEach((container, i) => {
    const at = `${path}[${i}]`;
    checkContainer(scope, container as Container, at);
    if (names.has(container.name)) errors.duplicate(`${at}.name`, container.name);
    else names.add(container.name);
    const target = container.targetContainerName;
    if (target && !others.has(target)) errors.notFound(`${at}.targetContainerName`, target);
    checkEphemeralContainer(errors, container, at);
  });
}

/** Pods, unlike templates, name their images exactly. */
export function checkImagePadding(errors: ErrorList, image: string, path: string): void {
  const code = image.charCodeAt(0);
  const last = image.charCodeAt(image.length - 1);
  if ((code <= 32 || last <= 32 || code > 126 || last > 126) && image.trim() !== image) {
    errors.invalid(path, image, 'must not have leading or trailing whitespace');
  }
}

/** The containers of all three lists with their paths. */
export function visitContainers(
  spec: PodSpec,
  path: string,
  visit: (container: Container, path: string) => void,
): void {
  spec.initContainers?.forEach((container, i) => visit(container, `${path}.initContainers[${i}]`));
  spec.containers?.forEach((container, i) => visit(container, `${path}.containers[${i}]`));
  spec.ephemeralContainers?.forEach((container, i) =>
    visit(container as Container, `${path}.ephemeralContainers[${i}]`),
  );
}
