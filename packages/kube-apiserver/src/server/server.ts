/** The pipeline behind a listener: runs a request through the filters and answers it, whatever happens. */
import { refuse, respond, respondError } from './encode.ts';
import type { EncodeEnvironment } from './encode-environment.ts';
import type { HttpRequest } from './http-request.ts';
import type { RequestHandler } from './request-handler.ts';
import type { ResponseSink } from './response-sink.ts';
import { statusOfError } from './status-of-error.ts';
import type { ApiResult, Next } from './types.ts';

function logPanic(environment: EncodeEnvironment, request: HttpRequest, error: unknown): void {
  const status = statusOfError(error);
  if ((status.code ?? 500) < 500 || status.reason !== 'InternalError') return;
  const stack = error instanceof Error ? error.stack : String(error);
  environment.log.error({ request: request.id, method: request.method, path: request.path, stack }, 'request failed');
}

/** The outermost layer: what any filter or handler throws becomes a Status, and a log line when it is our fault. */
export function createRequestHandler(pipeline: Next, environment: EncodeEnvironment): RequestHandler {
  const fail = (request: HttpRequest, sink: ResponseSink, error: unknown): void => {
    logPanic(environment, request, error);
    respondError(environment, request, error, sink);
  };
  const answer = (request: HttpRequest, sink: ResponseSink, result: ApiResult): void => {
    try {
      respond(environment, request, result, sink);
    } catch (error) {
      fail(request, sink, error);
    }
  };
  return {
    handle(request, sink) {
      try {
        const result = pipeline(request);
        if (result instanceof Promise) {
          result.then(
            (r) => answer(request, sink, r),
            (error: unknown) => fail(request, sink, error),
          );
        } else answer(request, sink, result);
      } catch (error) {
        fail(request, sink, error);
      }
    },
    refuse,
    endWatches() {
      for (const end of environment.openWatches) end();
    },
  };
}
