/** Evicting pods with regard to disruption budgets (`pkg/registry/core/pod/storage/eviction.go`, `EvictionREST`). */
import { kindInfo } from '@kubets/api/scheme';
import { compileLabelSelector, type LabelSelector } from '@kubets/apimachinery/label-selector';
import type { ApiObject, GroupResource } from '@kubets/apimachinery/meta';
import { failure, newBadRequest, newForbidden, newNotFound, type StatusError } from '@kubets/apimachinery/status';
import { validateDeleteOptions } from '@kubets/apimachinery/validation-options';
import { storageErrorCode } from '@kubets/etcd';
import type { ApiRequest, ApiResult } from '../../server/types.ts';
import type { CacheEntry } from '../../storage/cache-entry.ts';
import type { DeleteOptions } from '../generic/delete-options.ts';
import { ensureNamespace } from '../generic/metadata.ts';
import type { ResourceStore } from '../generic/store.ts';
import { deleteObject } from '../generic/store-delete.ts';
import { rethrowStorageError } from '../generic/store-errors.ts';
import { WriteContext } from '../generic/write-context.ts';
import { Attributes } from './attributes.ts';
import { createdStatus } from './created-status.ts';
import { bodyOf, decodeKind } from './decode.ts';
import { deleteValidation } from './delete.ts';
import { methodNotAllowed, notServed } from './errors.ts';
import { podCondition, withPodCondition } from './pod-conditions.ts';
import type { ResourceScope } from './scope.ts';
import { invalidOptions, parseWriteOptions, type WriteOptions } from './write-options.ts';

const evictionGvk = { group: 'policy', version: 'v1', kind: 'Eviction' };
const budgets: GroupResource = { group: 'policy', resource: 'poddisruptionbudgets' };
/** As upstream's `MaxDisruptedPodSize`. */
const maxDisruptedPods = 2000;
const refusal = "Cannot evict pod as it would violate the pod's disruption budget.";

interface Eviction extends ApiObject {
  deleteOptions?: DeleteOptions;
}

interface Budget extends ApiObject {
  spec?: { selector?: LabelSelector | null; unhealthyPodEvictionPolicy?: string };
  status?: {
    observedGeneration?: number;
    disruptedPods?: Record<string, string>;
    disruptionsAllowed?: number;
    currentHealthy?: number;
    desiredHealthy?: number;
    expectedPods?: number;
  };
}

interface Job {
  readonly scope: ResourceScope;
  readonly context: WriteContext;
  readonly name: string;
  readonly options: DeleteOptions;
  readonly budgetStore: ResourceStore;
}

/** POST to `pods/{name}/eviction`; `scope` is that of pods. Throws 404, 429 when a budget forbids it. */
export async function handleEviction(
  request: ApiRequest,
  scope: ResourceScope | undefined,
  budgetStore: ResourceStore,
): Promise<ApiResult> {
  if (scope === undefined) throw notServed();
  if (request.info.verb !== 'create') throw methodNotAllowed();
  const options = parseWriteOptions(request.query, 'CreateOptions');
  const sent = await readEviction(scope, request, options);
  const deleteOptions = sent.deleteOptions ?? {};
  const dryRun = options.dryRun || (deleteOptions.dryRun?.length ?? 0) > 0;
  const context = new WriteContext(scope.environment, request, dryRun);
  await admitEviction(scope, context, sent, options);
  const job: Job = { scope, context, name: request.info.name, options: deleteOptions, budgetStore };
  await evict(job);
  return createdStatus();
}

async function readEviction(scope: ResourceScope, request: ApiRequest, options: WriteOptions): Promise<Eviction> {
  const kind = kindInfo(evictionGvk);
  if (kind === undefined) throw new Error('policy/v1 Eviction is not known');
  const context = new WriteContext(scope.environment, request, options.dryRun);
  const { defaulting } = scope.environment;
  const eviction: Eviction = decodeKind(await bodyOf(request), { kind, options, context, defaulting });
  eviction.metadata.name ||= request.info.name;
  if (eviction.metadata.name !== request.info.name) {
    throw newBadRequest('name in URL does not match name in Eviction object');
  }
  ensureNamespace(eviction.metadata, request.info.namespace);
  const { deleteOptions } = eviction;
  if (deleteOptions !== undefined) {
    invalidOptions('DeleteOptions', validateDeleteOptions({ ...deleteOptions, dryRun: deleteOptions.dryRun ?? [] }));
  }
  return eviction;
}

async function admitEviction(
  scope: ResourceScope,
  context: WriteContext,
  eviction: Eviction,
  options: WriteOptions,
): Promise<void> {
  const attributes = new Attributes(scope, context, {
    operation: 'CREATE',
    name: eviction.metadata.name ?? '',
    subresource: 'eviction',
    object: eviction,
    options: options.sent,
    kind: evictionGvk,
  });
  await scope.environment.chain.admit(attributes);
  await scope.environment.chain.validate(attributes);
}

async function evict(job: Job): Promise<void> {
  const { scope, context, name } = job;
  const latest = await scope.store.latest(scope.store.keyOf(context, name));
  if (latest === undefined) throw newNotFound(scope.groupResource, name);
  const pod = latest.object;
  if (!needsBudget(pod)) return await markAndDelete(job);
  const covering = budgetsOf(job, pod);
  if (covering.length > 1) {
    const why = 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.';
    throw failure('', why, { code: 500 });
  }
  const budget = covering[0];
  if (budget !== undefined && !ignoresUnready(budget.object as Budget, pod)) await takeFromBudget(job, budget);
  await markAndDelete(job);
}

/** Pods that do not run (yet, or any more) disturb nobody by going (`canIgnorePDB`). */
function needsBudget(pod: Readonly<ApiObject>): boolean {
  const { phase } = (pod['status'] ?? {}) as { phase?: string };
  if (phase === 'Succeeded' || phase === 'Failed' || phase === 'Pending') return false;
  return pod.metadata.deletionTimestamp === undefined;
}

function budgetsOf(job: Job, pod: Readonly<ApiObject>): CacheEntry[] {
  return job.budgetStore.cache.list(job.context.namespace).filter((entry) => {
    const selector = (entry.object as Budget).spec?.selector;
    return selector !== undefined && selector !== null && compileLabelSelector(selector).matches(pod.metadata.labels);
  });
}

/** Pods that are not ready may go although the budget is used up, as its policy says. */
function ignoresUnready(budget: Readonly<Budget>, pod: Readonly<ApiObject>): boolean {
  if (podCondition(pod, 'Ready')?.status === 'True') return false;
  if (budget.spec?.unhealthyPodEvictionPolicy === 'AlwaysAllow') return true;
  const { currentHealthy = 0, desiredHealthy = 0 } = budget.status ?? {};
  return currentHealthy >= desiredHealthy && desiredHealthy > 0;
}

function tooManyRequests(why: string, retryAfterSeconds?: number): StatusError {
  return failure('TooManyRequests', refusal, {
    details: {
      causes: [{ reason: 'DisruptionBudget', message: why }],
      ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
    },
  });
}

/** Throws unless the budget allows one more disruption (`checkAndDecrement`). */
function checkBudget(budget: Readonly<Budget>): void {
  const { generation = 0, name = '' } = budget.metadata;
  const { observedGeneration = 0, disruptionsAllowed = 0, disruptedPods, ...rest } = budget.status ?? {};
  const { desiredHealthy = 0, currentHealthy = 0 } = rest;
  if (observedGeneration < generation) {
    throw tooManyRequests(`The disruption budget ${name} is still being processed by the server.`, 10);
  }
  if (disruptionsAllowed < 0) throw newForbidden(budgets, name, 'pdb disruptions allowed is negative');
  if (Object.keys(disruptedPods ?? {}).length > maxDisruptedPods) {
    const why = 'DisruptedPods map too big - too many evictions not confirmed by PDB controller';
    throw newForbidden(budgets, name, why);
  }
  if (disruptionsAllowed === 0) {
    throw tooManyRequests(
      `The disruption budget ${name} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`,
    );
  }
}

async function takeFromBudget(job: Job, entry: CacheEntry): Promise<void> {
  const { budgetStore, context } = job;
  for (;;) {
    const latest = await budgetStore.latest(entry.key);
    if (latest === undefined) return;
    const budget = latest.object as Budget;
    checkBudget(budget);
    const { status = {} } = budget;
    const disruptedPods = { ...status.disruptedPods, [job.name]: context.now };
    const disruptionsAllowed = (status.disruptionsAllowed ?? 0) - 1;
    const changed = { ...budget, status: { ...status, disruptedPods, disruptionsAllowed } };
    try {
      await budgetStore.write(context, latest, changed);
      return;
    } catch (error) {
      if (storageErrorCode(error) !== 'conflict') rethrowStorageError(error, budgets, entry.name);
    }
  }
}

/** Says in the pod's status why it goes, then deletes it. */
async function markAndDelete(job: Job): Promise<void> {
  const { scope, context, name, options } = job;
  const latest = await scope.store.latest(scope.store.keyOf(context, name));
  if (latest !== undefined && latest.object.metadata.deletionTimestamp === undefined && !context.dryRun) {
    const condition = {
      type: 'DisruptionTarget',
      status: 'True',
      reason: 'EvictionByEvictionAPI',
      message: 'Eviction API: evicting',
    };
    try {
      await scope.store.write(context, latest, withPodCondition(latest.object, condition, context.now));
    } catch (error) {
      if (storageErrorCode(error) !== 'conflict') rethrowStorageError(error, scope.groupResource, name);
      return await markAndDelete(job);
    }
  }
  const validate = deleteValidation(scope, context, name, options);
  await deleteObject(scope.store, context, { name, options, validate });
}
