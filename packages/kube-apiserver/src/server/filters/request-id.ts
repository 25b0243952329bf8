/** Names the request and reads what it asks for (`endpoints/filters/audit_init.go`, `requestinfo.go`). */
import type { Random } from '@kubets/apimachinery/clock';
import { requestInfoOf } from '../request-info.ts';
import type { Filter } from '../types.ts';

const maxGivenId = 64;

/** A client may bring its own `Audit-ID`; an overlong one is cut, as upstream cuts it for the answer. */
export function withRequestId(random: Random): Filter {
  return (request, next) => {
    const given = request.headers['audit-id'];
    request.id = given === undefined || given === '' ? random.uuid() : given.slice(0, maxGivenId);
    request.info = requestInfoOf(request);
    return next(request);
  };
}
