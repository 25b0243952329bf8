/** Rows of HorizontalPodAutoscalers and Scales (`printHorizontalPodAutoscaler`, `formatHPAMetrics`). */
import type { HorizontalPodAutoscaler as V1 } from '../generated/types/autoscaling-v1.ts';
import type { Scale } from '../generated/types/autoscaling-v1.ts';
import type {
  HorizontalPodAutoscaler,
  MetricSpec,
  MetricStatus,
  MetricTarget,
  MetricValueStatus,
} from '../generated/types/autoscaling-v2.ts';
import { ageOf, firstFew, nameOf, none, unknown, unset } from './format.ts';

const percent = (value: number | undefined, otherwise: string): string =>
  value === undefined || value === null ? otherwise : `${value}%`;

/** `current/target` of a metric that is a quantity, per pod or in whole. */
function quantities(target: MetricTarget, current: MetricValueStatus | undefined): string {
  if (target.averageValue !== undefined) return `${current?.averageValue ?? unknown}/${target.averageValue} (avg)`;
  return `${current === undefined ? unknown : (current.value ?? '0')}/${target.value ?? '0'}`;
}

/** `cpu: 10%/50%`, or with quantities where the target is one. */
function resource(name: string, target: MetricTarget, current: MetricValueStatus | undefined): string {
  if (target.averageValue !== undefined) {
    return `${name}: ${current === undefined ? unknown : (current.averageValue ?? '0')}/${target.averageValue}`;
  }
  const now = percent(current?.averageUtilization, unknown);
  return `${name}: ${now}/${percent(target.averageUtilization, '<auto>')}`;
}

function metric(spec: MetricSpec, status: MetricStatus | undefined): string {
  if (spec.type === 'External' && spec.external) return quantities(spec.external.target, status?.external?.current);
  if (spec.type === 'Object' && spec.object) return quantities(spec.object.target, status?.object?.current);
  if (spec.type === 'Pods' && spec.pods) {
    const current = status?.pods?.current;
    const shown = current === undefined ? unknown : (current.averageValue ?? '0');
    return `${shown}/${spec.pods.target.averageValue ?? '0'}`;
  }
  if (spec.type === 'Resource' && spec.resource) {
    return resource(spec.resource.name, spec.resource.target, status?.resource?.current);
  }
  if (spec.type === 'ContainerResource' && spec.containerResource) {
    const { name, target } = spec.containerResource;
    return resource(name, target, status?.containerResource?.current);
  }
  return '<unknown type>';
}

function targets(hpa: HorizontalPodAutoscaler & V1): string {
  const cpu = hpa.spec?.targetCPUUtilizationPercentage;
  if (cpu !== undefined) {
    // The shape of autoscaling/v1 has this one metric.
    return `cpu: ${percent(hpa.status?.currentCPUUtilizationPercentage, unknown)}/${percent(cpu, '<auto>')}`;
  }
  const specs = hpa.spec?.metrics ?? [];
  if (specs.length === 0) return none;
  const texts = specs.map((spec, i) => metric(spec, hpa.status?.currentMetrics?.[i]));
  return firstFew(texts, { max: 2, separator: ', ' });
}

/** Reference, targets, bounds, replicas; in the shape of either served version. */
export function horizontalPodAutoscalerCells(object: HorizontalPodAutoscaler & V1, now: number): unknown[] {
  const { spec, status } = object;
  return [
    nameOf(object),
    `${spec?.scaleTargetRef?.kind ?? ''}/${spec?.scaleTargetRef?.name ?? ''}`,
    targets(object),
    spec?.minReplicas === undefined ? unset : String(spec.minReplicas),
    spec?.maxReplicas ?? 0,
    status?.currentReplicas ?? 0,
    ageOf(object, now),
  ];
}

/** Desired and available replicas. */
export function scaleCells(object: Scale, now: number): unknown[] {
  return [nameOf(object), object.spec?.replicas ?? 0, object.status?.replicas ?? 0, ageOf(object, now)];
}
