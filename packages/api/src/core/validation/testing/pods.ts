/** Valid objects for tests, as they are after decoding and defaulting, and a way to break them. */
import { fieldErrorText, type FieldError } from '@kubets/apimachinery/field';
import { featureGateDefault } from '../../../facts.ts';
import type { Container, Pod, PodTemplateSpec } from '../../../generated/types/core-v1.ts';
import { podValidationOptions, type PodValidationOptions, type PodSubject } from '../pod-options.ts';

/** Feature gates at their defaults, but for those named. */
export const gatesWith =
  (...on: string[]) =>
  (gate: string): boolean =>
    on.includes(gate) || (!on.includes(`-${gate}`) && featureGateDefault(gate));

export function testOptions({
  old,
  gates = gatesWith(),
  isPod = true,
}: { old?: PodSubject; gates?: (gate: string) => boolean; isPod?: boolean } = {}): PodValidationOptions {
  return podValidationOptions(gates, old, isPod);
}

export function validContainer(name = 'app'): Container {
  return {
    name,
    image: 'registry.example.com/app:v1',
    ports: [{ name: 'http', containerPort: 8080, protocol: 'TCP' }],
    env: [{ name: 'A', value: 'b' }],
    resources: { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '500m', memory: '1Gi' } },
    volumeMounts: [{ name: 'data', mountPath: '/data' }],
    livenessProbe: {
      httpGet: { path: '/healthz', port: 'http', scheme: 'HTTP' },
      timeoutSeconds: 1,
      periodSeconds: 10,
      successThreshold: 1,
      failureThreshold: 3,
    },
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    imagePullPolicy: 'IfNotPresent',
    securityContext: { allowPrivilegeEscalation: false },
  };
}

export function validPod(): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web', namespace: 'default', labels: { app: 'web' }, annotations: { note: 'x' } },
    spec: {
      volumes: [{ name: 'data', emptyDir: {} }],
      containers: [validContainer()],
      restartPolicy: 'Always',
      terminationGracePeriodSeconds: 30,
      dnsPolicy: 'ClusterFirst',
      serviceAccountName: 'default',
      securityContext: {},
      schedulerName: 'default-scheduler',
    },
  };
}

export function validTemplate(): PodTemplateSpec {
  const { spec } = validPod();
  return { metadata: { labels: { app: 'web' } }, spec };
}

/** Sets a value by a dotted path (`spec.containers.0.name`); undefined removes it. Missing parents are made. */
export function put<T>(object: T, path: string, value: unknown): T {
  const names = path.split('.');
  const last = names.pop() ?? '';
  let at = object as Record<string, unknown>;
  names.forEach((name, i) => {
    at[name] ??= /^\d+$/.test(names[i + 1] ?? last) ? [] : {};
    at = at[name] as Record<string, unknown>;
  });
  if (value === undefined) delete at[last];
  else at[last] = value;
  return object;
}

export const texts = (errors: readonly FieldError[]): string[] => errors.map(fieldErrorText);
