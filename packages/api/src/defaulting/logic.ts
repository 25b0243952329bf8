/** Defaulting that the facts cannot express, by type id. Each function changes the raw document and returns the number of keys it added. */
import { isObject, type JsonObject } from './path.ts';
import { defaultPodResources } from './pod-resources.ts';
import type { DefaultingContext } from './condition.ts';

export type Logic = (object: JsonObject, context: DefaultingContext) => number;

/** `pkg/apis/core/v1/defaults.go`: `SetDefaults_Pod`. */
function pod(object: JsonObject, context: DefaultingContext): number {
  if (!isObject(object['spec']) || !context.featureEnabled('PodLevelResources')) return 0;
  try {
    return defaultPodResources(object['spec']);
  } catch {
    // A quantity that cannot be read: decoding words the error.
    return 0;
  }
}

/** Annotation that carries the metrics which autoscaling/v1 has no field for. */
const metricsAnnotation = 'autoscaling.alpha.kubernetes.io/metrics';

/** `pkg/apis/autoscaling/v1/conversion.go`: 80 % of CPU unless there is any metric at all. */
function autoscalerV1(object: JsonObject): number {
  const spec = object['spec'];
  if (!isObject(spec)) return 0;
  const annotations = isObject(object['metadata']) ? object['metadata']['annotations'] : undefined;
  const target = spec['targetCPUUtilizationPercentage'];
  if ((target !== undefined && target !== null) || (isObject(annotations) && metricsAnnotation in annotations))
    return 0;
  const added = 'targetCPUUtilizationPercentage' in spec ? 0 : 1;
  spec['targetCPUUtilizationPercentage'] = 80;
  return added;
}

/** `pkg/apis/autoscaling/v2/defaults.go`: a behavior gets both directions. Runs before the rules, which fill them. */
function autoscalerV2(object: JsonObject): number {
  const spec = object['spec'];
  const behavior = isObject(spec) ? spec['behavior'] : undefined;
  if (!isObject(behavior)) return 0;
  let added = 0;
  for (const direction of ['scaleUp', 'scaleDown']) {
    if (behavior[direction] !== undefined && behavior[direction] !== null) continue;
    if (!(direction in behavior)) added++;
    behavior[direction] = {};
  }
  return added;
}

/** `apiextensions/v1/defaults.go`: the storage version is the first stored one. */
function customResourceDefinition(object: JsonObject): number {
  const spec = object['spec'];
  const versions = isObject(spec) && Array.isArray(spec['versions']) ? (spec['versions'] as unknown[]) : [];
  const stored = versions.find((v) => isObject(v) && v['storage'] === true);
  if (!isObject(stored) || typeof stored['name'] !== 'string') return 0;
  let added = 0;
  if (!isObject(object['status'])) {
    if (!('status' in object)) added++;
    object['status'] = {};
  }
  const status = object['status'] as JsonObject;
  if (Array.isArray(status['storedVersions']) && status['storedVersions'].length > 0) return added;
  if (!('storedVersions' in status)) added++;
  status['storedVersions'] = [stored['name']];
  return added;
}

/** Run after the rules of the type. */
export const logicAfter: Readonly<Record<string, Logic>> = {
  'core-v1.Pod': pod,
  'autoscaling-v1.HorizontalPodAutoscaler': autoscalerV1,
  'apiextensions-v1.CustomResourceDefinition': customResourceDefinition,
};

/** Run before the rules of the type. */
export const logicBefore: Readonly<Record<string, Logic>> = {
  'autoscaling-v2.HorizontalPodAutoscaler': autoscalerV2,
};
