/**
 * What is allowed in pods and templates, yet probably not what was meant (`pkg/api/pod/warnings.go`).
 * Paths start with the template's: `spec.template.spec.volumes[0]…`; a pod's with `spec`.
 */
import { Path } from '@kubets/apimachinery/field';
import { warningsForIP } from '@kubets/apimachinery/validation-ip';
import type { ObjectMeta } from '@kubets/apimachinery/meta';
import type {
  Affinity,
  Container,
  ContainerPort,
  EnvVar,
  PodAffinity,
  PodSpec,
} from '../../generated/types/core-v1.ts';
import { visitContainers } from './container-lists.ts';
import { appArmorPrefix, seccompContainerPrefix, seccompPodAnnotation } from './pod-annotations.ts';
import { deprecatedLabel, nodeTermWarnings } from './pod-node-warnings.ts';
import { fractionWarning, volumeListWarnings } from './pod-volume-warnings.ts';

const hard = 'requiredDuringSchedulingIgnoredDuringExecution';
const soft = 'preferredDuringSchedulingIgnoredDuringExecution';
const nullSelector = 'a null labelSelector results in matching no pod';

export interface PodWarningSubject {
  readonly metadata?: ObjectMeta;
  readonly spec?: PodSpec;
}

function podTermWarnings(affinity: PodAffinity | undefined, path: string): string[] {
  const found: string[] = [];
  affinity?.[hard]?.forEach(({ labelSelector }, i) => {
    if (!labelSelector) found.push(`${path}.${hard}[${i}].labelSelector: ${nullSelector}`);
  });
  affinity?.[soft]?.forEach(({ podAffinityTerm }, i) => {
    if (!podAffinityTerm.labelSelector) {
      found.push(`${path}.${soft}[${i}].podAffinityTerm.labelSelector: ${nullSelector}`);
    }
  });
  return found;
}

function nodeAffinityWarnings({ nodeAffinity }: Affinity, path: string): string[] {
  const required = nodeAffinity?.[hard]?.nodeSelectorTerms ?? [];
  const preferred = nodeAffinity?.[soft] ?? [];
  return [
    ...required.flatMap((term, i) =>
      nodeTermWarnings(term, { path: `${path}.nodeAffinity.${hard}.nodeSelectorTerms[${i}]`, values: false }),
    ),
    ...preferred.flatMap(({ preference }, i) =>
      nodeTermWarnings(preference, { path: `${path}.nodeAffinity.${soft}[${i}].preference`, values: true }),
    ),
  ];
}

function placementWarnings(spec: PodSpec, path: string): string[] {
  const found: string[] = [];
  for (const key in spec.nodeSelector) {
    const message = deprecatedLabel(key);
    if (message !== undefined) found.push(`${path}.nodeSelector[${key}]: ${message}`);
  }
  if (spec.affinity) found.push(...nodeAffinityWarnings(spec.affinity, `${path}.affinity`));
  spec.topologySpreadConstraints?.forEach(({ topologyKey, labelSelector }, i) => {
    const at = `${path}.topologySpreadConstraints[${i}]`;
    const message = deprecatedLabel(topologyKey);
    if (message !== undefined) found.push(`${at}.topologyKey: ${topologyKey} is ${message}`);
    if (!labelSelector) found.push(`${at}.labelSelector: ${nullSelector}`);
  });
  return found;
}

const deprecatedAnnotations: readonly [string, string][] = [
  ['scheduler.alpha.kubernetes.io/critical-pod', 'non-functional in v1.16+; use the "priorityClassName" field instead'],
  ['security.alpha.kubernetes.io/sysctls', 'non-functional in v1.11+; use the "sysctls" field instead'],
  ['security.alpha.kubernetes.io/unsafe-sysctls', 'non-functional in v1.11+; use the "sysctls" field instead'],
];

function repeats(values: readonly string[]): number[] {
  return values.flatMap((value, i) => (values.indexOf(value) < i ? [i] : []));
}

function listWarnings(spec: PodSpec, path: string): string[] {
  const found: string[] = [];
  const ips = (spec.hostAliases ?? []).map(({ ip }) => ip ?? '');
  for (const i of repeats(ips)) found.push(`${path}.hostAliases[${i}].ip: duplicate ip ${JSON.stringify(ips[i])}`);
  const secrets = (spec.imagePullSecrets ?? []).map(({ name = '' }) => name);
  for (const i of repeats(secrets)) {
    found.push(`${path}.imagePullSecrets[${i}].name: duplicate name ${JSON.stringify(secrets[i])}`);
  }
  secrets.forEach((name, i) => {
    if (name === '') found.push(`${path}.imagePullSecrets[${i}].name: invalid empty name ""`);
  });
  for (const name of ['memory', 'ephemeral-storage']) {
    found.push(...fractionWarning(spec.overhead?.[name], `${path}.overhead[${name}]`));
  }
  return found;
}

/** Whether the later definition of a variable loses the earlier one: it does not build on it. */
function hidesEarlier({ name, value = '', valueFrom }: EnvVar): boolean {
  const reference = `$(${name})`;
  return valueFrom !== undefined || value === reference || !value.includes(reference);
}

function envWarnings(env: readonly EnvVar[], path: string): string[] {
  const found: string[] = [];
  const seen = new Set<string>();
  for (let i = 0; i < env.length; i++) {
    const variable = env[i] as EnvVar;
    if (!seen.has(variable.name)) seen.add(variable.name);
    else if (hidesEarlier(variable)) {
      const name = JSON.stringify(variable.name);
      found.push(`${path}[${i}]: hides previous definition of ${name}, which may be dropped when using apply`);
    }
  }
  return found;
}

interface Context {
  readonly spec: PodSpec;
  readonly annotations: Readonly<Record<string, string>>;
  /** Path of the template, empty for pods. */
  readonly root: string;
}

function profileWarnings(container: Container, { spec, annotations, root }: Context): string[] {
  const at = `${root}metadata.annotations`;
  const own = container.securityContext;
  const found: string[] = [];
  const seccomp = seccompContainerPrefix + container.name;
  if (annotations[seccomp] !== undefined && !own?.seccompProfile) {
    found.push(`${at}[${seccomp}]: non-functional in v1.27+; use the "seccompProfile" field instead`);
  }
  const appArmor = appArmorPrefix + container.name;
  // Pods get theirs while the annotation is turned into the field.
  const hasField = spec.securityContext?.appArmorProfile || own?.appArmorProfile;
  if (root !== '' && annotations[appArmor] !== undefined && !hasField) {
    found.push(`${at}[${appArmor}]: deprecated since v1.30; use the "appArmorProfile" field instead`);
  }
  return found;
}

function containerWarnings(container: Container, path: string): string[] {
  const found: string[] = [];
  for (const list of ['limits', 'requests'] as const) {
    for (const name of ['memory', 'ephemeral-storage']) {
      const quantity = container.resources?.[list]?.[name];
      if (quantity !== undefined) found.push(...fractionWarning(quantity, `${path}.resources.${list}[${name}]`));
    }
  }
  if (container.env && container.env.length > 1) found.push(...envWarnings(container.env, `${path}.env`));
  return found;
}

interface PlacedPort {
  readonly port: ContainerPort;
  readonly path: string;
}

/** How two ports with the same number and protocol get along; empty when they do. */
function portConflict(a: ContainerPort, b: ContainerPort): string {
  const [hostA = 0, hostB = 0] = [a.hostPort, b.hostPort];
  const [ipA = '', ipB = ''] = [a.hostIP, b.hostIP];
  if (ipA === ipB && hostA === hostB) return 'duplicate port definition';
  if (hostA === 0 || hostB === 0) return 'overlapping port definition';
  return hostA === hostB && (ipA === '') !== (ipB === '') ? 'dangerously ambiguous port definition' : '';
}

/** As Go prints the struct. */
function goPort(port: ContainerPort): string {
  const { name = '', hostPort = 0, containerPort, hostIP = '' } = port;
  return `{Name:${name} HostPort:${hostPort} ContainerPort:${containerPort} Protocol:${port.protocol ?? ''} HostIP:${hostIP}}`;
}

function portWarnings(spec: PodSpec, path: string): string[] {
  const found: string[] = [];
  const taken = new Map<string, PlacedPort[]>();
  visitContainers(spec, path, (container, at) => {
    if (!container.ports) return;
    for (let i = 0; i < container.ports.length; i++) {
      const port = container.ports[i] as ContainerPort;
      const shown = `${at}.ports[${i}]`;
      if (port.hostIP && !port.hostPort) found.push(`${shown}: hostIP set without hostPort: ${goPort(port)}`);
      const key = `${port.containerPort}/${port.protocol}`;
      const others = taken.get(key) ?? [];
      for (const other of others) {
        const conflict = portConflict(port, other.port);
        if (conflict !== '') found.push(`${shown}: ${conflict} with ${other.path}`);
      }
      others.push({ port, path: shown });
      taken.set(key, others);
    }
  });
  return found;
}

function ipWarnings(spec: PodSpec, path: string): string[] {
  return [
    ...(spec.dnsConfig?.nameservers ?? []).flatMap((ip, i) =>
      warningsForIP(Path.of(`${path}.dnsConfig.nameservers[${i}]`), ip),
    ),
    ...(spec.hostAliases ?? []).flatMap(({ ip }, i) =>
      warningsForIP(Path.of(`${path}.hostAliases[${i}].ip`), ip ?? ''),
    ),
  ];
}

function annotationWarnings({ spec, annotations, root }: Context): string[] {
  const found: string[] = [];
  for (const [key, message] of deprecatedAnnotations) {
    if (annotations[key] !== undefined) found.push(`${root}metadata.annotations[${key}]: ${message}`);
  }
  if (annotations[seccompPodAnnotation] !== undefined && !spec.securityContext?.seccompProfile) {
    const message = 'non-functional in v1.27+; use the "seccompProfile" field instead';
    found.push(`${root}metadata.annotations[${seccompPodAnnotation}]: ${message}`);
  }
  visitContainers(spec, '', (container) => found.push(...profileWarnings(container, { spec, annotations, root })));
  return found;
}

/** Warnings about a pod (`path` empty) or about the template at `path`. */
export function podWarnings(subject: PodWarningSubject, path = ''): string[] {
  const { spec } = subject;
  if (!spec) return [];
  const root = path === '' ? '' : `${path}.`;
  const at = `${root}spec`;
  const annotations = subject.metadata?.annotations;
  const found = placementWarnings(spec, at);
  if (annotations) found.push(...annotationWarnings({ spec, annotations, root }));
  found.push(...volumeListWarnings(spec, at));
  if (spec.hostAliases || spec.imagePullSecrets || spec.overhead) found.push(...listWarnings(spec, at));
  visitContainers(spec, at, (container, place) => {
    const warnings = containerWarnings(container, place);
    if (warnings.length > 0) found.push(...warnings);
  });
  found.push(...portWarnings(spec, at));
  if ((spec.terminationGracePeriodSeconds ?? 0) < 0) {
    const message = 'must be >= 0; negative values are invalid and will be treated as 1';
    found.push(`${at}.terminationGracePeriodSeconds: ${message}`);
  }
  if (spec.affinity) {
    found.push(...podTermWarnings(spec.affinity.podAffinity, `${at}.affinity.podAffinity`));
    found.push(...podTermWarnings(spec.affinity.podAntiAffinity, `${at}.affinity.podAntiAffinity`));
  }
  if (spec.dnsConfig || spec.hostAliases) found.push(...ipWarnings(spec, at));
  return found;
}
