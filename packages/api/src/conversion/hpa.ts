/**
 * autoscaling/v1 and autoscaling/v2 HorizontalPodAutoscaler. What v1 has no field for travels in annotations
 * (`pkg/apis/autoscaling/annotations.go`, `v1/conversion.go`).
 */
import { metricSpecToV1, metricSpecToV2, metricStatusToV1, metricStatusToV2 } from './hpa-metrics.ts';
import { defined, isObject, listOf, objectOf, type JsonObject } from './json-walk.ts';

const prefix = 'autoscaling.alpha.kubernetes.io/';
const metricsAnnotation = `${prefix}metrics`;
const currentMetricsAnnotation = `${prefix}current-metrics`;
const conditionsAnnotation = `${prefix}conditions`;
const behaviorAnnotation = `${prefix}behavior`;
const roundTrip = [metricsAnnotation, currentMetricsAnnotation, conditionsAnnotation, behaviorAnnotation];

/** The behavior annotation holds the internal type, whose JSON names are Go's: `ScaleUp`, `PeriodSeconds`. */
function withCase(value: unknown, change: (key: string) => string): unknown {
  if (Array.isArray(value)) return value.map((item) => withCase(item, change));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [change(key), withCase(item, change)]));
}

const upper = (key: string): string => key.charAt(0).toUpperCase() + key.slice(1);
const lower = (key: string): string => key.charAt(0).toLowerCase() + key.slice(1);

function annotationsOf(object: Readonly<JsonObject>): Record<string, string> {
  return objectOf(objectOf(object['metadata'])['annotations']) as Record<string, string>;
}

function withoutRoundTrip(annotations: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(annotations).filter(([key]) => !roundTrip.includes(key)));
}

function metadataWith(object: Readonly<JsonObject>, annotations: Record<string, string>): JsonObject {
  const { annotations: _old, ...metadata } = objectOf(object['metadata']);
  return Object.keys(annotations).length === 0 ? metadata : { ...metadata, annotations };
}

/** The value of an annotation; `undefined` when it is absent or no JSON: what users wrote there must not break reads. */
function parsed(annotations: Readonly<Record<string, string>>, name: string): unknown {
  const text = annotations[name];
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    // Upstream fails the whole conversion; a list would then fail for one bad object.
    return undefined;
  }
}

const isCpuUtilization = (metric: JsonObject): boolean => {
  const resource = objectOf(metric['resource']);
  return (
    metric['type'] === 'Resource' &&
    resource['name'] === 'cpu' &&
    objectOf(resource['target'])['averageUtilization'] !== undefined
  );
};

function cpuMetric(averageUtilization: unknown): JsonObject {
  return { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } } };
}

function specToV2(spec: JsonObject, annotations: Record<string, string>): JsonObject {
  const { targetCPUUtilizationPercentage: cpu, ...rest } = spec;
  const metrics = listOf(parsed(annotations, metricsAnnotation)).map(metricSpecToV2);
  if (cpu !== undefined && cpu !== null) metrics.push(cpuMetric(cpu));
  const behavior = withCase(parsed(annotations, behaviorAnnotation), lower);
  return defined({
    ...rest,
    metrics: metrics.length === 0 ? undefined : metrics,
    behavior: isObject(behavior) ? behavior : undefined,
  });
}

function statusToV2(status: JsonObject, annotations: Record<string, string>): JsonObject {
  const { currentCPUUtilizationPercentage: cpu, ...rest } = status;
  const statuses = listOf(parsed(annotations, currentMetricsAnnotation)).map(metricStatusToV2);
  if (statuses.length === 0 && cpu !== undefined && cpu !== null) {
    statuses.push({ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: cpu } } });
  }
  const conditions = listOf(parsed(annotations, conditionsAnnotation));
  return defined({
    ...rest,
    currentMetrics: statuses.length === 0 ? undefined : statuses,
    conditions: conditions.length === 0 ? undefined : conditions,
  });
}

export function hpaToV2(object: Readonly<JsonObject>): JsonObject {
  const annotations = annotationsOf(object);
  return {
    ...object,
    metadata: metadataWith(object, withoutRoundTrip(annotations)),
    spec: specToV2(objectOf(object['spec']), annotations),
    status: statusToV2(objectOf(object['status']), annotations),
  };
}

function cpuStatus(statuses: readonly JsonObject[]): unknown {
  for (const status of statuses) {
    const resource = objectOf(status['resource']);
    const used = objectOf(resource['current'])['averageUtilization'];
    if (status['type'] === 'Resource' && resource['name'] === 'cpu' && used !== undefined) return used;
  }
  return undefined;
}

function annotate(spec: JsonObject, status: JsonObject): Record<string, string> {
  const result: Record<string, string> = {};
  const others = listOf(spec['metrics']).filter((metric) => !isCpuUtilization(metric));
  if (others.length > 0) result[metricsAnnotation] = JSON.stringify(others.map(metricSpecToV1));
  const statuses = listOf(status['currentMetrics']);
  if (statuses.length > 0) result[currentMetricsAnnotation] = JSON.stringify(statuses.map(metricStatusToV1));
  const conditions = listOf(status['conditions']);
  if (conditions.length > 0) result[conditionsAnnotation] = JSON.stringify(conditions);
  if (isObject(spec['behavior'])) result[behaviorAnnotation] = JSON.stringify(withCase(spec['behavior'], upper));
  return result;
}

export function hpaToV1(object: Readonly<JsonObject>): JsonObject {
  const { metrics, behavior: _behavior, ...spec } = objectOf(object['spec']);
  const { currentMetrics, conditions: _conditions, ...status } = objectOf(object['status']);
  const cpu = listOf(metrics).find(isCpuUtilization);
  const cpuTarget = objectOf(objectOf(cpu?.['resource'])['target'])['averageUtilization'];
  const kept = withoutRoundTrip(annotationsOf(object));
  return {
    ...object,
    metadata: metadataWith(object, { ...kept, ...annotate(objectOf(object['spec']), objectOf(object['status'])) }),
    spec: defined({ ...spec, targetCPUUtilizationPercentage: cpuTarget }),
    status: defined({ ...status, currentCPUUtilizationPercentage: cpuStatus(listOf(currentMetrics)) }),
  };
}
