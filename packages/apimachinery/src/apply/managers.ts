/**
 * Who manages which fields: `metadata.managedFields` in a form to compute with
 * (apimachinery `pkg/util/managedfields/internal/managedfields.go`, `buildmanagerinfo.go`, `capmanagers.go`).
 */
import type { ManagedFieldsEntry } from '../meta.ts';
import { equalSets, union, type FieldSet } from './field-set.ts';
import { decodeFieldsV1, encodeFieldsV1 } from './fields-v1.ts';

/** One manager's fields. Immutable. */
export interface Manager {
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
  readonly apiVersion: string;
  readonly subresource: string;
  /** RFC 3339, whole seconds. */
  readonly time: string | undefined;
  readonly fields: FieldSet;
}

export type Managers = readonly Manager[];

/** What tells managers apart: appliers keep their identity across versions. */
export function sameManager(a: Manager, b: Manager): boolean {
  return (
    a.manager === b.manager &&
    a.operation === b.operation &&
    a.subresource === b.subresource &&
    (a.operation === 'Apply' || a.apiVersion === b.apiVersion)
  );
}

/** The identity as upstream spells it; orders managers where nothing else does (`BuildManagerIdentifier`). */
export function managerId(m: Manager): string {
  const id: Record<string, string> = {};
  if (m.manager !== '') id['manager'] = m.manager;
  id['operation'] = m.operation;
  if (m.operation === 'Update') id['apiVersion'] = m.apiVersion;
  if (m.subresource !== '') id['subresource'] = m.subresource;
  return JSON.stringify(id);
}

export function findManager(managers: Managers, wanted: Manager): Manager | undefined {
  return managers.find((m) => sameManager(m, wanted));
}

/** `managers` with `manager` in the place of the one with its identity, or added. */
export function withManager(managers: Managers, manager: Manager): Managers {
  const index = managers.findIndex((m) => sameManager(m, manager));
  return index < 0 ? [...managers, manager] : managers.with(index, manager);
}

/** Whether two entries say the same, whatever the order of their keys. */
export function sameEntry(a: ManagedFieldsEntry, b: ManagedFieldsEntry): boolean {
  if (a === b) return true;
  return (
    a.manager === b.manager &&
    a.operation === b.operation &&
    a.apiVersion === b.apiVersion &&
    a.time === b.time &&
    a.fieldsType === b.fieldsType &&
    (a.subresource ?? '') === (b.subresource ?? '') &&
    equalSets((a.fieldsV1 ?? {}) as FieldSet, (b.fieldsV1 ?? {}) as FieldSet)
  );
}

/** Whether two lists of entries say the same. */
export function sameEntries(
  a: readonly ManagedFieldsEntry[] | undefined,
  b: readonly ManagedFieldsEntry[] | undefined,
): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined || a.length !== b.length) return false;
  return a.every((entry, i) => sameEntry(entry, b[i] as ManagedFieldsEntry));
}

/**
 * Reads entries that this server has written: no checks, no copies.
 * Entries of a request go through {@link decodeManagers}.
 */
export function readManagers(entries: readonly ManagedFieldsEntry[] | undefined): Managers {
  return (entries ?? []).map((entry) => toManager(entry, (entry.fieldsV1 ?? {}) as FieldSet));
}

function toManager(entry: ManagedFieldsEntry, fields: FieldSet): Manager {
  return {
    manager: entry.manager ?? '',
    operation: entry.operation ?? 'Update',
    apiVersion: entry.apiVersion ?? '',
    subresource: entry.subresource ?? '',
    time: entry.time,
    fields,
  };
}

/**
 * Reads entries from outside (`DecodeManagedFields`). Of two with one identity the last one counts.
 *
 * @throws Error with upstream's words when an entry is not one.
 */
export function decodeManagers(entries: readonly ManagedFieldsEntry[] | undefined): Managers {
  let managers: Managers = [];
  for (const [i, entry] of (entries ?? []).entries()) {
    if (entry.operation !== 'Apply' && entry.operation !== 'Update') {
      throw new Error('operation must be `Apply` or `Update`');
    }
    if ((entry.apiVersion ?? '') === '') throw new Error('apiVersion must not be empty');
    checkFieldsType(entry, i);
    managers = withManager(managers, toManager(entry, decodeFieldsV1(entry.fieldsV1)));
  }
  return managers;
}

function checkFieldsType(entry: ManagedFieldsEntry, i: number): void {
  const type: string = entry.fieldsType ?? '';
  if (type === 'FieldsV1') return;
  if (type === '') throw new Error(`missing fieldsType in managed fields entry ${i}`);
  throw new Error(`invalid fieldsType ${JSON.stringify(type)} in managed fields entry ${i}`);
}

/** The entries as the object carries them, in upstream's order; `undefined` for none (`encodeManagedFields`). */
export function encodeManagers(managers: Managers): ManagedFieldsEntry[] | undefined {
  if (managers.length === 0) return undefined;
  const entries = managers.map(toEntry);
  return entries.length === 1 ? entries : entries.sort(compareEntries);
}

/** Keys in the order of Go's struct. */
function toEntry(m: Manager): ManagedFieldsEntry {
  const entry: ManagedFieldsEntry = {};
  if (m.manager !== '') entry.manager = m.manager;
  entry.operation = m.operation;
  entry.apiVersion = m.apiVersion;
  if (m.time !== undefined) entry.time = m.time;
  entry.fieldsType = 'FieldsV1';
  entry.fieldsV1 = encodeFieldsV1(m.fields);
  if (m.subresource !== '') entry.subresource = m.subresource;
  return entry;
}

function seconds(time: string | undefined): number {
  return time === undefined ? 0 : Math.floor(Date.parse(time) / 1000);
}

function compareText(a: string | undefined, b: string | undefined): number {
  const left = a ?? '';
  const right = b ?? '';
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Operation, then time, then manager, then version, then subresource (`sortEncodedManagedFields`). */
function compareEntries(a: ManagedFieldsEntry, b: ManagedFieldsEntry): number {
  return (
    compareText(a.operation, b.operation) ||
    (a.time === b.time ? 0 : seconds(a.time) - seconds(b.time)) ||
    compareText(a.manager, b.manager) ||
    compareText(a.apiVersion, b.apiVersion) ||
    compareText(a.subresource, b.subresource)
  );
}

/** More entries from updates than this are merged, oldest first (`DefaultMaxUpdateManagers`). */
export const maxUpdateManagers = 10;
const ancientChanges = 'ancient-changes';

/** Merges the oldest updaters of each version into one, until no more than {@link maxUpdateManagers} are left. */
export function capUpdateManagers(managers: Managers): Managers {
  const updaters = managers.filter((m) => m.operation === 'Update');
  let excess = updaters.length - maxUpdateManagers;
  if (excess <= 0) return managers;
  updaters.sort((a, b) => seconds(a.time) - seconds(b.time) || compareText(managerId(a), managerId(b)));
  let result = managers;
  const firstOfVersion = new Map<string, Manager>();
  for (const updater of updaters) {
    if (excess <= 0) break;
    if (updater.manager === ancientChanges && updater.subresource === '' && firstOfVersion.has(updater.apiVersion))
      continue;
    const first = firstOfVersion.get(updater.apiVersion);
    if (first === undefined) {
      firstOfVersion.set(updater.apiVersion, updater);
      continue;
    }
    result = mergeIntoBucket(result, first, updater);
    excess--;
  }
  return result;
}

function mergeIntoBucket(managers: Managers, first: Manager, updater: Manager): Managers {
  const wanted: Manager = { ...updater, manager: ancientChanges, subresource: '' };
  const bucket = findManager(managers, wanted);
  const others = managers.filter((m) => m !== updater && m !== bucket && (bucket !== undefined || m !== first));
  // The time of what is merged last: it is the newer one.
  return [...others, { ...wanted, fields: union(updater.fields, (bucket ?? first).fields) }];
}
