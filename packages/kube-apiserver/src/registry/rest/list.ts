/**
 * Lists (`apiserver/pkg/storage/etcd3/store.go`, `GetList`; `storage/cacher/delegator.go`).
 *
 * The newest state comes from the watch cache, as it stands. Earlier states (the later pages of a
 * paged list, `resourceVersionMatch=Exact`) come from the cache while nothing has changed since, else
 * from the store's history.
 */
import { failure, newBadRequest, newResourceExpired } from '@kubets/apimachinery/status';
import { storageErrorCode, type StoredRecord } from '@kubets/etcd';
import type { ApiRequest, ApiResult } from '../../server/types.ts';
import type { CacheEntry } from '../../storage/cache-entry.ts';
import { selectorFilter } from '../../storage/selection.ts';
import { tooLargeResourceVersion } from '../../storage/watch-cache-directory.ts';
import { endOf } from '../../storage/watch-cache.ts';
import { decodeContinueToken, encodeContinueToken } from './continue-token.ts';
import { parseListOptions, type ListOptions } from './list-options.ts';
import { servedEntry } from './results.ts';
import type { ResourceScope } from './scope.ts';

/** One page, before it is made an answer. */
export interface Page {
  readonly entries: readonly CacheEntry[];
  readonly revision: number;
  readonly continueToken: string;
  readonly remaining: number | undefined;
}

/** Synchronous when the cache can answer. Throws 400, 410, 422, 504. */
export function listResource(scope: ResourceScope, request: ApiRequest): ApiResult | Promise<ApiResult> {
  const page = listPage(scope, parseListOptions(scope, request));
  return page instanceof Promise ? page.then((p) => listResult(scope, p)) : listResult(scope, page);
}

function listResult(scope: ResourceScope, page: Page): ApiResult {
  const { entries, revision, continueToken, remaining } = page;
  return {
    type: 'list',
    status: 200,
    gvk: scope.gvk,
    entries: scope.fromStorage === undefined ? entries : entries.map((entry) => servedEntry(scope, entry)),
    resourceVersion: String(revision),
    continue: continueToken,
    remainingItemCount: remaining,
  };
}

export function listPage(scope: ResourceScope, options: ListOptions): Page | Promise<Page> {
  if (options.continueToken !== '') return continuedPage(scope, options);
  if (isExact(options)) return exactPage(scope, options, options.revision, '');
  const { directory } = scope.environment;
  const ready = options.resourceVersion === '' ? directory.consistent() : directory.atLeast(options.revision);
  return ready === undefined ? newestPage(scope, options, '') : ready.then(() => newestPage(scope, options, ''));
}

/** A limit with a resourceVersion and no match means exactly that resourceVersion, for old clients. */
function isExact(options: ListOptions): boolean {
  const { resourceVersionMatch, limit, revision } = options;
  return revision > 0 && (resourceVersionMatch === 'Exact' || (resourceVersionMatch === '' && limit > 0));
}

function continuedPage(scope: ResourceScope, options: ListOptions): Page | Promise<Page> {
  if (options.revision !== 0) throw newBadRequest('specifying resource version is not allowed when using continue');
  const token = decodeContinueToken(options.continueToken, prefixOf(scope, options));
  if (token.revision > 0) return exactPage(scope, options, token.revision, token.start);
  const ready = scope.environment.directory.consistent();
  return ready === undefined
    ? newestPage(scope, options, token.start)
    : ready.then(() => newestPage(scope, options, token.start));
}

/** The keys of the list; tokens are relative to it. */
function prefixOf(scope: ResourceScope, options: ListOptions): string {
  const { prefix } = scope.store.cache.resource;
  const { namespace } = options.selection;
  return namespace === '' ? prefix : `${prefix}${namespace}/`;
}

function newestPage(scope: ResourceScope, options: ListOptions, start: string): Page {
  const { cache } = scope.store;
  const revision = cache.revision;
  const found = cache.select(options.selection);
  const from = start === '' ? found : found.slice(firstAtOrAfter(found, start));
  // With resourceVersion 0 the whole state is cheaper than a page of it: upstream ignores the limit.
  const limit = options.resourceVersion === '0' && start === '' ? 0 : options.limit;
  if (limit === 0 || from.length <= limit) return { entries: from, revision, continueToken: '', remaining: undefined };
  const entries = from.slice(0, limit);
  return {
    entries,
    revision,
    continueToken: nextToken(scope, options, entries.at(-1)?.key ?? '', revision),
    remaining: options.everything ? from.length - limit : undefined,
  };
}

function nextToken(scope: ResourceScope, options: ListOptions, lastKey: string, revision: number): string {
  return encodeContinueToken({ revision, start: `${lastKey}\0` }, prefixOf(scope, options));
}

function firstAtOrAfter(entries: readonly CacheEntry[], key: string): number {
  const at = entries.findIndex((entry) => entry.key >= key);
  return at < 0 ? entries.length : at;
}

/** The state of one revision, from `start` on ('' from the beginning). */
function exactPage(scope: ResourceScope, options: ListOptions, revision: number, start: string): Page | Promise<Page> {
  const { cache } = scope.store;
  const ready = scope.environment.directory.atLeast(revision);
  if (ready !== undefined) return ready.then(() => exactPage(scope, options, revision, start));
  if (cache.changedAt <= revision) return { ...retokened(scope, options, start, revision) };
  return storedPage(scope, options, revision, start);
}

/** The cache's state is also that of the earlier revision. */
function retokened(scope: ResourceScope, options: ListOptions, start: string, revision: number): Page {
  const page = newestPage(scope, options, start);
  const last = page.entries.at(-1);
  if (page.continueToken === '' || last === undefined) return { ...page, revision };
  return { ...page, revision, continueToken: nextToken(scope, options, last.key, revision) };
}

async function storedPage(scope: ResourceScope, options: ListOptions, revision: number, start: string): Promise<Page> {
  try {
    return await readPage(scope, options, revision, start);
  } catch (error) {
    switch (storageErrorCode(error)) {
      case 'compacted':
        throw expired(scope, options, start);
      case 'future-revision':
        throw tooLargeResourceVersion(revision, scope.environment.directory.revision);
      default:
        throw error;
    }
  }
}

/** How many records are read at once when a selector may drop most of them. */
const chunkSize = 1_000;

async function readPage(scope: ResourceScope, options: ListOptions, revision: number, start: string): Promise<Page> {
  const { storage } = scope.environment;
  const { limit, everything } = options;
  const prefix = prefixOf(scope, options);
  const entries: CacheEntry[] = [];
  const filter = selectorFilter(options.selection);
  let from = start === '' ? prefix : start;
  for (;;) {
    const size = everything && limit > 0 ? limit : chunkSize;
    const range = await storage.range(from, endOf(prefix), { revision, limit: size });
    for (const [i, record] of range.records.entries()) {
      const entry = entryOf(scope, record);
      if (filter === undefined || filter(entry)) entries.push(entry);
      const last = i === range.records.length - 1 && !range.more;
      if (limit > 0 && entries.length === limit && !last) {
        const remaining = everything ? range.count - i - 1 : undefined;
        return { entries, revision, continueToken: nextToken(scope, options, record.key, revision), remaining };
      }
    }
    const end = range.records.at(-1);
    if (!range.more || end === undefined) return { entries, revision, continueToken: '', remaining: undefined };
    from = `${end.key}\0`;
  }
}

/** The cached entry when it is this very state, so that its bytes are shared. */
function entryOf(scope: ResourceScope, record: StoredRecord): CacheEntry {
  const { cache } = scope.store;
  const cached = cache.byKey(record.key);
  if (cached?.resourceVersion === record.modRevision) return cached;
  return cache.entry(record.key, record.value, record.modRevision);
}

const continueExpired =
  'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.';

/** 410; a paged list gets a token to go on with, at the newest state (`etcd3/errors.go`, `handleCompactedErrorForPaging`). */
function expired(scope: ResourceScope, options: ListOptions, start: string): Error {
  if (start === '') return newResourceExpired('The resourceVersion for the provided list is too old.');
  const error = failure('Expired', continueExpired);
  error.status.metadata.continue = encodeContinueToken({ revision: -1, start }, prefixOf(scope, options));
  return error;
}
