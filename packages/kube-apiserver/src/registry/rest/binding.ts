/** Binding pods to nodes (`pkg/registry/core/pod/storage/storage.go`, `BindingREST`). */
import { kindInfo } from '@kubets/api/scheme';
import { notSupported, Path, required, type FieldError } from '@kubets/apimachinery/field';
import type { ApiObject } from '@kubets/apimachinery/meta';
import {
  newBadRequest,
  newConflict,
  newInvalid,
  newNotFound,
  optimisticLockMessage,
} from '@kubets/apimachinery/status';
import { storageErrorCode } from '@kubets/etcd';
import type { ApiRequest, ApiResult } from '../../server/types.ts';
import { orderedCopy } from '../core/pod/struct-order.ts';
import { checkName, ensureNamespace } from '../generic/metadata.ts';
import type { Latest } from '../generic/store.ts';
import { rethrowStorageError } from '../generic/store-errors.ts';
import { WriteContext } from '../generic/write-context.ts';
import { Attributes } from './attributes.ts';
import { createdStatus } from './created-status.ts';
import { bodyOf, decodeKind } from './decode.ts';
import { methodNotAllowed, notServed } from './errors.ts';
import { withPodCondition } from './pod-conditions.ts';
import type { ResourceScope } from './scope.ts';
import { parseWriteOptions, type WriteOptions } from './write-options.ts';

const bindingGvk = { group: '', version: 'v1', kind: 'Binding' };

interface Binding extends ApiObject {
  target?: { kind?: string; name?: string };
}

interface Pod extends ApiObject {
  spec?: { nodeName?: string; schedulingGates?: unknown[] };
}

/** POST to `pods/{name}/binding` and to `bindings`; `scope` is that of pods. */
export async function handleBinding(request: ApiRequest, scope: ResourceScope | undefined): Promise<ApiResult> {
  if (scope === undefined) throw notServed();
  if (request.info.verb !== 'create' || request.info.namespace === '') throw methodNotAllowed();
  const options = parseWriteOptions(request.query, 'CreateOptions');
  const context = new WriteContext(scope.environment, request, options.dryRun);
  const binding = await readBinding(scope, context, options);
  const { chain } = scope.environment;
  const attributes = attributesOf(scope, context, binding, options);
  await chain.admit(attributes);
  const errors = bindingErrors(binding);
  if (errors.length > 0) throw newInvalid(bindingGvk, binding.metadata.name ?? '', errors);
  await chain.validate(attributes);
  await bind(scope, context, binding);
  return createdStatus();
}

async function readBinding(scope: ResourceScope, context: WriteContext, options: WriteOptions): Promise<Binding> {
  const { request } = context;
  const kind = kindInfo(bindingGvk);
  if (kind === undefined) throw new Error('v1 Binding is not known');
  const { defaulting } = scope.environment;
  const binding = decodeKind(await bodyOf(request), { kind, options, context, defaulting });
  ensureNamespace(binding.metadata, context.namespace);
  const { name } = request.info;
  if (name !== '') {
    binding.metadata.name ||= name;
    if (binding.metadata.name !== name) throw newBadRequest('name in URL does not match name in Binding object');
  }
  checkName(binding.metadata, binding.metadata.name ?? '', context.namespace);
  return binding;
}

function attributesOf(
  scope: ResourceScope,
  context: WriteContext,
  binding: Binding,
  options: WriteOptions,
): Attributes {
  return new Attributes(scope, context, {
    operation: 'CREATE',
    name: binding.metadata.name ?? '',
    subresource: 'binding',
    object: binding,
    options: options.sent,
    kind: bindingGvk,
  });
}

function bindingErrors(binding: Binding): FieldError[] {
  const { kind = '', name = '' } = binding.target ?? {};
  const errors: FieldError[] = [];
  if (kind !== '' && kind !== 'Node') {
    errors.push(notSupported(Path.of('target', 'kind'), kind, ['Node', '<empty>']));
  }
  if (name === '') errors.push(required(Path.of('target', 'name'), ''));
  return errors;
}

async function bind(scope: ResourceScope, context: WriteContext, binding: Binding): Promise<void> {
  const { store, environment } = scope;
  const clears = environment.defaulting.featureEnabled('ClearingNominatedNodeNameAfterBinding');
  const name = binding.metadata.name ?? '';
  const key = store.keyOf(context, name);
  for (;;) {
    const latest = await store.latest(key);
    if (latest === undefined) throw newNotFound(scope.groupResource, name);
    checkBindable(scope, latest, binding);
    try {
      const assigned = bound(latest.object as Pod, binding, context.now);
      await store.write(context, latest, clears ? withoutNomination(assigned) : assigned);
      return;
    } catch (error) {
      if (storageErrorCode(error) !== 'conflict') rethrowStorageError(error, scope.groupResource, name);
    }
  }
}

/** Throws 409 when the pod cannot be bound (any more). */
function checkBindable(scope: ResourceScope, latest: Latest, binding: Binding): void {
  const pod = latest.object as Pod;
  const name = pod.metadata.name ?? '';
  const { uid, resourceVersion } = binding.metadata;
  if (uid && uid !== pod.metadata.uid) {
    const why = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${pod.metadata.uid}`;
    throw newConflict(scope.groupResource, name, why);
  }
  if (resourceVersion && resourceVersion !== String(latest.record.modRevision)) {
    throw newConflict(scope.groupResource, name, optimisticLockMessage);
  }
  const why = whyNotBindable(pod);
  if (why !== undefined) throw newConflict({ group: '', resource: 'pods/binding' }, name, why);
}

function whyNotBindable(pod: Readonly<Pod>): string | undefined {
  const { name, deletionTimestamp } = pod.metadata;
  if (deletionTimestamp !== undefined) return `pod ${name} is being deleted, cannot be assigned to a host`;
  if (pod.spec?.nodeName) return `pod ${name} is already assigned to node ${JSON.stringify(pod.spec.nodeName)}`;
  if ((pod.spec?.schedulingGates?.length ?? 0) > 0) return `pod ${name} has non-empty .spec.schedulingGates`;
  return undefined;
}

/** The pod on its node; annotations and labels of the binding go over to it. */
function bound(pod: Readonly<Pod>, binding: Binding, now: string): ApiObject {
  const { annotations, labels } = binding.metadata;
  const metadata = { ...pod.metadata };
  if (annotations !== undefined) metadata.annotations = { ...metadata.annotations, ...annotations };
  if (labels !== undefined) metadata.labels = { ...labels, ...metadata.labels };
  const spec = orderedCopy({ ...pod.spec, nodeName: binding.target?.name }, 'core-v1.PodSpec');
  const assigned = { ...pod, metadata, spec };
  return withPodCondition(assigned, { type: 'PodScheduled', status: 'True' }, now);
}

/** A pod that has got its node is not on its way to one. */
function withoutNomination(pod: Readonly<ApiObject>): ApiObject {
  const { nominatedNodeName, ...status } = pod['status'] as Readonly<Record<string, unknown>>;
  return nominatedNodeName === undefined ? pod : { ...pod, status };
}
