/**
 * What a ReplicaSet or ReplicationController does next, decided from what is known (upstream
 * `pkg/controller/replicaset/replica_set.go`, `manageReplicas`, and `replica_set_utils.go`, `calculateStatus`).
 */
import type { ApiObject, OwnerReference } from '@kubets/apimachinery/meta';
import { Selector } from '@kubets/apimachinery/labels';
import { formatTime } from '@kubets/apimachinery/time';
import { semanticEqual } from '@kubets/apimachinery/validation-meta';
import {
  isPodActive,
  isPodAvailable,
  isPodReady,
  isPodTerminating,
  untilPodAvailable,
} from '@kubets/api/core/helpers/pod';
import type { ReplicaSetCondition, ReplicaSetStatus } from '@kubets/api/types/apps-v1';
import type { Pod, PodTemplateSpec } from '@kubets/api/types/core-v1';
import { podsToDelete, type RankingOptions } from './pod-ranking.ts';

/** What ReplicaSets and ReplicationControllers have in common. */
export interface ReplicaOwner extends ApiObject {
  spec?: {
    readonly replicas?: number;
    readonly minReadySeconds?: number;
    readonly template?: PodTemplateSpec;
  };
  status?: ReplicaSetStatus;
}

/** At most so many pods are made or deleted in one go (`BurstReplicas`). */
const burstReplicas = 500;

/** What becomes of the number of pods. */
export type ReplicaPlan =
  | { readonly type: 'keep' }
  | { readonly type: 'create'; readonly count: number }
  | { readonly type: 'delete'; readonly pods: readonly Readonly<Pod>[] };

/** The difference between the wish and the active pods, in one burst. `ranking` is asked for only when pods must go. */
export function planReplicas(
  wanted: number,
  active: readonly Readonly<Pod>[],
  ranking: () => RankingOptions,
): ReplicaPlan {
  const excess = active.length - wanted;
  if (excess === 0) return { type: 'keep' };
  if (excess < 0) return { type: 'create', count: Math.min(-excess, burstReplicas) };
  return { type: 'delete', pods: podsToDelete(active, Math.min(excess, burstReplicas), ranking()) };
}

/** A namespace's pods as one owner sees them. */
export interface SortedPods {
  /** Active, owned and selected. */
  readonly mine: readonly Readonly<Pod>[];
  /** Active ones to be adopted or released. */
  readonly disputed: readonly Readonly<Pod>[];
  /** Owned, selected, and on their way out. */
  readonly terminating: number;
}

/** Sorts the owner's pods and the namespace's orphans. */
export function sortPods(candidates: readonly Readonly<Pod>[], uid: string, selector: Selector): SortedPods {
  const mine: Readonly<Pod>[] = [];
  const disputed: Readonly<Pod>[] = [];
  let terminating = 0;
  for (const pod of candidates) {
    const controller = controllerUid(pod.metadata.ownerReferences);
    const owned = controller === uid;
    if (!owned && controller !== undefined) continue;
    const matches = selector.matches(pod.metadata.labels);
    if (isPodActive(pod)) {
      if (owned && matches) mine.push(pod);
      else if (owned || matches) disputed.push(pod);
    } else if (owned && matches && isPodTerminating(pod)) terminating++;
  }
  return { mine, disputed, terminating };
}

function controllerUid(references: readonly OwnerReference[] | undefined): string | undefined {
  if (references === undefined) return undefined;
  for (const reference of references) if (reference.controller === true) return reference.uid;
  return undefined;
}

export interface StatusInput {
  readonly owner: Readonly<ReplicaOwner>;
  readonly active: readonly Readonly<Pod>[];
  /** Undefined: not counted (ReplicationControllers, or the gate is off). */
  readonly terminating: number | undefined;
  /** Why pods could not be made or deleted. */
  readonly failure: string | undefined;
  readonly now: number;
}

/** The status that the owner should have; undefined when it has it. */
export function planStatus(input: StatusInput): ReplicaSetStatus | undefined {
  const { owner, terminating } = input;
  const old = owner.status ?? { replicas: 0 };
  const counts = countPods(input);
  const conditions = planConditions(input);
  const generation = owner.metadata.generation ?? 0;
  const unchanged =
    old.replicas === counts.replicas &&
    (old.fullyLabeledReplicas ?? 0) === counts.labeled &&
    (old.readyReplicas ?? 0) === counts.ready &&
    (old.availableReplicas ?? 0) === counts.available &&
    old.terminatingReplicas === terminating &&
    (old.observedGeneration ?? 0) === generation &&
    semanticEqual(old.conditions, conditions);
  if (unchanged) return undefined;
  return {
    replicas: counts.replicas,
    ...(counts.labeled !== 0 && { fullyLabeledReplicas: counts.labeled }),
    ...(counts.ready !== 0 && { readyReplicas: counts.ready }),
    ...(counts.available !== 0 && { availableReplicas: counts.available }),
    ...(terminating !== undefined && { terminatingReplicas: terminating }),
    ...(generation !== 0 && { observedGeneration: generation }),
    ...(conditions.length > 0 && { conditions: [...conditions] }),
  };
}

interface Counts {
  readonly replicas: number;
  readonly labeled: number;
  readonly ready: number;
  readonly available: number;
}

function countPods({ owner, active, now }: StatusInput): Counts {
  const template = Selector.fromLabels(owner.spec?.template?.metadata?.labels);
  const minReadySeconds = owner.spec?.minReadySeconds ?? 0;
  let [labeled, ready, available] = [0, 0, 0];
  for (const pod of active) {
    if (template.matches(pod.metadata.labels)) labeled++;
    if (!isPodReady(pod)) continue;
    ready++;
    if (isPodAvailable(pod, minReadySeconds, now)) available++;
  }
  return { replicas: active.length, labeled, ready, available };
}

const replicaFailure = 'ReplicaFailure';

/** The failure condition comes with the first failure and goes when all went well. */
function planConditions({ owner, active, failure, now }: StatusInput): readonly ReplicaSetCondition[] {
  const conditions = owner.status?.conditions ?? [];
  const known = conditions.some(({ type }) => type === replicaFailure);
  if (failure === undefined) return known ? conditions.filter(({ type }) => type !== replicaFailure) : conditions;
  if (known) return conditions;
  const missing = active.length < (owner.spec?.replicas ?? 1);
  const condition = {
    type: replicaFailure,
    status: 'True',
    lastTransitionTime: formatTime(now),
    reason: missing ? 'FailedCreate' : 'FailedDelete',
    message: failure,
  };
  return [...conditions, condition];
}

/**
 * Milliseconds until a ready pod may become available; undefined when all ready ones are
 * (`FindMinNextPodAvailabilityCheck`).
 */
export function untilNextAvailable(
  active: readonly Readonly<Pod>[],
  minReadySeconds: number,
  now: number,
): number | undefined {
  if (minReadySeconds === 0) return undefined;
  let next: number | undefined;
  for (const pod of active) {
    const wait = untilPodAvailable(pod, minReadySeconds, now);
    if (wait !== undefined && wait > 0 && (next === undefined || wait < next)) next = wait;
  }
  return next;
}
