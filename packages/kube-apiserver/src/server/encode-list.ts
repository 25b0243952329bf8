/** Lists as JSON: the entries' own bytes between a prefix and a suffix, nothing stringified. */
import { apiVersionOf, type GroupVersionKind, type ListMeta } from '@kubets/apimachinery/meta';
import type { CachedObject } from '../storage/cache.ts';
import type { ApiResult } from './types.ts';

export type ListResult = Extract<ApiResult, { type: 'list' }>;

/** The kind of the items, whether the result names it or the list's. */
export function itemKindOf(gvk: GroupVersionKind): string {
  return gvk.kind.endsWith('List') ? gvk.kind.slice(0, -4) : gvk.kind;
}

/** In the order of Go's ListMeta. */
export function listMetaOf(list: Pick<ListResult, 'resourceVersion' | 'continue' | 'remainingItemCount'>): ListMeta {
  const meta: ListMeta = {};
  if (list.resourceVersion !== '') meta.resourceVersion = list.resourceVersion;
  if (list.continue !== '') meta.continue = list.continue;
  if (list.remainingItemCount !== undefined) meta.remainingItemCount = list.remainingItemCount;
  return meta;
}

/**
 * Stored bytes begin with kind and apiVersion; the items of a typed list have neither
 * (they go without saying), those of custom resources keep them.
 */
function typePrefixOf(gvk: GroupVersionKind): Buffer {
  return Buffer.from(`{"kind":${JSON.stringify(itemKindOf(gvk))},"apiVersion":${JSON.stringify(apiVersionOf(gvk))},`);
}

/** Groups of Kubernetes itself end in `.k8s.io` or have no dot: their kinds are typed in Go. */
export function isTypedGroup(group: string): boolean {
  return !group.includes('.') || group.endsWith('.k8s.io');
}

function startsWith(bytes: Buffer, prefix: Buffer): boolean {
  return bytes.length > prefix.length && bytes.compare(prefix, 0, prefix.length, 0, prefix.length) === 0;
}

/** Large enough for few writes, small enough not to hold a second copy of a large list. */
const chunkBytes = 512 * 1024;

const openBrace = 0x7b;
const comma = 0x2c;
const closeBracket = 0x5d;
const closeBrace = 0x7d;

/** A list's JSON: its length at once, its bytes chunk by chunk. Each byte of an entry is copied once. */
export class ListBody {
  readonly size: number;
  readonly #head: Buffer;
  readonly #entries: readonly CachedObject[];
  /** Bytes of each entry that are left out; 0: it is taken whole. */
  readonly #cuts: Uint16Array;

  constructor(list: ListResult) {
    const { gvk, entries } = list;
    const kind = JSON.stringify(`${itemKindOf(gvk)}List`);
    const meta = JSON.stringify(listMetaOf(list));
    this.#head = Buffer.from(
      `{"kind":${kind},"apiVersion":${JSON.stringify(apiVersionOf(gvk))},"metadata":${meta},"items":[`,
    );
    this.#entries = entries;
    this.#cuts = new Uint16Array(entries.length);
    const prefix = isTypedGroup(gvk.group) ? typePrefixOf(gvk) : undefined;
    let size = this.#head.length + Math.max(0, entries.length - 1) + 2;
    for (let i = 0; i < entries.length; i++) {
      const { json } = entries[i] as CachedObject;
      // The opening brace goes with the prefix, and is written again.
      const cut = prefix !== undefined && startsWith(json, prefix) ? prefix.length - 1 : 0;
      this.#cuts[i] = cut;
      size += json.length - cut;
    }
    this.size = size;
  }

  /**
   * Entries larger than a chunk make a larger chunk. `next(true)` says that the chunk before has
   * been written out: its memory is used again.
   */
  *chunks(): Generator<Uint8Array, void, boolean | undefined> {
    let left = this.size;
    let chunk = Buffer.allocUnsafeSlow(Math.min(left, chunkBytes));
    let at = this.#head.copy(chunk);
    for (let i = 0; i < this.#entries.length; i++) {
      const { json } = this.#entries[i] as CachedObject;
      const cut = this.#cuts[i] as number;
      const needed = json.length - cut + 3;
      if (at + needed > chunk.length && at > 0 && at < left) {
        const reusable = (yield chunk.subarray(0, at)) === true;
        left -= at;
        const size = Math.min(left, Math.max(chunkBytes, needed));
        if (!reusable || chunk.length < size) chunk = Buffer.allocUnsafeSlow(size);
        at = 0;
      }
      if (i > 0) chunk[at++] = comma;
      if (cut > 0) chunk[at++] = openBrace;
      at += json.copy(chunk, at, cut === 0 ? 0 : cut + 1);
    }
    chunk[at++] = closeBracket;
    chunk[at++] = closeBrace;
    yield chunk.subarray(0, at);
  }
}
