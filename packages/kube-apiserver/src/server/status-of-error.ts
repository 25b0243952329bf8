/** The one place where what was thrown becomes a Status. */
import { newInternalError, type Status } from '@kubets/apimachinery/status';

/** Told by its shape, not its class: copies of a module have classes of their own. */
export function isStatus(object: object): object is Status {
  return (object as Status).kind === 'Status' && (object as Status).apiVersion === 'v1';
}

/** The Status of any thrown value; what carries none becomes a 500 `Internal error occurred: …`. */
export function statusOfError(error: unknown): Status {
  const status = (error as { status?: unknown } | undefined)?.status;
  if (typeof status === 'object' && status !== null && isStatus(status)) return status;
  return newInternalError(error).status;
}
