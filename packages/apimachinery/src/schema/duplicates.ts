/** Finds keys given twice in one object of a JSON text. Slow and exact; run only when key counts differ. */
import { join } from './diagnose.ts';
import { maxStrictErrors } from './decode-error.ts';
import type { Schema } from './types.ts';

/** Where the scanner is: `undefined` schema means that duplicates do not count here (open values, unknown fields). */
interface Position {
  readonly path: string;
  readonly schema: Schema | undefined;
}

function childOf(at: Position, key: string): Position {
  const path = join(at.path, key);
  const { schema } = at;
  if (schema?.kind === 'map') return { path, schema: schema.values };
  if (schema?.kind === 'object') {
    const field = schema.byName.get(key);
    return { path, schema: field?.schema ?? (schema.preserveUnknownFields ? { kind: 'any', name: '' } : undefined) };
  }
  return { path, schema: inOpen(schema) };
}

/** Inside open values of custom resources duplicates count; inside RawExtension and its like they do not. */
function inOpen(schema: Schema | undefined): Schema | undefined {
  return schema?.kind === 'any' && schema.name === '' ? schema : undefined;
}

function itemOf(at: Position, index: number): Position {
  return { path: `${at.path}[${index}]`, schema: at.schema?.kind === 'list' ? at.schema.items : inOpen(at.schema) };
}

/** Whether a key given twice matters: not inside open values, not for unknown fields. */
function isWatched(at: Position, child: Position): boolean {
  if (at.schema === undefined || (at.schema.kind === 'any' && at.schema.name !== '')) return false;
  return at.schema.kind !== 'object' || child.schema !== undefined;
}

/** A reader over valid JSON text. */
class Scanner {
  readonly #text: string;
  #at = 0;
  readonly found: string[] = [];

  constructor(text: string) {
    this.#text = text;
  }

  #peek(): string {
    while (/\s/.test(this.#text[this.#at] ?? '')) this.#at++;
    return this.#text[this.#at] ?? '';
  }

  #string(): string {
    const start = this.#at;
    let i = start + 1;
    while (this.#text[i] !== '"') i += this.#text[i] === '\\' ? 2 : 1;
    this.#at = i + 1;
    return JSON.parse(this.#text.slice(start, this.#at)) as string;
  }

  #scalar(): void {
    while (!',]} \t\r\n'.includes(this.#text[this.#at] ?? ',')) this.#at++;
  }

  value(at: Position): void {
    const c = this.#peek();
    if (c === '{') this.#object(at);
    else if (c === '[') this.#list(at);
    else if (c === '"') this.#string();
    else this.#scalar();
  }

  #object(at: Position): void {
    const seen = new Set<string>();
    this.#at++;
    while (this.#peek() !== '}') {
      if (this.#peek() === ',') this.#at++;
      if (this.#peek() !== '"') return;
      const key = this.#string();
      const child = childOf(at, key);
      if (seen.has(key) && isWatched(at, child)) this.#report(child.path);
      seen.add(key);
      this.#peek();
      this.#at++;
      this.value(child);
    }
    this.#at++;
  }

  #list(at: Position): void {
    this.#at++;
    for (let i = 0; this.#peek() !== ']'; i++) {
      if (this.#peek() === ',') this.#at++;
      this.value(itemOf(at, i));
      if (this.#peek() === '') return;
    }
    this.#at++;
  }

  #report(path: string): void {
    if (this.found.length < maxStrictErrors) this.found.push(`duplicate field ${JSON.stringify(path)}`);
  }
}

/** `duplicate field "spec.replicas"` for each known key given twice, in document order. `text` must be valid JSON. */
export function duplicateFields(text: string, schema: Schema): string[] {
  const scanner = new Scanner(text);
  scanner.value({ path: '', schema });
  return scanner.found;
}
