/**
 * The strategy most kinds share, and the pieces the others are put together from
 * (`apiserver/pkg/registry/rest/{create,update}.go`, `pkg/registry/<group>/<resource>/strategy.go`).
 */
import type { FieldError } from '@kubets/apimachinery/field';
import type { ApiObject } from '@kubets/apimachinery/meta';
import { nameIsDNSSubdomain } from '@kubets/apimachinery/names';
import type { Strategy, StrategyContext, UpdateStrategy } from '../strategy.ts';

import { semanticEqual } from './semantic-equal.ts';

export interface StrategyTraits {
  /** `metadata.generation` starts at 1 and grows with each change of the spec. */
  generation?: boolean;
  /**
   * The kind has a status: create resets it to this value (`{}`, or what Go writes for the zero status,
   * such as `{ replicas: 0 }`), a spec update keeps the old one, and there is a `status` subresource
   * unless `subresources.status` says otherwise.
   */
  status?: Readonly<Record<string, unknown>>;
}

const noErrors = (): FieldError[] => [];

/**
 * Makes a whole strategy of what differs from the usual: names are DNS subdomains, PUT does not create,
 * PUT without a resourceVersion overwrites, dependents are deleted in the background, no graceful
 * deletion, no selectable fields.
 *
 * With `generation` or `status`, their handling runs before the override of the same function, so an
 * override only adds to it.
 */
export function baseStrategy<T extends ApiObject = ApiObject>(
  overrides: Partial<Strategy<T>> & StrategyTraits = {},
): Strategy<T> {
  const { generation = false, status, prepareForCreate, prepareForUpdate, subresources, ...rest } = overrides;
  return {
    validate: noErrors,
    validateUpdate: noErrors,
    validateName: nameIsDNSSubdomain,
    allowCreateOnUpdate: false,
    allowUnconditionalUpdate: true,
    defaultGarbageCollection: 'background',
    selectableFieldNames: [],
    resetFields: status === undefined ? [] : ['status'],
    ...rest,
    subresources: status === undefined ? (subresources ?? {}) : { status: statusUpdateStrategy<T>(), ...subresources },
    prepareForCreate(context, obj) {
      if (status !== undefined) resetStatusOnCreate(obj, status);
      if (generation) obj.metadata.generation = 1;
      prepareForCreate?.(context, obj);
    },
    prepareForUpdate(context, obj, old) {
      if (status !== undefined) keepStatus(obj, old);
      prepareForUpdate?.(context, obj, old);
      if (generation) bumpGenerationOnSpecChange(obj, old);
    },
  };
}

/** Sets the status to its zero value, dropping what the client sent. */
export function resetStatusOnCreate(obj: ApiObject, zero: Readonly<Record<string, unknown>> = {}): void {
  obj['status'] = { ...zero };
}

/** Takes the status of `old`, dropping what the client sent. */
export function keepStatus(obj: ApiObject, old: Readonly<ApiObject>): void {
  if (old['status'] === undefined) delete obj['status'];
  else obj['status'] = old['status'];
}

/**
 * Keeps the old generation, plus one when any of the named top-level fields differs
 * (most kinds of upstream: `spec`; a few also look at labels or annotations and call this with their own answer).
 * The generic update has already set `metadata.generation` to the old value; a first deletion bumps it elsewhere.
 */
export function bumpGenerationOnSpecChange(
  obj: ApiObject,
  old: Readonly<ApiObject>,
  fields: readonly string[] = ['spec'],
): void {
  const before = old.metadata.generation ?? 0;
  const changed = fields.some((field) => !semanticEqual(obj[field], old[field]));
  const generation = changed ? before + 1 : before;
  if (generation === 0) delete obj.metadata.generation;
  else obj.metadata.generation = generation;
}

export interface StatusStrategyOptions<T extends ApiObject> {
  /** Runs after all but the status was taken from `old`. */
  prepareForUpdate?: (context: StrategyContext, obj: T, old: Readonly<T>) => void;
  validateUpdate?: (context: StrategyContext, obj: T, old: Readonly<T>) => FieldError[];
  warningsOnUpdate?: (context: StrategyContext, obj: T, old: Readonly<T>) => string[];
  /**
   * Labels, annotations, finalizers and owner references are the old ones too
   * (`meta/v1.ResetObjectMetaForStatus`). Default false, as in most kinds of upstream, where a status
   * update may carry changed labels and annotations.
   */
  keepMetadata?: boolean;
  /** Default `['spec']`, or `['spec', 'metadata']` with `keepMetadata`. */
  resetFields?: readonly string[];
  /** Top-level fields that this endpoint does take from the request, besides metadata. Default `['status']`. */
  takes?: readonly string[];
}

const keptMetadata = ['generation', 'labels', 'annotations', 'ownerReferences', 'finalizers'] as const;

/** The `status` endpoint: takes the status of the request, and everything else of the old object. */
export function statusUpdateStrategy<T extends ApiObject = ApiObject>(
  options: StatusStrategyOptions<T> = {},
): UpdateStrategy<T> {
  const { keepMetadata = false, takes = ['status'] } = options;
  const taken = new Set<string>(['kind', 'apiVersion', 'metadata', ...takes]);
  return {
    resetFields: options.resetFields ?? (keepMetadata ? ['spec', 'metadata'] : ['spec']),
    prepareForUpdate(context, obj, old) {
      takeOthersFromOld(obj, old, taken);
      if (keepMetadata) for (const field of keptMetadata) copyField(obj.metadata, old.metadata, field);
      options.prepareForUpdate?.(context, obj, old);
    },
    validateUpdate: options.validateUpdate ?? noErrors,
    ...(options.warningsOnUpdate && { warningsOnUpdate: options.warningsOnUpdate }),
  };
}

function takeOthersFromOld(obj: ApiObject, old: Readonly<ApiObject>, taken: ReadonlySet<string>): void {
  for (const field of Object.keys(obj)) if (!taken.has(field) && !(field in old)) delete obj[field];
  for (const field of Object.keys(old)) if (!taken.has(field)) (obj as Record<string, unknown>)[field] = old[field];
}

function copyField(to: object, from: object, field: string): void {
  const value = (from as Record<string, unknown>)[field];
  if (value === undefined) delete (to as Record<string, unknown>)[field];
  else (to as Record<string, unknown>)[field] = value;
}
