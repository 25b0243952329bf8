/** One rule of the defaulting facts, compiled. */
import { deepClone } from '@kubets/apimachinery/patch/json-value';
import { parseQuantity } from '@kubets/apimachinery/quantity';
import type { Schema } from '@kubets/apimachinery/schema/types';
import {
  referenceTo,
  whenOf,
  type DefaultingContext,
  type Predicate,
  type RuleScope,
  type Trail,
} from './condition.ts';
import type { DefaultRule } from './facts.ts';
import { childOf, isObject, isUnset, tokensOf, type JsonObject, type Token } from './path.ts';

/** How many keys were added to the document: the decoder's duplicate check compares key counts. */
export interface Made {
  keys: number;
}

export type Apply = (node: unknown, context: DefaultingContext, made: Made) => void;

type ValueMaker = (trail: Trail, context: DefaultingContext) => unknown;

function countKeys(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + countKeys(item), 0);
  return Object.values(value).reduce<number>((sum, item) => sum + 1 + countKeys(item), 0);
}

const isMaker = (value: unknown, name: string): value is Record<string, string> => isObject(value) && name in value;

function valueMaker(value: unknown, scope: RuleScope): ValueMaker {
  if (isMaker(value, 'from')) {
    const read = referenceTo(value['from'] ?? '', scope);
    const suffix = value['suffix'];
    return (trail) => {
      const from = read(trail).value;
      return suffix === undefined ? deepClone(from) : `${String(from)}${suffix}`;
    };
  }
  if (isMaker(value, 'lowerCaseOf')) {
    const read = referenceTo(value['lowerCaseOf'] ?? '', scope);
    return (trail) => {
      const from = read(trail).value;
      return typeof from === 'string' ? from.toLowerCase() : undefined;
    };
  }
  if (isMaker(value, 'now')) return (_trail, context) => context.now();
  return typeof value === 'object' && value !== null ? () => deepClone(value) : () => value;
}

function put(target: JsonObject, name: string, item: { value: unknown; made: Made }): void {
  const { value, made } = item;
  if (value === undefined) return;
  if (!Object.hasOwn(target, name)) made.keys++;
  made.keys += countKeys(value) - countKeys(target[name]);
  target[name] = value;
}

/** Sets one field of the node at the end of the trail. */
function fieldSetter(rule: DefaultRule, token: Token & { name: string }, make: ValueMaker): Setter {
  const field = token.kind === 'field' ? token.field : undefined;
  return (trail, context, made) => {
    const node = trail.at(-1);
    if (!isObject(node)) return;
    if (rule.always !== true && !isUnset(node[token.name], field)) return;
    put(node, token.name, { value: make(trail, context), made });
  };
}

/** A rule for a field of the node itself, the most frequent kind. Conditions are asked last: they cost more. */
function ownFieldRule(
  rule: DefaultRule,
  token: Token & { name: string },
  how: { make: ValueMaker; when: Predicate | undefined },
): Apply {
  const field = token.kind === 'field' ? token.field : undefined;
  const { name } = token;
  const { make, when } = how;
  const trail: unknown[] = [undefined];
  return (node, context, made) => {
    if (!isObject(node)) return;
    if (rule.always !== true && !isUnset(node[name], field)) return;
    trail[0] = node;
    if (when === undefined || when(trail, context)) put(node, name, { value: make(trail, context), made });
  };
}

type Setter = (trail: Trail, context: DefaultingContext, made: Made) => void;

/** `requests{}` from `limits{}`: every key that the map lacks. The map is made when there is something to put in. */
function mapFiller(parent: Token | undefined, make: ValueMaker): Setter {
  return (trail, context, made) => {
    const holder = trail.at(-2);
    if (!isObject(holder) || parent === undefined || !('name' in parent)) return;
    const from = make(trail, context);
    if (!isObject(from)) return;
    const current = holder[parent.name];
    const target = isObject(current) ? current : undefined;
    for (const key in from) if (target !== undefined && Object.hasOwn(target, key)) delete from[key];
    for (const _missing in from) {
      put(holder, parent.name, { value: { ...target, ...from }, made });
      return;
    }
  };
}

/** Quantities with digits below the scale are rounded up; what is no quantity is left for the decoder to refuse. */
function rounder(scale: number): Setter {
  return (trail) => {
    const node = trail.at(-1);
    if (!isObject(node)) return;
    for (const key in node) {
      const value = node[key];
      if (typeof value !== 'string' || !mayHaveFineDigits(value)) continue;
      const rounded = roundUp(value, scale);
      if (rounded !== undefined) node[key] = rounded;
    }
  };
}

/** Only fractions, `n`, `u` and negative exponents can be finer than thousandths. */
const mayHaveFineDigits = (text: string): boolean => /[.nu]|[eE]-/.test(text);

function roundUp(text: string, scale: number): string | undefined {
  try {
    return parseQuantity(text).roundUp(scale).toString();
  } catch {
    // Not a quantity: the decoder words the error.
    return undefined;
  }
}

/**
 * Walks all tokens but the last, calling the setter at each place. The trail is one array per rule, filled and
 * refilled: rules run to their end before the next begins.
 */
class Walker {
  readonly #tokens: readonly Token[];
  readonly #set: Setter;
  readonly #when: Predicate | undefined;
  readonly #trail: unknown[];
  /** The last token is `{}`: the map before it may be missing and is made by the setter. */
  readonly #mapEnd: boolean;

  constructor(tokens: readonly Token[], set: Setter, when: Predicate | undefined) {
    this.#tokens = tokens;
    this.#set = set;
    this.#when = when;
    this.#trail = Array.from({ length: tokens.length });
    this.#mapEnd = tokens.at(-1)?.kind === 'values';
  }

  visit(node: unknown, depth: number, context: DefaultingContext, made: Made): void {
    const trail = this.#trail;
    trail[depth] = node;
    const last = this.#tokens.length - 1;
    if (depth === last) {
      if (this.#when === undefined || this.#when(trail, context)) this.#set(trail, context, made);
      return;
    }
    const token = this.#tokens[depth] as Token;
    if (Array.isArray(node)) {
      if (token.kind !== 'items') return;
      for (let i = 0; i < node.length; i++) this.visit(node[i], depth + 1, context, made);
    } else if (token.kind === 'values') {
      if (!isObject(node)) return;
      for (const key in node) this.visit(node[key], depth + 1, context, made);
    } else {
      const child = childOf(node, token, made);
      const absent = child === undefined || child === null;
      if (!absent || (this.#mapEnd && depth === last - 1)) this.visit(child, depth + 1, context, made);
    }
  }
}

function walker(tokens: readonly Token[], set: Setter, when: Predicate | undefined): Apply {
  const walk = new Walker(tokens, set, when);
  return (node, context, made) => walk.visit(node, 0, context, made);
}

/** Compiles a rule for nodes of the given type. */
export function compileRule(rule: DefaultRule, root: Schema): Apply {
  const { tokens } = tokensOf(rule.path, root);
  const scope: RuleScope = { root, tokens };
  const when = whenOf(rule.when, scope);
  const last = tokens.at(-1);
  if (rule.roundUpScale !== undefined) return walker(tokens, rounder(rule.roundUpScale), when);
  const make = valueMaker(rule.value, scope);
  if (last === undefined) throw new Error('a defaulting rule needs a path');
  if (last.kind === 'values') return walker(tokens, mapFiller(tokens.at(-2), make), when);
  if (last.kind === 'items') throw new Error(`cannot default list items: ${rule.path}`);
  if (tokens.length === 1) return ownFieldRule(rule, last, { make, when });
  return walker(tokens, fieldSetter(rule, last, make), when);
}
