/** Graceful deletion (`apiserver/pkg/registry/rest/delete.go`, `BeforeDelete`; `store.go`, `markAsDeleting`). */
import type { ApiObject, ObjectMeta } from '@kubets/apimachinery/meta';
import type { Strategy } from '../strategy.ts';
import type { DeleteOptions } from './delete-options.ts';
import { rfc3339Seconds, type WriteContext } from './write-context.ts';

/**
 * - `now`: the kind or the object knows no grace.
 * - `graceful`: the metadata given in `changes` begins, or shortens, a graceful deletion.
 * - `pending`: a graceful deletion runs already and ends no later than asked.
 */
export type Graceful =
  | { readonly type: 'now' }
  | { readonly type: 'pending' }
  | { readonly type: 'graceful'; readonly seconds: number; readonly changes: Partial<ObjectMeta> };

const now: Graceful = { type: 'now' };
const pending: Graceful = { type: 'pending' };

/** Negative periods count as one second. */
function positive(seconds: number): number {
  return seconds < 0 ? 1 : seconds;
}

/** Decides without changing anything. */
export function planGracefulDelete(
  context: WriteContext,
  strategy: Strategy,
  obj: Readonly<ApiObject>,
  options: DeleteOptions,
): Graceful {
  if (strategy.checkGracefulDelete === undefined) return now;
  const { metadata } = obj;
  const asked = typeof options.gracePeriodSeconds === 'number' ? positive(options.gracePeriodSeconds) : undefined;
  if (metadata.deletionTimestamp !== undefined) return shorten(metadata, asked);
  const filled = { gracePeriodSeconds: asked };
  if (!strategy.checkGracefulDelete(context, obj, filled)) return now;
  const seconds = filled.gracePeriodSeconds ?? 0;
  const changes: Partial<ObjectMeta> = {
    deletionTimestamp: rfc3339Seconds(context.nowMs + seconds * 1000),
    deletionGracePeriodSeconds: seconds,
  };
  if ((metadata.generation ?? 0) > 0) changes.generation = (metadata.generation ?? 0) + 1;
  return { type: 'graceful', seconds, changes };
}

/** A deletion under way may only be shortened. */
function shorten(metadata: Readonly<ObjectMeta>, asked: number | undefined): Graceful {
  const running = positive(metadata.deletionGracePeriodSeconds ?? 0);
  if (running === 0) return now;
  if (asked === undefined || asked >= running) return pending;
  const began = Date.parse(metadata.deletionTimestamp ?? '') - running * 1000;
  return {
    type: 'graceful',
    seconds: asked,
    changes: { deletionTimestamp: rfc3339Seconds(began + asked * 1000), deletionGracePeriodSeconds: asked },
  };
}

/** What marks an object as being deleted while finalizers hold it. */
export function deletionMark(context: WriteContext, metadata: Readonly<ObjectMeta>): Partial<ObjectMeta> {
  const { deletionTimestamp, generation = 0 } = metadata;
  const changes: Partial<ObjectMeta> = { deletionGracePeriodSeconds: 0 };
  if (deletionTimestamp === undefined && generation > 0) changes.generation = generation + 1;
  const future = deletionTimestamp !== undefined && Date.parse(deletionTimestamp) > context.nowMs;
  if (deletionTimestamp === undefined || future) changes.deletionTimestamp = context.now;
  return changes;
}

/** Whether an update that leaves no finalizers completes a deletion (`ShouldDeleteDuringUpdate`). */
export function completesDeletion(obj: Readonly<ApiObject>, old: Readonly<ApiObject>): boolean {
  if ((obj.metadata.finalizers?.length ?? 0) > 0 || old.metadata.deletionTimestamp === undefined) return false;
  return (old.metadata.deletionGracePeriodSeconds ?? 0) === 0;
}
