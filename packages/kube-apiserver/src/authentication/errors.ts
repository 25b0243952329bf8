/** Bad credentials, told apart from absent ones. */
import { failure, type StatusError } from '@kubets/apimachinery/status';

/** A token of a known kind that is not good. Its text is shown in TokenReviews only. */
export class BadTokenError extends Error {
  override readonly name = 'BadTokenError';
}

/** What the client gets to see: `Unauthorized`, whatever the cause. */
export function unauthorized(cause: unknown): StatusError {
  return failure('Unauthorized', 'Unauthorized', { cause });
}
