/** Which writes controllers ask for: after convergence there are to be none. */
import type { Transport } from '@kubets/client';

export interface CountedWrites {
  /** `PUT /api/v1/…`, in order; a test may empty it. */
  readonly writes: string[];
  /** For {@link ControllerFixture.start}. */
  readonly wrap: (transport: Transport) => Transport;
}

/** Counts what goes through the transports that are wrapped. */
export function countWrites(): CountedWrites {
  const writes: string[] = [];
  return {
    writes,
    wrap: (inner) => ({
      request: (request) => {
        if (request.method !== 'GET') writes.push(`${request.method} ${request.path}`);
        return inner.request(request);
      },
      watch: (request) => inner.watch(request),
      [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
    }),
  };
}
