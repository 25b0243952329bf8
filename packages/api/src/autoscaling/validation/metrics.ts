/** Metrics of autoscalers, in the shape of v2 (`pkg/apis/autoscaling/validation/validation.go`, `validateMetricSpec`). */
import { validatePathSegmentName } from '@kubets/apimachinery/names';
import { parseApiVersion } from '@kubets/apimachinery/meta';
import type {
  ContainerResourceMetricSource,
  CrossVersionObjectReference,
  ExternalMetricSource,
  MetricIdentifier,
  MetricSpec,
  MetricTarget,
  ObjectMetricSource,
  PodsMetricSource,
  ResourceMetricSource,
} from '../../generated/types/autoscaling-v2.ts';
import { checkContainerResourceName } from '../../core/validation/container-resources.ts';
import type { ErrorList } from '../../core/validation/pod-error-list.ts';
import { dnsLabel } from '../../core/validation/pod-names.ts';
import { compareQuantityText } from '../../core/validation/pod-quantities.ts';

function checkSegment(
  errors: ErrorList,
  value: string | undefined,
  { path, detail = '' }: { path: string; detail?: string },
): void {
  if (!value) errors.required(path, detail);
  else errors.eachInvalid(path, value, validatePathSegmentName(value, false));
}

/** What an `apiVersion` may be besides `group/version`. */
export interface ReferenceRules {
  /** The core group, or nothing. */
  readonly emptyGroup: boolean;
  /** Anything: the stored object has a wrong one. */
  readonly anything?: boolean;
}

/** What is wrong with the version of a reference (`ValidateAPIVersion`). */
export function apiVersionError(apiVersion: string, { emptyGroup, anything = false }: ReferenceRules): string {
  if (anything) return '';
  const parsed = apiVersion === '' || apiVersion === '/' ? { group: '' } : parseApiVersion(apiVersion);
  if (parsed === undefined) return `unexpected GroupVersion string: ${apiVersion}`;
  return parsed.group === '' && !emptyGroup ? 'apiVersion must specify API group' : '';
}

export function checkObjectReference(
  errors: ErrorList,
  { kind, name, apiVersion = '' }: CrossVersionObjectReference,
  { path, rules }: { path: string; rules: ReferenceRules },
): void {
  checkSegment(errors, kind, { path: `${path}.kind` });
  checkSegment(errors, name, { path: `${path}.name` });
  const wrong = apiVersionError(apiVersion, rules);
  if (wrong !== '') errors.invalid(`${path}.apiVersion`, apiVersion, wrong);
}

function checkIdentifier(errors: ErrorList, metric: MetricIdentifier | undefined, path: string): void {
  checkSegment(errors, metric?.name, { path: `${path}.name`, detail: 'must specify a metric name' });
}

const targetTypes = ['Utilization', 'Value', 'AverageValue'];

function checkTarget(errors: ErrorList, target: MetricTarget, path: string): void {
  const { type, averageUtilization } = target;
  if (!type) errors.required(`${path}.type`, 'must specify a metric target type');
  if (!targetTypes.includes(type)) {
    errors.invalid(`${path}.type`, type ?? '', 'must be either Utilization, Value, or AverageValue');
  }
  for (const field of ['value', 'averageValue'] as const) {
    const quantity = target[field];
    if (quantity !== undefined && compareQuantityText(quantity, '0') <= 0) {
      errors.invalid(`${path}.${field}`, quantity, 'must be positive');
    }
  }
  if (averageUtilization !== undefined && averageUtilization < 1) {
    errors.invalid(`${path}.averageUtilization`, averageUtilization, 'must be greater than 0');
  }
}

interface MetricPlace {
  readonly path: string;
  /** For the objects that metrics describe. */
  readonly rules: ReferenceRules;
}

function checkObject(errors: ErrorList, source: ObjectMetricSource, { path, rules }: MetricPlace): void {
  checkObjectReference(errors, source.describedObject, { path: `${path}.describedObject`, rules });
  checkIdentifier(errors, source.metric, `${path}.metric`);
  checkTarget(errors, source.target, `${path}.target`);
  if (source.target.value === undefined && source.target.averageValue === undefined) {
    errors.required(`${path}.target.averageValue`, 'must set either a target value or averageValue');
  }
}

function checkExternal(errors: ErrorList, source: ExternalMetricSource, path: string): void {
  const { value, averageValue } = source.target;
  checkIdentifier(errors, source.metric, `${path}.metric`);
  checkTarget(errors, source.target, `${path}.target`);
  if (value === undefined && averageValue === undefined) {
    const detail = 'must set either a target value for metric or a per-pod target';
    errors.required(`${path}.target.averageValue`, detail);
  }
  if (value !== undefined && averageValue !== undefined) {
    const detail = 'may not set both a target value for metric and a per-pod target';
    errors.forbidden(`${path}.target.value`, detail);
  }
}

function checkPods(errors: ErrorList, source: PodsMetricSource, path: string): void {
  checkIdentifier(errors, source.metric, `${path}.metric`);
  checkTarget(errors, source.target, `${path}.target`);
  if (source.target.averageValue === undefined) {
    errors.required(`${path}.target.averageValue`, 'must specify a positive target averageValue');
  }
}

function checkResourceTarget(errors: ErrorList, target: MetricTarget, path: string): void {
  checkTarget(errors, target, path);
  const { averageUtilization, averageValue } = target;
  if (averageUtilization === undefined && averageValue === undefined) {
    const detail = 'must set either a target raw value or a target utilization';
    errors.required(`${path}.averageUtilization`, detail);
  }
  if (averageUtilization !== undefined && averageValue !== undefined) {
    errors.forbidden(`${path}.averageValue`, 'may not set both a target raw value and a target utilization');
  }
}

function checkResource(errors: ErrorList, source: ResourceMetricSource, path: string): void {
  if (!source.name) errors.required(`${path}.name`, 'must specify a resource name');
  checkResourceTarget(errors, source.target, `${path}.target`);
}

function checkContainerResource(errors: ErrorList, source: ContainerResourceMetricSource, path: string): void {
  const { name, container, target } = source;
  if (!name) errors.required(`${path}.name`, 'must specify a resource name');
  else checkContainerResourceName(errors, name, `${path}.name`);
  if (!container) errors.required(`${path}.container`, 'must specify a container');
  else errors.eachInvalid(`${path}.container`, container, dnsLabel(container));
  checkResourceTarget(errors, target, `${path}.target`);
}

const sources = ['object', 'external', 'pods', 'resource', 'containerResource'] as const;
const typeNames = ['ContainerResource', 'External', 'Object', 'Pods', 'Resource'];

function checkSource(
  errors: ErrorList,
  metric: MetricSpec,
  { source, path, rules }: MetricPlace & { source: (typeof sources)[number] },
): void {
  if (source === 'object' && metric.object) checkObject(errors, metric.object, { path, rules });
  else if (source === 'external' && metric.external) checkExternal(errors, metric.external, path);
  else if (source === 'pods' && metric.pods) checkPods(errors, metric.pods, path);
  else if (source === 'resource' && metric.resource) checkResource(errors, metric.resource, path);
  else if (metric.containerResource) checkContainerResource(errors, metric.containerResource, path);
}

export function checkMetric(errors: ErrorList, metric: MetricSpec, { path, rules }: MetricPlace): void {
  const { type } = metric;
  if (!type) errors.required(`${path}.type`, 'must specify a metric source type');
  if (!typeNames.includes(type)) errors.notSupported(`${path}.type`, type ?? '', typeNames);
  const present = sources.filter((source) => metric[source]);
  const [first] = present;
  if (first !== undefined) checkSource(errors, metric, { source: first, path: `${path}.${first}`, rules });
  const expected = sources.find((source) => source.toLowerCase() === (type ?? '').toLowerCase());
  if (expected !== undefined && !metric[expected]) {
    errors.required(`${path}.${expected}`, 'must populate information for the given metric source');
  }
  if (present.length <= 1) return;
  for (const source of present) {
    if (source !== expected) errors.forbidden(`${path}.${source}`, 'must populate the given metric source only');
  }
}
