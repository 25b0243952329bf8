/**
 * Managed fields as the API server keeps them: one call for every create, update and patch, one for
 * server-side apply (apimachinery `pkg/util/managedfields/internal/fieldmanager.go` and the managers it chains).
 *
 * Both run before mutating admission, so what admission adds is nobody's, as upstream. The caller decodes and
 * defaults the result of an apply.
 */
import type { ApiObject, ManagedFieldsEntry, ObjectMeta } from '../meta.ts';
import type { ObjectSchema } from '../schema/types.ts';
import { failure, newBadRequest, type StatusError } from '../status.ts';
import { difference, emptySet, hasPath, isEmptySet, setOf, setOfDotted, union, type FieldSet } from './field-set.ts';
import { lastAppliedOf, syncLastApplied, takeoverFields } from './last-applied.ts';
import {
  capUpdateManagers,
  decodeManagers,
  encodeManagers,
  findManager,
  readManagers,
  sameEntries,
  withManager,
  type Manager,
  type Managers,
} from './managers.ts';
import { pathText } from './path-element.ts';
import { deepEqual, isJsonObject } from './schema-plan.ts';
import { addedToZero } from './to-field-set.ts';
import {
  applyConfiguration,
  ConflictError,
  updateOwnership,
  type Applied,
  type ApplyInput,
  type Conflict,
  type OwnershipContext,
  type Typed,
} from './updater.ts';
import { problemsText, validateApplied } from './validate-applied.ts';

/**
 * An object in another API version of its kind, with that version's schema; `undefined` when the version is no
 * longer served, which drops what is managed in it.
 */
export type ConvertHook = (
  object: ApiObject,
  apiVersion: string,
) => { object: ApiObject; schema: ObjectSchema } | undefined;

export interface FieldManagerOptions {
  readonly schema: ObjectSchema;
  /** Of the request, and of the objects given: `apps/v1`. */
  readonly apiVersion: string;
  /** See `managerOrUserAgent`; `''` becomes `unknown`. */
  readonly manager: string;
  /** `''` for the main resource, else `status`, `scale` and so on. */
  readonly subresource?: string;
  /** RFC 3339, whole seconds. */
  readonly now: string;
  /** Dotted paths that this endpoint resets (`Strategy.resetFields`). */
  readonly resetFields?: readonly string[];
  /** Needed only for kinds whose versions differ in shape; without it all versions share the shape. */
  readonly convert?: ConvertHook;
}

export interface UpdateOptions extends FieldManagerOptions {
  /** The stored object, `undefined` on create. Not changed. */
  readonly live: Readonly<ApiObject> | undefined;
  /** The object to store, complete. Its `metadata.managedFields` is replaced in place. */
  readonly obj: ApiObject;
}

export interface ApplyOptions extends FieldManagerOptions {
  /** The stored object; for an apply that creates, an object with nothing but `metadata`. Not changed. */
  readonly live: Readonly<ApiObject>;
  /** The configuration as the client sent it, parsed and not defaulted. Not changed. */
  readonly patch: Readonly<ApiObject>;
  readonly force: boolean;
}

export interface ApplyResult {
  /** A new object with its managed fields; to be decoded and defaulted. May hold `null` where fields went away. */
  readonly object: ApiObject;
  /** Whether anything differs from `live`, managed fields included. */
  readonly changed: boolean;
}

const metadata = 'f:metadata';

/** Never owned by anybody (`stripmeta.go`). */
const stripped = setOf(
  ['f:apiVersion'],
  ['f:kind'],
  [metadata],
  ...[
    'name',
    'namespace',
    'creationTimestamp',
    'selfLink',
    'uid',
    'clusterName',
    'generation',
    'managedFields',
    'resourceVersion',
  ].map((name) => [metadata, `f:${name}`]),
);

/** The same without `metadata` itself: what comparisons need not look at. */
const uncompared = difference(stripped, setOf([metadata]));

const resetSets = new WeakMap<readonly string[], FieldSet>();

/** What an endpoint's comparisons leave out: its own fields and the stripped ones. */
function ignoredBy(paths: readonly string[] | undefined): FieldSet {
  if (paths === undefined || paths.length === 0) return uncompared;
  let set = resetSets.get(paths);
  if (set === undefined) resetSets.set(paths, (set = union(uncompared, setOfDotted(paths))));
  return set;
}

function contextOf(options: FieldManagerOptions): OwnershipContext {
  return { convert: converterOf(options), ignored: ignoredBy(options.resetFields) };
}

function converterOf(options: FieldManagerOptions): OwnershipContext['convert'] {
  return (typed, apiVersion) => {
    if (typed.apiVersion === apiVersion) return typed;
    if (options.convert === undefined) return { ...typed, apiVersion };
    const result = options.convert(typed.value as ApiObject, apiVersion);
    return result && { value: result.object, schema: result.schema, apiVersion };
  };
}

function actorOf(options: FieldManagerOptions, operation: Manager['operation'], name = options.manager): Manager {
  return {
    manager: name === '' ? 'unknown' : name,
    operation,
    apiVersion: options.apiVersion,
    subresource: options.subresource ?? '',
    time: undefined,
    fields: emptySet,
  };
}

/** An empty list, or a list of one empty entry, asks to forget all managers (`isResetManagedFields`). */
function isReset(entries: readonly ManagedFieldsEntry[] | undefined): boolean {
  if (!Array.isArray(entries)) return false;
  const [first] = entries;
  return entries.length === 0 || (entries.length === 1 && first !== undefined && Object.keys(first).length === 0);
}

/** Entries of the request, or those of the live object when it has none or broken ones (`decodeLiveOrNew`). */
function managersOf(options: UpdateOptions): Managers {
  const live = options.live?.metadata.managedFields;
  if ((options.subresource ?? '') !== '') return readManagers(live);
  const sent = options.obj.metadata.managedFields;
  if (isReset(sent)) return [];
  if (sent === undefined || sent === null || sameEntries(sent, live)) return readManagers(live);
  try {
    return decodeManagers(sent);
  } catch {
    // As upstream: who sends what cannot be read does not get to wipe what is known.
    return readManagers(live);
  }
}

/**
 * Brings `obj.metadata.managedFields` up to date for a create, update or non-apply patch, and returns `obj`.
 *
 * Objects that nobody manages (their managers were reset) stay so until the first apply. Idempotent for
 * equal objects: entries are shared with the live object when nothing changed.
 */
export function update(options: UpdateOptions): ApiObject {
  const { live, obj } = options;
  const before = managersOf(options);
  // Without managers, an existing object is not tracked: its history is unknown until somebody applies.
  const after = before.length === 0 && (live?.metadata.uid ?? '') !== '' ? before : updated(options, before);
  const entries = live?.metadata.managedFields;
  setManagedFields(
    obj.metadata,
    after === before && entries !== undefined && sameAsLive(before, entries) ? entries : encodeManagers(after),
  );
  return obj;
}

/** Whether managers were read from these very entries. */
function sameAsLive(managers: Managers, entries: readonly ManagedFieldsEntry[]): boolean {
  return managers.length === entries.length && managers.every((m, i) => m.fields === entries[i]?.fieldsV1);
}

function setManagedFields(meta: ObjectMeta, entries: ManagedFieldsEntry[] | undefined): void {
  if (entries === undefined) delete meta.managedFields;
  else meta.managedFields = entries;
}

function updated(options: UpdateOptions, before: Managers): Managers {
  const { managers, fields } = ownershipAfter(options, before);
  const own = difference(fields, stripped);
  if (isEmptySet(own)) return managers;
  const actor = actorOf(options, 'Update');
  const previous = findManager(managers, actor);
  const next = { ...actor, time: options.now, fields: previous === undefined ? own : union(own, previous.fields) };
  return capUpdateManagers(withManager(managers, next));
}

function ownershipAfter(options: UpdateOptions, before: Managers): { managers: Managers; fields: FieldSet } {
  const { live, obj, schema, apiVersion } = options;
  if (live === undefined && before.length === 0) {
    return { managers: before, fields: addedToZero(obj, schema, ignoredBy(options.resetFields)) };
  }
  const from: Typed = { value: live ?? { metadata: {} }, schema, apiVersion };
  return updateOwnership(from, { value: obj, schema, apiVersion }, before, contextOf(options));
}

/**
 * Server-side apply.
 *
 * @throws StatusError 409 with one cause per conflicting field; 400 when the configuration is of another kind or
 * version, carries managed fields, or does not fit the schema (upstream answers the last with 500).
 */
export function applyPatch(options: ApplyOptions): ApplyResult {
  const { live, patch, schema, apiVersion } = options;
  checkPatch(options);
  const entries = live.metadata.managedFields;
  const known = isKnown(entries) ? readManagers(entries) : [];
  const managers = known.length === 0 ? beforeFirstApply(options) : known;
  const input: ApplyInput = {
    live: { value: live, schema, apiVersion },
    config: { value: patch, schema, apiVersion },
    managers,
    actor: actorOf(options, 'Apply'),
    force: options.force,
  };
  const applied = applyOrTakeOver(input, options);
  const object = finish(applied, input.actor, options);
  const after = object.metadata.managedFields;
  const changed = applied.value !== undefined || !sameEntries(after, entries);
  if (!changed) setManagedFields(object.metadata, entries);
  return { object, changed };
}

function isKnown(entries: readonly ManagedFieldsEntry[] | undefined): boolean {
  return entries !== undefined && !isReset(entries);
}

/** What is there before anybody applies belongs to a manager of that name (`skipnonapplied.go`). */
function beforeFirstApply(options: ApplyOptions): Managers {
  const fields = difference(addedToZero(options.live, options.schema, ignoredBy(options.resetFields)), stripped);
  if (isEmptySet(fields)) return [];
  return [{ ...actorOf(options, 'Update', 'before-first-apply'), time: options.now, fields }];
}

function finish(applied: Applied, actor: Manager, options: ApplyOptions): ApiObject {
  const changed = applied.value !== undefined;
  const managers = applied.managers.flatMap((m) => {
    if (!isActor(m, actor)) return [m];
    const fields = difference(m.fields, stripped);
    return isEmptySet(fields) ? [] : [{ ...m, time: changed ? options.now : m.time, fields }];
  });
  const value = (applied.value ?? options.live) as ApiObject;
  const object: ApiObject = { ...value, metadata: { ...value.metadata } };
  if (options.manager === 'kubectl' && lastAppliedOf(object) !== '') syncLastApplied(object, options.patch);
  setManagedFields(object.metadata, encodeManagers(managers));
  return object;
}

function isActor(m: Manager, actor: Manager): boolean {
  return m.operation === 'Apply' && m.manager === actor.manager && m.subresource === actor.subresource;
}

function applyOrTakeOver(input: ApplyInput, options: ApplyOptions): Applied {
  const context = contextOf(options);
  try {
    return applyConfiguration(input, context);
  } catch (error) {
    if (!(error instanceof ConflictError)) throw error;
    const open = openConflicts(error.conflicts, input.live, options);
    if (open.length > 0) throw conflictStatus(open);
    return applyConfiguration({ ...input, force: true }, context);
  }
}

/** `kubectl` may take over what it set itself by client-side apply; all other conflicts stay. */
function openConflicts(conflicts: readonly Conflict[], live: Typed, options: ApplyOptions): readonly Conflict[] {
  if (options.manager !== 'kubectl') return conflicts;
  const allowed = takeoverFields(live);
  return allowed === undefined ? conflicts : conflicts.filter((c) => !hasPath(allowed, c.path));
}

function checkPatch(options: ApplyOptions): void {
  const { patch, apiVersion, live } = options;
  if (
    patch.apiVersion !== apiVersion ||
    (patch.kind ?? '') === '' ||
    (live.kind !== undefined && patch.kind !== live.kind)
  ) {
    throw newBadRequest(`invalid object type: ${gvkText(patch)}`);
  }
  const meta: unknown = patch.metadata;
  if (isJsonObject(meta) && meta['managedFields'] !== undefined && meta['managedFields'] !== null) {
    throw newBadRequest('metadata.managedFields must be nil');
  }
  const problems = validateApplied(patch, options.schema);
  if (problems.length > 0)
    throw newBadRequest(
      `failed to create typed patch object (${nameText(patch)}; ${gvkText(patch)}): ${problemsText(problems)}`,
    );
}

function gvkText(object: Readonly<ApiObject>): string {
  const apiVersion = object.apiVersion ?? '';
  return `${apiVersion.includes('/') ? apiVersion : `/${apiVersion}`}, Kind=${object.kind ?? ''}`;
}

function nameText(object: Readonly<ApiObject>): string {
  const meta = object.metadata as ObjectMeta | undefined;
  return `${meta?.namespace ?? ''}/${meta?.name ?? ''}`;
}

function managerText(m: Manager): string {
  const name =
    m.subresource === ''
      ? JSON.stringify(m.manager)
      : `${JSON.stringify(m.manager)} with subresource ${JSON.stringify(m.subresource)}`;
  return m.operation === 'Update' ? `${name} using ${m.apiVersion}` : name;
}

/** 409 worded as upstream (`conflict.go` NewConflictError, `api/errors` NewApplyConflict). */
function conflictStatus(conflicts: readonly Conflict[]): StatusError {
  const causes = conflicts.map((c) => ({
    reason: 'FieldManagerConflict',
    message: `conflict with ${managerText(c.manager)}`,
    field: pathText(c.path),
  }));
  return failure('Conflict', conflictMessage(conflicts), { details: { causes } });
}

function conflictMessage(conflicts: readonly Conflict[]): string {
  const [only] = conflicts;
  if (conflicts.length === 1 && only !== undefined) {
    return `Apply failed with 1 conflict: conflict with ${managerText(only.manager)}: ${pathText(only.path)}`;
  }
  const lines: string[] = [];
  let current: Manager | undefined;
  for (const { manager, path } of conflicts) {
    if (manager !== current) lines.push(`conflicts with ${managerText(manager)}:`);
    current = manager;
    lines.push(`- ${pathText(path)}`);
  }
  return `Apply failed with ${conflicts.length} conflicts: ${lines.join('\n')}`;
}

/**
 * Whether two objects differ in nothing but the times of their managed fields; such a write is none, and the
 * stored object stands (`apiserver/pkg/endpoints/handlers/fieldmanager/equality.go`
 * IgnoreManagedFieldsTimestampsTransformer).
 */
export function equalButForTimes(a: Readonly<ApiObject>, b: Readonly<ApiObject>): boolean {
  if (!deepEqual(withoutManagers(a), withoutManagers(b))) return false;
  const left = a.metadata.managedFields ?? [];
  const right = b.metadata.managedFields ?? [];
  if (left.length !== right.length) return false;
  return sameEntries(timeless(left), timeless(right));
}

function withoutManagers(object: Readonly<ApiObject>): unknown {
  return { ...object, metadata: { ...object.metadata, managedFields: undefined } };
}

/** In an order that does not depend on time. */
function timeless(entries: readonly ManagedFieldsEntry[]): ManagedFieldsEntry[] {
  return entries
    .map((entry) => ({ ...entry, time: undefined }))
    .toSorted((a, b) => (entryKey(a) < entryKey(b) ? -1 : 1));
}

function entryKey(e: ManagedFieldsEntry): string {
  return `${e.operation}\n${e.manager}\n${e.apiVersion}\n${e.subresource ?? ''}`;
}
