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
  visit,
  type Alias,
  type CollectionTag,
  type Node,
  type Pair,
  type ScalarTag,
  type Tags,
  type YAMLMap,
} from 'yaml';
import { DecodeError } from '../schema/decode-error.ts';

/** Upstream caps what aliases expand to relative to the document; here it is a plain number of values. */
const maxExpandedNodes = 100_000;
const maxReportedDuplicates = 100;
const maxDepth = 10_000;

export interface YamlResult {
  readonly value: unknown;
  /** `key "x" already set in map`, with its line, for each repeated key. The last value wins. */
  readonly duplicates: readonly string[];
}

interface Conversion {
  readonly lineOf: (offset: number) => number;
  readonly duplicates: string[];
  /** The newest node of each anchor, as the document is read from top to bottom. */
  readonly anchors: Map<string, Node>;
  /** Nodes visited through aliases: bounds "billion laughs". */
  expanded: number;
  aliasDepth: number;
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

interface Entries {
  readonly own: Map<string, unknown>;
  /** What `<<` brings in: own keys win. */
  readonly merged: Map<string, unknown>;
}

function isMerge(key: Node | null): boolean {
  return isScalar(key) && (typeof key.value === 'symbol' || (key.value === '<<' && key.type === 'PLAIN'));
}

function mergeInto(merged: Map<string, unknown>, value: unknown): void {
  for (const source of Array.isArray(value) ? (value as unknown[]) : [value]) {
    if (typeof source !== 'object' || source === null || Array.isArray(source)) {
      throw new DecodeError(
        'error converting YAML to JSON: yaml: map merge requires map or sequence of maps as the value',
      );
    }
    for (const [key, item] of Object.entries(source)) if (!merged.has(key)) merged.set(key, item);
  }
}

function addPair(pair: Pair, entries: Entries, walk: { conversion: Conversion; depth: number }): void {
  const { conversion, depth } = walk;
  const key = pair.key as Node | null;
  const value = (): unknown => convert(pair.value as Node | null, conversion, depth + 1);
  if (isMerge(key)) {
    mergeInto(entries.merged, value());
    return;
  }
  const text = keyText(convert(key, conversion, depth + 1));
  if (entries.own.has(text) && conversion.duplicates.length < maxReportedDuplicates) {
    const line = conversion.lineOf(key?.range?.[0] ?? 0);
    conversion.duplicates.push(`line ${line}: key ${JSON.stringify(text)} already set in map`);
  }
  entries.own.set(text, value());
}

function mapValue(node: YAMLMap, conversion: Conversion, depth: number): Record<string, unknown> {
  const entries: Entries = { own: new Map(), merged: new Map() };
  for (const pair of node.items) addPair(pair, entries, { conversion, depth });
  // fromEntries defines own properties, `__proto__` too.
  return Object.fromEntries([...entries.merged, ...entries.own]);
}

function convert(node: Node | null, conversion: Conversion, depth: number): unknown {
  if (conversion.aliasDepth > 0 && ++conversion.expanded > maxExpandedNodes) {
    throw new DecodeError('error converting YAML to JSON: yaml: document contains excessive aliasing');
  }
  if (depth > maxDepth) throw new DecodeError('error converting YAML to JSON: yaml: exceeded max depth');
  if (node === null || node === undefined) return null;
  if (isAlias(node)) return aliasValue(node, conversion, depth);
  const { anchor } = node as { anchor?: string };
  if (anchor === undefined) return plainValue(node, conversion, depth);
  if (conversion.aliasDepth === 0) conversion.anchors.set(anchor, node);
  conversion.open.add(node);
  const value = plainValue(node, conversion, depth);
  conversion.open.delete(node);
  return value;
}

function plainValue(node: Node, conversion: Conversion, depth: number): unknown {
  if (isScalar(node)) return scalarValue(node.value);
  if (isSeq(node)) return node.items.map((item) => convert(item as Node | null, conversion, depth + 1));
  return isMap(node) ? mapValue(node, conversion, depth) : null;
}

function aliasValue(node: Alias, conversion: Conversion, depth: number): unknown {
  const target = conversion.anchors.get(node.source);
  if (target === undefined) {
    throw new DecodeError(`error converting YAML to JSON: yaml: unknown anchor '${node.source}' referenced`);
  }
  if (conversion.open.has(target)) {
    throw new DecodeError(`error converting YAML to JSON: yaml: anchor '${node.source}' value contains itself`);
  }
  conversion.aliasDepth++;
  const value = convert(target, conversion, depth + 1);
  conversion.aliasDepth--;
  return value;
}

function lineCounter(text: string): (offset: number) => number {
  return (offset) => text.slice(0, offset).split('\n').length;
}

/** go-yaml wants a digit in a number (`resolve.go`, `yamlStyleFloat`): the `.` of managed fields is a string. */
function goNumbers(tags: Tags): Tags {
  return tags.map((tag) => (typeof tag !== 'string' && isLooseFloat(tag) ? { ...tag, test: float } : tag));
}

function isLooseFloat(tag: ScalarTag | CollectionTag): tag is ScalarTag {
  return 'test' in tag && tag.tag === floatTag && tag.test?.test('.') === true;
}

const float = /^[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)$/;
const floatTag = 'tag:yaml.org,2002:float';

/** go-yaml keeps timestamps as strings and knows no base-60 numbers. */
function goTags(tags: Tags): Tags {
  return goNumbers(tags).filter(
    (tag) => typeof tag === 'string' || (tag.format !== 'TIME' && !tag.tag.endsWith(':timestamp')),
  );
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
    const conversion: Conversion = {
      lineOf,
      duplicates: [],
      anchors: new Map(),
      expanded: 0,
      aliasDepth: 0,
      open: new Set(),
    };
    return { value: convert(document.contents, conversion, 0), duplicates: conversion.duplicates };
  } catch (error) {
    if (error instanceof DecodeError) throw error;
    throw new DecodeError(
      `error converting YAML to JSON: yaml: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
}

/** Strings that would be read as something else, and those with control characters. */
function needsDoubleQuotes(text: string, document: Document): boolean {
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  if (text === '' || /[\u0000-\u0009\u000b-\u001f\u007f]/.test(text)) return true;
  return document.schema.tags.some((tag) => 'test' in tag && tag.default === true && tag.test?.test(text) === true);
}

/** The YAML of a JSON value, keys sorted, quoted as go-yaml does, as the server answers `Accept: application/yaml`. */
export function encodeYaml(value: unknown): string {
  const document = new Document(value, {
    version: '1.1',
    customTags: goNumbers,
    sortMapEntries: true,
    aliasDuplicateObjects: false,
  });
  visit(document, {
    Scalar(_key, node) {
      if (typeof node.value === 'string' && needsDoubleQuotes(node.value, document)) node.type = 'QUOTE_DOUBLE';
    },
  });
  return document.toString({ lineWidth: 0, indentSeq: false, singleQuote: true });
}
