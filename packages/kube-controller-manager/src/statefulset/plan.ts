/**
 * What is to be done next for a StatefulSet (upstream `pkg/controller/statefulset/stateful_set_control.go`,
 * `updateStatefulSet`). In order (`OrderedReady`): one step at a time, each waiting for the pods before it. In parallel: all at
 * once.
 */
import { scaledValue } from '@kubets/apimachinery/int-or-string';
import type { StatefulSetStatus } from '@kubets/api/types/apps-v1';
import type { PersistentVolumeClaim, Pod } from '@kubets/api/types/core-v1';
import {
  claimNames,
  identityMatches,
  isCurrentRevisionNeeded,
  isInOrdinalRange,
  ordinalOf,
  podName,
  podRevision,
  replicasOf,
  startOrdinal,
  storageMatches,
  type RevisionTemplate,
  type Stateful,
} from './identity.ts';
import { isOwnerUpToDate, isStaleFor } from './retention.ts';
import { isCreated, isTerminating, isUnavailable, statusOf } from './status.ts';

export interface Observed {
  readonly set: Stateful;
  /** All that the set owns and that are named after it. */
  readonly pods: readonly Readonly<Pod>[];
  readonly current: RevisionTemplate;
  readonly update: RevisionTemplate;
  readonly collisionCount: number;
  /** The claim of that name in the set's namespace. */
  claim(name: string): Readonly<PersistentVolumeClaim> | undefined;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Feature gate MaxUnavailableStatefulSet. */
  readonly maxUnavailable?: boolean;
}

export type Action =
  /** A pod that is missing, with its claims first. */
  | { readonly type: 'create'; readonly ordinal: number; readonly revision: RevisionTemplate }
  /** `update`: for a pod of the new revision; it counts as current no more. */
  | { readonly type: 'delete'; readonly pod: Readonly<Pod>; readonly update?: true }
  /** Claims of a pod that waits for them. */
  | { readonly type: 'claims'; readonly pod: Readonly<Pod> }
  /** Labels, volumes and owners of claims as they should be. */
  | { readonly type: 'conform'; readonly pod: Readonly<Pod> }
  /** Owners of the claims of a pod that goes. */
  | { readonly type: 'conformClaims'; readonly pod: Readonly<Pod> };

/** Actions for one pod, to be done in this order. */
export type Steps = readonly Action[];

export interface Plan {
  /** One after the other; a failure ends it. Within a phase: for each pod its steps, in parallel where the plan says so. */
  readonly phases: readonly (readonly Steps[])[];
  readonly parallel: boolean;
  /** Before `completeRollingUpdate`; each deletion for an update that succeeds takes one off `currentReplicas`. */
  readonly status: StatefulSetStatus & Required<Pick<StatefulSetStatus, 'currentReplicas'>>;
}

/** `stop`: nothing after this pod may be touched yet (in order only). */
interface Step {
  readonly steps: Steps;
  readonly stop: boolean;
}

/** Stands for a pod that is not there: without status, and cheap to make. */
const missingPod = (set: Stateful, ordinal: number): Pod => ({ metadata: { name: podName(set, ordinal) } });

const done: Step = { steps: [], stop: false };
const wait: Step = { steps: [], stop: true };

class Planner {
  readonly #observed: Observed;
  readonly #inOrder: boolean;
  readonly #minReadySeconds: number;

  constructor(observed: Observed) {
    this.#observed = observed;
    this.#inOrder = observed.set.spec.podManagementPolicy !== 'Parallel';
    this.#minReadySeconds = observed.set.spec.minReadySeconds ?? 0;
  }

  phases(): (readonly Steps[])[] {
    const { replicas, condemned } = this.#partition();
    const unhealthy = [...replicas, ...condemned.toReversed()].find((pod) => this.#isUnavailable(pod));
    const phases: (readonly Steps[])[] = [];
    const run = (pods: readonly Readonly<Pod>[], step: (pod: Readonly<Pod>) => Step): boolean => {
      const { all, stopped } = this.#each(pods, step);
      if (all.length > 0) phases.push(all);
      return stopped;
    };
    if (run(replicas, (pod) => this.#replica(pod))) return phases;
    run(condemned, (pod) => this.#condemnedClaims(pod));
    if (run(condemned, (pod) => this.#condemned(pod, unhealthy))) return phases;
    const updates = this.#updates(replicas);
    if (updates.length > 0) phases.push(updates);
    return phases;
  }

  #isUnavailable(pod: Readonly<Pod>): boolean {
    return isUnavailable(pod, this.#minReadySeconds, this.#observed.now);
  }

  /** The pods that should be, in order, missing ones made up; and those beyond, the highest ordinal first. */
  #partition(): { replicas: Readonly<Pod>[]; condemned: Readonly<Pod>[] } {
    const { set, pods } = this.#observed;
    const start = startOrdinal(set);
    const there = new Map<number, Readonly<Pod>>();
    const condemned: Readonly<Pod>[] = [];
    for (const pod of pods) {
      if (isInOrdinalRange(set, pod)) there.set(ordinalOf(pod), pod);
      else if (ordinalOf(pod) >= 0) condemned.push(pod);
    }
    const replicas = Array.from({ length: replicasOf(set) }, (_, i) => {
      const ordinal = start + i;
      return there.get(ordinal) ?? missingPod(set, ordinal);
    });
    return { replicas, condemned: condemned.toSorted((a, b) => ordinalOf(b) - ordinalOf(a)) };
  }

  #each(
    pods: readonly Readonly<Pod>[],
    step: (pod: Readonly<Pod>) => Step,
  ): { readonly all: Steps[]; readonly stopped: boolean } {
    const all: Steps[] = [];
    for (const pod of pods) {
      const { steps, stop } = step(pod);
      if (steps.length > 0) all.push(steps);
      if (stop && this.#inOrder) return { all, stopped: true };
    }
    return { all, stopped: false };
  }

  #claimsOf(pod: Readonly<Pod>): (Readonly<PersistentVolumeClaim> | undefined)[] {
    const { set, claim } = this.#observed;
    return claimNames(set, ordinalOf(pod)).map((name) => claim(name));
  }

  #ownersMatch(pod: Readonly<Pod>): boolean {
    const { set } = this.#observed;
    return this.#claimsOf(pod).every((claim) => claim === undefined || isOwnerUpToDate(set, claim, pod));
  }

  /** One pod that should be (`processReplica`). */
  #replica(pod: Readonly<Pod>): Step {
    const { set } = this.#observed;
    const phase = pod.status?.phase;
    if (phase === 'Failed' || phase === 'Succeeded') {
      // It is made anew when it is gone, however it ended.
      return isTerminating(pod) ? wait : { steps: [{ type: 'delete', pod }], stop: true };
    }
    if (!isCreated(pod)) {
      const stale = this.#claimsOf(pod).some((claim) => claim !== undefined && isStaleFor(set, claim, pod));
      return stale ? wait : { steps: [this.#create(ordinalOf(pod))], stop: true };
    }
    const steps: Action[] = [];
    if (phase === 'Pending' && this.#lacksClaims(pod)) steps.push({ type: 'claims', pod });
    if (this.#inOrder && this.#isUnavailable(pod)) return { steps, stop: true };
    const conforms = identityMatches(set, pod) && storageMatches(set, pod) && this.#ownersMatch(pod);
    if (!conforms) steps.push({ type: 'conform', pod });
    return steps.length === 0 ? done : { steps, stop: false };
  }

  #create(ordinal: number): Action {
    const { set, current, update } = this.#observed;
    return { type: 'create', ordinal, revision: isCurrentRevisionNeeded(set, ordinal) ? current : update };
  }

  #lacksClaims(pod: Readonly<Pod>): boolean {
    const missing = this.#claimsOf(pod).some((claim) => claim?.metadata.deletionTimestamp !== undefined || !claim);
    return missing || !this.#ownersMatch(pod);
  }

  #condemnedClaims(pod: Readonly<Pod>): Step {
    return this.#ownersMatch(pod) ? done : { steps: [{ type: 'conformClaims', pod }], stop: false };
  }

  /** One pod beyond the scale; in order, no healthy one goes while another is not well (`processCondemned`). */
  #condemned(pod: Readonly<Pod>, unhealthy: Readonly<Pod> | undefined): Step {
    if (isTerminating(pod)) return wait;
    if (this.#inOrder && pod !== unhealthy && this.#isUnavailable(pod)) return wait;
    return { steps: [{ type: 'delete', pod }], stop: true };
  }

  /** Which pods go for the sake of the update, the highest ordinal first. */
  #updates(replicas: readonly Readonly<Pod>[]): Steps[] {
    const { set, update, maxUnavailable } = this.#observed;
    const { type, rollingUpdate } = set.spec.updateStrategy ?? {};
    if (type === 'OnDelete') return [];
    const partition = rollingUpdate?.partition ?? 0;
    const isOld = (pod: Readonly<Pod>): boolean =>
      isCreated(pod) && podRevision(pod) !== update.name && !isTerminating(pod);
    const candidates = replicas.slice(partition).toReversed();
    if (maxUnavailable !== true) {
      // One at a time: the first that is old, unless one before it is not well yet.
      const next = candidates.find((pod) => isOld(pod) || this.#isUnavailable(pod));
      return next !== undefined && isOld(next) ? [[{ type: 'delete', pod: next, update: true }]] : [];
    }
    const allowed = maxUnavailableOf(set) - replicas.filter((pod) => this.#isUnavailable(pod)).length;
    const chosen = candidates.filter(isOld).slice(0, Math.max(0, allowed));
    return chosen.map((pod) => [{ type: 'delete', pod, update: true }]);
  }
}

/** How many replicas a rolling update may take down at once, with feature gate MaxUnavailableStatefulSet: at least one. */
export function maxUnavailableOf(set: Stateful): number {
  const value = set.spec.updateStrategy?.rollingUpdate?.maxUnavailable ?? 1;
  return Math.max(1, scaledValue({ value, total: replicasOf(set), round: 'down' }));
}

/** Decides; a set that is being deleted only gets its status. */
export function plan(observed: Observed): Plan {
  const { set, pods, current, update, collisionCount, now } = observed;
  const status = statusOf({
    set,
    pods,
    currentRevision: current.name,
    updateRevision: update.name,
    collisionCount,
    now,
  });
  const phases = set.metadata.deletionTimestamp === undefined ? new Planner(observed).phases() : [];
  return { phases, parallel: set.spec.podManagementPolicy === 'Parallel', status };
}
