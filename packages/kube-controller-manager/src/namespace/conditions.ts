/** What the conditions of a dying namespace say (`pkg/controller/namespace/deletion/status_condition_utils.go`). Pure. */
import type { NamespaceCondition } from '@kubets/api/types/core-v1';
import { DiscoveryError } from '@kubets/client';

/** What one attempt to empty a namespace has found out. */
export interface DeletionFindings {
  /** Why the resources are not all known. */
  readonly discovery?: unknown;
  /** Why names of group versions could not be read. */
  readonly groupVersions?: string;
  /** What failed while content was deleted. */
  readonly failures: readonly unknown[];
  /** How many objects are left, by {@link remainingName} of their resource. */
  readonly remaining: ReadonlyMap<string, number>;
  /** How many of them wait for each finalizer. */
  readonly finalizers: ReadonlyMap<string, number>;
}

/** `deployments.apps`; `pods.` for the core group, as upstream prints it in these conditions. */
export const remainingName = (resource: { readonly group: string; readonly resource: string }): string =>
  `${resource.resource}.${resource.group}`;

interface Statement {
  readonly reason: string;
  readonly message: string;
}

interface ConditionRule {
  readonly type: string;
  /** Said while nothing is wrong. */
  readonly fine: Statement;
  /** What is wrong, if anything. */
  problem(findings: DeletionFindings): Statement | undefined;
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const listed = (counts: ReadonlyMap<string, number>, says: (name: string, count: number) => string): string =>
  [...counts]
    .map(([name, count]) => says(name, count))
    .toSorted()
    .join(', ');

function discoveryProblem({ discovery }: DeletionFindings): Statement | undefined {
  if (discovery === undefined) return undefined;
  const message =
    discovery instanceof DiscoveryError
      ? `Discovery failed for some groups, ${discovery.failures.length} failing: ${discovery.message}`
      : textOf(discovery);
  return { reason: 'DiscoveryFailed', message };
}

function contentProblem({ failures }: DeletionFindings): Statement | undefined {
  if (failures.length === 0) return undefined;
  const messages = failures.map(textOf).toSorted();
  const message = `Failed to delete all resource types, ${messages.length} remaining: ${messages.join(', ')}`;
  return { reason: 'ContentDeletionFailed', message };
}

function remainingProblem({ remaining }: DeletionFindings): Statement | undefined {
  if (remaining.size === 0) return undefined;
  const what = listed(remaining, (name, count) => `${name} has ${count} resource instances`);
  return { reason: 'SomeResourcesRemain', message: `Some resources are remaining: ${what}` };
}

function finalizersProblem({ finalizers }: DeletionFindings): Statement | undefined {
  if (finalizers.size === 0) return undefined;
  const what = listed(finalizers, (name, count) => `${name} in ${count} resource instances`);
  return { reason: 'SomeFinalizersRemain', message: `Some content in the namespace has finalizers remaining: ${what}` };
}

const removed: Statement = { reason: 'ContentRemoved', message: 'All content successfully removed' };

/** In the order in which they appear. */
const rules: readonly ConditionRule[] = [
  {
    type: 'NamespaceDeletionDiscoveryFailure',
    fine: { reason: 'ResourcesDiscovered', message: 'All resources successfully discovered' },
    problem: discoveryProblem,
  },
  {
    type: 'NamespaceDeletionGroupVersionParsingFailure',
    fine: { reason: 'ParsedGroupVersions', message: 'All legacy kube types successfully parsed' },
    problem: ({ groupVersions }) =>
      groupVersions === undefined ? undefined : { reason: 'GroupVersionParsingFailed', message: groupVersions },
  },
  {
    type: 'NamespaceDeletionContentFailure',
    fine: {
      reason: 'ContentDeleted',
      message: 'All content successfully deleted, may be waiting on finalization',
    },
    problem: contentProblem,
  },
  { type: 'NamespaceContentRemaining', fine: removed, problem: remainingProblem },
  { type: 'NamespaceFinalizersRemaining', fine: removed, problem: finalizersProblem },
];

/**
 * The namespace's conditions after an attempt; `undefined` when they say so already. Conditions of others stay as they are.
 */
export function deletionConditions(
  current: readonly Readonly<NamespaceCondition>[],
  findings: DeletionFindings,
  now: string,
): NamespaceCondition[] | undefined {
  const conditions = [...current] as NamespaceCondition[];
  let changed = false;
  for (const { type, fine, problem } of rules) {
    const found = problem(findings);
    const status = found === undefined ? 'False' : 'True';
    const { reason, message } = found ?? fine;
    const at = conditions.findIndex((condition) => condition.type === type);
    const old = conditions[at];
    if (old?.status === status && old.reason === reason && old.message === message) continue;
    changed = true;
    const lastTransitionTime = old?.status === status ? old.lastTransitionTime : now;
    const condition = { type, status, lastTransitionTime, reason, message } as NamespaceCondition;
    if (at < 0) conditions.push(condition);
    else conditions[at] = condition;
  }
  return changed ? conditions : undefined;
}
