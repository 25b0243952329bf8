/** Which deprecated APIs are in use (`apiserver/pkg/endpoints/metrics/metrics.go`, `apiserver_requested_deprecated_apis`). */
import type { RequestInfo } from '../server/types.ts';
import { labelText, type MetricsRegistry } from '@kubets/apimachinery/metrics';

/**
 * Registers the family, and returns what the dispatcher tells it. Each API told of becomes a series
 * that stays: tell it of ones that exist.
 */
export function deprecationMetrics(metrics: MetricsRegistry): (info: RequestInfo) => void {
  const help = 'Deprecated APIs that have been requested.';
  const gauge = metrics.gauge('apiserver_requested_deprecated_apis', help);
  return ({ group, resource, subresource, version }) => {
    // None of the deprecated kinds has a release that removes it.
    gauge.set(1, labelText({ group, removed_release: '', resource, subresource, version }));
  };
}
