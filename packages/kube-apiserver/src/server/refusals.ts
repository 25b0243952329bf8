/** Requests that are refused before the pipeline sees them. */
import { failure, type StatusError } from '@kubets/apimachinery/status';

export function targetTooLong(): StatusError {
  return failure('BadRequest', 'the request URI is too long', { code: 414 });
}

export function headerFieldsTooLarge(): StatusError {
  return failure('BadRequest', 'the request header fields are too large', { code: 431 });
}
