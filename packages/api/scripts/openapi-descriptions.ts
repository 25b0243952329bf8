/**
 * Takes the descriptions of types, fields and parameters from the doc comments of the installed
 * `@kubernetes/client-node` and writes them to `dist/openapi-descriptions.json`, which is never committed:
 * `node packages/api/scripts/openapi-descriptions.ts`. Without that file the OpenAPI documents have no
 * descriptions.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { definitionOf } from '../src/openapi/definitions.ts';
import { allTypeIds, openapiName } from '../src/schema-table.ts';

interface Descriptions {
  /** Type name to the description of the type (`''`) and of its fields. */
  types: Record<string, Record<string, string>>;
  parameters: Record<string, string>;
}

const client = dirname(createRequire(import.meta.url).resolve('@kubernetes/client-node'));
const models = join(client, 'gen/models');
const defaultFile = join(import.meta.dirname, '../../../dist/openapi-descriptions.json');

/** Published types that are not in the schema tables. */
const otherTypes = ['io.k8s.apimachinery.pkg.version.Info'];

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** The client prefixes a class with its group only where two groups have a type of that name. */
function candidates(typeName: string): string[] {
  const labels = typeName.split('.');
  const kind = labels.at(-1) ?? '';
  const version = capital(labels.at(-2) ?? '');
  const group = capital(labels.at(-3) ?? '');
  return [`${group}${version}${kind}`, `${version}${kind}`];
}

function unescape(text: string): string {
  const plain = text
    .replaceAll(/\\?&#39;/g, "'")
    .replaceAll('&quot;', '"')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>');
  return plain.replaceAll('&amp;', '&').replaceAll('*_/', '*/').replaceAll(/\\(.)/g, '$1').trim();
}

function comment(lines: readonly string[]): string {
  return unescape(lines.map((line) => line.replace(/^\s*\* ?/, '')).join('\n'));
}

/** The JSON names of a class, where they differ from its property names. */
function baseNames(className: string): Map<string, string> {
  const text = readFileSync(join(models, `${className}.js`), 'utf8');
  const pairs = text.matchAll(/"name":\s*"([^"]*)",\s*"baseName":\s*"([^"]*)"/g);
  return new Map([...pairs].map((m) => [m[1] ?? '', m[2] ?? '']));
}

/** Walks the lines of a `.d.ts`: a comment belongs to the class or property right behind it. */
function describe(className: string): Record<string, string> {
  const names = baseNames(className);
  const out: Record<string, string> = {};
  let block: string[] | undefined;
  let last: string[] = [];
  for (const line of readFileSync(join(models, `${className}.d.ts`), 'utf8').split('\n')) {
    if (/^\s*\/\*\*/.test(line)) block = [];
    else if (/^\s*\*\/\s*$/.test(line)) {
      last = block ?? [];
      block = undefined;
    } else if (block !== undefined) block.push(line);
    else {
      const property = /^ {4}'([^']+)'\??:/.exec(line)?.[1];
      const key = line.startsWith('export declare class ') ? '' : property && (names.get(property) ?? property);
      if (key !== undefined && last.length > 0) out[key] = comment(last);
      last = [];
      if (/^ {4}static /.test(line)) break;
    }
  }
  return out;
}

function parameters(): Record<string, string> {
  const out: Record<string, string> = {};
  for (const api of ['CoreV1Api', 'AppsV1Api']) {
    const text = readFileSync(join(client, `gen/apis/${api}.d.ts`), 'utf8');
    for (const [, name = '', description = ''] of text.matchAll(/^ {5}\* @param (\w+) (\S.*)$/gm)) {
      out[name === '_continue' ? 'continue' : name] ??= unescape(description);
    }
  }
  return out;
}

/** Writes the file, and says for how many types there were descriptions and for which kinds there were none. */
export function writeDescriptions(file: string = defaultFile): { described: number; undescribed: string[] } {
  const known = new Set(readdirSync(models).map((name) => name.split('.')[0] ?? ''));
  const result: Descriptions = { types: {}, parameters: parameters() };
  const missing: string[] = [];
  for (const name of [...allTypeIds().map(openapiName), ...otherTypes]) {
    const className = candidates(name).find((c) => known.has(c));
    if (className === undefined) missing.push(name);
    else result.types[name] = describe(className);
  }
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify(result));
  const isKind = (name: string): boolean => definitionOf(name)?.gvk !== undefined && name.startsWith('io.k8s.api.');
  return { described: Object.keys(result.types).length, undescribed: missing.filter(isKind) };
}

if (import.meta.main) {
  const { described, undescribed } = writeDescriptions();
  console.log(`${described} types described; kinds without a description: ${undescribed.join(', ') || 'none'}`);
}
