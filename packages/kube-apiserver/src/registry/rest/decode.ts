/** Bodies of writes to objects of the stored version. */
import type { DefaultingContext } from '@kubets/api/defaulting/condition';
import { decodeBody } from '@kubets/api/decode-body';
import type { KindInfo } from '@kubets/api/scheme';
import type { ApiObject } from '@kubets/apimachinery/meta';
import { DecodeError } from '@kubets/apimachinery/schema/decode-error';
import { newBadRequest } from '@kubets/apimachinery/status';
import type { ApiRequest, RequestBody } from '../../server/types.ts';
import type { WriteContext } from '../generic/write-context.ts';
import type { ResourceScope } from './scope.ts';
import type { WriteOptions } from './write-options.ts';

/** The request's body, awaited only when it must be. */
export async function bodyOf(request: ApiRequest): Promise<RequestBody> {
  const body = request.body();
  return body instanceof Promise ? await body : body;
}

export interface DecodeTask {
  readonly kind: KindInfo;
  readonly options: WriteOptions;
  readonly context: WriteContext;
  readonly defaulting: DefaultingContext;
}

/** Decodes a body of the given kind: pruned, normalised, with defaults. Throws 400, 415. */
export function decodeKind(body: RequestBody, task: DecodeTask): ApiObject {
  const { kind, options, context, defaulting } = task;
  if (body.type === 'object') return decodeValue(body.object, kind, defaulting);
  const bytes = body.type === 'bytes' ? body.bytes : noBytes;
  const contentType = body.type === 'bytes' ? body.contentType : '';
  const { object, warnings } = decodeBody(bytes, {
    gvk: kind.gvk,
    contentType,
    fieldValidation: options.fieldValidation,
    defaults: defaulting,
  });
  context.warnAll(warnings);
  return withMetadata(object);
}

/** What is written without metadata gets it in its place: behind kind and apiVersion. */
export function withMetadata(object: ApiObject): ApiObject {
  if ((object.metadata as unknown) !== undefined) return object;
  const { kind, apiVersion, metadata: _none, ...rest } = object;
  return { kind, apiVersion, metadata: {}, ...rest } as ApiObject;
}

const noBytes = Buffer.alloc(0);

/** A value in hand as an object of the kind. Throws 400. */
export function decodeValue(value: unknown, kind: KindInfo, defaulting: DefaultingContext): ApiObject {
  try {
    return withMetadata(kind.decodeWithDefaults(value, defaulting));
  } catch (error) {
    if (error instanceof DecodeError) {
      const { kind: name, version } = kind.gvk;
      throw newBadRequest(
        `${name} in version ${JSON.stringify(version)} cannot be handled as a ${name}: ${error.message}`,
        error,
      );
    }
    throw error;
  }
}

/** The body as an object of the scope's served version, with defaults. Throws 400, 415. */
export function decodeServed(
  scope: ResourceScope,
  body: RequestBody,
  options: WriteOptions,
  context: WriteContext,
): ApiObject {
  return decodeKind(body, { kind: scope.kind, options, context, defaulting: scope.environment.defaulting });
}

/** Completes a decoded object of the served version: defaults, in wire order. Takes it over. */
export function withDefaults(scope: ResourceScope, object: ApiObject): ApiObject {
  const added = scope.kind.applyDefaults(object, scope.environment.defaulting);
  return added === 0 ? object : scope.kind.decode(object);
}
