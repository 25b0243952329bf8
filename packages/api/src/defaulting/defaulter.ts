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
import { childOf, isObject, tokensOf, type JsonObject, type Token } from './path.ts';
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

/** Calls `apply` for each node that the path leads to. */
class NodeWalker {
  readonly #tokens: readonly Token[];
  readonly #apply: readonly Apply[];

  constructor(tokens: readonly Token[], apply: readonly Apply[]) {
    this.#tokens = tokens;
    this.#apply = apply;
  }

  visit(node: unknown, depth: number, context: DefaultingContext, made: Made): void {
    if (node === undefined || node === null) return;
    const token = this.#tokens[depth];
    if (token === undefined) {
      for (const one of this.#apply) one(node, context, made);
    } else if (Array.isArray(node)) {
      if (token.kind === 'items') for (const item of node) this.visit(item, depth + 1, context, made);
    } else if (token.kind === 'values') {
      if (isObject(node)) for (const key in node) this.visit(node[key], depth + 1, context, made);
    } else this.visit(childOf(node, token, made), depth + 1, context, made);
  }
}

function atEach(tokens: readonly Token[], apply: readonly Apply[]): Apply {
  const walk = new NodeWalker(tokens, apply);
  return (node, context, made) => walk.visit(node, 0, context, made);
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

function rulesAt(path: string, typeId: string, root: Schema): Apply | undefined {
  const { tokens, schema } = tokensOf(path, root);
  const rules = [
    ...withLogic(logicBefore[typeId]),
    ...typeRules(typeId, defaultsFacts().types[typeId], schema),
    ...withLogic(logicAfter[typeId]),
  ];
  return rules.length === 0 ? undefined : atEach(tokens, rules);
}

function compile(typeId: string): Apply[] {
  const facts = defaultsFacts().kinds[typeId];
  if (facts === undefined) return [];
  const root = schemaOf(typeId);
  const applied = facts.apply
    .map(([path, typeName]) => rulesAt(path, idOf(typeName), root))
    .filter((a) => a !== undefined);
  return [...applied, ...(facts.fields ?? []).map((rule) => compileRule(rule, root))];
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
