/**
 * Path elements: one step from an object to a part of it, in the spelling of FieldsV1
 * (structured-merge-diff `fieldpath/element.go`, `fieldpath/serialize-pe.go`).
 *
 * An element is its serialised string, so that it can be a key of a JSON object:
 * `f:replicas` a field, `k:{"name":"web"}` an item of a list map, `v:"x"` an item of a set, `i:3` an index.
 * Two elements are the same if and only if their strings are, as long as both are canonical
 * (made by the functions here, or passed through {@link canonicalElement}).
 */

/** A serialised path element. */
export type PathElement = string;

/** From the root to a field. */
export type FieldPath = readonly PathElement[];

const htmlCharacters = /[<>&\u2028\u2029]/g;
const needsEscaping = /[^\w .:/@+=,;\-!#$%()*?[\]^`{|}~']/;

function escapeCharacter(c: string): string {
  return `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** JSON as Go writes it, `<`, `>` and `&` escaped; scalars are the common case. */
export function valueJson(value: unknown): string {
  if (typeof value === 'string' && !needsEscaping.test(value)) return `"${value}"`;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return (JSON.stringify(value) ?? 'null').replaceAll(htmlCharacters, escapeCharacter);
}

export function fieldElement(name: string): PathElement {
  return `f:${name}`;
}

export function valueElement(value: unknown): PathElement {
  return `v:${valueJson(value)}`;
}

export function indexElement(index: number): PathElement {
  return `i:${index}`;
}

/** `names` must be sorted; `values` are in the same order. */
export function keyElement(names: readonly string[], values: readonly unknown[]): PathElement {
  let text = 'k:{';
  for (let i = 0; i < names.length; i++) {
    text += `${i > 0 ? ',' : ''}${valueJson(names[i])}:${valueJson(values[i])}`;
  }
  return `${text}}`;
}

type ParsedElement = unknown;
type KeyFields = readonly (readonly [string, unknown])[];

/** Bounded by clearing: what is in use comes back at once. */
const maxParsed = 20_000;
const parsed = new Map<PathElement, ParsedElement>();
const canonical = new Map<PathElement, PathElement>();

function remember<T>(cache: Map<PathElement, T>, element: PathElement, value: T): T {
  if (cache.size >= maxParsed) cache.clear();
  cache.set(element, value);
  return value;
}

function parseElement(element: PathElement): ParsedElement {
  if (parsed.has(element)) return parsed.get(element);
  const value: unknown = JSON.parse(element.slice(2));
  if (element.charCodeAt(0) !== 107) return remember(parsed, element, value);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new SyntaxError('expected an object');
  const fields: KeyFields = Object.entries(value).toSorted(([a], [b]) => compareText(a, b));
  return remember(parsed, element, fields);
}

/**
 * The canonical spelling of an element that came from outside (keys sorted, no white space).
 * `undefined` when the kind of element is unknown, which readers ignore; throws on malformed ones
 * (`DeserializePathElement`).
 */
export function canonicalElement(element: string): PathElement | undefined {
  if (element.length < 2) throw new SyntaxError('key must be 2 characters long:');
  if (element.charCodeAt(1) !== 58) throw new SyntaxError(`missing colon: ${element}`);
  const kind = element.charCodeAt(0);
  if (kind === 102) return element;
  if (kind !== 107 && kind !== 118 && kind !== 105) return undefined;
  const known = canonical.get(element);
  return known ?? remember(canonical, element, canonicalText(element, kind));
}

function canonicalText(element: string, kind: number): PathElement {
  if (kind === 105) {
    if (!/^i:[+-]?\d+$/.test(element))
      throw new SyntaxError(`strconv.Atoi: parsing ${element.slice(2)}: invalid syntax`);
    return indexElement(Number(element.slice(2)));
  }
  const value = parseElement(element);
  if (kind === 118) return valueElement(value);
  const fields = value as KeyFields;
  return keyElement(
    fields.map(([name]) => name),
    fields.map(([, v]) => v),
  );
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Numbers before strings before booleans before lists before maps before null (`value.Compare`). */
function typeRank(value: unknown): number {
  if (typeof value === 'number') return 0;
  if (typeof value === 'string') return 1;
  if (typeof value === 'boolean') return 2;
  if (Array.isArray(value)) return 3;
  return value === null || value === undefined ? 5 : 4;
}

/** A total order over JSON values (structured-merge-diff `value/value.go` Compare). */
export function compareValues(a: unknown, b: unknown): number {
  if (a === b) return 0;
  const ranks = typeRank(a) - typeRank(b);
  if (ranks !== 0) return ranks;
  if (typeof a === 'number') return a - (b as number);
  if (typeof a === 'string') return compareText(a, b as string);
  if (typeof a === 'boolean') return a ? 1 : -1;
  return compareText(JSON.stringify(a) ?? '', JSON.stringify(b) ?? '');
}

function compareKeys(a: KeyFields, b: KeyFields): number {
  for (let i = 0; ; i++) {
    const left = a[i];
    const right = b[i];
    if (left === undefined || right === undefined) return a.length - b.length;
    const order = compareText(left[0], right[0]) || compareValues(left[1], right[1]);
    if (order !== 0) return order;
  }
}

/** Fields, then keys, then values, then indexes. */
const kindRank: Readonly<Record<number, number>> = { 46: -1, 102: 0, 107: 1, 118: 2, 105: 3 };

/** The order in which FieldsV1 writes siblings (`PathElement.Compare`); `.` comes first. */
export function compareElements(a: PathElement, b: PathElement): number {
  if (a === b) return 0;
  const kind = a.charCodeAt(0);
  const other = b.charCodeAt(0);
  if (kind !== other) return (kindRank[kind] ?? 4) - (kindRank[other] ?? 4);
  if (kind === 102) return compareText(a, b);
  if (kind === 105) return Number(a.slice(2)) - Number(b.slice(2));
  if (kind === 107) return compareKeys(parseElement(a) as KeyFields, parseElement(b) as KeyFields);
  return compareValues(parseElement(a), parseElement(b));
}

/** `.name`, `[name="web"]`, `[="x"]` or `[3]`, as conflicts show it (`PathElement.String`). */
export function elementText(element: PathElement): string {
  switch (element.charCodeAt(0)) {
    case 102:
      return `.${element.slice(2)}`;
    case 107: {
      const fields = parseElement(element) as KeyFields;
      return `[${fields.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(',')}]`;
    }
    case 118:
      return `[=${JSON.stringify(parseElement(element))}]`;
    default:
      return `[${element.slice(2)}]`;
  }
}

/** `.spec.containers[name="web"].image`. */
export function pathText(path: FieldPath): string {
  let text = '';
  for (const element of path) text += elementText(element);
  return text;
}
