/** Which objects of a resource a list or watch is about. */
import type { CacheEntry } from './cache-entry.ts';

/** A label or field selector, reduced to what the cache needs. */
export interface Matcher {
  matches(values: Readonly<Record<string, string>>): boolean;
  /** A requirement `key = value` that every match meets: lets an index narrow the search. */
  readonly exact?: { readonly key: string; readonly value: string } | undefined;
}

export interface Selection {
  /** '' for all namespaces, and for cluster-scoped resources. */
  readonly namespace: string;
  /** '' for all names. */
  readonly name: string;
  readonly labels?: Matcher | undefined;
  readonly fields?: Matcher | undefined;
}

const noLabels: Readonly<Record<string, string>> = {};

/** The selection as one function; `undefined` when everything matches. */
export function filterOf(selection: Selection): ((entry: CacheEntry) => boolean) | undefined {
  const { namespace, name, labels, fields } = selection;
  if (namespace === '' && name === '' && labels === undefined && fields === undefined) return undefined;
  return (entry) =>
    (namespace === '' || entry.namespace === namespace) &&
    (name === '' || entry.name === name) &&
    (labels === undefined || labels.matches(entry.labels ?? noLabels)) &&
    (fields === undefined || fields.matches(entry.fields));
}

/** The selectors alone, for entries already chosen by namespace; `undefined` when there are none. */
export function selectorFilter(selection: Selection): ((entry: CacheEntry) => boolean) | undefined {
  const { labels, fields, name } = selection;
  if (labels === undefined && fields === undefined && name === '') return undefined;
  return filterOf({ namespace: '', name, labels, fields });
}
