/**
 * Bodies that end alike are decoded once: what a Deployment, a Job or a load test creates are pods by the
 * hundred whose JSON differs in the metadata only, and the spec is nine tenths of it.
 *
 * A text is cut behind its first `"spec":`. What is before, closed with `null}`, is parsed and decoded as ever; that it
 * is JSON shows that the cut lies in the outermost object (anywhere deeper, the one brace would not close it). So
 * when the rest has been decoded before, character for character, its fields are those of the result. Whatever is
 * unusual (unknown or repeated fields, other members behind the spec) takes the ordinary way, errors included.
 */
import { deepClone, isObject, type JsonObject } from '@kubets/apimachinery/patch/json-value';
import type { ApiObject } from '@kubets/apimachinery/meta';
import type { DefaultingContext } from './defaulting/condition.ts';
import type { KindInfo } from './scheme.ts';

const mark = '"spec":';
/** Shorter ones are decoded as fast as they are recognised. */
const minLength = 256;
/** What is kept stays small; and texts below the limit of nesting need no look at it. */
const maxLength = 8 * 1024;
/** As many specs may take turns. */
const slots = 8;

/** Kinds whose defaults in spec and status depend on nothing outside of them. */
const kinds: ReadonlySet<string> = new Set(['core-v1.Pod']);
const members: ReadonlySet<string> = new Set(['spec', 'status']);

interface Rest {
  readonly text: string;
  readonly context: DefaultingContext;
  /** Decoded when the rest comes for the second time; `undefined` when it must go the ordinary way. */
  fields: Readonly<JsonObject> | 'not-decoded' | undefined;
}

/** The specs of one kind that came last. */
class RepeatedSpecs {
  readonly #info: KindInfo;
  readonly #rests: Rest[] = [];
  #next = 0;

  constructor(info: KindInfo) {
    this.#info = info;
  }

  decode(text: string, context: DefaultingContext): ApiObject | undefined {
    const cut = text.indexOf(mark) + mark.length;
    const length = text.length - cut;
    if (cut < mark.length || cut > maxLength || length < minLength || length > maxLength) return undefined;
    const rest = text.slice(cut);
    const known = this.#find(rest, context);
    if (known === undefined) {
      this.#remember({ text: rest, context, fields: 'not-decoded' });
      return undefined;
    }
    if (known.fields === 'not-decoded') known.fields = this.#decodeRest(rest, context);
    return known.fields && this.#join(`${text.slice(0, cut)}null}`, known.fields);
  }

  #find(text: string, context: DefaultingContext): Rest | undefined {
    for (let i = 0; i < this.#rests.length; i++) {
      const known = this.#rests[i] as Rest;
      if (known.text === text && known.context === context) return known;
    }
    return undefined;
  }

  #remember(rest: Rest): void {
    this.#rests[this.#next] = rest;
    this.#next = (this.#next + 1) % slots;
  }

  #decodeRest(rest: string, context: DefaultingContext): Readonly<JsonObject> | undefined {
    const text = `{${mark}${rest}`;
    const document = parsed(text);
    if (document === undefined) return undefined;
    for (const name in document) if (!members.has(name)) return undefined;
    const added = this.#info.applyDefaults(document, context);
    const decoded = this.#strict(document, text, added);
    if (decoded === undefined || !isObject(decoded['spec'])) return undefined;
    const fields: JsonObject = {};
    for (const name in decoded) if (members.has(name)) fields[name] = decoded[name];
    return fields;
  }

  #join(head: string, fields: Readonly<JsonObject>): ApiObject | undefined {
    const { gvk, apiVersion } = this.#info;
    const document = parsed(head);
    if (document?.['kind'] !== gvk.kind || document['apiVersion'] !== apiVersion || 'status' in document) {
      return undefined;
    }
    const object = this.#strict(document, head, 0);
    if (object === undefined) return undefined;
    for (const name in fields) object[name] = deepClone(fields[name]);
    return object as unknown as ApiObject;
  }

  #strict(document: JsonObject, text: string, added: number): JsonObject | undefined {
    try {
      const { object, strictErrors } = this.#info.decodeStrict(document, text, added);
      return strictErrors.length === 0 ? object : undefined;
    } catch {
      // The ordinary way says what is wrong.
      return undefined;
    }
  }
}

function parsed(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    // As above.
    return undefined;
  }
}

const byKind = new Map<KindInfo, RepeatedSpecs>();

/**
 * The object that a JSON text of this kind stands for, with defaults, when its spec has come before: the same as
 * strict decoding without complaints gives. `undefined` when that is not known at once. The result is the caller's.
 */
export function decodeRepeated(text: string, info: KindInfo, context: DefaultingContext): ApiObject | undefined {
  let specs = byKind.get(info);
  if (specs === undefined) {
    if (!kinds.has(info.typeId)) return undefined;
    byKind.set(info, (specs = new RepeatedSpecs(info)));
  }
  return specs.decode(text, context);
}
