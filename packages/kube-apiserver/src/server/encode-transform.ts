/**
 * Tables and PartialObjectMetadata (`apiserver/pkg/endpoints/handlers/response.go`:
 * `asTable`, `asPartialObjectMetadata`, `asPartialObjectMetadataList`).
 */
import type { ApiObject, GroupVersionKind } from '@kubets/apimachinery/meta';
import { newBadRequest } from '@kubets/apimachinery/status';
import type { CachedObject } from '../storage/cache.ts';
import type { EncodeEnvironment } from './encode-environment.ts';
import { itemKindOf, listMetaOf } from './encode-list.ts';
import { notAcceptable, type Transform } from './negotiate.ts';
import type { ApiRequest, ApiResult } from './types.ts';

type ObjectResult = Extract<ApiResult, { type: 'cached' | 'object' | 'list' }>;

export type IncludeObject = 'None' | 'Metadata' | 'Object';

export interface TransformTask {
  readonly result: ObjectResult;
  readonly transform: Transform;
}

/** `includeObject` of TableOptions (`validateTableOptions`). */
export function includeObjectOf(request: ApiRequest): IncludeObject {
  const value = request.query.get('includeObject') ?? '';
  if (value === '' || value === 'Metadata') return 'Metadata';
  if (value === 'None' || value === 'Object') return value;
  throw newBadRequest(`unrecognized includeObject value: "${value}"`);
}

function partial(object: Readonly<ApiObject>, version: string): object {
  return { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${version}`, metadata: object.metadata };
}

function rowObject(object: Readonly<ApiObject>, include: IncludeObject, version: string): object | null {
  if (include === 'None') return null;
  return include === 'Object' ? object : partial(object, version);
}

export interface TableTask {
  readonly gvk: GroupVersionKind;
  readonly objects: readonly Readonly<ApiObject>[];
  readonly metadata: object;
  readonly include: IncludeObject;
  readonly version: string;
  readonly headers: boolean;
}

/** Columns and rows of some objects. Throws 406 for a kind that cannot be shown as a table. */
export function tableOf(environment: EncodeEnvironment, task: TableTask): object {
  const printer = environment.codecs.printerFor({ ...task.gvk, kind: itemKindOf(task.gvk) });
  if (printer === undefined) throw notAcceptable('object');
  const now = environment.clock.now();
  return {
    kind: 'Table',
    apiVersion: `meta.k8s.io/${task.version}`,
    metadata: task.metadata,
    columnDefinitions: task.headers ? printer.columns : null,
    rows: task.objects.flatMap((object) => {
      const shown = rowObject(object, task.include, task.version);
      return printer.rows(object, now).map((row) => ({ ...row, object: shown }));
    }),
  };
}

function objectsOf(result: ObjectResult): readonly Readonly<ApiObject>[] {
  switch (result.type) {
    case 'cached':
      return [result.entry.object];
    case 'object':
      return [result.object as ApiObject];
    case 'list':
      return result.entries.map((entry: CachedObject) => entry.object);
    default:
      return result satisfies never;
  }
}

function metadataOf(result: ObjectResult): object {
  if (result.type === 'list') return listMetaOf(result);
  const object = result.type === 'cached' ? result.entry.object : (result.object as ApiObject);
  const resourceVersion = object.metadata?.resourceVersion;
  return resourceVersion === undefined ? {} : { resourceVersion };
}

function table(environment: EncodeEnvironment, request: ApiRequest, task: TransformTask): object {
  const { result, transform } = task;
  if (result.gvk === undefined) throw notAcceptable('object');
  return tableOf(environment, {
    gvk: result.gvk,
    objects: objectsOf(result),
    metadata: metadataOf(result),
    include: includeObjectOf(request),
    version: transform.version,
    headers: true,
  });
}

function partialMetadata(result: ObjectResult, transform: Transform): object {
  const wantsList = transform.kind === 'PartialObjectMetadataList';
  if (wantsList !== (result.type === 'list')) throw notAcceptable('object');
  const [first] = objectsOf(result);
  if (result.type !== 'list') return partial(first as ApiObject, transform.version);
  return {
    kind: 'PartialObjectMetadataList',
    apiVersion: `meta.k8s.io/${transform.version}`,
    metadata: listMetaOf(result),
    items: objectsOf(result).map((object) => partial(object, transform.version)),
  };
}

/** The result in the form asked for. */
export function encodeTransformed(
  environment: EncodeEnvironment,
  request: ApiRequest,
  task: TransformTask,
): Extract<ApiResult, { type: 'object' }> {
  const { result, transform } = task;
  const object = transform.kind === 'Table' ? table(environment, request, task) : partialMetadata(result, transform);
  const gvk = { group: 'meta.k8s.io', version: transform.version, kind: transform.kind };
  return { type: 'object', status: result.status, object, gvk };
}
