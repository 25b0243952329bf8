/** What creating a pod adds to it (`pkg/registry/core/pod/strategy.go`, `PrepareForCreate`). */
import type {
  AppArmorProfile,
  Container,
  Pod,
  PodAffinity,
  PodCondition,
  PodSpec,
  PodStatus,
  SecurityContext,
} from '@kubets/api/types/core-v1';
import type { LabelSelector } from '@kubets/api/types/meta-v1';
import { appArmorPrefix } from '@kubets/api/core/validation/pod-annotations';
import { visitContainers } from '@kubets/api/core/validation/container-lists';
import { checkAppArmor } from '@kubets/api/core/validation/container-security';
import { ErrorList } from '@kubets/api/core/validation/pod-error-list';
import { computePodQOS } from '@kubets/api/core/validation/pod-qos';
import { semanticEqual } from '@kubets/apimachinery/validation-meta';
import { orderLike } from './struct-order.ts';
import type { StrategyContext } from '../../strategy.ts';

type Labels = Readonly<Record<string, string>>;

/** The status of a new pod: pending, its class of service settled for good. */
export function initialStatus(context: StrategyContext, pod: Pod): PodStatus {
  const spec = pod.spec ?? { containers: [] };
  // A class that the client names is kept, as upstream does.
  const qosClass = pod.status?.qosClass || computePodQOS(spec, context.featureEnabled('PodLevelResources'));
  const status: PodStatus = { phase: 'Pending' };
  if (spec.schedulingGates?.length) status.conditions = [gatedCondition(context.now)];
  status.qosClass = qosClass;
  return status;
}

function gatedCondition(now: string): PodCondition {
  return {
    type: 'PodScheduled',
    status: 'False',
    // The zero time, as Go writes it.
    lastProbeTime: null as unknown as string,
    lastTransitionTime: now,
    reason: 'SchedulingGated',
    message: 'Scheduling is blocked due to non-empty scheduling gates',
  };
}

interface KeyedTerm {
  readonly matchLabelKeys?: readonly string[];
  readonly mismatchLabelKeys?: readonly string[];
  readonly labelSelector?: LabelSelector;
}

function requireLabels(
  selector: LabelSelector,
  keys: readonly string[],
  { operator, labels }: { operator: 'In' | 'NotIn'; labels: Labels },
): void {
  for (const key of keys) {
    const value = labels[key];
    if (value === undefined) continue;
    selector.matchExpressions = [...(selector.matchExpressions ?? []), { key, operator, values: [value] }];
  }
}

function mergeLabelKeys(
  { labelSelector, matchLabelKeys = [], mismatchLabelKeys = [] }: KeyedTerm,
  labels: Labels,
): void {
  // Without a selector nothing matches, whatever the keys.
  if (!labelSelector) return;
  requireLabels(labelSelector, matchLabelKeys, { operator: 'In', labels });
  requireLabels(labelSelector, mismatchLabelKeys, { operator: 'NotIn', labels });
}

function mergeIntoAffinity(affinity: PodAffinity | undefined, labels: Labels): void {
  for (const { podAffinityTerm } of affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []) {
    mergeLabelKeys(podAffinityTerm, labels);
  }
  for (const term of affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []) mergeLabelKeys(term, labels);
}

/** Turns matchLabelKeys and mismatchLabelKeys into requirements with the pod's own label values. */
export function mergeMatchLabelKeys(context: StrategyContext, pod: Pod): void {
  const { spec } = pod;
  const labels = pod.metadata.labels ?? {};
  mergeIntoAffinity(spec?.affinity?.podAffinity, labels);
  mergeIntoAffinity(spec?.affinity?.podAntiAffinity, labels);
  const spread =
    context.featureEnabled('MatchLabelKeysInPodTopologySpread') &&
    context.featureEnabled('MatchLabelKeysInPodTopologySpreadSelectorMerge');
  if (spread) for (const constraint of spec?.topologySpreadConstraints ?? []) mergeLabelKeys(constraint, labels);
}

function fieldForAnnotation(annotation: string): AppArmorProfile | undefined {
  if (annotation === 'unconfined') return { type: 'Unconfined' };
  if (annotation === 'runtime/default') return { type: 'RuntimeDefault' };
  if (!annotation.startsWith('localhost/')) return undefined;
  const localhostProfile = annotation.slice('localhost/'.length);
  return localhostProfile === '' ? undefined : { type: 'Localhost', localhostProfile };
}

function validFieldFor(annotation: string): AppArmorProfile | undefined {
  const errors = new ErrorList();
  const profile = fieldForAnnotation(annotation);
  checkAppArmor(errors, profile, '');
  return errors.length === 0 ? profile : undefined;
}

function setProfile(container: Container, profile: AppArmorProfile): void {
  const context: SecurityContext = container.securityContext ?? {};
  context.appArmorProfile = profile;
  if (container.securityContext) return;
  container.securityContext = context;
  orderLike(container, 'core-v1.Container');
}

/** Deprecated AppArmor annotations become fields (`applyAppArmorVersionSkew`). Answers the annotations to warn about. */
export function applyAppArmorAnnotations(pod: Pod): string[] {
  const annotations = pod.metadata.annotations;
  const { spec } = pod;
  if (annotations === undefined || spec === undefined || spec.os?.name === 'windows') return [];
  const warned: string[] = [];
  visitContainers(spec, '', (container) => {
    const key = appArmorPrefix + container.name;
    const annotation = annotations[key];
    if (annotation === undefined || container.securityContext?.appArmorProfile) return;
    const profile = validFieldFor(annotation);
    if (profile !== undefined && semanticEqual(profile, spec.securityContext?.appArmorProfile)) return;
    if (profile !== undefined) setProfile(container, profile);
    warned.push(key);
  });
  return warned;
}

/** Keeps the observed generations that a kubelet which does not know them would drop. */
export function keepObservedGenerations(status: PodStatus, old: Readonly<PodStatus> | undefined): void {
  if (!status.observedGeneration && old?.observedGeneration) {
    status.observedGeneration = old.observedGeneration;
    orderLike(status, 'core-v1.PodStatus');
  }
  const known = new Map<string, number[]>();
  for (const { type, observedGeneration = 0 } of old?.conditions ?? []) {
    known.set(type, [...(known.get(type) ?? []), observedGeneration]);
  }
  status.conditions?.forEach((condition) => {
    const before = known.get(condition.type)?.shift() ?? 0;
    if (condition.observedGeneration || before === 0) return;
    condition.observedGeneration = before;
    orderLike(condition, 'core-v1.PodCondition');
  });
}

/** The spec of `old` with some fields of `spec`, in the order of the struct. */
export function specWith(old: Readonly<PodSpec>, fields: Partial<PodSpec>): PodSpec {
  const spec: PodSpec = { ...old };
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) delete (spec as unknown as Record<string, unknown>)[name];
    else (spec as unknown as Record<string, unknown>)[name] = value;
  }
  orderLike(spec, 'core-v1.PodSpec');
  return spec;
}
