/**
 * Sets of fields (structured-merge-diff `fieldpath/set.go`), kept in the form of FieldsV1 itself.
 *
 * A set is a tree of plain objects: each key is a {@link PathElement}, each value the subtree below it.
 * Below the root, a node is a member when it is empty (`{}`) or has the key `.`; keys are in the order of
 * {@link compareElements}, `.` first. So what a set is in memory is what `managedFields[].fieldsV1` is on
 * the wire: reading costs a check, writing costs nothing, and unchanged subtrees are shared.
 *
 * Sets are immutable. Operations return their first argument itself when it already is the result.
 */
import { compareElements, type FieldPath, type PathElement } from './path-element.ts';

export interface FieldSet {
  readonly [element: PathElement]: FieldSet;
}

/** For building a node; never after it has been handed out. */
export type MutableFieldSet = Record<PathElement, FieldSet>;

/** The set without members; also a member without children. Safe to share. */
export const leaf: FieldSet = Object.freeze({});
export const emptySet: FieldSet = leaf;

/** Whether a set has no member. Below the root, whether a node has no children and no `.`. */
export function isEmptySet(set: FieldSet): boolean {
  for (const _ in set) return false;
  return true;
}

/** Whether a node below the root is itself a member. */
export function isMember(node: FieldSet): boolean {
  return '.' in node || isEmptySet(node);
}

/** A node with its membership told: `undefined` when it would be neither a member nor have children. */
function finish(out: MutableFieldSet | undefined, member: boolean): FieldSet | undefined {
  if (out === undefined) return member ? leaf : undefined;
  return out;
}

function start(member: boolean): MutableFieldSet {
  return member ? { '.': leaf } : {};
}

/** Puts the keys of a node under construction into the order of FieldsV1. Returns the node itself when it is in order. */
export function sortNode(node: MutableFieldSet): FieldSet {
  const keys = Object.keys(node);
  let sorted = true;
  for (let i = 1; i < keys.length && sorted; i++) {
    sorted = compareElements(keys[i - 1] as string, keys[i] as string) < 0;
  }
  if (sorted) return node;
  const out: MutableFieldSet = {};
  for (const key of keys.toSorted(compareElements)) out[key] = node[key] as FieldSet;
  return out;
}

/** A set of the given paths; the empty path is no member of anything. */
export function setOf(...paths: FieldPath[]): FieldSet {
  let set = emptySet;
  for (const path of paths) set = union(set, single(path));
  return set;
}

function single(path: FieldPath): FieldSet {
  let node: FieldSet | undefined;
  for (let i = path.length - 1; i >= 0; i--) node = { [path[i] as string]: node ?? leaf };
  return node ?? emptySet;
}

/** `setOfDotted(['status', 'metadata.deletionTimestamp'])`: fields only. */
export function setOfDotted(paths: readonly string[]): FieldSet {
  return setOf(...paths.map((path) => path.split('.').map((name) => `f:${name}`)));
}

/** Members of either. */
export function union(a: FieldSet, b: FieldSet): FieldSet {
  if (a === b || isEmptySet(b)) return a;
  if (isEmptySet(a)) return b;
  return unionChildren(a, b, false);
}

function unionNodes(a: FieldSet, b: FieldSet): FieldSet {
  if (a === b) return a;
  const memberA = isMember(a);
  const member = memberA || isMember(b);
  return unionChildren(a, b, member, member === memberA);
}

function unionChildren(a: FieldSet, b: FieldSet, member: boolean, sameMember = true): FieldSet {
  let added = false;
  let changed = !sameMember;
  const out: MutableFieldSet = start(member);
  for (const key in a) {
    if (key === '.') continue;
    const left = a[key] as FieldSet;
    const right = b[key];
    const merged = right === undefined ? left : unionNodes(left, right);
    if (merged !== left) changed = true;
    out[key] = merged;
  }
  for (const key in b) {
    if (key === '.' || key in out) continue;
    out[key] = b[key] as FieldSet;
    added = true;
  }
  if (added) return sortNode(out);
  // A leaf that only gains nothing stays the shared leaf: `{".":{}}` is not the canonical form.
  if (!changed) return a;
  return onlySelf(out) ? leaf : out;
}

function onlySelf(node: FieldSet): boolean {
  for (const key in node) if (key !== '.') return false;
  return true;
}

type NodeRule = (a: FieldSet, b: FieldSet) => FieldSet | undefined;

/** Keeps the children of `a` as `rule` says where `b` has the same child; `missing` says what happens where it has not. */
function mapChildren(a: FieldSet, b: FieldSet, member: boolean, options: { rule: NodeRule; keepMissing: boolean }) {
  let out: MutableFieldSet | undefined;
  let same = true;
  for (const key in a) {
    if (key === '.') continue;
    const left = a[key] as FieldSet;
    const right = b[key];
    const result = right === undefined ? (options.keepMissing ? left : undefined) : options.rule(left, right);
    if (result !== left) same = false;
    if (result === undefined) continue;
    out ??= start(member);
    out[key] = result;
  }
  return { out, same };
}

const differenceOptions = { rule: differenceNodes, keepMissing: true };
const recursiveOptions = { rule: recursiveDifferenceNodes, keepMissing: true };
const intersectionOptions = { rule: intersectionNodes, keepMissing: false };

/** Members of `a` that are not members of `b`; children of members of `b` stay. */
export function difference(a: FieldSet, b: FieldSet): FieldSet {
  if (a === b) return emptySet;
  const { out, same } = mapChildren(a, b, false, differenceOptions);
  return same ? a : (out ?? emptySet);
}

function differenceNodes(a: FieldSet, b: FieldSet): FieldSet | undefined {
  const memberA = isMember(a);
  const member = memberA && !isMember(b);
  const { out, same } = mapChildren(a, b, member, differenceOptions);
  return same && member === memberA ? a : finish(out, member);
}

/** Members of `a` that are neither members of `b` nor below one. */
export function recursiveDifference(a: FieldSet, b: FieldSet): FieldSet {
  const { out, same } = mapChildren(a, b, false, recursiveOptions);
  return same ? a : (out ?? emptySet);
}

function recursiveDifferenceNodes(a: FieldSet, b: FieldSet): FieldSet | undefined {
  if (isMember(b)) return undefined;
  const member = isMember(a);
  const { out, same } = mapChildren(a, b, member, recursiveOptions);
  return same ? a : finish(out, member);
}

/** Members of both. */
export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  if (a === b) return a;
  const { out, same } = mapChildren(a, b, false, intersectionOptions);
  return same ? a : (out ?? emptySet);
}

function intersectionNodes(a: FieldSet, b: FieldSet): FieldSet | undefined {
  if (a === b) return a;
  const memberA = isMember(a);
  const member = memberA && isMember(b);
  const { out, same } = mapChildren(a, b, member, intersectionOptions);
  return same && member === memberA ? a : finish(out, member);
}

/** Same members; the order of keys does not matter. */
export function equalSets(a: FieldSet, b: FieldSet): boolean {
  if (a === b) return true;
  let count = 0;
  for (const key in a) {
    const right = b[key];
    if (right === undefined || !equalSets(a[key] as FieldSet, right)) return false;
    count++;
  }
  for (const _ in b) count--;
  return count === 0;
}

export function hasPath(set: FieldSet, path: FieldPath): boolean {
  if (path.length === 0) return false;
  let node: FieldSet | undefined = set;
  for (const element of path) {
    node = node[element];
    if (node === undefined) return false;
  }
  return isMember(node);
}

/** Only the members without children (`Set.Leaves`). */
export function leaves(set: FieldSet): FieldSet {
  const out: MutableFieldSet = {};
  for (const key in set) if (key !== '.') out[key] = leaves(set[key] as FieldSet);
  return isEmptySet(out) ? leaf : out;
}

/** Number of members. */
export function sizeOf(set: FieldSet): number {
  let count = 0;
  forEachPath(set, () => count++);
  return count;
}

/**
 * Calls back for each member: those of a level first, then those below them (`Set.Iterate`).
 * The path is reused between calls: copy it to keep it.
 */
export function forEachPath(set: FieldSet, callback: (path: FieldPath) => void): void {
  visit(set, [], callback);
}

function visit(node: FieldSet, path: PathElement[], callback: (path: FieldPath) => void): void {
  for (const key in node) {
    if (key === '.' || !isMember(node[key] as FieldSet)) continue;
    path.push(key);
    callback(path);
    path.pop();
  }
  for (const key in node) {
    if (key === '.') continue;
    path.push(key);
    visit(node[key] as FieldSet, path, callback);
    path.pop();
  }
}

/** All members, as paths of their own. */
export function pathsOf(set: FieldSet): FieldPath[] {
  const paths: FieldPath[] = [];
  forEachPath(set, (path) => paths.push([...path]));
  return paths;
}
