/** The text and the hash of what a revision holds (upstream `pkg/controller/history/controller_history.go`, `HashControllerRevision`). */

const goEscapes: Readonly<Record<string, string>> = {
  '<': '\\u003c',
  '>': '\\u003e',
  '&': '\\u0026',
  '\u2028': '\\u2028',
  '\u2029': '\\u2029',
};

const goString = (text: string): string =>
  JSON.stringify(text).replaceAll(/[<>&\u2028\u2029]/g, (character) => goEscapes[character] ?? character);

/**
 * JSON as Go writes a map: keys sorted, and what HTML would read as markup escaped. So the same template has the same text, and
 * the same hash, whoever wrote it.
 */
export function canonicalJson(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (typeof value === 'string') return goString(value);
  if (typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  const fields = value as Readonly<Record<string, unknown>>;
  const parts = Object.keys(fields)
    .filter((key) => fields[key] !== undefined)
    .toSorted()
    .map((key) => `${goString(key)}:${canonicalJson(fields[key])}`);
  return `{${parts.join(',')}}`;
}

const encoder = new TextEncoder();

/** FNV-1, 32 bits, over the UTF-8 of the text (Go's `fnv.New32`). */
export function fnv32(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of encoder.encode(text)) hash = Math.imul(hash, 0x01000193) ^ byte;
  return hash >>> 0;
}

/** Letters and digits that do not make words (`k8s.io/apimachinery/pkg/util/rand`, `SafeEncodeString`). */
const alphabet = 'bcdfghjklmnpqrstvwxz2456789';

/** The decimal digits of a hash, each as one safe character. */
export function safeEncode(hash: number): string {
  let text = '';
  for (const digit of String(hash)) text += alphabet.charAt(digit.charCodeAt(0) % alphabet.length);
  return text;
}

/** Of a revision's data, given as {@link canonicalJson}; the count of collisions keeps equal hashes of unequal data apart. */
export function hashRevisionData(data: string, collisionCount: number): string {
  return safeEncode(fnv32(data + String(collisionCount)));
}

/** `prefix-hash`, short enough for a name (`ControllerRevisionName`). */
export function revisionName(prefix: string, hash: string): string {
  return `${prefix.slice(0, 223)}-${hash}`;
}
