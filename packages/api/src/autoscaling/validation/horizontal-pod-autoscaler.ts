/** HorizontalPodAutoscalers, in the shape of v2 (`pkg/apis/autoscaling/validation/validation.go`). */
import type { FieldError } from '@kubets/apimachinery/field';
import type {
  HorizontalPodAutoscaler,
  HorizontalPodAutoscalerSpec,
  HPAScalingPolicy,
  HPAScalingRules,
} from '../../generated/types/autoscaling-v2.ts';
import { ErrorList } from '../../core/validation/pod-error-list.ts';
import { compareQuantityText } from '../../core/validation/pod-quantities.ts';
import { checkCounts } from '../../core/validation/template-counts.ts';
import { apiVersionError, checkMetric, checkObjectReference, type ReferenceRules } from './metrics.ts';

const maxPeriodSeconds = 1800;
const maxStabilizationSeconds = 3600;
const selectPolicies = ['Disabled', 'Max', 'Min'];
const policyTypes = ['Percent', 'Pods'];

function checkPolicy(errors: ErrorList, policy: HPAScalingPolicy, path: string): void {
  const { type, value, periodSeconds } = policy;
  if (!policyTypes.includes(type)) errors.notSupported(`${path}.type`, type, policyTypes);
  if (value <= 0) errors.invalid(`${path}.value`, value, 'must be greater than zero');
  if (periodSeconds <= 0) errors.invalid(`${path}.periodSeconds`, periodSeconds, 'must be greater than zero');
  if (periodSeconds > maxPeriodSeconds) {
    errors.invalid(`${path}.periodSeconds`, periodSeconds, `must be less than or equal to ${maxPeriodSeconds}`);
  }
}

function checkRules(errors: ErrorList, rules: HPAScalingRules | undefined, path: string): void {
  if (!rules) return;
  const { stabilizationWindowSeconds: window, selectPolicy, policies = [], tolerance } = rules;
  const at = `${path}.stabilizationWindowSeconds`;
  if (window !== undefined && window < 0) errors.invalid(at, window, 'must be greater than or equal to zero');
  if (window !== undefined && window > maxStabilizationSeconds) {
    errors.invalid(at, window, `must be less than or equal to ${maxStabilizationSeconds}`);
  }
  if (selectPolicy !== undefined && !selectPolicies.includes(selectPolicy)) {
    errors.notSupported(`${path}.selectPolicy`, selectPolicy, selectPolicies);
  }
  if (policies.length === 0) errors.required(`${path}.policies`, 'must specify at least one Policy');
  policies.forEach((policy, i) => checkPolicy(errors, policy, `${path}.policies[${i}]`));
  if (tolerance !== undefined && compareQuantityText(tolerance, '0') < 0) {
    errors.invalid(`${path}.tolerance`, tolerance, 'must be greater or equal to zero');
  }
}

function checkReplicas(
  errors: ErrorList,
  { minReplicas, maxReplicas }: HorizontalPodAutoscalerSpec,
  lowest: 0 | 1,
): void {
  if (minReplicas !== undefined && minReplicas < lowest) {
    errors.invalid('spec.minReplicas', minReplicas, `must be greater than or equal to ${lowest}`);
  }
  if (maxReplicas < 1) errors.invalid('spec.maxReplicas', maxReplicas, 'must be greater than 0');
  if (minReplicas !== undefined && maxReplicas < minReplicas) {
    errors.invalid('spec.maxReplicas', maxReplicas, 'must be greater than or equal to `minReplicas`');
  }
}

/** Metrics that exist without pods are what wakes a workload at zero. */
function checkScaleToZero(errors: ErrorList, { minReplicas, metrics = [] }: HorizontalPodAutoscalerSpec): void {
  if (minReplicas !== 0 || metrics.some(({ type }) => type === 'Object' || type === 'External')) return;
  const detail = 'must specify at least one Object or External metric to support scaling to zero replicas';
  errors.forbidden('spec.metrics', detail);
}

const emptySpec = {} as HorizontalPodAutoscalerSpec;

/** Only one kind of the core group scales. Wrong versions that are stored may stay wrong. */
function targetRules(spec: HorizontalPodAutoscalerSpec, old: HorizontalPodAutoscalerSpec | undefined): ReferenceRules {
  const emptyGroup = spec.scaleTargetRef?.kind === 'ReplicationController';
  const before = old?.scaleTargetRef;
  return {
    emptyGroup,
    anything: before !== undefined && apiVersionError(before.apiVersion ?? '', { emptyGroup }) !== '',
  };
}

function metricRules(old: HorizontalPodAutoscalerSpec | undefined): ReferenceRules {
  const emptyGroup = true;
  const stored = (old?.metrics ?? []).map(({ object }) => object?.describedObject.apiVersion ?? '');
  return { emptyGroup, anything: stored.some((version) => apiVersionError(version, { emptyGroup }) !== '') };
}

/** Create and update; zero replicas are fine with the gate, or when the stored object has them. */
export function validateHorizontalPodAutoscaler(
  object: HorizontalPodAutoscaler,
  { scaleToZero, old }: { scaleToZero: boolean; old?: Readonly<HorizontalPodAutoscaler> },
): FieldError[] {
  const errors = new ErrorList();
  const spec = object.spec ?? emptySpec;
  checkReplicas(errors, spec, scaleToZero || old?.spec?.minReplicas === 0 ? 0 : 1);
  const target = { path: 'spec.scaleTargetRef', rules: targetRules(spec, old?.spec) };
  checkObjectReference(errors, spec.scaleTargetRef ?? { kind: '', name: '' }, target);
  const rules = metricRules(old?.spec);
  (spec.metrics ?? []).forEach((metric, i) => checkMetric(errors, metric, { path: `spec.metrics[${i}]`, rules }));
  checkScaleToZero(errors, spec);
  checkRules(errors, spec.behavior?.scaleUp, 'spec.behavior.scaleUp');
  checkRules(errors, spec.behavior?.scaleDown, 'spec.behavior.scaleDown');
  return errors.errors;
}

export function validateHorizontalPodAutoscalerStatus(object: HorizontalPodAutoscaler): FieldError[] {
  const errors = new ErrorList();
  const { currentReplicas, desiredReplicas } = object.status ?? {};
  checkCounts(errors, { currentReplicas, desiredReplicas }, 'status');
  return errors.errors;
}
