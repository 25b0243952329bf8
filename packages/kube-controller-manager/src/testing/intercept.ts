/** Standing between controllers and their way to the API server. */
import type { Transport, TransportRequest, TransportResponse } from '@kubets/client';

/** Answers a request: by `forward`, which may be called with another request, or by itself. */
export type Interceptor = (
  request: TransportRequest,
  forward: (request: TransportRequest) => Promise<TransportResponse>,
) => Promise<TransportResponse>;

/** For `FixtureOptions.wrap`: requests go through `interceptor`, watches pass. */
export function intercept(interceptor: Interceptor): (inner: Transport) => Transport {
  return (inner) => {
    const forward = (request: TransportRequest): Promise<TransportResponse> => inner.request(request);
    return {
      request: (request) => interceptor(request, forward),
      watch: (request) => inner.watch(request),
      [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
    };
  };
}
