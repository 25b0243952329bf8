/** Lists as JSON: the entries' own bytes between a prefix and a suffix, nothing stringified. */
import { apiVersionOf, type GroupVersionKind, type ListMeta } from '@kubets/apimachinery/meta';
import type { CachedObject } from '../storage/cache.ts';
import type { ApiResult } from './types.ts';

export type ListResult = Extract<ApiResult, { type: 'list' }>;

const comma = Buffer.from(',');
const open = Buffer.from('{');
const suffix = Buffer.from(']}');

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

function pushItem(pieces: Uint8Array[], json: Buffer, prefix: Buffer | undefined): void {
  if (prefix !== undefined && startsWith(json, prefix)) pieces.push(open, json.subarray(prefix.length));
  else pieces.push(json);
}

/** The pieces of the list's JSON, to be written one after the other. */
export function encodeListPieces(list: ListResult): Uint8Array[] {
  const { gvk, entries } = list;
  const kind = JSON.stringify(`${itemKindOf(gvk)}List`);
  const head = `{"kind":${kind},"apiVersion":${JSON.stringify(apiVersionOf(gvk))},"metadata":${JSON.stringify(listMetaOf(list))},"items":[`;
  const pieces: Uint8Array[] = [Buffer.from(head)];
  const prefix = isTypedGroup(gvk.group) ? typePrefixOf(gvk) : undefined;
  for (let i = 0; i < entries.length; i++) {
    if (i > 0) pieces.push(comma);
    pushItem(pieces, (entries[i] as CachedObject).json, prefix);
  }
  pieces.push(suffix);
  return pieces;
}
