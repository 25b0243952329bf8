/** What a listener calls for each request. */
import type { HttpRequest } from './http-request.ts';
import type { ResponseSink } from './response-sink.ts';

export interface RequestHandler {
  /** Never throws. The answer may come later. */
  handle(request: HttpRequest, sink: ResponseSink): void;
  /** A request that is no valid one (a path that cannot be decoded, a head too large): answers it with a Status. */
  refuse(error: unknown, sink: ResponseSink): void;
  /** Ends all watches well: the server is about to stop. */
  endWatches(): void;
}
