/** The object in a request's body, for handlers that store nothing. */
import { decodeBody } from '@kubets/api/decode-body';
import { defaultContext } from '@kubets/api/defaulting/defaulter';
import { kindInfo, type KindInfo } from '@kubets/api/scheme';
import type { ApiObject, GroupVersionKind } from '@kubets/apimachinery/meta';
import { addWarning, type ApiRequest, type RequestBody } from '../../server/types.ts';
import { decodeValue } from './decode.ts';
import { parseWriteOptions } from './write-options.ts';

/**
 * Decodes and prunes; unknown fields are treated as the query's `fieldValidation` says. Throws StatusError 400,
 * 415 or 422 (bad options). An object handed over in process
 * is pruned too.
 */
export function readObject(request: ApiRequest, gvk: GroupVersionKind): ApiObject | Promise<ApiObject> {
  const body = request.body();
  return body instanceof Promise ? body.then((read) => fromBody(request, read, gvk)) : fromBody(request, body, gvk);
}

function fromBody(request: ApiRequest, body: RequestBody, gvk: GroupVersionKind): ApiObject {
  if (body.type === 'object') return decodeValue(body.object, kindOf(gvk), defaultContext);
  const bytes = body.type === 'bytes' ? body.bytes : Buffer.alloc(0);
  const contentType = body.type === 'bytes' ? body.contentType : '';
  const { object, warnings } = decodeBody(bytes, {
    gvk,
    contentType,
    fieldValidation: parseWriteOptions(request.query, 'CreateOptions').fieldValidation,
  });
  for (const warning of warnings) addWarning(request, warning);
  // A review may come without metadata, whatever the type says.
  (object as Partial<ApiObject>).metadata ??= {};
  return object;
}

function kindOf(gvk: GroupVersionKind): KindInfo {
  const kind = kindInfo(gvk);
  if (kind === undefined) throw new Error(`unknown kind ${gvk.group}/${gvk.version} ${gvk.kind}`);
  return kind;
}
