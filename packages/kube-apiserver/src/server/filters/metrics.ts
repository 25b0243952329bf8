/** Counts requests, their answers and how long they took (`endpoints/metrics`, `filters/maxinflight.go`). */
import type { Clock } from '@kubets/apimachinery/clock';
import type { RequestMetrics } from '../../metrics/request-metrics.ts';
import { isLongRunning } from '../request-info.ts';
import type { ApiRequest, ApiResult, Filter } from '../types.ts';
import { statusOfError } from '../status-of-error.ts';

const codeOf = (result: ApiResult): number => (result.type === 'watch' ? 200 : result.status);

export function withMetrics(metrics: RequestMetrics, clock: Clock): Filter {
  const done = (request: ApiRequest, code: number, start: number): void => {
    metrics.finished(request, code, (clock.monotonic() - start) / 1000);
  };
  const doneLater = async (request: ApiRequest, start: number, pending: Promise<ApiResult>): Promise<ApiResult> => {
    const inflight = isLongRunning(request.info) ? undefined : metrics.inflight(request);
    if (inflight !== undefined) inflight.value++;
    try {
      const result = await pending;
      done(request, codeOf(result), start);
      return result;
    } catch (error) {
      done(request, statusOfError(error).code ?? 500, start);
      throw error;
    } finally {
      if (inflight !== undefined) inflight.value--;
    }
  };
  return (request, next) => {
    const start = clock.monotonic();
    let result: ApiResult | Promise<ApiResult>;
    try {
      result = next(request);
    } catch (error) {
      done(request, statusOfError(error).code ?? 500, start);
      throw error;
    }
    if (result instanceof Promise) return doneLater(request, start, result);
    done(request, codeOf(result), start);
    return result;
  };
}
