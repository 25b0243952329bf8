/** What one metric of an autoscaler asks for (upstream `horizontal.go`, `computeReplicasForMetric`). */
import type { LabelSelector } from '@kubets/apimachinery/label-selector';
import { newMilliQuantity, parseQuantity } from '@kubets/apimachinery/quantity';
import type {
  HorizontalPodAutoscaler,
  MetricSpec,
  MetricStatus,
  MetricTarget,
  MetricValueStatus,
} from '@kubets/api/types/autoscaling-v2';
import type { Pod } from '@kubets/api/types/core-v1';
import type { MetricsClient } from './metrics-client.ts';
import type { GroupOptions, PodMetrics } from './pod-groups.ts';
import {
  averageReplicas,
  perPodReplicas,
  utilizationReplicas,
  valueReplicas,
  type Calculation,
} from './replica-calculator.ts';
import type { Tolerances } from './tolerances.ts';

export interface ProposalInput {
  readonly hpa: Readonly<HorizontalPodAutoscaler>;
  /** What the scale wishes and what it has. */
  readonly specReplicas: number;
  readonly statusReplicas: number;
  /** Of the pods, as text. */
  readonly selector: string;
  /** Those that it selects. */
  readonly pods: readonly Readonly<Pod>[];
  readonly tolerances: Tolerances;
  readonly timing: Omit<GroupOptions, 'resource'>;
  /** Gate PodLevelResources. */
  readonly podLevel: boolean;
}

export interface MetricProposal {
  readonly replicas: number;
  /** How Events call the metric. */
  readonly name: string;
  readonly status: MetricStatus;
}

/** A metric that could not be had. */
export class MetricError extends Error {
  /** Of Event and condition. */
  readonly reason: string;
  /** What Event and condition say; `message` puts the metric's name in front. */
  readonly detail: string;

  constructor(reason: string, detail: string, message: string) {
    super(message);
    this.name = 'MetricError';
    this.reason = reason;
    this.detail = detail;
  }
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
const milli = (quantity: string): number => parseQuantity(quantity).milliValue();
const quantityOf = (thousandths: number): string => newMilliQuantity(thousandths).toString();

/** `%+v` of a selector in Go. */
function selectorText(selector: LabelSelector | undefined): string {
  if (selector === undefined) return 'nil';
  const labels = Object.entries(selector.matchLabels ?? {})
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}: ${value},`);
  const expressions = (selector.matchExpressions ?? []).map(
    ({ key, operator, values }) =>
      `LabelSelectorRequirement{Key:${key},Operator:${operator},Values:[${(values ?? []).join(' ')}],},`,
  );
  const list = `[]LabelSelectorRequirement{${expressions.join('')}}`;
  return `&LabelSelector{MatchLabels:map[string]string{${labels.join('')}},MatchExpressions:${list},}`;
}

/** Asks for measurements and calculates. Rejects with {@link MetricError}. */
export class MetricEvaluator {
  readonly #client: MetricsClient;

  constructor(client: MetricsClient) {
    this.#client = client;
  }

  async evaluate(spec: Readonly<MetricSpec>, input: ProposalInput): Promise<MetricProposal> {
    switch (spec.type) {
      case 'Resource':
        return await this.#attempt(
          'FailedGetResourceMetric',
          (text) => `failed to get ${spec.resource?.name} resource metric value: ${text}`,
          () => this.#resource(spec, input),
        );
      case 'ContainerResource':
        return await this.#attempt(
          'FailedGetContainerResourceMetric',
          (text) => `failed to get ${spec.containerResource?.name} container metric value: ${text}`,
          () => this.#resource(spec, input),
        );
      case 'Pods':
        return await this.#attempt(
          'FailedGetPodsMetric',
          (text) => `failed to get pods metric value: ${text}`,
          () => this.#pods(spec, input),
        );
      case 'Object':
        return await this.#attempt(
          'FailedGetObjectMetric',
          (text) => `failed to get object metric value: ${text}`,
          () => this.#object(spec, input),
        );
      case 'External':
        return await this.#attempt(
          'FailedGetExternalMetric',
          (text) => `failed to get ${spec.external?.metric.name} external metric value: ${text}`,
          () => this.#external(spec, input),
        );
      default: {
        const text = `unknown metric source type ${JSON.stringify(spec.type)}`;
        throw new MetricError('InvalidMetricSourceType', text, text);
      }
    }
  }

  async #attempt(
    reason: string,
    describe: (text: string) => string,
    work: () => Promise<MetricProposal>,
  ): Promise<MetricProposal> {
    try {
      return await work();
    } catch (error) {
      const text = textOf(error);
      throw new MetricError(reason, text, describe(text));
    }
  }

  async #resource(spec: Readonly<MetricSpec>, input: ProposalInput): Promise<MetricProposal> {
    const source = spec.resource ?? spec.containerResource;
    const container = spec.containerResource?.container ?? '';
    const { name = '', target = { type: '' } } = source ?? {};
    const { replicas, title, current } = await this.#resourceTarget(target, { ...input, resource: name, container });
    const ofContainer = spec.containerResource !== undefined;
    return {
      replicas,
      name: ofContainer ? title.replace(' resource', ' container resource') : title,
      status: ofContainer
        ? { type: 'ContainerResource', containerResource: { name, current, container } }
        : { type: 'Resource', resource: { name, current } },
    };
  }

  /** `computeStatusForResourceMetricGeneric`. */
  async #resourceTarget(
    target: Readonly<MetricTarget>,
    input: ProposalInput & { readonly resource: string; readonly container: string },
  ): Promise<{ replicas: number; title: string; current: MetricValueStatus }> {
    const { resource, container, hpa, selector, podLevel } = input;
    if (target.averageValue === undefined && target.averageUtilization === undefined)
      throw new Error(
        'invalid resource metric source: neither an average utilization target nor an average value target was set',
      );
    const kind = target.averageValue === undefined ? 'utilization' : 'usage';
    try {
      const metrics = await this.#client
        .resource(resource, hpa.metadata.namespace ?? '', selector, container)
        .catch((error: unknown) => {
          throw new Error(`unable to get metrics for resource ${resource}: ${textOf(error)}`, { cause: error });
        });
      const calculation = perPod(input, metrics, resource);
      if (target.averageValue !== undefined) {
        const { replicas, usage } = averageReplicas({ ...calculation, target: milli(target.averageValue) });
        return { replicas, title: `${resource} resource`, current: { averageValue: quantityOf(usage) } };
      }
      const percent = target.averageUtilization ?? 0;
      const proposal = utilizationReplicas({ ...calculation, container, podLevel, target: percent });
      return {
        replicas: proposal.replicas,
        title: `${resource} resource utilization (percentage of request)`,
        current: { averageValue: quantityOf(proposal.usage), averageUtilization: proposal.utilization },
      };
    } catch (error) {
      throw new Error(`failed to get ${resource} ${kind}: ${textOf(error)}`, { cause: error });
    }
  }

  async #pods({ pods }: Readonly<MetricSpec>, input: ProposalInput): Promise<MetricProposal> {
    if (pods === undefined) throw new Error('the metric source is missing');
    const { metric, target } = pods;
    const metrics = await this.#client
      .pods(metric, input.hpa.metadata.namespace ?? '', input.selector)
      .catch((error: unknown) => {
        throw new Error(`unable to get metric ${metric.name}: ${textOf(error)}`, { cause: error });
      });
    const wanted = milli(target.averageValue ?? '0');
    const { replicas, usage } = averageReplicas({ ...perPod(input, metrics, ''), target: wanted });
    const current = { averageValue: quantityOf(usage) };
    return { replicas, name: `pods metric ${metric.name}`, status: { type: 'Pods', pods: { metric, current } } };
  }

  async #object({ object }: Readonly<MetricSpec>, input: ProposalInput): Promise<MetricProposal> {
    if (object === undefined) throw new Error('the metric source is missing');
    const { metric, target, describedObject } = object;
    const byValue = target.type === 'Value' && target.value !== undefined;
    if (!byValue && !(target.type === 'AverageValue' && target.averageValue !== undefined))
      throw new Error('invalid object metric source: neither a value target nor an average value target was set');
    const namespace = input.hpa.metadata.namespace ?? '';
    const measured = await this.#client.object(metric, namespace, describedObject).catch((error: unknown) => {
      const { kind, name } = describedObject;
      // The order of the parts is upstream's.
      const message = `unable to get metric ${metric.name}: ${kind} on ${namespace} ${name}/${textOf(error)}`;
      throw new Error(message, { cause: error });
    });
    const { replicas, usage } = byValue
      ? valueReplicas(forAll(input), measured, milli(target.value ?? '0'))
      : perPodReplicas(input, measured, milli(target.averageValue ?? '0'));
    const current = byValue ? { value: quantityOf(usage) } : { averageValue: quantityOf(usage) };
    const name = byValue
      ? `${describedObject.kind} metric ${metric.name}`
      : `external metric ${metric.name}(${selectorText(metric.selector)})`;
    return { replicas, name, status: { type: 'Object', object: { metric, current, describedObject } } };
  }

  async #external({ external }: Readonly<MetricSpec>, input: ProposalInput): Promise<MetricProposal> {
    if (external === undefined) throw new Error('the metric source is missing');
    const { metric, target } = external;
    if (target.averageValue === undefined && target.value === undefined)
      throw new Error('invalid external metric source: neither a value target nor an average value target was set');
    const namespace = input.hpa.metadata.namespace ?? '';
    const measured = await this.#client.external(metric, namespace).catch((error: unknown) => {
      const what = `${namespace}/${metric.name}/${selectorText(metric.selector)}`;
      const inner = `unable to get external metric ${what}: ${textOf(error)}`;
      const outer =
        target.averageValue === undefined
          ? `failed to get external metric ${metric.name}: ${inner}`
          : `failed to get ${metric.name} external metric: ${inner}`;
      throw new Error(outer, { cause: error });
    });
    const { replicas, usage } =
      target.averageValue === undefined
        ? valueReplicas(forAll(input), measured, milli(target.value ?? '0'))
        : perPodReplicas(input, measured, milli(target.averageValue));
    const current =
      target.averageValue === undefined ? { value: quantityOf(usage) } : { averageValue: quantityOf(usage) };
    return {
      replicas,
      name: `external metric ${metric.name}(${selectorText(metric.selector)})`,
      status: { type: 'External', external: { metric, current } },
    };
  }
}

const forAll = ({ specReplicas, tolerances, pods }: ProposalInput): Calculation => ({
  currentReplicas: specReplicas,
  tolerances,
  pods,
});

function perPod(
  input: ProposalInput,
  metrics: PodMetrics,
  resource: string,
): Calculation & { metrics: PodMetrics; groups: GroupOptions } {
  return { ...forAll(input), metrics, groups: { ...input.timing, resource } };
}
