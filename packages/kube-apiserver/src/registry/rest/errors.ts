/** Answers for paths and methods that no resource has. */
import { failure, type StatusError } from '@kubets/apimachinery/status';

/** What upstream answers for paths without a route. */
export function notServed(): StatusError {
  return failure('NotFound', 'the server could not find the requested resource', { details: {} });
}

/** What upstream answers for a method that no route of a path has. */
export function methodNotAllowed(): StatusError {
  return failure('MethodNotAllowed', 'the server does not allow this method on the requested resource', {
    details: {},
  });
}
