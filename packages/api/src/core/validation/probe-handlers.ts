/**
 * Probes and lifecycle hooks (`pkg/apis/core/validation/validation.go`, `validateProbe`, `validateHandler`,
 * `validateLifecycle`, `validateStopSignal`).
 */
import type { HTTPGetAction, Lifecycle, LifecycleHandler, Probe } from '../../generated/types/core-v1.ts';
import type { ErrorList } from './pod-error-list.ts';
import { httpHeaderName, portName, portNumber } from './pod-names.ts';
import type { PodScope } from './pod-scope.ts';

const notNegative = 'must be greater than or equal to 0';

/** `ValidatePortNumOrName`. */
export function checkPort(errors: ErrorList, port: number | string | undefined, path: string): void {
  if (typeof port === 'string') errors.eachInvalid(path, port, portName(port));
  else errors.eachInvalid(path, port ?? 0, portNumber(port ?? 0));
}

const schemes = ['HTTP', 'HTTPS'];

function checkHttpGet(errors: ErrorList, action: HTTPGetAction, path: string): void {
  if (!action.path) errors.required(`${path}.path`);
  checkPort(errors, action.port, `${path}.port`);
  const scheme = action.scheme ?? '';
  if (!schemes.includes(scheme)) errors.notSupported(`${path}.scheme`, scheme, schemes);
  for (const header of action.httpHeaders ?? []) {
    errors.eachInvalid(`${path}.httpHeaders`, header.name, httpHeaderName(header.name));
  }
}

function checkSleep({ errors, gracePeriod }: PodScope, seconds: number, path: string): void {
  // Without a grace period there is an error about that already.
  if (gracePeriod === undefined || (seconds >= 0 && seconds <= gracePeriod)) return;
  errors.invalid(path, seconds, `must be non-negative and less than terminationGracePeriodSeconds (${gracePeriod})`);
}

/** A probe's or a hook's handler; hooks do not have `grpc`, probes not `sleep`. */
export type Handler = Pick<Probe, 'exec' | 'httpGet' | 'tcpSocket' | 'grpc'> & Pick<LifecycleHandler, 'sleep'>;

const handlerChecks: { [K in keyof Handler]-?: (scope: PodScope, handler: Handler, path: string) => void } = {
  exec({ errors }, { exec }, path) {
    if (!exec?.command?.length) errors.required(`${path}.command`);
  },
  httpGet: ({ errors }, { httpGet }, path) => httpGet && checkHttpGet(errors, httpGet, path),
  tcpSocket: ({ errors }, { tcpSocket }, path) => checkPort(errors, tcpSocket?.port, `${path}.port`),
  grpc: ({ errors }, { grpc }, path) => checkPort(errors, grpc?.port, `${path}.port`),
  sleep: (scope, { sleep }, path) => checkSleep(scope, sleep?.seconds ?? 0, path),
};
const handlerNames = ['exec', 'httpGet', 'tcpSocket', 'grpc', 'sleep'] as const;

function checkHandler(scope: PodScope, handler: Handler, path: string): void {
  let handlers = 0;
  for (const name of handlerNames) {
    if (!handler[name]) continue;
    if (handlers++ === 0) handlerChecks[name](scope, handler, `${path}.${name}`);
    else scope.errors.forbidden(`${path}.${name}`, 'may not specify more than 1 handler type');
  }
  if (handlers === 0) scope.errors.required(path, 'must specify a handler type');
}

const counters = [
  'initialDelaySeconds',
  'timeoutSeconds',
  'periodSeconds',
  'successThreshold',
  'failureThreshold',
] as const;

function checkProbe(scope: PodScope, probe: Probe, path: string): void {
  checkHandler(scope, probe, path);
  for (const name of counters) {
    const value = probe[name];
    if (value !== undefined && value < 0) scope.errors.invalid(`${path}.${name}`, value, notNegative);
  }
  const grace = probe.terminationGracePeriodSeconds;
  if (grace !== undefined && grace !== null && grace <= 0) {
    scope.errors.invalid(`${path}.terminationGracePeriodSeconds`, grace, 'must be greater than 0');
  }
}

/** Liveness and startup probes succeed once. */
function checkOnceProbe(scope: PodScope, probe: Probe | undefined, path: string): void {
  if (!probe) return;
  checkProbe(scope, probe, path);
  const threshold = probe.successThreshold ?? 0;
  if (threshold !== 1) scope.errors.invalid(`${path}.successThreshold`, threshold, 'must be 1');
}

function checkReadiness(scope: PodScope, probe: Probe | undefined, path: string): void {
  if (!probe) return;
  checkProbe(scope, probe, path);
  const grace = probe.terminationGracePeriodSeconds;
  if (grace !== undefined && grace !== null) {
    scope.errors.invalid(`${path}.terminationGracePeriodSeconds`, grace, 'must not be set for readinessProbes');
  }
}

const plainSignals =
  'ABRT ALRM BUS CHLD CLD CONT FPE HUP ILL INT IO IOT KILL PIPE POLL PROF PWR QUIT RTMAX RTMIN SEGV STKFLT STOP SYS TERM TRAP TSTP TTIN TTOU URG USR1 USR2 VTALRM WINCH XCPU XFSZ';
const linuxSignals = [
  ...plainSignals.split(' ').map((name) => `SIG${name}`),
  ...Array.from({ length: 15 }, (_, i) => `SIGRTMIN+${i + 1}`),
  ...Array.from({ length: 14 }, (_, i) => `SIGRTMAX-${i + 1}`),
].sort();
const windowsSignals = ['SIGKILL', 'SIGTERM'];

function checkStopSignal({ errors, os }: PodScope, signal: string, path: string): void {
  if (os === undefined) errors.forbidden(path, 'may not be set for containers with empty `spec.os.name`');
  else if (os === 'windows' && !windowsSignals.includes(signal)) errors.notSupported(path, signal, windowsSignals);
  else if (os === 'linux' && !linuxSignals.includes(signal)) errors.notSupported(path, signal, linuxSignals);
}

function checkLifecycle(scope: PodScope, lifecycle: Lifecycle, path: string): void {
  if (lifecycle.postStart) checkHandler(scope, lifecycle.postStart, `${path}.postStart`);
  if (lifecycle.preStop) checkHandler(scope, lifecycle.preStop, `${path}.preStop`);
  if (lifecycle.stopSignal) checkStopSignal(scope, lifecycle.stopSignal, `${path}.stopSignal`);
}

interface Handled {
  readonly lifecycle?: Lifecycle;
  readonly livenessProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly startupProbe?: Probe;
}

/** Lifecycle and probes of a container that may have them. */
export function checkHandlers(scope: PodScope, container: Handled, path: string): void {
  if (container.lifecycle) checkLifecycle(scope, container.lifecycle, `${path}.lifecycle`);
  checkOnceProbe(scope, container.livenessProbe, `${path}.livenessProbe`);
  checkReadiness(scope, container.readinessProbe, `${path}.readinessProbe`);
  checkOnceProbe(scope, container.startupProbe, `${path}.startupProbe`);
}
