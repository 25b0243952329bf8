/**
 * Measurements from the metrics APIs, which aggregated servers serve (upstream `pkg/controller/podautoscaler/metrics/client.go`,
 * `k8s.io/metrics/pkg/client`). Values are in thousandths.
 */
import type { LabelSelector } from '@kubets/apimachinery/label-selector';
import { compileLabelSelector } from '@kubets/apimachinery/label-selector';
import { parseDuration } from '@kubets/apimachinery/duration';
import { parseQuantity } from '@kubets/apimachinery/quantity';
import { isNotFound, StatusError } from '@kubets/apimachinery/status';
import type { CrossVersionObjectReference, MetricIdentifier } from '@kubets/api/types/autoscaling-v2';
import type { Transport } from '@kubets/client';
import type { PodMetrics } from './pod-groups.ts';

interface MeasuredPod {
  metadata: { name?: string; namespace?: string };
  timestamp?: string;
  window?: string;
  containers?: { name: string; usage?: Record<string, string> }[];
}

interface MetricValue {
  describedObject?: { name?: string };
  timestamp?: string;
  windowSeconds?: number;
  value: string;
}

/** How resources of kinds are called in paths, and which version of the custom metrics there is. */
export interface MetricsDiscovery {
  /** `services`, `ingresses.networking.k8s.io`. */
  groupResourceOf(reference: Readonly<CrossVersionObjectReference>): Promise<string>;
  customMetricsVersion(): Promise<string>;
}

/** `custom.metrics.k8s.io` without a window means this. */
const defaultWindowMs = 60_000;

const selectorText = (selector: LabelSelector | undefined): string | undefined =>
  selector === undefined ? undefined : compileLabelSelector(selector).toString();

const notServed = 'the server could not find the requested resource';

/** As client-go words the answer of a server that does not serve a resource. */
function messageOf(error: unknown, resource: string): string {
  if (isNotFound(error) && error instanceof StatusError && error.status.details?.name === undefined)
    return `${notServed} (get ${resource})`;
  return error instanceof Error ? error.message : String(error);
}

export class MetricsClient {
  readonly #transport: Transport;
  readonly #discovery: MetricsDiscovery;

  constructor(transport: Transport, discovery: MetricsDiscovery) {
    this.#transport = transport;
    this.#discovery = discovery;
  }

  /** Of `cpu`, `memory` … by pod; of one container where named (`GetResourceMetric`). Rejects with an Error that says what is missing. */
  async resource(resource: string, namespace: string, selector: string, container: string): Promise<PodMetrics> {
    const path = `/apis/metrics.k8s.io/v1beta1/namespaces/${namespace}/pods`;
    const items = await this.#items<MeasuredPod>('resource', {
      path,
      labelSelector: selector,
      what: 'pods.metrics.k8s.io',
    });
    const metrics: PodMetrics = new Map();
    for (const item of items) {
      const value = container === '' ? usageOfPod(item, resource) : usageOfContainer(item, resource, container);
      if (value === undefined) continue;
      const windowMs = item.window === undefined ? 0 : Number(parseDuration(item.window) / 1_000_000n);
      metrics.set(item.metadata.name ?? '', { timestamp: Date.parse(item.timestamp ?? ''), windowMs, value });
    }
    return metrics;
  }

  /** A custom metric of pods (`GetRawMetric`). */
  async pods(metric: Readonly<MetricIdentifier>, namespace: string, selector: string): Promise<PodMetrics> {
    const what = `pods.custom.metrics.k8s.io`;
    const path = `${await this.#customRoot()}/namespaces/${namespace}/pods/*/${metric.name}`;
    const metricLabelSelector = selectorText(metric.selector);
    const items = await this.#items<MetricValue>('custom', {
      path,
      labelSelector: selector,
      metricLabelSelector,
      what,
    });
    return new Map(
      items.map(({ describedObject, timestamp, windowSeconds, value }) => [
        describedObject?.name ?? '',
        {
          timestamp: Date.parse(timestamp ?? ''),
          windowMs: windowSeconds === undefined ? defaultWindowMs : windowSeconds * 1000,
          value: parseQuantity(value).milliValue(),
        },
      ]),
    );
  }

  /** A custom metric of one object (`GetObjectMetric`). */
  async object(
    metric: Readonly<MetricIdentifier>,
    namespace: string,
    reference: Readonly<CrossVersionObjectReference>,
  ): Promise<number> {
    const root = await this.#customRoot();
    const resource = reference.kind === 'Namespace' ? 'namespaces' : await this.#discovery.groupResourceOf(reference);
    const path =
      reference.kind === 'Namespace'
        ? `${root}/namespaces/${reference.name}/metrics/${metric.name}`
        : `${root}/namespaces/${namespace}/${resource}/${reference.name}/${metric.name}`;
    const metricLabelSelector = selectorText(metric.selector);
    const what = `${resource}.custom.metrics.k8s.io`;
    const [first] = await this.#items<MetricValue>('custom', { path, metricLabelSelector, what });
    return parseQuantity(first?.value ?? '0').milliValue();
  }

  /** The sum of an external metric's series (`GetExternalMetric`). */
  async external(metric: Readonly<MetricIdentifier>, namespace: string): Promise<number> {
    const path = `/apis/external.metrics.k8s.io/v1beta1/namespaces/${namespace}/${metric.name}`;
    const what = `${metric.name}.external.metrics.k8s.io`;
    const labelSelector = selectorText(metric.selector);
    const items = await this.#items<MetricValue>('external', { path, labelSelector, what });
    return items.reduce((sum, { value }) => sum + parseQuantity(value).milliValue(), 0);
  }

  async #customRoot(): Promise<string> {
    return `/apis/custom.metrics.k8s.io/${await this.#discovery.customMetricsVersion()}`;
  }

  async #items<T>(
    api: 'resource' | 'custom' | 'external',
    { path, what, ...selectors }: { path: string; what: string } & Record<string, string | undefined>,
  ): Promise<readonly T[]> {
    const query = Object.fromEntries(
      Object.entries(selectors).filter((entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== ''),
    );
    let items: readonly T[];
    try {
      const { object } = await this.#transport.request({ method: 'GET', path, query });
      items = (object as { items?: readonly T[] }).items ?? [];
    } catch (error) {
      throw new Error(`unable to fetch metrics from ${api} metrics API: ${messageOf(error, what)}`, { cause: error });
    }
    if (items.length === 0) throw new Error(`no metrics returned from ${api} metrics API`);
    return items;
  }
}

/** Undefined when some container was not measured: a part would look like a low usage. */
function usageOfPod({ containers = [] }: MeasuredPod, resource: string): number | undefined {
  let sum = 0;
  for (const { usage } of containers) {
    const value = usage?.[resource];
    if (value === undefined) return undefined;
    sum += parseQuantity(value).milliValue();
  }
  return containers.length === 0 ? undefined : sum;
}

function usageOfContainer(
  { containers = [], metadata }: MeasuredPod,
  resource: string,
  name: string,
): number | undefined {
  const container = containers.find((candidate) => candidate.name === name);
  if (container === undefined) {
    const pod = `${metadata.namespace}/${metadata.name}`;
    throw new Error(`failed to get container metrics: container ${name} not present in metrics for pod ${pod}`);
  }
  const value = container.usage?.[resource];
  return value === undefined ? undefined : parseQuantity(value).milliValue();
}
