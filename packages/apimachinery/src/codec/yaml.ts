/**
 * YAML as `sigs.k8s.io/yaml` reads and writes it: YAML 1.1 scalars (`yes`, `on`, `0o17`, `1_000`), mapping keys
 * turned into strings, repeated keys detected, aliases limited.
 */
import {
  Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  parseDocument,
  type Node,
  type Tags,
  type ParsedNode,
  type YAMLMap,
} from 'yaml';
import { DecodeError } from '../schema/decode-error.ts';

/** Upstream caps alias expansion relative to the document; this many alias nodes resolve to at most that many values. */
const maxExpandedNodes = 1_000_000;
const maxDepth = 10_000;

export interface YamlResult {
  readonly value: unknown;
  /** `key "x" already set in map`, with its line, for each repeated key. The last value wins. */
  readonly duplicates: readonly string[];
}

interface Conversion {
  readonly document: Document.Parsed;
  readonly lineOf: (offset: number) => number;
  readonly duplicates: string[];
  /** Nodes visited through aliases too: bounds "billion laughs". */
  nodes: number;
  readonly open: Set<unknown>;
}

/** A YAML 1.1 scalar as the JSON key that sigs.k8s.io/yaml makes of it. */
function keyText(value: unknown): string {
  if (value === null) return 'null';
  return typeof value === 'string' ? value : String(value);
}

function scalarValue(value: unknown): unknown {
  if (value === undefined) return null;
  if (typeof value === 'bigint') return Number(value);
  // JSON has no way to write these; upstream refuses them when it marshals the converted document.
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new DecodeError(
      `error converting YAML to JSON: json: unsupported value: ${value > 0 ? '+Inf' : value < 0 ? '-Inf' : 'NaN'}`,
    );
  }
  return value instanceof Uint8Array ? new TextDecoder().decode(value) : value;
}

function mapValue(node: YAMLMap, conversion: Conversion, depth: number): Record<string, unknown> {
  const entries = new Map<string, unknown>();
  for (const pair of node.items) {
    const key = pair.key as Node | null;
    const text = keyText(key === null ? null : isScalar(key) ? key.value : convert(key, conversion, depth + 1));
    if (entries.has(text)) {
      const line = conversion.lineOf(key?.range?.[0] ?? 0);
      conversion.duplicates.push(`line ${line}: key ${JSON.stringify(text)} already set in map`);
    }
    entries.set(text, convert(pair.value as Node | null, conversion, depth + 1));
  }
  // fromEntries defines own properties, `__proto__` too.
  return Object.fromEntries(entries);
}

function convert(node: Node | null, conversion: Conversion, depth: number): unknown {
  if (++conversion.nodes > maxExpandedNodes) throw new DecodeError('yaml: document contains excessive aliasing');
  if (depth > maxDepth) throw new DecodeError('yaml: exceeded max depth');
  if (node === null || node === undefined) return null;
  if (isScalar(node)) return scalarValue(node.value);
  if (isAlias(node)) return aliasValue(node, conversion, depth);
  if (isSeq(node)) return node.items.map((item) => convert(item as Node | null, conversion, depth + 1));
  return isMap(node) ? mapValue(node, conversion, depth) : null;
}

function aliasValue(node: Node, conversion: Conversion, depth: number): unknown {
  const target = isAlias(node) ? node.resolve(conversion.document) : undefined;
  if (target === undefined) throw new DecodeError('yaml: unknown anchor referenced');
  if (conversion.open.has(target)) throw new DecodeError('yaml: anchor value contains itself');
  conversion.open.add(target);
  const value = convert(target as ParsedNode, conversion, depth);
  conversion.open.delete(target);
  return value;
}

function lineCounter(text: string): (offset: number) => number {
  return (offset) => text.slice(0, offset).split('\n').length;
}

/** go-yaml keeps timestamps as strings and knows no base-60 numbers. */
function goTags(tags: Tags): Tags {
  return tags.filter((tag) => typeof tag === 'string' || (tag.format !== 'TIME' && !tag.tag.endsWith(':timestamp')));
}

/** Only the first document counts, as in `yaml.Unmarshal`. */
function firstDocument(text: string): string {
  const end = /\n---(?:\s|$)|\n\.\.\.(?:\s|$)/.exec(text.replace(/^---.*/, (head) => ' '.repeat(head.length)));
  return end === null ? text : text.slice(0, end.index + 1);
}

/** Parses one YAML (or JSON) document. Throws {@link DecodeError} with `error converting YAML to JSON: yaml: …`. */
export function parseYaml(text: string): YamlResult {
  const lineOf = lineCounter(text);
  try {
    const document = parseDocument(firstDocument(text), {
      version: '1.1',
      customTags: goTags,
      uniqueKeys: false,
      merge: true,
      prettyErrors: false,
      logLevel: 'silent',
    });
    const [error] = document.errors;
    if (error !== undefined) {
      throw new DecodeError(`error converting YAML to JSON: yaml: line ${lineOf(error.pos[0])}: ${error.message}`, {
        cause: error,
      });
    }
    const conversion: Conversion = { document, lineOf, duplicates: [], nodes: 0, open: new Set() };
    return { value: convert(document.contents, conversion, 0), duplicates: conversion.duplicates };
  } catch (error) {
    if (error instanceof DecodeError) throw error;
    throw new DecodeError(
      `error converting YAML to JSON: yaml: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
}

/** The YAML of a JSON value, keys sorted, as the server answers `Accept: application/yaml`. */
export function encodeYaml(value: unknown): string {
  return new Document(value, { version: '1.1', sortMapEntries: true, aliasDuplicateObjects: false }).toString({
    lineWidth: 0,
    indentSeq: false,
  });
}
