/**
 * No request but the long-running ones takes longer than its deadline
 * (`apiserver/pkg/endpoints/filters/request_deadline.go`, `pkg/server/filters/timeout.go`).
 */
import type { Clock } from '@kubets/apimachinery/clock';
import { parseDurationMs } from '@kubets/apimachinery/duration';
import { newBadRequest, newTimeout } from '@kubets/apimachinery/status';
import { isLongRunning } from '../request-info.ts';
import type { ApiRequest, ApiResult, Filter } from '../types.ts';

/** Both kinds of request of the pipeline can be told to stop. */
interface Cancellable {
  cancel?(reason: Error): void;
}

function timeoutOf(request: ApiRequest, maximumMs: number): number {
  const text = request.query.get('timeout');
  if (text === null || text === '') return maximumMs;
  try {
    const ms = parseDurationMs(text);
    return ms <= 0 ? maximumMs : Math.min(ms, maximumMs);
  } catch (error) {
    throw newBadRequest(`invalid timeout specified in the request URL - ${(error as Error).message}`, error);
  }
}

function race(clock: Clock, request: ApiRequest, ms: number, pending: Promise<ApiResult>): Promise<ApiResult> {
  const { promise, resolve, reject } = Promise.withResolvers<ApiResult>();
  const timer = clock.setTimer(ms, () => {
    const error = newTimeout('request did not complete within the allotted timeout', 0);
    reject(error);
    (request as Cancellable).cancel?.(error);
  });
  pending.then(
    (result) => {
      timer.cancel();
      resolve(result);
    },
    (error: unknown) => {
      timer.cancel();
      reject(error as Error);
    },
  );
  return promise;
}

/** `maximumMs`: `--request-timeout`, 60 s. Costs nothing for requests that are answered at once. */
export function withDeadline(clock: Clock, maximumMs: number): Filter {
  return (request, next) => {
    if (isLongRunning(request.info)) return next(request);
    const ms = timeoutOf(request, maximumMs);
    const result = next(request);
    return result instanceof Promise ? race(clock, request, ms, result) : result;
  };
}
