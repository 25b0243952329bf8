/**
 * FieldsV1 from outside to a {@link FieldSet} and back (structured-merge-diff `fieldpath/serialize.go`).
 *
 * The way back is the identity: a set is written by `JSON.stringify` as it is.
 */
import { leaf, sortNode, type FieldSet, type MutableFieldSet } from './field-set.ts';
import { canonicalElement } from './path-element.ts';

/**
 * Checks and normalises. Elements of unknown kinds are dropped, as upstream drops them.
 *
 * @throws SyntaxError on malformed elements or values that are no objects.
 */
export function decodeFieldsV1(fields: unknown): FieldSet {
  return decodeNode(fields ?? leaf).node ?? leaf;
}

/** `node` has the children only; a node without any is a member, whether it says so or not. */
function decodeNode(fields: unknown): { node: MutableFieldSet | undefined; member: boolean } {
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields)) {
    throw new SyntaxError('fieldsV1 must be an object of objects');
  }
  let node: MutableFieldSet | undefined;
  let member = false;
  for (const [key, value] of Object.entries(fields)) {
    if (key === '.') {
      member = true;
      continue;
    }
    const element = canonicalElement(key);
    if (element === undefined) continue;
    const child = decodeNode(value);
    node ??= {};
    node[element] = child.node === undefined ? leaf : child.member ? withSelf(child.node) : child.node;
  }
  return { node: node === undefined ? undefined : (sortNode(node) as MutableFieldSet), member };
}

function withSelf(children: FieldSet): FieldSet {
  return { '.': leaf, ...children };
}

/** The set as `managedFields[].fieldsV1` carries it. */
export function encodeFieldsV1(set: FieldSet): Record<string, unknown> {
  return set as Record<string, unknown>;
}
