/** The `when` conditions of the defaulting facts. */
import type { Schema } from '@kubets/apimachinery/schema/types';
import type { Comparison, Condition } from './facts.ts';
import { imageTag } from './image-tag.ts';
import { isObject, isUnset, sameToken, tokensOf, type Token } from './path.ts';

export interface DefaultingContext {
  /** RFC 3339, whole seconds. */
  now(): string;
  featureEnabled(gate: string): boolean;
}

/** The nodes on the way to the place that a rule is applied to: `trail[i]` is what the first i tokens lead to. */
export type Trail = readonly unknown[];

export type Reference = (trail: Trail) => { value: unknown; unset: boolean };
export type Predicate = (trail: Trail, context: DefaultingContext) => boolean;

export interface RuleScope {
  readonly root: Schema;
  /** The tokens of the rule's own path: list items that another path shares with it are the same items. */
  readonly tokens: readonly Token[];
}

function get(node: unknown, token: Token): unknown {
  return isObject(node) && 'name' in token ? node[token.name] : undefined;
}

/** Reads another path, from the place where it leaves the rule's own path. A trailing `{}` reads the whole map. */
export function referenceTo(path: string, scope: RuleScope): Reference {
  const { tokens } = tokensOf(path.endsWith('{}') ? path.slice(0, -2) : path, scope.root);
  let shared = 0;
  while (shared < tokens.length && sameToken(tokens[shared], scope.tokens[shared])) shared++;
  // The rule's last token names the field to be set: its node is not on the trail.
  const start = Math.min(shared, scope.tokens.length - 1);
  const rest = tokens.slice(start);
  const last = tokens.at(-1);
  const field = last?.kind === 'field' ? last.field : undefined;
  return (trail) => {
    let value = trail[start];
    for (const token of rest) value = get(value, token);
    return { value, unset: isUnset(value, field) };
  };
}

function zeroFor(value: unknown, like: unknown): unknown {
  if (value !== undefined && value !== null) return value;
  return typeof like === 'string' ? '' : typeof like === 'number' ? 0 : typeof like === 'boolean' ? false : value;
}

function compare(value: unknown, comparison: Comparison): boolean {
  if ('eq' in comparison && zeroFor(value, comparison.eq) !== comparison.eq) return false;
  if ('ne' in comparison && zeroFor(value, comparison.ne) === comparison.ne) return false;
  const n = typeof value === 'number' ? value : 0;
  const { lt, gt, le, ge } = comparison;
  return (
    (lt === undefined || n < lt) &&
    (gt === undefined || n > gt) &&
    (le === undefined || n <= le) &&
    (ge === undefined || n >= ge)
  );
}

/** No field of the object but its `name` is set (`v1.VolumeSource` is inlined into `v1.Volume`). */
function nothingButName(trail: Trail): boolean {
  const node = trail.at(-1);
  if (!isObject(node)) return false;
  return Object.entries(node).every(([key, value]) => key === 'name' || value === null || value === undefined);
}

function all(conditions: readonly Condition[], scope: RuleScope): Predicate {
  const predicates = conditions.map((condition) => predicateOf(condition, scope));
  return (trail, context) => predicates.every((holds) => holds(trail, context));
}

function predicateOf(condition: Condition, scope: RuleScope): Predicate {
  if ('set' in condition || 'unset' in condition) {
    const wanted = 'unset' in condition;
    const read = referenceTo('unset' in condition ? condition.unset : condition.set, scope);
    return (trail) => read(trail).unset === wanted;
  }
  if ('featureGate' in condition) {
    return (_trail, context) => context.featureEnabled(condition.featureGate) === (condition.enabled ?? true);
  }
  if ('any' in condition) {
    const groups = condition.any.map((group) => all(group, scope));
    return (trail, context) => groups.some((holds) => holds(trail, context));
  }
  if ('all' in condition) return all(condition.all, scope);
  if ('noneSet' in condition) return nothingButName;
  if ('imageTag' in condition) {
    const read = referenceTo(condition.imageTag, scope);
    return (trail) => {
      const { value } = read(trail);
      return compare(imageTag(typeof value === 'string' ? value : ''), condition);
    };
  }
  const read = referenceTo(condition.path, scope);
  return (trail) => compare(read(trail).value, condition);
}

/** All conditions of a rule as one predicate; `undefined` when there are none. */
export function whenOf(conditions: readonly Condition[] | undefined, scope: RuleScope): Predicate | undefined {
  return conditions === undefined || conditions.length === 0 ? undefined : all(conditions, scope);
}
