/** A pod, and what the scheduler has worked out about it (`pkg/scheduler/framework/types.go`, `PodInfo`). */
import { featuresForScheduling, type DeclarableFeature } from '@kubets/api/core/helpers/node-declared-features';
import {
  defaultContainerRequests,
  isPodLevelRequestsSet,
  podNonZeroRequests,
  podRequests,
} from '@kubets/api/core/helpers/pod-resources';
import type { Container, ContainerStatus, Pod } from '@kubets/api/types/core-v1';
import { affinityTermsOf, type PodAffinityTerms } from './affinity-term.ts';
import { hostPortsOf, type HostPort } from './host-ports.ts';
import { Resource } from './resource.ts';

let nextId = 1;

/** Of a resize under way the largest counts. */
const running = { useStatusResources: true, podLevelStatus: true };

/**
 * What follows from a pod's specification alone. Pods of one template share it: everything a pod has in common with the
 * others of its kind is worked out once.
 */
export class PodShape {
  /** Unlike that of any other shape. */
  readonly id = nextId++;
  /** What the pod takes of a node (`UseStatusResources`). */
  readonly requests: Resource;
  /** The same with 100 milli-CPUs and 200 MiB for containers that do not say: what scores compare. */
  readonly nonZero: Resource;
  /**
   * What scores add for this pod itself. As {@link nonZero}, but containers of a pod with pod-level requests get the defaults too
   * (`resource_allocation.go`, `calculatePodResourceRequest`, unlike `PodInfo.CalculateResource`).
   */
  readonly scored: Resource;
  readonly terms: PodAffinityTerms;
  /** All ports that the pod takes of its host. */
  readonly hostPorts: readonly HostPort[];
  /** What its node has to declare (`status.declaredFeatures`); nearly always nothing. */
  readonly requiredFeatures: readonly DeclarableFeature[];

  constructor(pod: Readonly<Pod>) {
    this.requests = Resource.of(podRequests(pod, running));
    this.nonZero = Resource.of(podNonZeroRequests(pod, running));
    const withDefaults = { ...running, nonMissingContainerRequests: defaultContainerRequests };
    this.scored = isPodLevelRequestsSet(pod) ? Resource.of(podRequests(pod, withDefaults)) : this.nonZero;
    this.terms = affinityTermsOf(pod);
    this.hostPorts = hostPortsOf(pod);
    this.requiredFeatures = featuresForScheduling(pod.spec);
  }

  get hasAffinity(): boolean {
    const { requiredAffinity, preferredAffinity, preferredAntiAffinity } = this.terms;
    return (
      this.hasRequiredAntiAffinity ||
      requiredAffinity.length > 0 ||
      preferredAffinity.length > 0 ||
      preferredAntiAffinity.length > 0
    );
  }

  get hasRequiredAntiAffinity(): boolean {
    return this.terms.requiredAntiAffinity.length > 0;
  }
}

/** Immutable: a changed pod has another PodInfo. */
export class PodInfo {
  readonly pod: Readonly<Pod>;
  readonly shape: PodShape;
  readonly uid: string;
  /** `namespace/name`. */
  readonly key: string;

  constructor(pod: Readonly<Pod>, shape: PodShape = new PodShape(pod)) {
    this.pod = pod;
    this.shape = shape;
    this.uid = pod.metadata.uid ?? '';
    this.key = `${pod.metadata.namespace ?? ''}/${pod.metadata.name ?? ''}`;
  }

  get requests(): Resource {
    return this.shape.requests;
  }

  get nonZero(): Resource {
    return this.shape.nonZero;
  }

  get terms(): PodAffinityTerms {
    return this.shape.terms;
  }

  get namespace(): string {
    return this.pod.metadata.namespace ?? '';
  }

  get labels(): Readonly<Record<string, string>> | undefined {
    return this.pod.metadata.labels;
  }

  get priority(): number {
    return this.pod.spec?.priority ?? 0;
  }

  /** Being deleted. */
  get terminating(): boolean {
    return this.pod.metadata.deletionTimestamp !== undefined;
  }
}

const containerText = (container: Readonly<Container>): unknown[] => [
  container.image,
  container.resources?.requests,
  container.restartPolicy,
  container.ports,
  container.restartPolicyRules,
];

const statusText = ({ name, resources, allocatedResources }: Readonly<ContainerStatus>): unknown[] => [
  name,
  resources?.requests,
  allocatedResources,
];

/** The same text for pods whose filters and scores, labels left out, come out the same on every node. */
export function shapeText(pod: Readonly<Pod>): string {
  const { spec, status, metadata } = pod;
  const local = spec?.affinity === undefined ? '' : metadata.namespace;
  return JSON.stringify([
    local,
    spec?.containers?.map(containerText),
    spec?.initContainers?.map(containerText),
    spec?.affinity,
    spec?.nodeSelector,
    spec?.tolerations,
    spec?.topologySpreadConstraints,
    spec?.overhead,
    spec?.resources?.requests,
    spec?.hostNetwork,
    spec?.hostUsers,
    status?.containerStatuses?.map(statusText),
    status?.initContainerStatuses?.map(statusText),
    status?.allocatedResources,
    status?.resources,
    status?.conditions?.find(({ type }) => type === 'PodResizePending')?.reason,
  ]);
}

/** Keeps one {@link PodShape} per text, and forgets those not asked for lately. */
export class PodShapes {
  readonly #limit: number;
  #young = new Map<string, PodShape>();
  #old = new Map<string, PodShape>();

  /** Between `limit` and twice as many are kept. */
  constructor(limit = 4096) {
    this.#limit = limit;
  }

  podInfo(pod: Readonly<Pod>): PodInfo {
    return new PodInfo(pod, this.of(pod));
  }

  of(pod: Readonly<Pod>): PodShape {
    const text = shapeText(pod);
    const known = this.#young.get(text);
    if (known !== undefined) return known;
    const shape = this.#old.get(text) ?? new PodShape(pod);
    if (this.#young.size >= this.#limit) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(text, shape);
    return shape;
  }
}
