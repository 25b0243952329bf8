/**
 * JSON patch (RFC 6902), with the leniencies of the library the API server uses
 * (`evanphx/json-patch` v4, `patch.go`): negative indexes, and `test` for null where nothing is.
 */
import { failure, newBadRequest, type StatusError } from '../status.ts';
import {
  deepClone,
  getField,
  isObject,
  jsonEqual,
  setField,
  shallowClone,
  withinDepth,
  type JsonObject,
} from './json-value.ts';

/** An operation as it came: fields are checked when it is applied. */
export interface JsonPatchOperation {
  readonly op?: unknown;
  readonly path?: unknown;
  readonly from?: unknown;
  readonly value?: unknown;
}

/** Limits of {@link applyJsonPatch}. */
export interface JsonPatchOptions {
  /** Bytes that all `copy` operations together may add; 3 MiB unless named. */
  readonly maxCopyBytes?: number;
}

const defaultMaxCopyBytes = 3 * 1024 * 1024;

/**
 * The status of a patch that is well formed but cannot be applied. Clients see upstream's general sentence; the
 * reason is the error's `cause` (`apierrors.NewGenericServerResponse`).
 */
export function unprocessablePatch(reason: string): StatusError {
  return failure('Invalid', 'the server rejected our request due to an error in our request', {
    details: {},
    cause: new Error(reason),
  });
}

function goKind(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  return typeof value === 'boolean' ? 'bool' : typeof value;
}

/**
 * Takes decoded JSON for a patch.
 *
 * @throws StatusError BadRequest when it is no list of objects.
 */
export function parseJsonPatch(decoded: unknown): JsonPatchOperation[] {
  if (decoded === null) return [];
  if (!Array.isArray(decoded)) {
    throw newBadRequest(`json: cannot unmarshal ${goKind(decoded)} into Go value of type jsonpatch.Patch`);
  }
  for (const operation of decoded) {
    if (operation !== null && !isObject(operation)) {
      throw newBadRequest(`json: cannot unmarshal ${goKind(operation)} into Go value of type jsonpatch.Operation`);
    }
  }
  return decoded.map((operation: JsonPatchOperation | null) => operation ?? {});
}

/** Why an operation does not apply; becomes the cause of a 422. */
class DoesNotApply extends Error {}

/** Where a pointer ends: the container and the last key. `undefined` for the whole document. */
interface Place {
  readonly container: Container;
  readonly key: string;
}

const unescape = (token: string): string => token.replaceAll('~1', '/').replaceAll('~0', '~');

function arrayIndex(key: string, length: number): number {
  if (!/^[+-]?[0-9]{1,15}$/.test(key)) {
    throw new DoesNotApply(`strconv.Atoi: parsing ${JSON.stringify(key)}: invalid syntax`);
  }
  const index = Number(key);
  if (index >= length || index < -length) {
    throw new DoesNotApply(`Unable to access invalid index: ${index}: invalid index referenced`);
  }
  return index < 0 ? index + length : index;
}

type Container = JsonObject | unknown[];

function containerOf(value: unknown, missing: string): Container {
  if (!Array.isArray(value) && !isObject(value)) throw new DoesNotApply(missing);
  return value;
}

/**
 * The document while operations change it. Containers are copied before they are changed for the first time, so the
 * base stays as it is and what no operation touches is shared with it.
 */
class Document {
  root: unknown;
  #copied = 0;
  readonly #own = new Set<Container>();
  readonly #maxCopyBytes: number;

  constructor(root: unknown, maxCopyBytes: number) {
    this.root = root;
    this.#maxCopyBytes = maxCopyBytes;
  }

  /** For reading. @throws DoesNotApply, named after `what`, when a container on the way is missing. */
  find(pointer: string, what: string): Place | undefined {
    return this.#walk(pointer, what, (container) => container);
  }

  /** As {@link find}, for changing what is there: all containers on the way become the document's own. */
  own(pointer: string, what: string): Place | undefined {
    return this.#walk(pointer, what, (container, parent, key) => {
      if (this.#own.has(container)) return container;
      const copy = Array.isArray(container) ? [...container] : shallowClone(container);
      this.#own.add(copy);
      if (parent === undefined) this.root = copy;
      else if (Array.isArray(parent)) parent[arrayIndex(key, parent.length)] = copy;
      else setField(parent, key, copy);
      return copy;
    });
  }

  #walk(
    pointer: string,
    what: string,
    visit: (container: Container, parent: Container | undefined, key: string) => Container,
  ): Place | undefined {
    if (pointer === '') return undefined;
    const missing = `${what}: ${JSON.stringify(pointer)}: missing value`;
    if (!pointer.startsWith('/')) throw new DoesNotApply(missing);
    const tokens = pointer.slice(1).split('/').map(unescape);
    const last = tokens.pop() ?? '';
    let container = containerOf(this.root, missing);
    container = visit(container, undefined, '');
    for (const token of tokens) {
      const child = Array.isArray(container)
        ? container[arrayIndex(token, container.length)]
        : getField(container, token);
      container = visit(containerOf(child, missing), container, token);
    }
    return { container, key: last };
  }

  get(place: Place | undefined): unknown {
    if (place === undefined) return this.root;
    const { container, key } = place;
    return Array.isArray(container) ? container[arrayIndex(key, container.length)] : getField(container, key);
  }

  add(place: Place | undefined, value: unknown): void {
    if (place === undefined) this.root = value;
    else if (!Array.isArray(place.container)) setField(place.container, place.key, value);
    else if (place.key === '-') place.container.push(value);
    else place.container.splice(arrayIndex(place.key, place.container.length + 1), 0, value);
  }

  remove(place: Place | undefined): void {
    if (place === undefined) throw new DoesNotApply('remove operation does not apply: the whole document cannot go');
    const { container, key } = place;
    if (Array.isArray(container)) container.splice(arrayIndex(key, container.length), 1);
    else if (Object.hasOwn(container, key)) delete container[key];
    else throw new DoesNotApply(`Unable to remove nonexistent key: ${key}: missing value`);
  }

  replace(place: Place | undefined, value: unknown): void {
    if (place === undefined) this.root = value;
    else if (Array.isArray(place.container)) {
      place.container[arrayIndex(place.key, place.container.length)] = value;
    } else if (Object.hasOwn(place.container, place.key)) setField(place.container, place.key, value);
    else throw new DoesNotApply(`replace operation does not apply: doc is missing key: ${place.key}: missing value`);
  }

  /** A copy of the value, counted against the limit, which keeps a small patch from growing a large document. */
  copyOf(value: unknown): unknown {
    this.#copied += JSON.stringify(value)?.length ?? 0;
    if (this.#copied > this.#maxCopyBytes) {
      const size = `the accumulated size increase of copy is ${this.#copied}, exceeding the limit ${this.#maxCopyBytes}`;
      throw new DoesNotApply(`Unable to complete the copy, ${size}`);
    }
    return deepClone(value);
  }
}

function pointerOf(operation: JsonPatchOperation, field: 'path' | 'from'): string {
  const pointer = operation[field];
  if (typeof pointer === 'string') return pointer;
  throw new DoesNotApply(`${operation.op} operation failed to decode ${field}: missing value`);
}

function existing(document: Document, operation: JsonPatchOperation): Place | undefined {
  const what = `${operation.op} operation does not apply: doc is missing from path`;
  const from = pointerOf(operation, 'from');
  const place = operation.op === 'move' ? document.own(from, what) : document.find(from, what);
  if (place !== undefined && !Array.isArray(place.container) && !Object.hasOwn(place.container, place.key)) {
    throw new DoesNotApply(`${what}: ${JSON.stringify(operation.from)}: missing value`);
  }
  return place;
}

function move(document: Document, operation: JsonPatchOperation, missing: string): void {
  const [from, to] = [pointerOf(operation, 'from'), pointerOf(operation, 'path')];
  if (to.startsWith(`${from}/`)) {
    throw new DoesNotApply(`move operation does not apply: ${JSON.stringify(from)} cannot move into itself`);
  }
  const place = existing(document, operation);
  const value = document.get(place);
  if (from === to) return;
  document.remove(place);
  document.add(document.own(to, missing), value);
}

function test(document: Document, operation: JsonPatchOperation, missing: string): void {
  const path = pointerOf(operation, 'path');
  const found = document.get(document.find(path, missing)) ?? null;
  if (!jsonEqual(found, operation.value ?? null)) throw new DoesNotApply(`testing value ${path} failed: test failed`);
}

function run(document: Document, operation: JsonPatchOperation): void {
  const missing = `${operation.op} operation does not apply: doc is missing path`;
  const target = (): Place | undefined => document.own(pointerOf(operation, 'path'), missing);
  switch (operation.op) {
    case 'add':
      return document.add(target(), operation.value ?? null);
    case 'remove':
      return document.remove(target());
    case 'replace':
      return document.replace(target(), operation.value ?? null);
    case 'move':
      return move(document, operation, missing);
    case 'copy': {
      const value = document.copyOf(document.get(existing(document, operation)));
      return document.add(target(), value);
    }
    case 'test':
      return test(document, operation, missing);
    default:
      throw new DoesNotApply(`Unexpected kind: ${typeof operation.op === 'string' ? operation.op : 'unknown'}`);
  }
}

/**
 * A new document with the operations applied in order, all or none. Neither the base nor the operations are changed;
 * untouched parts and added values are shared with them.
 *
 * @throws StatusError Invalid (422) when an operation does not apply; see {@link unprocessablePatch}.
 */
export function applyJsonPatch(
  base: unknown,
  operations: readonly JsonPatchOperation[],
  options: JsonPatchOptions = {},
): unknown {
  return withinDepth(() => {
    const document = new Document(base, options.maxCopyBytes ?? defaultMaxCopyBytes);
    runAll(document, operations);
    return document.root;
  });
}

function runAll(document: Document, operations: readonly JsonPatchOperation[]): void {
  try {
    for (const operation of operations) run(document, operation);
  } catch (error) {
    if (error instanceof DoesNotApply) throw unprocessablePatch(error.message);
    throw error;
  }
}
