/**
 * `Status`, the API's error body, and the one error class that carries it
 * (`k8s.io/apimachinery/pkg/api/errors/errors.go`, `pkg/apis/meta/v1/types.go`).
 *
 * Whoever catches an error asks a predicate (`isNotFound(e)`), never for the class.
 */
import { aggregateText, fieldErrorBody, type FieldError } from './field.ts';
import { groupKindString, groupResourceString, type GroupKind, type GroupResource, type ListMeta } from './meta.ts';

export type StatusReason =
  | ''
  | 'Unauthorized'
  | 'Forbidden'
  | 'NotFound'
  | 'AlreadyExists'
  | 'Conflict'
  | 'Gone'
  | 'Invalid'
  | 'ServerTimeout'
  | 'StoreReadError'
  | 'Timeout'
  | 'TooManyRequests'
  | 'BadRequest'
  | 'MethodNotAllowed'
  | 'NotAcceptable'
  | 'RequestEntityTooLarge'
  | 'UnsupportedMediaType'
  | 'InternalError'
  | 'Expired'
  | 'ServiceUnavailable';

export interface StatusCause {
  reason?: string;
  message?: string;
  field?: string;
}

export interface StatusDetails {
  name?: string;
  group?: string;
  kind?: string;
  uid?: string;
  causes?: StatusCause[];
  retryAfterSeconds?: number;
}

export interface Status {
  kind: 'Status';
  apiVersion: 'v1';
  metadata: ListMeta;
  status: 'Success' | 'Failure';
  message?: string;
  /** Known reasons are {@link StatusReason}; unknown ones survive parsing. */
  reason?: string;
  details?: StatusDetails;
  code?: number;
}

/** The HTTP status code of each reason. Total: a new reason without a code does not compile. */
export const codeOfReason: Record<StatusReason, number> = {
  '': 500,
  Unauthorized: 401,
  Forbidden: 403,
  NotFound: 404,
  AlreadyExists: 409,
  Conflict: 409,
  Gone: 410,
  Invalid: 422,
  ServerTimeout: 500,
  StoreReadError: 500,
  Timeout: 504,
  TooManyRequests: 429,
  BadRequest: 400,
  MethodNotAllowed: 405,
  NotAcceptable: 406,
  RequestEntityTooLarge: 413,
  UnsupportedMediaType: 415,
  InternalError: 500,
  Expired: 410,
  ServiceUnavailable: 503,
};

export class StatusError extends Error {
  readonly status: Status;

  constructor(status: Status, options?: ErrorOptions) {
    super(status.message ?? '', options);
    this.name = 'StatusError';
    this.status = status;
  }
}

export interface FailureOptions {
  details?: StatusDetails;
  code?: number;
  cause?: unknown;
}

/** A failure of the given reason; the code follows from the reason unless named. */
export function failure(reason: StatusReason, message: string, options: FailureOptions = {}): StatusError {
  const status: Status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message };
  if (reason !== '') status.reason = reason;
  if (options.details) status.details = options.details;
  status.code = options.code ?? codeOfReason[reason];
  return new StatusError(status, { cause: options.cause });
}

function resourceDetails(gr: GroupResource, name: string): StatusDetails {
  const details: StatusDetails = {};
  if (name !== '') details.name = name;
  if (gr.group !== '') details.group = gr.group;
  if (gr.resource !== '') details.kind = gr.resource;
  return details;
}

export function newNotFound(gr: GroupResource, name: string): StatusError {
  return failure('NotFound', `${groupResourceString(gr)} ${JSON.stringify(name)} not found`, {
    details: resourceDetails(gr, name),
  });
}

export function newAlreadyExists(gr: GroupResource, name: string): StatusError {
  return failure('AlreadyExists', `${groupResourceString(gr)} ${JSON.stringify(name)} already exists`, {
    details: resourceDetails(gr, name),
  });
}

/** `Operation cannot be fulfilled on pods "x": why`. */
export function newConflict(gr: GroupResource, name: string, why: string): StatusError {
  return failure(
    'Conflict',
    `Operation cannot be fulfilled on ${groupResourceString(gr)} ${JSON.stringify(name)}: ${why}`,
    {
      details: resourceDetails(gr, name),
    },
  );
}

/** The conflict text of a stale resourceVersion (`registry.OptimisticLockErrorMsg`). */
export const optimisticLockMessage =
  'the object has been modified; please apply your changes to the latest version and try again';

export function newForbidden(gr: GroupResource, name: string, why: string): StatusError {
  const what = groupResourceString(gr);
  const subject =
    what === '' ? 'forbidden' : name === '' ? `${what} is forbidden` : `${what} ${JSON.stringify(name)} is forbidden`;
  return failure('Forbidden', `${subject}: ${why}`, { details: resourceDetails(gr, name) });
}

export function newInvalid(gk: GroupKind, name: string, errors: readonly FieldError[]): StatusError {
  const details: StatusDetails = {};
  if (name !== '') details.name = name;
  if (gk.group !== '') details.group = gk.group;
  if (gk.kind !== '') details.kind = gk.kind;
  details.causes = errors.map((e) => ({ reason: e.type, message: fieldErrorBody(e), field: e.field }));
  const message = `${groupKindString(gk)} ${JSON.stringify(name)} is invalid`;
  return failure('Invalid', errors.length === 0 ? message : `${message}: ${aggregateText(errors)}`, { details });
}

export function newMethodNotSupported(gr: GroupResource, action: string): StatusError {
  return failure(
    'MethodNotAllowed',
    `${action} is not supported on resources of kind ${JSON.stringify(groupResourceString(gr))}`,
    {
      details: resourceDetails(gr, ''),
    },
  );
}

export const newBadRequest = (message: string, cause?: unknown): StatusError =>
  failure('BadRequest', message, { cause });
export const newUnauthorized = (message = 'Unauthorized'): StatusError => failure('Unauthorized', message);
export const newResourceExpired = (message: string): StatusError => failure('Expired', message);
export const newGone = (message: string): StatusError => failure('Gone', message);
export const newServiceUnavailable = (message: string): StatusError => failure('ServiceUnavailable', message);
export const newRequestEntityTooLarge = (message: string): StatusError =>
  failure('RequestEntityTooLarge', `Request entity too large: ${message}`);

export function newTooManyRequests(message: string, retryAfterSeconds: number): StatusError {
  return failure('TooManyRequests', message, { details: { retryAfterSeconds } });
}

export function newTimeout(message: string, retryAfterSeconds: number): StatusError {
  return failure('Timeout', `Timeout: ${message}`, { details: { retryAfterSeconds } });
}

export function newInternalError(error: unknown): StatusError {
  const text = error instanceof Error ? error.message : String(error);
  return failure('InternalError', `Internal error occurred: ${text}`, {
    details: { causes: [{ message: text }] },
    cause: error,
  });
}

/** The reason of any thrown value; `''` when it carries none. Trusts the reason first, the code only without one. */
export function reasonOf(error: unknown): string {
  const status = (error as { status?: Partial<Status> } | undefined)?.status;
  if (status === undefined || typeof status !== 'object' || status === null) return '';
  if (typeof status.reason === 'string' && status.reason !== '') return status.reason;
  return Object.entries(codeOfReason).find(([reason, code]) => reason !== '' && code === status.code)?.[0] ?? '';
}

const has =
  (...reasons: StatusReason[]) =>
  (error: unknown): boolean =>
    (reasons as string[]).includes(reasonOf(error));

export const isNotFound = has('NotFound');
export const isAlreadyExists = has('AlreadyExists');
export const isConflict = has('Conflict');
export const isInvalid = has('Invalid');
export const isForbidden = has('Forbidden');
export const isUnauthorized = has('Unauthorized');
export const isBadRequest = has('BadRequest');
export const isExpired = has('Expired', 'Gone');
export const isTooManyRequests = has('TooManyRequests');
export const isTimeout = has('Timeout', 'ServerTimeout');
export const isServiceUnavailable = has('ServiceUnavailable');
