/** What an HTTP answer says: its object, its failure, its warnings. */
import type { IncomingHttpHeaders } from 'node:http2';
import type { ApiObject } from '@kubets/apimachinery/meta';
import { codeOfReason, failure, StatusError, type Status, type StatusReason } from '@kubets/apimachinery/status';
import { TransportError } from './transport.ts';

/**
 * JSON, or, outside 2xx, a message made of a text answer (proxies and load balancers send such).
 * Throws a TransportError when an answer within 2xx is no JSON object.
 */
export function decodeAnswer(body: Buffer, status: number): ApiObject {
  const text = body.toString('utf8');
  try {
    const value = JSON.parse(text) as unknown;
    if (typeof value === 'object' && value !== null) return value as ApiObject;
    throw new TypeError('it is no object');
  } catch (error) {
    if (status <= 299) {
      throw new TransportError(`the answer is not JSON: ${(error as Error).message}`, { cause: error });
    }
    return { metadata: {}, message: text.trim() };
  }
}

/** The reason that a code alone stands for (`errors.NewGenericServerResponse`); '' for unknown ones. */
const reasonOfCode: ReadonlyMap<number, StatusReason> = new Map([
  ...Object.entries(codeOfReason)
    .filter(([reason]) => reason !== '')
    .map(([reason, code]) => [code, reason as StatusReason] as const),
  [409, 'Conflict'],
  [410, 'Gone'],
  [500, 'InternalError'],
  [504, 'Timeout'],
]);

/**
 * The error of an answer outside 2xx. A `Retry-After` in seconds becomes
 * `details.retryAfterSeconds` where the Status names none.
 */
export function statusErrorOf(object: Readonly<ApiObject>, code: number, headers: IncomingHttpHeaders): StatusError {
  const seconds = retryAfterSeconds(headers);
  if (object.kind === 'Status') {
    const status = object as unknown as Status;
    if (seconds === undefined || status.details?.retryAfterSeconds !== undefined) return new StatusError(status);
    return new StatusError({ ...status, details: { ...status.details, retryAfterSeconds: seconds } });
  }
  const text = object['message'];
  const message = typeof text === 'string' && text !== '' ? text : `the server answered with HTTP status ${code}`;
  const details = seconds === undefined ? {} : { details: { retryAfterSeconds: seconds } };
  return failure(reasonOfCode.get(code) ?? '', message, { code, ...details });
}

/** Only the form in seconds: API servers send no dates, and client-go reads none. */
function retryAfterSeconds(headers: IncomingHttpHeaders): number | undefined {
  const value = headers['retry-after'];
  return value !== undefined && /^\d{1,9}$/.test(value) ? Number(value) : undefined;
}

/** The quoted texts of `warning: 299 - "text", 299 - "other"`. */
export function warningsOf(headers: IncomingHttpHeaders): string[] {
  const value = headers['warning'];
  if (value === undefined) return [];
  const quoted = (Array.isArray(value) ? value.join(', ') : value).matchAll(/299 \S+ "((?:[^"\\]|\\.)*)"/g);
  return Array.from(quoted, (match) => (match[1] ?? '').replaceAll(/\\(.)/g, '$1'));
}
