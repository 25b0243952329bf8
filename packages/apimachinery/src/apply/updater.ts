/**
 * How ownership moves when an object changes (structured-merge-diff `merge/update.go`, `merge/conflict.go`).
 *
 * Pure: managers go in, managers come out.
 */
import type { Schema } from '../schema/types.ts';
import { compare, type Comparison } from './compare.ts';
import {
  difference,
  emptySet,
  intersection,
  isEmptySet,
  pathsOf,
  recursiveDifference,
  union,
  type FieldSet,
} from './field-set.ts';
import { findManager, managerId, sameManager, withManager, type Manager, type Managers } from './managers.ts';
import { mergeApplied } from './merge.ts';
import type { FieldPath } from './path-element.ts';
import { reconcileWithSchema } from './reconcile.ts';
import { ensureNamedFieldsAreMembers, removeItems } from './remove-items.ts';
import { deepEqual } from './schema-plan.ts';
import { toFieldSet } from './to-field-set.ts';

/** A value with its type. */
export interface Typed {
  readonly value: unknown;
  readonly schema: Schema;
  readonly apiVersion: string;
}

/** A value in another version; `undefined` when that version is gone, and with it what was managed in it. */
export type Converter = (typed: Typed, apiVersion: string) => Typed | undefined;

export interface Conflict {
  readonly manager: Manager;
  readonly path: FieldPath;
}

/** Thrown by {@link applyConfiguration} unless forced. Conflicts are in the order of managers, then of fields. */
export class ConflictError extends Error {
  readonly conflicts: readonly Conflict[];

  constructor(conflicts: readonly Conflict[]) {
    super(`${conflicts.length} conflicts`);
    this.name = 'ConflictError';
    this.conflicts = conflicts;
  }
}

/** What an operation works with besides the objects. */
export interface OwnershipContext {
  readonly convert: Converter;
  /** Fields that the endpoint resets: nobody comes to own them here. */
  readonly ignored: FieldSet;
}

interface Change {
  readonly before: Typed;
  readonly after: Typed;
  /** Of the two, in their own version. */
  readonly comparison: Comparison;
}

/** The comparison in another version; `undefined` when that version is gone. */
function comparisonIn(apiVersion: string, change: Change, context: OwnershipContext): Comparison | undefined {
  const before = context.convert(change.before, apiVersion);
  const after = context.convert(change.after, apiVersion);
  if (before === undefined || after === undefined) return undefined;
  return compare(before.value, after.value, after.schema, context.ignored);
}

/** Takes from everybody but `actor` what changed; conflicts where they own it, unless `force`. */
function disown(
  managers: Managers,
  change: Change,
  actor: Manager,
  options: OwnershipContext & { force: boolean },
): Managers {
  const comparisons = new Map<string, Comparison | undefined>([[change.after.apiVersion, change.comparison]]);
  const conflicts: Conflict[] = [];
  let same = true;
  const result: Manager[] = [];
  for (const m of managers) {
    if (sameManager(m, actor)) {
      result.push(m);
      continue;
    }
    if (!comparisons.has(m.apiVersion)) comparisons.set(m.apiVersion, comparisonIn(m.apiVersion, change, options));
    const comparison = comparisons.get(m.apiVersion);
    const left = comparison === undefined ? undefined : fieldsLeft(m, comparison, conflicts);
    if (left !== m) same = false;
    if (left !== undefined && !isEmptySet(left.fields)) result.push(left);
  }
  if (!options.force && conflicts.length > 0) throw new ConflictError(sortConflicts(conflicts));
  return same ? managers : result;
}

function fieldsLeft(m: Manager, comparison: Comparison, conflicts: Conflict[]): Manager {
  const changed = union(comparison.modified, comparison.added);
  const lost = intersection(m.fields, changed);
  if (!isEmptySet(lost)) for (const path of pathsOf(lost)) conflicts.push({ manager: m, path });
  const fields = difference(difference(m.fields, lost), comparison.removed);
  return fields === m.fields ? m : { ...m, fields };
}

function sortConflicts(conflicts: readonly Conflict[]): Conflict[] {
  const ids = new Map(conflicts.map((c) => [c.manager, managerId(c.manager)]));
  const id = (c: Conflict): string => ids.get(c.manager) ?? '';
  return conflicts.toSorted((a, b) => (id(a) < id(b) ? -1 : id(a) > id(b) ? 1 : 0));
}

/** Everybody's fields as the schema of their version has them; versions that are gone take theirs with them. */
function reconciled(managers: Managers, live: Typed, context: OwnershipContext): Managers {
  let same = true;
  const result: Manager[] = [];
  for (const m of managers) {
    const inVersion = context.convert(live, m.apiVersion);
    const fields = inVersion && reconcileWithSchema(m.fields, inVersion.schema);
    if (fields !== m.fields) same = false;
    if (fields !== undefined) result.push(fields === m.fields ? m : { ...m, fields });
  }
  return same ? managers : result;
}

export interface Updated {
  readonly managers: Managers;
  /** What the operation itself set. */
  readonly fields: FieldSet;
}

/**
 * Ownership after a write that is no apply: everybody loses what changed; what was added or modified is
 * returned for the caller to give to the writer (`Updater.Update` with a manager of this operation alone).
 */
export function updateOwnership(before: Typed, after: Typed, managers: Managers, context: OwnershipContext): Updated {
  const comparison = compare(before.value, after.value, after.schema, context.ignored);
  const fields = union(comparison.modified, comparison.added);
  const nobody: Manager = {
    manager: '',
    operation: 'Update',
    apiVersion: '',
    subresource: '',
    time: '',
    fields: emptySet,
  };
  if (managers.length === 0) return { managers, fields };
  const current = reconciled(managers, before, context);
  const left = disown(current, { before, after, comparison }, nobody, { ...context, force: true });
  return { managers: left, fields };
}

export interface Applied {
  /** The merged value; `undefined` when it equals the live one (managers may have changed all the same). */
  readonly value: unknown;
  readonly managers: Managers;
}

export interface ApplyInput {
  readonly live: Typed;
  readonly config: Typed;
  readonly managers: Managers;
  /** The applying manager, without fields. */
  readonly actor: Manager;
  readonly force: boolean;
}

/**
 * Merges a configuration into the live value and moves ownership (`Updater.Apply`): fields that the manager
 * applied before, no longer applies, and nobody else applies, go away.
 *
 * @throws ConflictError when others own what would change, unless forced.
 */
export function applyConfiguration(input: ApplyInput, context: OwnershipContext): Applied {
  const { live, config, actor } = input;
  const merged: Typed = { ...config, value: mergeApplied(live.value, config.value, config.schema) };
  const known = reconciled(input.managers, live, context);
  const last = findManager(known, actor);
  const fields = recursiveDifference(toFieldSet(config.value, config.schema), context.ignored);
  const claimed = withManager(known, { ...actor, time: last?.time, fields });
  const pruned = prune(merged, { managers: claimed, actor, last }, context);
  const comparison = compare(live.value, pruned.value, config.schema, context.ignored);
  const change = { before: live, after: pruned, comparison };
  const managers = disown(claimed, change, actor, { ...context, force: input.force });
  const same = pruned.value === live.value || deepEqual(pruned.value, live.value);
  return { value: same ? undefined : pruned.value, managers: managers.filter((m) => !isEmptySet(m.fields)) };
}

interface PruneInput {
  readonly managers: Managers;
  readonly actor: Manager;
  readonly last: Manager | undefined;
}

/** Removes what the actor applied before and does not apply now, unless somebody else owns it. */
function prune(merged: Typed, input: PruneInput, context: OwnershipContext): Typed {
  const { last } = input;
  if (last === undefined || isEmptySet(last.fields)) return merged;
  const current = findManager(input.managers, input.actor);
  if (current?.apiVersion === last.apiVersion && isEmptySet(difference(last.fields, current.fields))) return merged;
  const inLast = context.convert(merged, last.apiVersion);
  if (inLast === undefined) return merged;
  const lastFields = ensureNamedFieldsAreMembers(last.fields, inLast.schema);
  let pruned: Typed = { ...inLast, value: removeItems(inLast.value, lastFields, inLast.schema) };
  pruned = addBackOwned(inLast, pruned, input.managers, context);
  pruned = addBackDangling(inLast, pruned, lastFields, context);
  return context.convert(pruned, merged.apiVersion) ?? merged;
}

/** The members of `typed`, with the named fields on the way to them. */
function namedSet(typed: Typed): FieldSet {
  return ensureNamedFieldsAreMembers(toFieldSet(typed.value, typed.schema), typed.schema);
}

/** Puts back what anybody owns, the actor's new configuration included (`addBackOwnedItems`). */
function addBackOwned(merged: Typed, pruned: Typed, managers: Managers, context: OwnershipContext): Typed {
  // The version of `pruned` first: what is pruned may be needed to convert.
  const byVersion = new Map<string, FieldSet>([[merged.apiVersion, emptySet]]);
  for (const m of managers) byVersion.set(m.apiVersion, union(byVersion.get(m.apiVersion) ?? emptySet, m.fields));
  let whole = merged;
  let result = pruned;
  for (const [apiVersion, fields] of byVersion) {
    if (isEmptySet(fields)) continue;
    const nextWhole = context.convert(whole, apiVersion);
    const nextResult = context.convert(result, apiVersion);
    if (nextWhole === undefined || nextResult === undefined) continue;
    whole = nextWhole;
    const kept = union(namedSet(nextResult), ensureNamedFieldsAreMembers(fields, whole.schema));
    result = { ...whole, value: removeItems(whole.value, difference(namedSet(whole), kept), whole.schema) };
  }
  return result;
}

/** Puts back what the actor did not own before (`addBackDanglingItems`). */
function addBackDangling(merged: Typed, pruned: Typed, lastFields: FieldSet, context: OwnershipContext): Typed {
  const inLast = context.convert(pruned, merged.apiVersion);
  if (inLast === undefined) return merged;
  const gone = intersection(difference(namedSet(merged), namedSet(inLast)), lastFields);
  return { ...merged, value: removeItems(merged.value, gone, merged.schema) };
}
