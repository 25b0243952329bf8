/** The shape of a check, and what they are worded with (`k8s.io/pod-security-admission/policy/{checks,helpers,visitor}.go`). */
import type { Container, PodSpec } from '@kubets/api/types/core-v1';
import type { ObjectMeta } from '@kubets/apimachinery/meta';

/** `reason (detail)` in messages. */
export interface Violation {
  readonly reason: string;
  readonly detail: string;
}

/** `undefined`: nothing wrong. */
export type CheckPod = (spec: Readonly<PodSpec>, metadata: Readonly<ObjectMeta>) => Violation | undefined;

export interface Check {
  readonly id: string;
  readonly level: 'baseline' | 'restricted';
  /** The first minor version in which each form holds, ascending. */
  readonly versions: readonly {
    readonly since: number;
    readonly check: CheckPod;
    readonly overrides?: readonly string[];
  }[];
}

/** `"a", "b"`. */
export const quoted = (items: readonly string[]): string => items.map((item) => `"${item}"`).join(', ');

export const sortedSet = (items: Iterable<string>): string[] => [...new Set(items)].toSorted();

export const plural = (one: string, many: string, count: number): string => (count === 1 ? one : many);

/** `container "a"` or `containers "a", "b"`. */
export const containersText = (names: readonly string[]): string =>
  `${plural('container', 'containers', names.length)} ${quoted(names)}`;

/** Init, regular and ephemeral containers. */
export function containersOf(spec: Readonly<PodSpec>): Container[] {
  return [
    ...(spec.initContainers ?? []),
    ...(spec.containers ?? []),
    ...((spec.ephemeralContainers ?? []) as Container[]),
  ];
}

/** Names of the containers for which `bad` holds. */
export function containersWhere(spec: Readonly<PodSpec>, bad: (container: Container) => boolean): string[] {
  return containersOf(spec)
    .filter(bad)
    .map((container) => container.name);
}

/** `pod and containers "a", "b"`, or one of them; '' for nobody. */
export function settersText(pod: boolean, containers: readonly string[]): string {
  return [...(pod ? ['pod'] : []), ...(containers.length > 0 ? [containersText(containers)] : [])].join(' and ');
}

export const isWindows = (spec: Readonly<PodSpec>): boolean => spec.os?.name === 'windows';

/** A pod in a user namespace of its own: root there is nobody on the host. */
export const hasUserNamespace = (spec: Readonly<PodSpec>): boolean => spec.hostUsers === false;

/** The same check, but not for Windows pods. */
export const exceptWindows =
  (check: CheckPod): CheckPod =>
  (spec, metadata) =>
    isWindows(spec) ? undefined : check(spec, metadata);

/** The same check, but not for pods with a user namespace. */
export const exceptUserNamespaces =
  (check: CheckPod): CheckPod =>
  (spec, metadata) =>
    hasUserNamespace(spec) ? undefined : check(spec, metadata);
