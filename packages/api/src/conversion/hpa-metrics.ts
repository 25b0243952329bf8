/**
 * Metrics of a HorizontalPodAutoscaler: the flat form of autoscaling/v1 (kept in annotations) and the form of v2
 * (`pkg/apis/autoscaling/v1/conversion.go`).
 */
import { defined, isObject, objectOf, type JsonObject } from './json-walk.ts';

type Rewrite = (source: JsonObject) => JsonObject;

function target(utilization: unknown, averageValue: unknown, value?: unknown): JsonObject {
  const type = utilization !== undefined ? 'Utilization' : averageValue !== undefined ? 'AverageValue' : 'Value';
  return defined({ type, value: type === 'Value' ? value : undefined, averageValue, averageUtilization: utilization });
}

const metric = (name: unknown, selector: unknown): JsonObject => defined({ name, selector });

const specToV2: Readonly<Record<string, Rewrite>> = {
  object: (s) => ({
    describedObject: s['target'],
    target: target(undefined, s['averageValue'], s['targetValue']),
    metric: metric(s['metricName'], s['selector']),
  }),
  pods: (s) => ({ metric: metric(s['metricName'], s['selector']), target: target(undefined, s['targetAverageValue']) }),
  resource: (s) => ({ name: s['name'], target: target(s['targetAverageUtilization'], s['targetAverageValue']) }),
  containerResource: (s) => ({
    name: s['name'],
    target: target(s['targetAverageUtilization'], s['targetAverageValue']),
    container: s['container'],
  }),
  external: (s) => ({
    metric: metric(s['metricName'], s['metricSelector']),
    target: target(undefined, s['targetAverageValue'], s['targetValue']),
  }),
};

const part = (s: JsonObject, name: string): JsonObject => objectOf(s[name]);

const specToV1: Readonly<Record<string, Rewrite>> = {
  object: (s) => ({
    target: s['describedObject'],
    metricName: part(s, 'metric')['name'],
    targetValue: part(s, 'target')['value'] ?? '0',
    selector: part(s, 'metric')['selector'],
    averageValue: part(s, 'target')['averageValue'],
  }),
  pods: (s) => ({
    metricName: part(s, 'metric')['name'],
    targetAverageValue: part(s, 'target')['averageValue'],
    selector: part(s, 'metric')['selector'],
  }),
  resource: (s) => ({
    name: s['name'],
    targetAverageUtilization: part(s, 'target')['averageUtilization'],
    targetAverageValue: part(s, 'target')['averageValue'],
  }),
  containerResource: (s) => ({
    name: s['name'],
    targetAverageUtilization: part(s, 'target')['averageUtilization'],
    targetAverageValue: part(s, 'target')['averageValue'],
    container: s['container'],
  }),
  external: (s) => ({
    metricName: part(s, 'metric')['name'],
    metricSelector: part(s, 'metric')['selector'],
    targetValue: part(s, 'target')['value'],
    targetAverageValue: part(s, 'target')['averageValue'],
  }),
};

const current = (value: unknown, averageValue: unknown, averageUtilization?: unknown): JsonObject =>
  defined({ value, averageValue, averageUtilization });

const statusToV2: Readonly<Record<string, Rewrite>> = {
  object: (s) => ({
    metric: metric(s['metricName'], s['selector']),
    current: current(s['currentValue'], s['averageValue']),
    describedObject: s['target'],
  }),
  pods: (s) => ({
    metric: metric(s['metricName'], s['selector']),
    current: current(undefined, s['currentAverageValue']),
  }),
  resource: (s) => ({
    name: s['name'],
    current: current(undefined, s['currentAverageValue'], s['currentAverageUtilization']),
  }),
  containerResource: (s) => ({
    name: s['name'],
    current: current(undefined, s['currentAverageValue'], s['currentAverageUtilization']),
    container: s['container'],
  }),
  external: (s) => ({
    metric: metric(s['metricName'], s['metricSelector']),
    current: current(s['currentValue'], s['currentAverageValue']),
  }),
};

const statusToV1: Readonly<Record<string, Rewrite>> = {
  object: (s) => ({
    target: s['describedObject'],
    metricName: part(s, 'metric')['name'],
    currentValue: part(s, 'current')['value'] ?? '0',
    selector: part(s, 'metric')['selector'],
    averageValue: part(s, 'current')['averageValue'],
  }),
  pods: (s) => ({
    metricName: part(s, 'metric')['name'],
    currentAverageValue: part(s, 'current')['averageValue'] ?? '0',
    selector: part(s, 'metric')['selector'],
  }),
  resource: (s) => ({
    name: s['name'],
    currentAverageUtilization: part(s, 'current')['averageUtilization'],
    currentAverageValue: part(s, 'current')['averageValue'] ?? '0',
  }),
  containerResource: (s) => ({
    name: s['name'],
    currentAverageUtilization: part(s, 'current')['averageUtilization'],
    currentAverageValue: part(s, 'current')['averageValue'] ?? '0',
    container: s['container'],
  }),
  external: (s) => ({
    metricName: part(s, 'metric')['name'],
    metricSelector: part(s, 'metric')['selector'],
    currentValue: part(s, 'current')['value'] ?? '0',
    currentAverageValue: part(s, 'current')['averageValue'],
  }),
};

function rewrite(source: JsonObject, parts: Readonly<Record<string, Rewrite>>): JsonObject {
  const result: JsonObject = { type: source['type'] };
  for (const [name, make] of Object.entries(parts)) {
    const value = source[name];
    if (isObject(value)) result[name] = defined(make(value));
  }
  return result;
}

export const metricSpecToV2 = (spec: JsonObject): JsonObject => rewrite(spec, specToV2);
export const metricSpecToV1 = (spec: JsonObject): JsonObject => rewrite(spec, specToV1);
export const metricStatusToV2 = (status: JsonObject): JsonObject => rewrite(status, statusToV2);
export const metricStatusToV1 = (status: JsonObject): JsonObject => rewrite(status, statusToV1);
