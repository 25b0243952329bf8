/** DELETE of one object and of collections (`apiserver/pkg/endpoints/handlers/delete.go`). */
import { parseYaml } from '@kubets/apimachinery/codec/yaml';
import type { ApiObject } from '@kubets/apimachinery/meta';
import { newBadRequest } from '@kubets/apimachinery/status';
import { validateDeleteOptions } from '@kubets/apimachinery/validation-options';
import type { ApiRequest, ApiResult, RequestBody } from '../../server/types.ts';
import type { DeleteOptions } from '../generic/delete-options.ts';
import { deletedStatus, deleteObject, type DeleteResult, type DeleteValidation } from '../generic/store-delete.ts';
import { WriteContext } from '../generic/write-context.ts';
import { Attributes } from './attributes.ts';
import { bodyOf } from './decode.ts';
import { boolParameter, integerParameter } from './query.ts';
import { entryResult, objectResult } from './results.ts';
import type { ResourceScope } from './scope.ts';
import { invalidOptions } from './write-options.ts';

export async function deleteResource(scope: ResourceScope, request: ApiRequest): Promise<ApiResult> {
  const options = await deleteOptionsOf(request);
  const context = new WriteContext(scope.environment, request, (options.dryRun?.length ?? 0) > 0);
  const { name } = request.info;
  const validate = deleteValidation(scope, context, name, options);
  const result = await deleteObject(scope.store, context, { name, options, validate });
  return deleteResult(scope, result, options);
}

/** The admission of a deletion: both phases, with the object as it is. */
export function deleteValidation(
  scope: ResourceScope,
  context: WriteContext,
  name: string,
  options: DeleteOptions,
): DeleteValidation {
  const { chain } = scope.environment;
  const sent = { kind: 'DeleteOptions', apiVersion: 'meta.k8s.io/v1', ...options };
  return (oldObject) => {
    const attributes = new Attributes(scope, context, { operation: 'DELETE', name, oldObject, options: sent });
    const admitted = chain.admit(attributes);
    return admitted === undefined ? chain.validate(attributes) : admitted.then(() => chain.validate(attributes));
  };
}

/** 202 when the object stays for now and the client asked for `orphanDependents=false`; that is how old clients know it. */
function deleteResult(scope: ResourceScope, result: DeleteResult, options: DeleteOptions): ApiResult {
  const status = !result.deleted && options.orphanDependents === false ? 202 : 200;
  if (result.deleted) return goneResult(scope, result.object, status);
  return result.result.type === 'entry'
    ? entryResult(scope, result.result.entry, status)
    : objectResult(scope, result.result.object, status);
}

function goneResult(scope: ResourceScope, object: Readonly<ApiObject>, status: number): ApiResult {
  if (scope.store.options.returnDeletedObject === true) return objectResult(scope, object, status);
  return { type: 'object', status, object: deletedStatus(scope.store, object) };
}

/** From the body, else from the query. Throws 400, 422. */
export async function deleteOptionsOf(request: ApiRequest): Promise<DeleteOptions> {
  const body = await bodyOf(request);
  const sent = optionsOfBody(body);
  const options = sent ?? optionsOfQuery(request.query);
  // kubectl and others send dryRun both ways.
  if (options.dryRun === undefined && request.query.has('dryRun')) options.dryRun = request.query.getAll('dryRun');
  invalidOptions('DeleteOptions', validateDeleteOptions({ ...options, dryRun: options.dryRun ?? [] }));
  return options;
}

function optionsOfQuery(query: URLSearchParams): DeleteOptions {
  const options: DeleteOptions = {};
  if (query.size === 0) return options;
  const gracePeriodSeconds = integerParameter(query, 'gracePeriodSeconds');
  if (gracePeriodSeconds !== undefined) options.gracePeriodSeconds = gracePeriodSeconds;
  const orphanDependents = boolParameter(query, 'orphanDependents');
  if (orphanDependents !== undefined) options.orphanDependents = orphanDependents;
  const propagationPolicy = query.get('propagationPolicy');
  if (propagationPolicy !== null) options.propagationPolicy = propagationPolicy;
  return options;
}

function optionsOfBody(body: RequestBody): DeleteOptions | undefined {
  if (body.type === 'none') return undefined;
  if (body.type === 'object') return readOptions(body.object);
  if (body.bytes.length === 0) return undefined;
  return readOptions(parseBody(body.bytes, body.contentType));
}

function parseBody(bytes: Buffer, contentType: string): unknown {
  const text = bytes.toString();
  try {
    return contentType.includes('yaml') ? parseYaml(text).value : JSON.parse(text);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw newBadRequest(`couldn't get version/kind; json parse error: ${why}`, error);
  }
}

function bad(field: string, type: string): Error {
  return newBadRequest(
    `DeleteOptions in version "v1" cannot be handled as a DeleteOptions: json: cannot unmarshal into Go struct field DeleteOptions.${field} of type ${type}`,
  );
}

function typed<T>(value: unknown, type: string, name: string, goType: string): T | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== type) throw bad(name, goType);
  return value as T;
}

/** Accepts DeleteOptions of `v1`, of `meta.k8s.io/v1` and of any group's version, as upstream does. */
function readOptions(value: unknown): DeleteOptions {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw bad('', 'v1.DeleteOptions');
  const raw = value as Record<string, unknown>;
  const kind = typed<string>(raw['kind'], 'string', 'kind', 'string') ?? 'DeleteOptions';
  if (kind !== 'DeleteOptions') {
    throw newBadRequest(`decoded object cannot be converted to DeleteOptions`);
  }
  const grace = typed<number>(raw['gracePeriodSeconds'], 'number', 'gracePeriodSeconds', 'int64');
  if (grace !== undefined && !Number.isInteger(grace)) throw bad('gracePeriodSeconds', 'int64');
  const { dryRun } = raw;
  if (dryRun !== undefined && dryRun !== null && !isStrings(dryRun)) throw bad('dryRun', '[]string');
  return {
    gracePeriodSeconds: grace,
    preconditions: readPreconditions(raw['preconditions']),
    orphanDependents: typed<boolean>(raw['orphanDependents'], 'boolean', 'orphanDependents', 'bool'),
    propagationPolicy: typed<string>(raw['propagationPolicy'], 'string', 'propagationPolicy', 'v1.DeletionPropagation'),
    dryRun: (dryRun as string[] | null | undefined) ?? undefined,
  };
}

function isStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function readPreconditions(value: unknown): DeleteOptions['preconditions'] {
  const raw = typed<Record<string, unknown>>(value, 'object', 'preconditions', 'v1.Preconditions');
  if (raw === undefined) return undefined;
  return {
    uid: typed<string>(raw['uid'], 'string', 'preconditions.uid', 'types.UID'),
    resourceVersion: typed<string>(raw['resourceVersion'], 'string', 'preconditions.resourceVersion', 'string'),
  };
}
