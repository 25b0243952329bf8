/**
 * Where auditing hooks in (`apiserver/pkg/endpoints/filters/audit.go`). There is no audit policy
 * yet, and without one upstream records nothing either.
 */
import type { ApiRequest, Filter } from '../types.ts';

export interface AuditSink {
  /** The request as it came, authenticated and not yet impersonated. Must not throw. */
  received(request: ApiRequest): void;
}

export function withAudit(sink: AuditSink): Filter {
  return (request, next) => {
    sink.received(request);
    return next(request);
  };
}
