/**
 * Compiles a type into a function that does in one pass what Go's decode and encode round trip does:
 * unknown fields dropped, `null` treated as absence, zero values dropped or written, map keys sorted,
 * scalars in canonical form, fields in wire order.
 *
 * The pass itself keeps no path. When something is wrong (rare), `diagnose.ts` walks the input again to say where.
 */
import { DecodeError } from './decode-error.ts';
import { duplicateFields } from './duplicates.ts';
import { typeErrorText, unknownFields } from './diagnose.ts';
import { countKeyMarks, countKeys } from './key-marks.ts';
import { mismatch, scalarDecoder, scalarZero } from './scalar-decoder.ts';
import type { FieldSchema, ListSchema, MapSchema, ObjectSchema, Schema } from './types.ts';

export type JsonObject = Record<string, unknown>;

export interface DecodeResult {
  readonly object: JsonObject;
  /** `unknown field "spec.foo"`, `duplicate field "spec.bar"`; at most 100, no repeats. */
  readonly strictErrors: readonly string[];
}

export interface Decoder {
  readonly schema: ObjectSchema;
  /**
   * The object as the server would write it. The result shares no structure with the input except open
   * values (RawExtension and the like) and strings. Throws {@link DecodeError}.
   */
  decode(input: unknown): JsonObject;
  /** As {@link decode}, and lists what strict decoding objects to. `text` is the JSON that `input` was parsed from; without it no duplicates are looked for. `addedKeys` is how many keys were added to `input` since. */
  decodeStrict(input: unknown, text?: string, addedKeys?: number): DecodeResult;
}

/** What one pass counts, to see cheaply whether fields were unknown or keys given twice. */
class Walk {
  keys = 0;
  unknown = 0;
  counting = false;
}

type Decode = (value: unknown, walk: Walk) => unknown;

const noStrictErrors: readonly string[] = [];
const empty: JsonObject = Object.freeze({});

function setOwn(target: JsonObject, key: string, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(target, key, { value, enumerable: true, writable: true, configurable: true });
  } else target[key] = value;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** When a decoded value counts as empty, so that `omitempty` drops it. */
type Emptiness = 0 | 1 | 2 | 3;
const never: Emptiness = 0;
const scalarEmpty: Emptiness = 1;
const listEmpty: Emptiness = 2;
const mapEmpty: Emptiness = 3;

function emptinessOf(field: FieldSchema): Emptiness {
  if (field.always || field.pointer) return never;
  switch (field.schema.kind) {
    case 'list':
      return listEmpty;
    case 'map':
      return mapEmpty;
    case 'scalar':
      return scalarEmpty;
    default:
      return never;
  }
}

function hasKeys(value: object): boolean {
  for (const _key in value) return true;
  return false;
}

function isEmpty(value: unknown, emptiness: Emptiness): boolean {
  if (emptiness === scalarEmpty) return value === '' || value === 0 || value === false || value === null;
  if (emptiness === listEmpty) return (value as unknown[]).length === 0;
  return emptiness === mapEmpty && !hasKeys(value as object);
}

interface CompiledField {
  readonly name: string;
  readonly decode: Decode;
  readonly emptiness: Emptiness;
  /** Makes what is written for the absent field; `undefined` when nothing is. */
  readonly zero: ((walk: Walk) => unknown) | undefined;
}

class Compiler {
  readonly #objects = new Map<ObjectSchema, Decode>();

  decode(schema: Schema): Decode {
    switch (schema.kind) {
      case 'scalar':
        return scalarDecoder(schema);
      case 'list':
        return this.#list(schema);
      case 'map':
        return this.#map(schema);
      case 'any':
        return decodeAny;
      default:
        return this.#object(schema);
    }
  }

  #list(schema: ListSchema): Decode {
    const decode = this.decode(schema.items);
    const zero = this.#zero(schema.items);
    return (value, walk) => {
      if (!Array.isArray(value)) throw mismatch;
      const result: unknown[] = [];
      for (let i = 0; i < value.length; i++) {
        const item: unknown = value[i];
        result.push(item === null ? zero(walk) : decode(item, walk));
      }
      return result;
    };
  }

  #map(schema: MapSchema): Decode {
    const decode = this.decode(schema.values);
    const zero = this.#zero(schema.values);
    return (value, walk) => {
      if (!isObject(value)) throw mismatch;
      const keys = Object.keys(value);
      walk.keys += keys.length;
      for (let i = 1; i < keys.length; i++) {
        if ((keys[i - 1] ?? '') > (keys[i] ?? '')) {
          keys.sort();
          break;
        }
      }
      const result: JsonObject = {};
      for (const key of keys) {
        const item = value[key];
        setOwn(result, key, item === null ? zero(walk) : decode(item, walk));
      }
      return result;
    };
  }

  /** The zero value of a type, as Go writes it inside a list or a map, or for a field that is always written. */
  #zero(schema: Schema): (walk: Walk) => unknown {
    switch (schema.kind) {
      case 'scalar': {
        const zero = scalarZero(schema);
        return () => zero;
      }
      case 'object': {
        const decode = this.decode(schema);
        return (walk) => decode(empty, walk);
      }
      default:
        return () => null;
    }
  }

  #field(field: FieldSchema): CompiledField {
    return {
      name: field.name,
      decode: this.decode(field.schema),
      emptiness: emptinessOf(field),
      zero: !field.always ? undefined : field.pointer ? () => null : this.#zero(field.schema),
    };
  }

  #object(schema: ObjectSchema): Decode {
    const known = this.#objects.get(schema);
    if (known !== undefined) return known;
    const compiled = objectDecoder(schema, () => schema.fields.map((field) => this.#field(field)));
    this.#objects.set(schema, compiled);
    return compiled;
  }
}

function decodeAny(value: unknown, walk: Walk): unknown {
  if (walk.counting) walk.keys += countKeys(value);
  return value;
}

/** Counts, and where the type says so keeps, the fields that the type does not have. */
function takeUnknown(schema: ObjectSchema, input: JsonObject, context: { walk: Walk; out: JsonObject }): void {
  const { walk, out } = context;
  for (const key in input) {
    if (schema.byName.has(key)) continue;
    if (walk.counting) walk.keys += countKeys(input[key]);
    if (schema.preserveUnknownFields) setOwn(out, key, input[key]);
    else walk.unknown++;
  }
}

/** The fields of a type, made on first use: types refer to themselves, and most types of a kind are never met. */
interface CompiledFields {
  readonly list: readonly CompiledField[];
  /** Position in the list, which is in wire order. */
  readonly positions: ReadonlyMap<string, number>;
  /** Positions of the fields that are written even when they are absent. */
  readonly always: readonly number[];
}

function compiledFields(list: readonly CompiledField[]): CompiledFields {
  return {
    list,
    positions: new Map(list.map((field, i) => [field.name, i])),
    always: list.flatMap((field, i) => (field.zero === undefined ? [] : [i])),
  };
}

/** Puts a position into its place; documents are mostly in wire order, so it is the last one. */
function insert(positions: number[], position: number): void {
  let i = positions.length;
  positions.push(position);
  for (; i > 0 && (positions[i - 1] as number) > position; i--) positions[i] = positions[i - 1] as number;
  positions[i] = position;
}

/** Looks at the keys that are there, not at all that could be: an object has few of its type's fields. */
function presentFields(value: JsonObject, fields: CompiledFields, walk: Walk): { present: number[]; unknown: boolean } {
  const present: number[] = [];
  let unknown = false;
  let keys = 0;
  for (const key in value) {
    keys++;
    const position = fields.positions.get(key);
    if (position === undefined) unknown = true;
    else if (value[key] !== undefined) insert(present, position);
  }
  walk.keys += keys;
  return { present, unknown };
}

function setDecoded(out: JsonObject, field: CompiledField, item: unknown, walk: Walk): void {
  if (item === null) {
    if (field.zero !== undefined) setOwn(out, field.name, field.zero(walk));
    return;
  }
  const decoded = field.decode(item, walk);
  if (field.emptiness === never || !isEmpty(decoded, field.emptiness)) setOwn(out, field.name, decoded);
}

function objectDecoder(schema: ObjectSchema, makeFields: () => CompiledField[]): Decode {
  let fields: CompiledFields | undefined;
  return (value, walk) => {
    if (!isObject(value)) throw mismatch;
    fields ??= compiledFields(makeFields());
    const { list, always } = fields;
    const out: JsonObject = {};
    const { present, unknown } = presentFields(value, fields, walk);
    let next = 0;
    for (let i = 0; i < present.length; i++) {
      const position = present[i] as number;
      for (; next < always.length && (always[next] as number) <= position; next++) {
        if (always[next] !== position) setZero(out, list[always[next] as number] as CompiledField, walk);
      }
      const field = list[position] as CompiledField;
      setDecoded(out, field, value[field.name], walk);
    }
    for (; next < always.length; next++) setZero(out, list[always[next] as number] as CompiledField, walk);
    if (unknown) takeUnknown(schema, value, { walk, out });
    return out;
  };
}

function setZero(out: JsonObject, field: CompiledField, walk: Walk): void {
  setOwn(out, field.name, field.zero?.(walk));
}

class CompiledDecoder implements Decoder {
  readonly schema: ObjectSchema;
  readonly #decode: Decode;

  constructor(schema: ObjectSchema, decode: Decode) {
    this.schema = schema;
    this.#decode = decode;
  }

  decode(input: unknown): JsonObject {
    return this.#run(input, new Walk());
  }

  decodeStrict(input: unknown, text?: string, addedKeys = 0): DecodeResult {
    const walk = new Walk();
    walk.counting = text !== undefined;
    const object = this.#run(input, walk);
    const twice = text !== undefined && countKeyMarks(text) !== walk.keys - addedKeys;
    if (walk.unknown === 0 && !twice) return { object, strictErrors: noStrictErrors };
    const errors = walk.unknown === 0 ? [] : unknownFields(this.schema, input);
    if (twice && text !== undefined) errors.push(...duplicateFields(text, this.schema));
    return { object, strictErrors: [...new Set(errors)].slice(0, 100) };
  }

  #run(input: unknown, walk: Walk): JsonObject {
    try {
      return this.#decode(input, walk) as JsonObject;
    } catch (error) {
      if (error === mismatch) throw new DecodeError(typeErrorText(this.schema, input));
      if (error instanceof RangeError) throw new DecodeError('exceeded max depth', { cause: error });
      throw error;
    }
  }
}

/** Compiles a type. Compile once and keep: the cost is that of several hundred decodings. */
export function compileDecoder(schema: ObjectSchema): Decoder {
  return new CompiledDecoder(schema, new Compiler().decode(schema));
}
