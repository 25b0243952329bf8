/**
 * Changing the taints of nodes (upstream `pkg/controller/controller_utils.go`, `AddOrUpdateTaintOnNode`, `RemoveTaintOffNode`,
 * `PatchNodeTaints`).
 */
import { formatTime } from '@kubets/apimachinery/time';
import type { Clock } from '@kubets/apimachinery/clock';
import { isConflict, isNotFound } from '@kubets/apimachinery/status';
import { sameTaint } from '@kubets/api/core/helpers/taints';
import type { Node, Taint } from '@kubets/api/types/core-v1';
import type { ResourceClient } from '@kubets/client';

export interface TaintChange {
  readonly add: readonly Taint[];
  readonly remove: readonly Taint[];
}

/** The taints of a node after a change; undefined when it changes nothing. Taints that are there already stay as they are. */
export function changedTaints(node: Readonly<Node>, change: TaintChange, now: number): Taint[] | undefined {
  const taints = node.spec?.taints ?? [];
  const has = (list: readonly Taint[], taint: Taint): boolean => list.some((other) => sameTaint(other, taint));
  const kept = taints.filter((taint) => !has(change.remove, taint));
  const added = change.add.filter((taint) => !has(taints, taint));
  if (kept.length === taints.length && added.length === 0) return undefined;
  const timeAdded = formatTime(now);
  return [...kept, ...added.map((taint) => ({ ...taint, timeAdded }))];
}

const tries = 5;

/**
 * Adds and removes taints in one write; none when nothing changes. Another one's change in between is kept. Resolves to
 * whether something was written; a node that is gone is no failure.
 */
export async function changeTaints(
  nodes: Pick<ResourceClient<Node>, 'get' | 'patch'>,
  node: Readonly<Node>,
  change: TaintChange,
  clock: Pick<Clock, 'now'>,
): Promise<boolean> {
  const { name = '' } = node.metadata;
  let current = node;
  for (let attempt = 1; ; attempt++) {
    const taints = changedTaints(current, change, clock.now());
    if (taints === undefined) return false;
    try {
      // The list is replaced as a whole: the version makes sure that it is the one that was looked at.
      const { resourceVersion } = current.metadata;
      const body = { metadata: { resourceVersion }, spec: { taints: taints.length === 0 ? null : taints } };
      await nodes.patch(name, { type: 'application/merge-patch+json', body });
      return true;
    } catch (error) {
      if (isNotFound(error)) return false;
      if (!isConflict(error) || attempt === tries) throw error;
    }
    try {
      current = await nodes.get(name);
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
    if (current.metadata.uid !== node.metadata.uid) return false;
  }
}
