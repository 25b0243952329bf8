/** One limit against one request, worded as upstream (`plugin/pkg/admission/limitranger/admission.go`). */
import type { Quantity } from '@kubets/apimachinery/quantity';

export interface Observed {
  readonly request: Quantity | undefined;
  readonly limit: Quantity | undefined;
}

export interface Constraint {
  /** `Container`, `Pod` or `PersistentVolumeClaim`. */
  readonly type: string;
  readonly resource: string;
  readonly enforced: Quantity;
}

type Check = (constraint: Constraint, observed: Observed) => string | undefined;

const head = (bound: string, { type, resource, enforced }: Constraint): string =>
  `${bound} ${resource} usage per ${type} is ${enforced.toString()}`;

/** What is wrong, or `undefined`. */
export const minimum: Check = (constraint, { request, limit }) => {
  const text = head('minimum', constraint);
  const { enforced } = constraint;
  if (request === undefined) return `${text}.  No request is specified`;
  if (request.compare(enforced) < 0) return `${text}, but request is ${request.toString()}`;
  if (limit !== undefined && limit.compare(enforced) < 0) return `${text}, but limit is ${limit.toString()}`;
  return undefined;
};

/** What is wrong, or `undefined`. */
export const maximum: Check = (constraint, { request, limit }) => {
  const text = head('maximum', constraint);
  const { enforced } = constraint;
  if (limit === undefined) return `${text}.  No limit is specified`;
  if (limit.compare(enforced) > 0) return `${text}, but limit is ${limit.toString()}`;
  if (request !== undefined && request.compare(enforced) > 0) return `${text}, but request is ${request.toString()}`;
  return undefined;
};

/** As {@link maximum} for what has requests only. */
export const maximumRequest: Check = (constraint, { request }) => {
  const text = head('maximum', constraint);
  if (request === undefined) return `${text}.  No request is specified`;
  if (request.compare(constraint.enforced) > 0) return `${text}, but request is ${request.toString()}`;
  return undefined;
};

/** What is wrong, or `undefined`. */
export const ratio: Check = ({ type, resource, enforced }, { request, limit }) => {
  const text = `${resource} max limit to request ratio per ${type} is ${enforced.toString()}`;
  if (request === undefined || request.isZero()) return `${text}, but no request is specified or request is 0`;
  if (limit === undefined || limit.isZero()) return `${text}, but no limit is specified or limit is 0`;
  const observed = limit.asNumber() / request.asNumber();
  return observed > enforced.asNumber() ? `${text}, but provided ratio is ${observed.toFixed(6)}` : undefined;
};
