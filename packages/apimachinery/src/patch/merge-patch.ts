/**
 * JSON merge patch (RFC 7386).
 */
import { newBadRequest } from '../status.ts';
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

/**
 * A new object: fields of the patch replace those of the target, objects merge, null removes.
 * The target is not changed; untouched parts are shared with it.
 *
 * @throws StatusError BadRequest when the patch is no object.
 */
export function applyMergePatch(target: JsonObject, patch: unknown): JsonObject {
  if (!isObject(patch)) throw newBadRequest('Invalid JSON Patch');
  return withinDepth(() => merge(target, patch));
}

function merge(target: JsonObject, patch: JsonObject): JsonObject {
  const result = shallowClone(target);
  for (const key of Object.keys(patch)) {
    const value = patch[key];
    if (value === null || value === undefined) {
      delete result[key];
    } else if (isObject(value)) {
      const current = getField(result, key);
      // An object that is new is merged into nothing: its nulls must not stay.
      setField(result, key, merge(isObject(current) ? current : {}, value));
    } else setField(result, key, deepClone(value));
  }
  return result;
}

/** The smallest merge patch that turns `from` into `to`. Nulls inside `to` cannot be expressed, and are left out. */
export function createMergePatch(from: JsonObject, to: JsonObject): JsonObject {
  const patch: JsonObject = {};
  for (const key of Object.keys(from)) {
    if (getField(to, key) === undefined || getField(to, key) === null) setField(patch, key, null);
  }
  for (const key of Object.keys(to)) {
    const [before, after] = [getField(from, key), to[key]];
    if (after === null || after === undefined || jsonEqual(before, after)) continue;
    if (!isObject(before) || !isObject(after)) setField(patch, key, deepClone(after));
    else setField(patch, key, createMergePatch(before, after));
  }
  return patch;
}
