/**
 * Checks that an applied configuration has the shape of its type (structured-merge-diff `typed/validate.go`):
 * no unknown fields, right JSON types, list items with their keys and no two of the same.
 */
import type { ListSchema, ScalarSchema, Schema } from '../schema/types.ts';
import { elementText, fieldElement, indexElement, type PathElement } from './path-element.ts';
import {
  elementOfItem,
  deduced,
  isAtomic,
  isJsonObject,
  itemProblem,
  planOfList,
  planOfObject,
  valueSchemaOf,
  type JsonObject,
} from './schema-plan.ts';

/** One line per problem, e.g. `.spec.foo: field not declared in schema`; empty when the value fits. */
export function validateApplied(value: unknown, schema: Schema): string[] {
  const problems: string[] = [];
  check(value, schema, '', problems);
  return problems;
}

/** Several problems as upstream prints them (`typed/helpers.go` ValidationErrors.Error). */
export function problemsText(problems: readonly string[]): string {
  return problems.length === 1 ? (problems[0] ?? '') : ['errors:', ...problems.map((p) => `  ${p}`)].join('\n');
}

function report(problems: string[], path: string, text: string): void {
  problems.push(path === '' ? text : `${path}: ${text}`);
}

function check(value: unknown, schema: Schema, path: string, problems: string[]): void {
  if (value === null || value === undefined) return;
  switch (schema.kind) {
    case 'any':
      return;
    case 'scalar': {
      const problem = scalarProblem(value, schema);
      if (problem !== '') report(problems, path, problem);
      return;
    }
    case 'list':
      if (Array.isArray(value)) checkList(value, schema, path, problems);
      else report(problems, path, `expected list, got &{${goText(value)}}`);
      return;
    case 'map':
    case 'object':
      if (isJsonObject(value)) checkMap(value, schema, path, problems);
      else report(problems, path, `expected map, got &{${goText(value)}}`);
  }
}

function checkMap(
  value: JsonObject,
  schema: Schema & { kind: 'map' | 'object' },
  path: string,
  problems: string[],
): void {
  for (const key in value) {
    const below = path + elementText(fieldElement(key));
    if (schema.kind === 'map') {
      check(value[key], valueSchemaOf(schema, value[key]), below, problems);
      continue;
    }
    const field = planOfObject(schema).byName.get(key);
    if (field !== undefined) check(value[key], field.schema, below, problems);
    else if (schema.preserveUnknownFields) check(value[key], deduced(value[key]), below, problems);
    else report(problems, below, 'field not declared in schema');
  }
}

function checkList(list: readonly unknown[], schema: ListSchema, path: string, problems: string[]): void {
  const atomic = isAtomic(schema);
  const plan = planOfList(schema);
  const seen = new Set<PathElement>();
  for (const [i, item] of list.entries()) {
    const element = atomic ? indexElement(i) : elementOfItem(plan, item);
    if (element === undefined) {
      // Deeper problems could not even be named.
      report(problems, path, `element ${i}: ${itemProblem(plan, item)}`);
      return;
    }
    if (seen.has(element)) report(problems, path, `duplicate entries for key ${elementText(element)}`);
    seen.add(element);
    check(item, schema.items, path + elementText(element), problems);
  }
}

function scalarProblem(value: unknown, schema: ScalarSchema): string {
  if (schema.format === 'quantity' || schema.format === 'int-or-string') {
    return typeof value === 'object' ? `expected any scalar, got &{${goText(value)}}` : '';
  }
  switch (schema.type) {
    case 'string':
      return typeof value === 'string' ? '' : `expected string, got &value.valueUnstructured{Value:${goSyntax(value)}}`;
    case 'boolean':
      return typeof value === 'boolean' ? '' : `expected boolean, got &{${goText(value)}}`;
    case 'integer':
    case 'number':
      return typeof value === 'number' ? '' : 'expected numeric (int or float), got *value.valueUnstructured';
  }
}

/** Go's `%v` of a JSON value: `map[a:1 b:2]`, `[x y]`. */
function goText(value: unknown): string {
  if (value === null) return '<nil>';
  if (Array.isArray(value)) return `[${value.map(goText).join(' ')}]`;
  if (!isJsonObject(value)) return String(value);
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `map[${entries.map(([k, v]) => `${k}:${goText(v)}`).join(' ')}]`;
}

/** Go's `%#v` of a JSON value. */
function goSyntax(value: unknown): string {
  if (Array.isArray(value)) return `[]interface {}{${value.map(goSyntax).join(', ')}}`;
  if (isJsonObject(value)) {
    const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
    return `map[string]interface {}{${entries.map(([k, v]) => `${JSON.stringify(k)}:${goSyntax(v)}`).join(', ')}}`;
  }
  return JSON.stringify(value) ?? 'interface {}(nil)';
}
