/** What controllers write, seen from their transport; with refusals on demand. After convergence there are to be no writes. */
import type { Transport, TransportRequest } from '@kubets/client';
import { intercept } from './intercept.ts';

export interface CountingTransport {
  /** `POST /api/v1/namespaces/default/pods`, in order. A test may empty it. */
  readonly writes: string[];
  /** What is read without a watch: `GET /api/v1/…`. */
  readonly gets: string[];
  /** For `FixtureOptions.wrap`. */
  wrap(transport: Transport): Transport;
}

export interface CountingOptions {
  /** Writes for which it has an error fail with it, before they reach the server; they count. Default: none. */
  readonly refuse?: (request: TransportRequest) => Error | undefined;
  /** Whether Events count as writes, and may be refused. Default: no. */
  readonly events?: boolean;
}

const isEvent = ({ path }: TransportRequest): boolean => /\/events(\/|$)/.test(path);

/** Counts what goes through the transports that it wraps. */
export function countingTransport({ refuse, events = false }: CountingOptions = {}): CountingTransport {
  const writes: string[] = [];
  const gets: string[] = [];
  const wrap = intercept(async (request, forward) => {
    const isRead = request.method === 'GET';
    if (isRead) gets.push(`${request.method} ${request.path}`);
    if (isRead || (!events && isEvent(request))) return await forward(request);
    writes.push(`${request.method} ${request.path}`);
    const error = refuse?.(request);
    if (error !== undefined) throw error;
    return await forward(request);
  });
  return { writes, gets, wrap };
}
