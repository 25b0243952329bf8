/**
 * Which form of an answer the client gets
 * (`apiserver/pkg/endpoints/handlers/negotiation/negotiate.go`; the header is read as
 * `munnerz/goautoneg` reads it).
 */
import { failure, type StatusError } from '@kubets/apimachinery/status';

export type MediaFormat = 'json' | 'yaml' | 'protobuf';

/** `as=…;v=…;g=meta.k8s.io` of an Accept clause. */
export interface Transform {
  readonly kind: 'Table' | 'PartialObjectMetadata' | 'PartialObjectMetadataList';
  readonly version: 'v1' | 'v1beta1';
}

export interface Negotiated {
  readonly format: MediaFormat;
  readonly transform: Transform | undefined;
  /** `pretty=1` as a parameter of the media type. */
  readonly pretty: boolean;
}

/** What an endpoint can offer. */
export type Offer =
  /** One object or list, with Tables and PartialObjectMetadata. */
  | 'object'
  /** The same without Tables: what implements no table convertor (reviews). */
  | 'untabled'
  /** A watch: the same, without YAML. */
  | 'stream'
  /** Objects that are never transformed: Status, discovery. */
  | 'plain';

interface Clause {
  readonly type: string;
  readonly subtype: string;
  readonly q: number;
  readonly params: ReadonlyMap<string, string>;
}

interface Offered {
  readonly format: MediaFormat;
  readonly subtype: string;
}

export const contentTypeOf: Readonly<Record<MediaFormat, string>> = {
  json: 'application/json',
  yaml: 'application/yaml',
  protobuf: 'application/vnd.kubernetes.protobuf',
};

const offered: readonly Offered[] = [
  { format: 'json', subtype: 'json' },
  { format: 'yaml', subtype: 'yaml' },
  { format: 'protobuf', subtype: 'vnd.kubernetes.protobuf' },
];

function parseParams(parts: readonly string[]): { q: number; params: Map<string, string> } {
  const params = new Map<string, string>();
  let q = 1;
  for (const part of parts) {
    const pair = part.split('=');
    if (pair.length !== 2 || pair[1] === '') continue;
    const name = (pair[0] ?? '').trim();
    const value = (pair[1] ?? '').trim();
    if (name === 'q') q = Number.parseFloat(value) || 0;
    else params.set(name, value);
  }
  return { q, params };
}

function parseClause(text: string): Clause | undefined {
  const [range = '', ...rest] = text.split(';');
  const [rawType = '', rawSubtype] = range.split('/');
  const type = rawType.trim();
  if (rawSubtype === undefined && type !== '*') return undefined;
  const subtype = rawSubtype === undefined ? '*' : rawSubtype.trim();
  return { type, subtype, ...parseParams(rest) };
}

/** Higher q first, then the more specific. No total order, as in goautoneg: hence the insertion sort below. */
function before(a: Clause, b: Clause): boolean {
  if (a.q > b.q) return true;
  if (a.type !== '*' && b.type === '*') return true;
  return a.subtype !== '*' && b.subtype === '*';
}

function parseAccept(header: string): Clause[] {
  const sorted: Clause[] = [];
  for (const text of header.split(',')) {
    const clause = parseClause(text.trim());
    if (clause === undefined) continue;
    let at = sorted.length;
    while (at > 0 && before(clause, sorted[at - 1] as Clause)) at--;
    sorted.splice(at, 0, clause);
  }
  return sorted;
}

function matches(clause: Clause, subtype: string): boolean {
  if (clause.type === '*') return clause.subtype === '*';
  return clause.type === 'application' && (clause.subtype === subtype || clause.subtype === '*');
}

const transformKinds: ReadonlySet<string> = new Set(['Table', 'PartialObjectMetadata', 'PartialObjectMetadataList']);

/** `undefined`: none asked for; `false`: one that is not to be had here. */
function transformOf(clause: Clause, format: MediaFormat, offer: Offer): Transform | undefined | false {
  const kind = clause.params.get('as');
  const group = clause.params.get('g');
  const version = clause.params.get('v');
  if (kind === undefined && group === undefined && version === undefined) return undefined;
  if (offer === 'plain' || group !== 'meta.k8s.io' || (version !== 'v1' && version !== 'v1beta1')) return false;
  if (kind === undefined || !transformKinds.has(kind)) return false;
  if (kind === 'Table' && (format === 'protobuf' || offer === 'untabled')) return false;
  return { kind: kind as Transform['kind'], version };
}

function accept(clause: Clause, offer: Offer, format: MediaFormat): Negotiated | undefined {
  const stream = clause.params.get('stream');
  if (stream !== undefined && (offer !== 'stream' || stream !== 'watch')) return undefined;
  const transform = transformOf(clause, format, offer);
  if (transform === false) return undefined;
  return { format, transform, pretty: clause.params.get('pretty') === '1' };
}

const fallback: Negotiated = { format: 'json', transform: undefined, pretty: false };

function negotiateUncached(header: string, offer: Offer): Negotiated | undefined {
  for (const clause of parseAccept(header)) {
    for (const { format, subtype } of offered) {
      if (!matches(clause, subtype)) continue;
      const chosen = accept(clause, offer, format);
      if (chosen !== undefined) return chosen;
    }
  }
  return undefined;
}

/** Clients send few different headers: remembered, up to a bound. */
const memory: Record<Offer, Map<string, Negotiated | undefined>> = {
  object: new Map(),
  untabled: new Map(),
  stream: new Map(),
  plain: new Map(),
};
const memoryLimit = 512;

/** `undefined`: nothing that the client accepts; answer {@link notAcceptable}. */
export function negotiate(header: string | undefined, offer: Offer): Negotiated | undefined {
  if (header === undefined || header === '') return fallback;
  const known = memory[offer];
  const hit = known.get(header);
  if (hit !== undefined || known.has(header)) return hit;
  const result = negotiateUncached(header, offer);
  if (known.size >= memoryLimit) known.clear();
  if (header.length <= 1024) known.set(header, result);
  return result;
}

/** The 406, listing what there is (`errNotAcceptable`). */
export function notAcceptable(offer: Offer): StatusError {
  const types =
    offer === 'stream'
      ? ['application/json;stream=watch', 'application/vnd.kubernetes.protobuf;stream=watch']
      : Object.values(contentTypeOf);
  return failure('NotAcceptable', `only the following media types are accepted: ${types.join(', ')}`);
}

/** Go's `strconv.ParseBool` for true. */
const trueWords: ReadonlySet<string> = new Set(['1', 't', 'T', 'TRUE', 'true', 'True']);

/**
 * Whether JSON is to be indented: `?pretty=`, else browsers and command-line HTTP tools get it
 * (`isPrettyPrint`).
 */
export function wantsPretty(rawQuery: string, query: { get(name: string): string | null }, userAgent: string): boolean {
  if (rawQuery.includes('pretty')) {
    const value = query.get('pretty');
    if (value !== null && value !== '') return trueWords.has(value);
  }
  return userAgent.startsWith('curl') || userAgent.startsWith('Wget') || userAgent.startsWith('Mozilla/5.0');
}
