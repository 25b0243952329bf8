/** Bodies of writes to objects of the stored version. */
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

/** Decodes a body of the given kind: pruned and normalised, no defaults. Throws 400, 415. */
export function decodeKind(body: RequestBody, kind: KindInfo, options: WriteOptions, context: WriteContext): ApiObject {
  if (body.type === 'object') return decodeValue(body.object, kind);
  const bytes = body.type === 'bytes' ? body.bytes : noBytes;
  const contentType = body.type === 'bytes' ? body.contentType : '';
  const { object, warnings } = decodeBody(bytes, {
    gvk: kind.gvk,
    contentType,
    fieldValidation: options.fieldValidation,
  });
  context.warnAll(warnings);
  object.metadata ??= {};
  return object;
}

const noBytes = Buffer.alloc(0);

/** A value in hand as an object of the kind. Throws 400. */
export function decodeValue(value: unknown, kind: KindInfo): ApiObject {
  try {
    const object = kind.decode(value);
    object.metadata ??= {};
    return object;
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

/** The body as an object of the stored version, with defaults. */
export function decodeObject(
  scope: ResourceScope,
  body: RequestBody,
  options: WriteOptions,
  context: WriteContext,
): ApiObject {
  return toStored(scope, decodeKind(body, scope.kind, options, context));
}

/** Sets the defaults of the served version and converts to the stored one. */
export function toStored(scope: ResourceScope, object: ApiObject): ApiObject {
  scope.setDefaults(object);
  return scope.toStorage === undefined ? object : scope.toStorage(object);
}
