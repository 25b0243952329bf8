/** What becomes of an object, from what is true of its owners (`garbagecollector.go` `attemptToDeleteItem`). Pure. */
import type { ObjectMeta, OwnerReference } from '@kubets/apimachinery/meta';
import {
  foregroundFinalizer,
  hasFinalizer,
  isDeletingDependents,
  orphanFinalizer,
  type GraphNode,
} from './graph-node.ts';

/** `solid`: the owner exists; `dangling`: it does not; `waiting`: it waits for its dependents to go. */
export type OwnerState = 'solid' | 'dangling' | 'waiting';

export interface OwnerFinding {
  readonly reference: OwnerReference;
  readonly state: OwnerState;
}

export type PropagationPolicy = 'Foreground' | 'Background' | 'Orphan';

export type DeletionPlan =
  | { readonly type: 'keep' }
  /** It stays because of some owners; the references to the others are taken away. */
  | { readonly type: 'remove-owners'; readonly uids: readonly string[] }
  | {
      readonly type: 'delete';
      readonly policy: PropagationPolicy;
      /** Before it is told to go, its owners are told not to wait for it: else a cycle would wait for itself. */
      readonly unblock: boolean;
    };

const keep: DeletionPlan = { type: 'keep' };

/** As its finalizers say; in the background where they say nothing. */
export function policyOf(metadata: Readonly<ObjectMeta>): PropagationPolicy {
  if (hasFinalizer(metadata, orphanFinalizer)) return 'Orphan';
  return hasFinalizer(metadata, foregroundFinalizer) ? 'Foreground' : 'Background';
}

/** `metadata`: the newest of the object; its place in the graph tells whether it has dependents. */
export function planDeletion(
  node: Pick<GraphNode, 'dependents'>,
  metadata: Readonly<ObjectMeta>,
  findings: readonly OwnerFinding[],
): DeletionPlan {
  if (findings.length === 0) return keep;
  const lost = findings.filter(({ state }) => state !== 'solid');
  if (lost.length < findings.length) {
    if (lost.length === 0) return keep;
    return { type: 'remove-owners', uids: lost.map(({ reference }) => reference.uid) };
  }
  const dependents = node.dependents ?? new Set<GraphNode>();
  const awaited = findings.some(({ state }) => state === 'waiting');
  if (!awaited || dependents.size === 0) return { type: 'delete', policy: policyOf(metadata), unblock: false };
  const unblock = [...dependents].some((dependent) => isDeletingDependents(dependent.metadata));
  return { type: 'delete', policy: 'Foreground', unblock };
}
