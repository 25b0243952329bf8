/**
 * Server-side defaulting of one kind, compiled from the facts
 * (upstream: `zz_generated.defaults.go` and `defaults.go` of each group).
 *
 * It works on documents as they were parsed, before decoding: the decoder then brings fields into order,
 * drops what is empty, and checks what was set. It works on decoded objects too, if they may be changed.
 */
import { systemClock } from '@kubets/apimachinery/system-clock';
import { formatTime } from '@kubets/apimachinery/time';
import type { Schema } from '@kubets/apimachinery/schema/types';
import { featureGateDefault } from '../facts.ts';
import { schemaOf } from '../schema-table.ts';
import type { DefaultingContext } from './condition.ts';
import { defaultsFacts, type DefaultRule, type TypeDefaults } from './facts.ts';
import { logicAfter, logicBefore, type Logic } from './logic.ts';
import { childOf, isObject, sameToken, tokensOf, type JsonObject, type Token } from './path.ts';
import { compileRule, type Apply, type Made } from './rule.ts';

/** Changes the document in place; returns the number of keys that were added, nested ones included. */
export type Defaulter = (document: JsonObject, context?: DefaultingContext) => number;

/** The defaults of all feature gates, and the machine's clock. */
export const defaultContext: DefaultingContext = {
  now: () => formatTime(systemClock.now()),
  featureEnabled: featureGateDefault,
};

/** Rules whose condition is computed by hand in `logic.ts`. */
const byHand = new Set(['apiextensions-v1.CustomResourceDefinition status.storedVersions']);

function asksUnset(rule: DefaultRule, path: string): boolean {
  return (rule.when ?? []).some((condition) => 'unset' in condition && condition.unset === path);
}

/** `unset` speaks of the document as it came: such a rule goes before the one that sets the field it asks for. */
function ordered(rules: readonly DefaultRule[]): DefaultRule[] {
  const result: DefaultRule[] = [];
  for (const rule of rules) {
    const at = result.findIndex(
      (earlier) => earlier.path !== rule.path && asksUnset(rule, earlier.path) && earlier.when === undefined,
    );
    if (at < 0) result.push(rule);
    else result.splice(at, 0, rule);
  }
  return result;
}

function typeRules(typeId: string, facts: TypeDefaults | undefined, schema: Schema): Apply[] {
  const rules = (facts?.defaults ?? []).filter((rule) => !byHand.has(`${typeId} ${rule.path}`));
  return ordered(rules).map((rule) => compileRule(rule, schema));
}

/** The ways from a node to those below it that have rules. Paths share their beginnings, so each node is visited once. */
class RuleTree {
  readonly #rules: Apply[] = [];
  readonly #edges: { readonly token: Token; readonly below: RuleTree }[] = [];

  /** Adds the rules of the node that the tokens lead to. Nodes get theirs before those below them, as upstream. */
  add(tokens: readonly Token[], rules: readonly Apply[], depth = 0): void {
    const token = tokens[depth];
    if (token === undefined) this.#rules.push(...rules);
    else this.#below(token).add(tokens, rules, depth + 1);
  }

  #below(token: Token): RuleTree {
    const known = this.#edges.find((edge) => sameToken(edge.token, token));
    if (known !== undefined) return known.below;
    const below = new RuleTree();
    this.#edges.push({ token, below });
    return below;
  }

  visit(node: unknown, context: DefaultingContext, made: Made): void {
    if (node === undefined || node === null) return;
    for (let i = 0; i < this.#rules.length; i++) (this.#rules[i] as Apply)(node, context, made);
    for (let i = 0; i < this.#edges.length; i++) {
      const { token, below } = this.#edges[i] as { token: Token; below: RuleTree };
      if (Array.isArray(node)) {
        if (token.kind === 'items') for (const item of node) below.visit(item, context, made);
      } else if (token.kind === 'values') {
        if (isObject(node)) for (const key in node) below.visit(node[key], context, made);
      } else below.visit(childOf(node, token, made), context, made);
    }
  }
}

const idOf = (typeName: string): string => {
  const [name = '', version = '', pkg = ''] = typeName.split('.').toReversed();
  return `${pkg}-${version}.${name}`;
};

function withLogic(logic: Logic | undefined): Apply[] {
  if (logic === undefined) return [];
  return [
    (node, context, made) => {
      if (isObject(node)) made.keys += logic(node, context);
    },
  ];
}

function addRules(tree: RuleTree, root: Schema, path: string, typeId: string): void {
  const { tokens, schema } = tokensOf(path, root);
  const rules = [
    ...withLogic(logicBefore[typeId]),
    ...typeRules(typeId, defaultsFacts().types[typeId], schema),
    ...withLogic(logicAfter[typeId]),
  ];
  if (rules.length > 0) tree.add(tokens, rules);
}

function compile(typeId: string): Apply[] {
  const facts = defaultsFacts().kinds[typeId];
  if (facts === undefined) return [];
  const root = schemaOf(typeId);
  const tree = new RuleTree();
  for (const [path, typeName] of facts.apply) addRules(tree, root, path, idOf(typeName));
  const applied: Apply = (node, context, made) => tree.visit(node, context, made);
  return [applied, ...(facts.fields ?? []).map((rule) => compileRule(rule, root))];
}

const nothing: Defaulter = () => 0;
const compiled = new Map<string, Defaulter>();

/** The defaulter of a kind by its type id (`core-v1.Pod`); does nothing for kinds without defaults. */
export function defaulterOf(typeId: string): Defaulter {
  let defaulter = compiled.get(typeId);
  if (defaulter === undefined) {
    const rules = compile(typeId);
    defaulter = rules.length === 0 ? nothing : run(rules);
    compiled.set(typeId, defaulter);
  }
  return defaulter;
}

function run(rules: readonly Apply[]): Defaulter {
  return (document, context = defaultContext) => {
    const made: Made = { keys: 0 };
    for (const rule of rules) rule(document, context, made);
    return made.keys;
  };
}
