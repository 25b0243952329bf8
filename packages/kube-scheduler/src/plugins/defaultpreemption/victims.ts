/**
 * Who has to go, and where it hurts least (upstream `pkg/scheduler/framework/preemption/preemption.go`,
 * `plugins/defaultpreemption/default_preemption.go`, `pkg/scheduler/util/utils.go`). Pure.
 */
import { compileLabelSelector } from '@kubets/apimachinery/label-selector';
import { Selector } from '@kubets/apimachinery/labels';
import type { Pod } from '@kubets/api/types/core-v1';
import type { PodDisruptionBudget } from '@kubets/api/types/policy-v1';
import type { Victims } from '../../framework/types.ts';

/** A node on which the pod would fit once the victims are gone. Victims are ordered from the most important. */
export interface Candidate {
  readonly nodeName: string;
  readonly victims: Victims;
}

export const podPriority = (pod: Readonly<Pod>): number => pod.spec?.priority ?? 0;

/** When the pod started; one that has not yet starts now (`GetPodStartTime`). Milliseconds since 1970. */
function startTime(pod: Readonly<Pod>, now: number): number {
  const text = pod.status?.startTime;
  return text === undefined ? now : Date.parse(text);
}

/** Orders pods from the most important: by priority, then by how long they have run (`MoreImportantPod`). */
export function compareImportance(a: Readonly<Pod>, b: Readonly<Pod>, now: number): number {
  return podPriority(b) - podPriority(a) || startTime(a, now) - startTime(b, now);
}

/** A budget, ready to be matched. */
export interface Budget {
  readonly namespace: string;
  readonly selector: Selector;
  readonly allowed: number;
  /** Pods whose eviction has been granted already: they are not counted twice. */
  readonly disrupted: ReadonlySet<string>;
}

/** Budgets without a selector, and those with an invalid one, protect nothing. */
export function compileBudgets(budgets: readonly Readonly<PodDisruptionBudget>[]): Budget[] {
  return budgets.flatMap(({ metadata, spec, status }) => {
    const selector = selectorOf(spec?.selector);
    if (selector.empty || selector.selectsNothing) return [];
    return {
      namespace: metadata.namespace ?? '',
      selector,
      allowed: status?.disruptionsAllowed ?? 0,
      disrupted: new Set(Object.keys(status?.disruptedPods ?? {})),
    };
  });
}

function selectorOf(selector: Parameters<typeof compileLabelSelector>[0]): Selector {
  try {
    return compileLabelSelector(selector);
  } catch {
    // Upstream passes over such a budget: it cannot say whom it protects.
    return Selector.nothing;
  }
}

/**
 * Which of the pods would break a budget if all before them, and they, were evicted; in the same order
 * (`filterPodsWithPDBViolation`).
 */
export function violatesBudgets(pods: readonly Readonly<Pod>[], budgets: readonly Budget[]): boolean[] {
  const left = budgets.map((budget) => budget.allowed);
  return pods.map(({ metadata }) => {
    const { labels } = metadata;
    if (labels === undefined || Object.keys(labels).length === 0) return false;
    let violated = false;
    for (const [i, budget] of budgets.entries()) {
      if (budget.namespace !== metadata.namespace || !budget.selector.matches(labels)) continue;
      if (budget.disrupted.has(metadata.name ?? '')) continue;
      left[i] = (left[i] ?? 0) - 1;
      if (left[i] < 0) violated = true;
    }
    return violated;
  });
}

/** When the first of the victims of the highest priority started (`GetEarliestPodStartTime`). */
function earliestStart({ pods }: Victims, now: number): number {
  const highest = Math.max(...pods.map(podPriority));
  return Math.min(...pods.filter((pod) => podPriority(pod) === highest).map((pod) => startTime(pod, now)));
}

/** Makes every priority positive, so that few victims of low priority are better than many. */
const priorityOffset = 2 ** 31;

/**
 * The node where preemption does the least harm (`pickOneNodeForPreemption`): fewest broken budgets; lowest priority of the
 * most important victim; smallest sum of priorities; fewest victims; latest start of the most important ones; first in the list.
 *
 * @throws RangeError when there is no candidate.
 */
export function pickCandidate(candidates: readonly Candidate[], now: number): Candidate {
  const scores: readonly ((victims: Victims) => number)[] = [
    (victims) => -victims.numPdbViolations,
    (victims) => -podPriority(victims.pods[0] as Pod),
    (victims) => -victims.pods.reduce((sum, pod) => sum + podPriority(pod) + priorityOffset, 0),
    (victims) => -victims.pods.length,
    (victims) => earliestStart(victims, now),
  ];
  let left = candidates;
  for (const score of scores) {
    if (left.length <= 1) break;
    const values = left.map(({ victims }) => score(victims));
    const best = Math.max(...values);
    left = left.filter((_, i) => values[i] === best);
  }
  const [first] = left;
  if (first === undefined) throw new RangeError('no candidate to pick from');
  return first;
}
