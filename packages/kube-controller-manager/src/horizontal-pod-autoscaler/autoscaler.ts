/** One turn of one autoscaler (upstream `pkg/controller/podautoscaler/horizontal.go`, `reconcileAutoscaler`). */
import { parseSelector, type Selector } from '@kubets/apimachinery/labels';
import { parseApiVersion } from '@kubets/apimachinery/meta';
import { formatTime } from '@kubets/apimachinery/time';
import { semanticEqual } from '@kubets/apimachinery/validation-meta';
import type {
  HorizontalPodAutoscaler,
  HorizontalPodAutoscalerStatus,
  MetricStatus,
} from '@kubets/api/types/autoscaling-v2';
import type { Pod } from '@kubets/api/types/core-v1';
import type { ControllerContext } from '../controller.ts';
import { longestPeriodMs, normalize } from './behavior.ts';
import { withFinding, type Finding } from './conditions.ts';
import type { History } from './history.ts';
import type { Action, Failure, HpaMetrics } from './hpa-metrics.ts';
import { MetricError, type MetricEvaluator, type MetricProposal, type ProposalInput } from './metric-proposal.ts';
import { ReportedFailure } from './reported-failure.ts';
import { readScale, type ScaleTarget, type ServedResources } from './scale-target.ts';
import type { AutoscalerSelectors } from './selectors.ts';
import { tolerancesOf } from './tolerances.ts';

export interface AutoscalerOptions {
  readonly context: ControllerContext;
  readonly hpa: Readonly<HorizontalPodAutoscaler>;
  readonly key: string;
  readonly history: History;
  readonly served: ServedResources;
  readonly evaluator: MetricEvaluator;
  readonly selectors: AutoscalerSelectors;
  readonly metrics: HpaMetrics;
  /** Pods of a namespace that a selector selects. */
  podsOf(namespace: string, selector: Selector): readonly Readonly<Pod>[];
}

/** What all metrics together ask for. */
interface Recommendation {
  readonly replicas: number;
  /** The metric that asks for most. */
  readonly name: string;
  /** Some metrics failed, and all the same there is enough to go by. */
  readonly error?: Error;
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

export class Autoscaler {
  readonly #options: AutoscalerOptions;
  readonly #hpa: Readonly<HorizontalPodAutoscaler>;
  readonly #namespace: string;
  readonly #now: number;
  #conditions: NonNullable<HorizontalPodAutoscalerStatus['conditions']>;
  #statuses: MetricStatus[] = [];
  #action: Action = 'none';
  #failure: Failure = 'none';

  constructor(options: AutoscalerOptions) {
    this.#options = options;
    this.#hpa = options.hpa;
    this.#namespace = options.hpa.metadata.namespace ?? '';
    this.#now = options.context.clock.now();
    this.#conditions = options.hpa.status?.conditions ?? [];
  }

  /** Reads, decides, scales, and reports. Rejects with what went wrong, after it was reported. */
  async run(): Promise<void> {
    const { clock } = this.#options.context;
    const started = clock.monotonic();
    try {
      await this.#run();
    } catch (error) {
      if (this.#failure === 'none') this.#failure = 'internal';
      throw error;
    } finally {
      this.#options.metrics.reconciled(this.#action, this.#failure, (clock.monotonic() - started) / 1000);
    }
  }

  async #run(): Promise<void> {
    const target = await this.#readScale();
    const current = target.scale.spec?.replicas ?? 0;
    this.#options.history.begin(current, this.#now);
    const { spec } = this.#hpa;
    const minReplicas = spec?.minReplicas ?? 1;
    const maxReplicas = spec?.maxReplicas ?? 0;
    if (current === 0 && minReplicas !== 0) {
      const message = 'scaling is disabled since the replica count of the target is zero';
      this.#find({ type: 'ScalingActive', status: 'False', reason: 'ScalingDisabled', message });
      return await this.#report({ current, desired: current });
    }
    if (current > maxReplicas)
      return await this.#rescale(target, maxReplicas, 'Current number of replicas above Spec.MaxReplicas');
    if (current < minReplicas)
      return await this.#rescale(target, minReplicas, 'Current number of replicas below Spec.MinReplicas');
    await this.#followMetrics(target, current, minReplicas);
  }

  async #readScale(): Promise<ScaleTarget> {
    const { kind, name, apiVersion = '' } = this.#hpa.spec?.scaleTargetRef ?? { kind: '', name: '' };
    const reference = `${kind}/${this.#namespace}/${name}`;
    const version = apiVersion === '' ? { group: '', version: '' } : parseApiVersion(apiVersion);
    let context = 'invalid API version in scale target reference';
    try {
      if (version === undefined) throw new Error(`unexpected GroupVersion string: ${apiVersion}`);
      context = 'unable to determine resource for scale target reference';
      const mappings = await this.#options.served.mappings({ group: version.group, kind });
      context = `failed to query scale subresource for ${reference}`;
      const target = await readScale(this.#options.context.transport, mappings, { namespace: this.#namespace, name });
      const message = "the HPA controller was able to get the target's current scale";
      this.#find({ type: 'AbleToScale', status: 'True', reason: 'SucceededGetScale', message });
      return target;
    } catch (error) {
      const text = textOf(error);
      this.#event('Warning', 'FailedGetScale', text);
      const message = `the HPA controller was unable to get the target's current scale: ${text}`;
      this.#find({ type: 'AbleToScale', status: 'False', reason: 'FailedGetScale', message });
      await this.#write(this.#hpa.status ?? { desiredReplicas: 0 });
      throw new ReportedFailure(`${context}: ${text}`, { cause: error });
    }
  }

  async #followMetrics(target: ScaleTarget, current: number, minReplicas: number): Promise<void> {
    const recommendation = await this.#recommendation(target, current);
    const { replicas: wanted, name, error } = recommendation;
    let reason = '';
    if (wanted > current) reason = `${name} above target`;
    if (wanted < current) reason = 'All metrics below target';
    const { history, context } = this.#options;
    const { replicas, findings } = normalize({
      hpa: this.#hpa,
      history,
      currentReplicas: current,
      desiredReplicas: wanted,
      minReplicas,
      now: this.#now,
      downscaleStabilizationMs: context.options.horizontalPodAutoscaler.downscaleStabilizationMs,
    });
    for (const finding of findings) this.#find(finding);
    if (replicas === current) await this.#report({ current, desired: current });
    else await this.#rescale(target, replicas, reason);
    if (error !== undefined) throw error;
  }

  async #recommendation(target: ScaleTarget, current: number): Promise<Recommendation> {
    try {
      return await this.#evaluate(target, current);
    } catch (error) {
      await this.#report({ current, desired: this.#hpa.status?.desiredReplicas ?? 0 });
      this.#event('Warning', 'FailedComputeMetricsReplicas', textOf(error));
      const { kind, name } = this.#hpa.spec?.scaleTargetRef ?? {};
      const reference = `${kind}/${this.#namespace}/${name}`;
      const message = `failed to compute desired number of replicas based on listed metrics for ${reference}: ${textOf(error)}`;
      throw new ReportedFailure(message, { cause: error });
    }
  }

  /** The most that any metric asks for (`computeReplicasForMetrics`). Rejects when there is too little to go by. */
  async #evaluate({ scale }: ScaleTarget, current: number): Promise<Recommendation> {
    const text = scale.status?.selector ?? '';
    const selector = this.#parseSelector(text);
    const pods = this.#options.podsOf(this.#namespace, selector);
    this.#refuseAmbiguity(text, selector, pods);
    const specs = this.#hpa.spec?.metrics ?? [];
    const input = this.#proposalInput(scale.status?.replicas ?? 0, current, { text, pods });
    const errors: MetricError[] = [];
    let best: MetricProposal | undefined;
    this.#statuses = specs.map(() => ({ type: '' }));
    for (const [i, spec] of specs.entries()) {
      try {
        const proposal = await this.#measured(spec.type, current, () => this.#options.evaluator.evaluate(spec, input));
        this.#statuses[i] = proposal.status;
        if (best === undefined || best.replicas === 0 || proposal.replicas > best.replicas) best = proposal;
      } catch (error) {
        if (!(error instanceof MetricError)) throw error;
        this.#event('Warning', error.reason, error.detail);
        errors.push(error);
      }
    }
    return this.#judge(best, errors, current);
  }

  /** What failed never lets anything shrink. */
  #judge(best: MetricProposal | undefined, errors: readonly MetricError[], current: number): Recommendation {
    const [first] = errors;
    const count = this.#hpa.spec?.metrics?.length ?? 0;
    const error =
      first &&
      new ReportedFailure(
        `invalid metrics (${errors.length} invalid out of ${count}), first error is: ${first.message}`,
      );
    if (best === undefined || (error !== undefined && best.replicas < current)) {
      if (first !== undefined) {
        const message = `the HPA was unable to compute the replica count: ${first.detail}`;
        this.#find({ type: 'ScalingActive', status: 'False', reason: first.reason, message });
      }
      throw error ?? new Error('no metrics are specified');
    }
    const message = `the HPA was able to successfully calculate a replica count from ${best.name}`;
    this.#find({ type: 'ScalingActive', status: 'True', reason: 'ValidMetricFound', message });
    return { replicas: best.replicas, name: best.name, ...(error && { error }) };
  }

  async #measured(type: string, current: number, work: () => Promise<MetricProposal>): Promise<MetricProposal> {
    const { clock } = this.#options.context;
    const started = clock.monotonic();
    const done = (action: Action, error: Failure): void =>
      this.#options.metrics.computed(type, { action, error }, (clock.monotonic() - started) / 1000);
    try {
      const proposal = await work();
      done(actionOf(current, proposal.replicas), 'none');
      return proposal;
    } catch (error) {
      done('none', 'internal');
      throw error;
    }
  }

  #proposalInput(
    statusReplicas: number,
    specReplicas: number,
    { text, pods }: { readonly text: string; readonly pods: readonly Readonly<Pod>[] },
  ): ProposalInput {
    const { context } = this.#options;
    const { tolerance, cpuInitializationPeriodMs, initialReadinessDelayMs } = context.options.horizontalPodAutoscaler;
    return {
      hpa: this.#hpa,
      specReplicas,
      statusReplicas,
      selector: text,
      pods,
      tolerances: tolerancesOf(this.#hpa, tolerance, context.featureEnabled('HPAConfigurableTolerance')),
      timing: { cpuInitializationPeriodMs, initialReadinessDelayMs, now: this.#now },
      podLevel: context.featureEnabled('PodLevelResources'),
    };
  }

  /** `validateAndParseSelector`. */
  #parseSelector(text: string): Selector {
    if (text === '') {
      const message = "the HPA target's scale is missing a selector";
      this.#refuseSelector({ reason: 'SelectorRequired', text: 'selector is required', message });
    }
    try {
      return parseSelector(text);
    } catch (error) {
      const why = `couldn't convert selector into a corresponding internal selector object: ${textOf(error)}`;
      return this.#refuseSelector({ reason: 'InvalidSelector', text: why, message: why });
    }
  }

  #refuseAmbiguity(text: string, selector: Selector, pods: readonly Readonly<Pod>[]): void {
    const { selectors, key } = this.#options;
    selectors.put(key, { namespace: this.#namespace, name: this.#hpa.metadata.name ?? '', selector });
    const selecting = selectors.selecting(this.#namespace, pods);
    if (selecting.length <= 1) return;
    const why = `pods by selector ${text} are controlled by multiple HPAs: [${selecting.join(' ')}]`;
    this.#refuseSelector({ reason: 'AmbiguousSelector', text: why, message: why });
  }

  #refuseSelector({ reason, text, message }: { reason: string; text: string; message: string }): never {
    this.#failure = 'spec';
    this.#event('Warning', reason, text);
    const conditionReason = reason === 'SelectorRequired' ? 'InvalidSelector' : reason;
    this.#find({ type: 'ScalingActive', status: 'False', reason: conditionReason, message });
    throw new Error(text);
  }

  async #rescale(target: ScaleTarget, replicas: number, reason: string): Promise<void> {
    const current = target.scale.spec?.replicas ?? 0;
    try {
      await target.resize(replicas);
    } catch (error) {
      const text = textOf(error);
      this.#event('Warning', 'FailedRescale', `New size: ${replicas}; reason: ${reason}; error: ${text}`);
      const message = `the HPA controller was unable to update the target scale: ${text}`;
      this.#find({ type: 'AbleToScale', status: 'False', reason: 'FailedUpdateScale', message });
      await this.#report({ current, desired: this.#hpa.status?.desiredReplicas ?? 0 });
      const { kind, name } = this.#hpa.spec?.scaleTargetRef ?? {};
      throw new Error(`failed to rescale ${kind}/${this.#namespace}/${name}: ${text}`, { cause: error });
    }
    const message = `the HPA controller was able to update the target scale to ${replicas}`;
    this.#find({ type: 'AbleToScale', status: 'True', reason: 'SucceededRescale', message });
    this.#event('Normal', 'SuccessfulRescale', `New size: ${replicas}; reason: ${reason}`);
    this.#remember(replicas - current);
    this.#action = actionOf(current, replicas);
    await this.#report({ current, desired: replicas, lastScaleTime: formatTime(this.#now) });
  }

  /** Policies look back at it. */
  #remember(change: number): void {
    const { behavior } = this.#hpa.spec ?? {};
    if (behavior === undefined) return;
    const windowMs = longestPeriodMs(change > 0 ? behavior.scaleUp : behavior.scaleDown);
    this.#options.history.scaled(change, this.#now, windowMs);
  }

  async #report(seen: { current: number; desired: number; lastScaleTime?: string }): Promise<void> {
    const { current, desired } = seen;
    const lastScaleTime = seen.lastScaleTime ?? this.#hpa.status?.lastScaleTime;
    await this.#write({
      ...(lastScaleTime !== undefined && { lastScaleTime }),
      ...(current !== 0 && { currentReplicas: current }),
      desiredReplicas: desired,
      ...(this.#statuses.length > 0 && { currentMetrics: this.#statuses }),
    });
    const { name = '' } = this.#hpa.metadata;
    this.#options.metrics.desired({ namespace: this.#namespace, name }, desired);
  }

  /** Nothing is written when nothing changed (`updateStatusIfNeeded`). */
  async #write(counts: HorizontalPodAutoscalerStatus): Promise<void> {
    const { conditions: _, ...rest } = counts;
    const status = { ...rest, ...(this.#conditions.length > 0 && { conditions: this.#conditions }) };
    if (semanticEqual(this.#hpa.status, status)) return;
    const { client } = this.#options.context;
    try {
      await client.horizontalPodAutoscalers(this.#namespace).updateStatus({ ...this.#hpa, status });
    } catch (error) {
      this.#event('Warning', 'FailedUpdateStatus', textOf(error));
      throw error;
    }
  }

  #find(finding: Finding): void {
    this.#conditions = withFinding(this.#conditions, finding, this.#now);
  }

  #event(type: 'Normal' | 'Warning', reason: string, message: string): void {
    this.#options.context.events.event(this.#hpa, type, reason, message);
  }
}

const actionOf = (before: number, after: number): Action =>
  after > before ? 'scale_up' : after < before ? 'scale_down' : 'none';
