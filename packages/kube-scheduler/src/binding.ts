/** From the chosen node to the bound pod, beside the scheduling of other pods (`schedule_one.go`, `bindingCycle`). */
import type { Clock } from '@kubets/apimachinery/clock';
import { rejection, type Assumed, type Failure } from './attempt.ts';
import type { ExtenderChain } from './extender/extender-chain.ts';
import { settled } from './framework/profile.ts';
import { isSuccess, Status } from './framework/status.ts';
import type { Outcome } from './framework/types.ts';
import { PermitWait } from './framework/waiting-pods.ts';

export interface BindingDependencies {
  readonly clock: Clock;
  readonly waiting: Map<string, PermitWait>;
  readonly extenders: ExtenderChain | undefined;
  /** From here on nothing that happens in the cluster matters to the pod. */
  readonly onBinding: (uid: string) => void;
  readonly onPermitWait: (result: string, seconds: number) => void;
}

/** Undefined: the pod is bound. Never rejects. */
export async function bind(
  assumed: Assumed,
  dependencies: BindingDependencies,
  signal: AbortSignal,
): Promise<Failure | undefined> {
  const { pod } = assumed;
  if (assumed.waits.size > 0) {
    const refused = await waitOnPermit(assumed, dependencies, signal);
    if (!isSuccess(refused)) return rejection(refused, assumed);
  }
  dependencies.onBinding(pod.uid);
  const { preBind, postBind } = assumed.profile.profile.points;
  if (preBind.length > 0) {
    const status = await runPreBind(assumed, signal);
    if (!isSuccess(status)) return { status: asError(status), diagnosis: undefined, nominatedNodeName: '' };
  }
  const status = await runBind(assumed, dependencies.extenders);
  if (!isSuccess(status)) return { status: asError(status), diagnosis: undefined, nominatedNodeName: '' };
  for (const plugin of postBind) {
    await settled(plugin.name, () => plugin.postBind?.(assumed.state, pod, assumed.nodeName));
  }
  return undefined;
}

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

async function runPreBind({ profile, state, pod, nodeName }: Assumed, signal: AbortSignal): Promise<Outcome> {
  for (const plugin of profile.profile.points.preBind) {
    const preflight = await settled(plugin.name, () => plugin.preBindPreFlight?.(state, pod, nodeName));
    if (preflight?.code === 'Skip') continue;
    if (!isSuccess(preflight)) return preflight.by(plugin.name);
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
