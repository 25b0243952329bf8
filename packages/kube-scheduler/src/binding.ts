/** From the chosen node to the bound pod, beside the scheduling of other pods (`schedule_one.go`, `bindingCycle`). */
import type { Clock } from '@kubets/apimachinery/clock';
import { attempted, rejection, type Assumed, type Failure } from './attempt.ts';
import type { ExtenderChain } from './extender/extender-chain.ts';
import { settled } from './framework/profile.ts';
import { isSuccess, Status } from './framework/status.ts';
import type { AnyPlugin, Outcome } from './framework/types.ts';
import { PermitWait } from './framework/waiting-pods.ts';
import type { SchedulerMetrics } from './metrics.ts';

export interface BindingDependencies {
  readonly clock: Clock;
  readonly waiting: Map<string, PermitWait>;
  readonly extenders: ExtenderChain | undefined;
  /** From here on nothing that happens in the cluster matters to the pod. */
  readonly onBinding: (uid: string) => void;
  readonly onPermitWait: (result: string, seconds: number) => void;
  readonly onExtensionPoint: SchedulerMetrics['extensionPoint'];
  /** Around the Bind plugins alone: pods may wait long before. */
  readonly onBindStart: () => void;
  readonly onBindEnd: () => void;
  /** Tells the API where the pod is about to go. Never rejects. */
  readonly nominate: (assumed: Assumed) => Promise<void>;
}

/** Undefined: the pod is bound. Never rejects. */
export async function bind(
  assumed: Assumed,
  dependencies: BindingDependencies,
  signal: AbortSignal,
): Promise<Failure | undefined> {
  const { pod } = assumed;
  const preBind = await preFlight(assumed);
  if (preBind instanceof Status) return failureOf(preBind);
  // Whoever adds nodes need not add one for a pod that only waits for what comes before binding.
  if (preBind.length > 0 || assumed.waits.size > 0) await dependencies.nominate(assumed);
  if (assumed.waits.size > 0) {
    const refused = await waitOnPermit(assumed, dependencies, signal);
    if (!isSuccess(refused)) return rejection(refused, assumed);
  }
  dependencies.onBinding(pod.uid);
  const prepared = await measured('PreBind', assumed, dependencies, () => runPreBind(assumed, preBind, signal));
  if (!isSuccess(prepared)) return failureOf(prepared);
  dependencies.onBindStart();
  const status = await measured('Bind', assumed, dependencies, () => runBind(assumed, dependencies.extenders));
  dependencies.onBindEnd();
  if (!isSuccess(status)) return failureOf(status);
  for (const plugin of assumed.profile.profile.points.postBind) {
    await settled(plugin.name, () => plugin.postBind?.(assumed.state, pod, assumed.nodeName));
  }
  return undefined;
}

const noPlugins: readonly AnyPlugin[] = [];

/** PreBind plugins that have something to do; or what was wrong. */
async function preFlight({ profile, state, pod, nodeName }: Assumed): Promise<readonly AnyPlugin[] | Status> {
  const { preBind } = profile.profile.points;
  if (preBind.length === 0) return noPlugins;
  const active: AnyPlugin[] = [];
  for (const plugin of preBind) {
    const status = attempted(plugin.name, () => plugin.preBindPreFlight?.(state, pod, nodeName));
    const known = status instanceof Promise ? await status : status;
    if (known?.code === 'Skip') continue;
    if (!isSuccess(known)) return known.by(plugin.name);
    active.push(plugin);
  }
  return active;
}

async function measured(
  point: string,
  { profile }: Assumed,
  { clock, onExtensionPoint }: BindingDependencies,
  run: () => Promise<Outcome>,
): Promise<Outcome> {
  const started = clock.monotonic();
  const outcome = await run();
  const seconds = (clock.monotonic() - started) / 1000;
  onExtensionPoint(point, profile.profile.name, { status: outcome?.code ?? 'Success', seconds });
  return outcome;
}

const failureOf = (status: Status): Failure => ({
  status: asError(status),
  diagnosis: undefined,
  nominatedNodeName: '',
});

/** Past Permit nothing makes a pod unschedulable: it is simply tried again. */
function asError(status: Status): Status {
  return status.code === 'Error' ? status : Status.error(new Error(status.message)).by(status.plugin);
}

/** A scheduler that stops waits no longer. */
async function waitOnPermit(
  { pod, waits }: Assumed,
  dependencies: BindingDependencies,
  signal: AbortSignal,
): Promise<Outcome> {
  const { clock, waiting, onPermitWait } = dependencies;
  const started = clock.monotonic();
  const wait = new PermitWait(pod.pod, waits, clock);
  const stop = (): void => void wait.reject('', 'the scheduler is stopping');
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  waiting.set(pod.uid, wait);
  const outcome = await wait.decided;
  waiting.delete(pod.uid);
  signal.removeEventListener('abort', stop);
  onPermitWait(outcome?.code ?? 'Success', (clock.monotonic() - started) / 1000);
  return outcome;
}

async function runPreBind(
  { state, pod, nodeName }: Assumed,
  plugins: readonly AnyPlugin[],
  signal: AbortSignal,
): Promise<Outcome> {
  for (const plugin of plugins) {
    const status = await settled(plugin.name, () => plugin.preBind?.(state, pod, nodeName, signal));
    if (!isSuccess(status)) return status.by(plugin.name);
  }
  return undefined;
}

async function runBind(
  { profile, state, pod, nodeName }: Assumed,
  extenders: ExtenderChain | undefined,
): Promise<Outcome> {
  if (extenders !== undefined) {
    try {
      if (await extenders.bind(pod.pod, nodeName)) return undefined;
    } catch (error) {
      return Status.error(error);
    }
  }
  for (const plugin of profile.profile.points.bind) {
    const status = await settled(plugin.name, () => plugin.bind?.(state, pod, nodeName));
    if (status?.code === 'Skip') continue;
    return status?.by(plugin.name);
  }
  return Status.error(new Error('no Bind plugin bound the pod'));
}
