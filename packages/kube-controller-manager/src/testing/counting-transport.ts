/** What controllers write, seen from their transport; with refusals on demand. */
import type { Transport, TransportRequest } from '@kubets/client';

export interface CountingTransport {
  /** `POST /api/v1/namespaces/default/pods`; Events are left out. */
  readonly writes: string[];
  /** For `FixtureOptions.wrap`. */
  wrap(transport: Transport): Transport;
}

/** Counts writes; those for which `refuse` has an error fail with it, before they reach the server. */
export function countingTransport(
  refuse: (request: TransportRequest) => Error | undefined = () => undefined,
): CountingTransport {
  const writes: string[] = [];
  const wrap = (inner: Transport): Transport => ({
    request: async (request) => {
      if (request.method === 'GET' || /\/events(\/|$)/.test(request.path)) return await inner.request(request);
      writes.push(`${request.method} ${request.path}`);
      const error = refuse(request);
      if (error !== undefined) throw error;
      return await inner.request(request);
    },
    watch: (request) => inner.watch(request),
    [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
  });
  return { writes, wrap };
}
