/** ListOptions of list, watch and deletecollection (`apimachinery/pkg/apis/meta/internalversion/{types,validation}`). */
import { forbidden, notSupported, Path, type FieldError } from '@kubets/apimachinery/field';
import { parseFieldSelector, type FieldSelector } from '@kubets/apimachinery/fields';
import { parseSelector, type Selector } from '@kubets/apimachinery/labels';
import { newBadRequest } from '@kubets/apimachinery/status';
import type { ApiRequest } from '../../server/types.ts';
import type { Matcher, Selection } from '../../storage/selection.ts';
import { parseResourceVersion } from '../generic/metadata.ts';
import { boolParameter, integerParameter, textParameter } from './query.ts';
import type { ResourceScope } from './scope.ts';
import { invalidOptions } from './write-options.ts';

export interface ListOptions {
  readonly selection: Selection;
  /** Neither a label nor a field selector (a name counts as one). */
  readonly everything: boolean;
  /** As sent. */
  readonly resourceVersion: string;
  /** 0 for none, and for '0'. */
  readonly revision: number;
  readonly resourceVersionMatch: string;
  /** 0: all. */
  readonly limit: number;
  readonly continueToken: string;
  readonly allowWatchBookmarks: boolean;
  readonly sendInitialEvents: boolean | undefined;
  /** 0: none given. */
  readonly timeoutSeconds: number;
}

type Raw = Pick<ListOptions, 'resourceVersion' | 'resourceVersionMatch' | 'continueToken' | 'sendInitialEvents'>;

/** Throws 400 for what cannot be read, 422 for what contradicts itself. */
export function parseListOptions(scope: ResourceScope, request: ApiRequest): ListOptions {
  const { query, info } = request;
  const resourceVersion = textParameter(query, 'resourceVersion');
  const options = {
    resourceVersion,
    resourceVersionMatch: textParameter(query, 'resourceVersionMatch'),
    limit: Math.max(0, integerParameter(query, 'limit') ?? 0),
    continueToken: textParameter(query, 'continue'),
    allowWatchBookmarks: boolParameter(query, 'allowWatchBookmarks') ?? false,
    sendInitialEvents: boolParameter(query, 'sendInitialEvents'),
    timeoutSeconds: Math.max(0, integerParameter(query, 'timeoutSeconds') ?? 0),
  };
  const selection = selectionOf(scope, request);
  invalidOptions('ListOptions', info.verb === 'watch' ? watchErrors(options) : listErrors(options));
  const { labels, fields, name } = selection;
  const everything = labels === undefined && fields === undefined && name === '';
  return { ...options, selection, everything, revision: parseResourceVersion(resourceVersion) };
}

/** Also for deletecollection. Throws 400. */
export function selectionOf(scope: ResourceScope, request: ApiRequest): Selection {
  const { query, info } = request;
  const namespace = scope.info.namespaced ? info.namespace : '';
  if (query.size === 0 && info.name === '') return { namespace, name: '' };
  const labels = parsed(() => parseSelector(textParameter(query, 'labelSelector')));
  const fields = fieldSelectorOf(scope, textParameter(query, 'fieldSelector'));
  const name = fields.exactMatch('metadata.name') ?? info.name;
  if (info.name !== '' && name !== info.name) {
    throw newBadRequest("fieldSelector metadata.name doesn't match requested name");
  }
  return { namespace, name, labels: labelMatcher(labels), fields: fieldMatcher(fields) };
}

function parsed<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw newBadRequest(error instanceof Error ? error.message : String(error), error);
  }
}

/** Refuses fields that the kind does not select by (`runtime.DefaultMetaV1FieldSelectorConversion`). */
function fieldSelectorOf(scope: ResourceScope, text: string): FieldSelector {
  const selector = parsed(() => parseFieldSelector(text));
  const known = scope.strategy.selectableFieldNames;
  for (const { field } of selector.requirements) {
    if (field === 'metadata.name' || (field === 'metadata.namespace' && scope.info.namespaced)) continue;
    if (known.includes(field)) continue;
    throw newBadRequest(
      known.length > 0
        ? `field label not supported: ${field}`
        : `${JSON.stringify(field)} is not a known field selector: only "metadata.name", "metadata.namespace"`,
    );
  }
  return selector;
}

function labelMatcher(selector: Selector): Matcher | undefined {
  if (selector.empty) return undefined;
  for (const { key } of selector.requirements) {
    const value = selector.exactMatch(key);
    if (value !== undefined) return { matches: (labels) => selector.matches(labels), exact: { key, value } };
  }
  return selector;
}

/** A lone `metadata.name=x` is in the selection's name already. */
function fieldMatcher(selector: FieldSelector): Matcher | undefined {
  const rest = selector.requirements.filter((r) => r.field !== 'metadata.name' || r.operator !== '=');
  if (rest.length === 0 && selector.requirements.length <= 1) return undefined;
  const exact = rest.find((r) => r.operator === '=' && r.field !== 'metadata.namespace' && r.value !== '');
  return {
    matches: (fields) => selector.matches(fields),
    exact: exact && { key: exact.field, value: exact.value },
  };
}

const matchPath = Path.of('resourceVersionMatch');
const exact = 'Exact';
const notOlderThan = 'NotOlderThan';

function listErrors(options: Raw): FieldError[] {
  const errors: FieldError[] = [];
  const match = options.resourceVersionMatch;
  if (match !== '') {
    if (options.resourceVersion === '') {
      errors.push(forbidden(matchPath, 'resourceVersionMatch is forbidden unless resourceVersion is provided'));
    }
    if (options.continueToken !== '') {
      errors.push(forbidden(matchPath, 'resourceVersionMatch is forbidden when continue is provided'));
    }
    if (match !== exact && match !== notOlderThan) {
      errors.push(notSupported(matchPath, match, [exact, notOlderThan, '']));
    }
    if (match === exact && options.resourceVersion === '0') {
      errors.push(forbidden(matchPath, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'));
    }
  }
  if (options.sendInitialEvents !== undefined) {
    errors.push(forbidden(Path.of('sendInitialEvents'), 'sendInitialEvents is forbidden for list'));
  }
  return errors;
}

function watchErrors(options: Raw): FieldError[] {
  const errors: FieldError[] = [];
  const match = options.resourceVersionMatch;
  if (options.sendInitialEvents !== undefined && match !== notOlderThan) {
    errors.push(forbidden(matchPath, `sendInitialEvents requires setting resourceVersionMatch to ${notOlderThan}`));
  }
  if (match === '') return errors;
  if (options.sendInitialEvents === undefined) {
    errors.push(
      forbidden(matchPath, 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided'),
    );
  }
  if (match !== notOlderThan) errors.push(notSupported(matchPath, match, [notOlderThan]));
  if (options.continueToken !== '') {
    errors.push(forbidden(matchPath, 'resourceVersionMatch is forbidden when continue is provided'));
  }
  return errors;
}
