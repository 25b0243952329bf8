/** The `scale` subresource (`pkg/registry/apps/deployment/storage/storage.go`, `ScaleREST`, and its like). */
import { kindInfo, type KindInfo } from '@kubets/api/scheme';
import { applyPatch } from '@kubets/apimachinery/apply/field-manager';
import { invalid, Path } from '@kubets/apimachinery/field';
import { formatLabelSelector, type LabelSelector } from '@kubets/apimachinery/label-selector';
import { Selector } from '@kubets/apimachinery/labels';
import type { ApiObject, GroupVersionKind } from '@kubets/apimachinery/meta';
import { newConflict, newInvalid, newNotFound } from '@kubets/apimachinery/status';
import type { ApiRequest, ApiResult } from '../../server/types.ts';
import type { WriteResult, UpdatePlan } from '../generic/store.ts';
import { WriteContext } from '../generic/write-context.ts';
import type { UpdateStrategy } from '../strategy.ts';
import { bodyOf, decodeKind, decodeValue } from './decode.ts';
import { getResource } from './get.ts';
import { methodNotAllowed, notServed } from './errors.ts';
import { managerOf, trackUpdate } from './managed-fields.ts';
import { patched, patchTypeOf, readPatch, type PatchBody } from './patch-body.ts';
import { checkName } from '../generic/metadata.ts';
import type { ResourceScope } from './scope.ts';
import { UpdateAdmission } from './update-admission.ts';
import { parseWriteOptions, type WriteOptions } from './write-options.ts';

export const scaleGvk: GroupVersionKind = { group: 'autoscaling', version: 'v1', kind: 'Scale' };

interface Scaled extends ApiObject {
  spec?: { replicas?: number; selector?: LabelSelector | Record<string, string> };
  status?: { replicas?: number };
}

interface Scale extends ApiObject {
  spec?: { replicas?: number };
}

function scaleKind(): KindInfo {
  const kind = kindInfo(scaleGvk);
  if (kind === undefined) throw new Error('autoscaling/v1 Scale is not known');
  return kind;
}

/** Replication controllers select by a plain map, the others by a LabelSelector. */
function selectorText(object: Readonly<Scaled>): string {
  const selector = object.spec?.selector;
  if (selector === undefined) return '';
  if (object.kind === 'ReplicationController')
    return Selector.fromLabels(selector as Record<string, string>).toString();
  const text = formatLabelSelector(selector as LabelSelector);
  return text === '<none>' || text === '<error>' ? '' : text;
}

/** The scale of a workload. */
export function scaleOf(object: Readonly<ApiObject>): ApiObject {
  const { metadata, spec, status } = object as Readonly<Scaled>;
  const { name, namespace, uid, resourceVersion, creationTimestamp } = metadata;
  const selector = selectorText(object as Readonly<Scaled>);
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: {
      ...(name && { name }),
      ...(namespace && { namespace }),
      ...(uid && { uid }),
      ...(resourceVersion && { resourceVersion }),
      ...(creationTimestamp !== undefined && { creationTimestamp }),
    },
    spec: spec?.replicas ? { replicas: spec.replicas } : {},
    status: { replicas: status?.replicas ?? 0, ...(selector !== '' && { selector }) },
  };
}

/** GET, PUT and PATCH of `/scale`. */
export function handleScale(request: ApiRequest, scope: ResourceScope | undefined): ApiResult | Promise<ApiResult> {
  if (scope === undefined) throw notServed();
  switch (request.info.verb) {
    case 'get':
      return getScale(scope, request);
    case 'update':
      return putScale(scope, request);
    case 'patch':
      return patchScale(scope, request);
    default:
      throw methodNotAllowed();
  }
}

async function getScale(scope: ResourceScope, request: ApiRequest): Promise<ApiResult> {
  const result = await getResource(scope, request);
  if (result.type !== 'cached') throw new Error('GET of an object answers with a cached one');
  return scaleResult(result.entry.object);
}

function scaleResult(object: Readonly<ApiObject>): ApiResult {
  return { type: 'object', status: 200, object: scaleOf(object), gvk: scaleGvk };
}

function writtenScale(result: WriteResult): ApiResult {
  return scaleResult(result.type === 'entry' ? result.entry.object : result.object);
}

async function putScale(scope: ResourceScope, request: ApiRequest): Promise<ApiResult> {
  const options = parseWriteOptions(request.query, 'UpdateOptions');
  const context = new WriteContext(scope.environment, request, options.dryRun);
  const { defaulting } = scope.environment;
  const scale = decodeKind(await bodyOf(request), { kind: scaleKind(), options, context, defaulting });
  checkName(scale.metadata, request.info.name, context.namespace);
  const plan = new PutScale(scope, context, options, scale as Scale);
  return writtenScale(await scope.store.update(context, plan));
}

async function patchScale(scope: ResourceScope, request: ApiRequest): Promise<ApiResult> {
  const type = patchTypeOf(request.headers['content-type'] ?? '', true);
  const options = parseWriteOptions(request.query, 'PatchOptions', type === 'apply' ? 'apply' : 'other');
  const context = new WriteContext(scope.environment, request, options.dryRun);
  const strict = options.fieldValidation !== 'Ignore';
  const patch = readPatch(await bodyOf(request), type, scaleKind().schema, strict);
  const plan = new PatchScale(scope, context, options, patch);
  return writtenScale(await scope.store.update(context, plan));
}

/** Updates a workload by way of its scale. Admission sees scales. */
abstract class ScalePlan extends UpdateAdmission implements UpdatePlan {
  readonly name: string;
  readonly strategy: UpdateStrategy;
  readonly forceCreate = false;

  constructor(scope: ResourceScope, context: WriteContext, options: WriteOptions) {
    super(scope, context, options, 'scale', scaleGvk);
    this.name = context.request.info.name;
    this.strategy = scope.strategy;
  }

  /** The new scale, made of the present one. */
  protected abstract scale(current: ApiObject, parent: Readonly<ApiObject>): Scale;

  next(current: Readonly<ApiObject> | undefined): ApiObject | Promise<ApiObject> {
    if (current === undefined) throw newNotFound(this.scope.groupResource, this.name);
    const old = scaleOf(current);
    const admitted = this.admit(this.scale(scaleOf(current), current), old);
    return admitted instanceof Promise
      ? admitted.then((scale) => this.#toParent(scale, current))
      : this.#toParent(admitted, current);
  }

  override validateUpdate(object: ApiObject, old: Readonly<ApiObject>): void | Promise<void> {
    return super.validateUpdate(scaleOf(object), scaleOf(old));
  }

  #toParent(scale: Scale, current: Readonly<ApiObject>): ApiObject {
    const replicas = scale.spec?.replicas ?? 0;
    this.#check(scale, current, replicas);
    const { spec, metadata } = current as Readonly<Scaled>;
    const object: ApiObject = { ...current, metadata: { ...metadata }, spec: withReplicas(spec, replicas) };
    object.metadata.resourceVersion = scale.metadata.resourceVersion ?? '';
    this.track(object, current);
    return object;
  }

  /** Records who owns the replicas now. */
  protected track(object: ApiObject, live: Readonly<ApiObject>): void {
    trackUpdate(this.scope, this.context, {
      obj: object,
      live,
      manager: managerOf(this.context, this.options.fieldManager),
      subresource: 'scale',
      resetFields: this.scope.strategy.resetFields,
    });
  }

  #check(scale: Scale, current: Readonly<ApiObject>, replicas: number): void {
    if (replicas < 0) {
      const why = 'must be greater than or equal to 0';
      throw newInvalid(scaleGvk, this.name, [invalid(Path.of('spec', 'replicas'), replicas, why)]);
    }
    const { uid } = scale.metadata;
    if (uid && uid !== current.metadata.uid) {
      const why = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${current.metadata.uid}`;
      throw newConflict(this.scope.groupResource, this.name, why);
    }
  }
}

/** The replicas where Go writes them: first in the spec, behind `minReadySeconds` of none of the four kinds. */
function withReplicas(spec: Scaled['spec'], replicas: number): object {
  return spec !== undefined && 'replicas' in spec ? { ...spec, replicas } : { replicas, ...spec };
}

class PutScale extends ScalePlan {
  readonly #sent: Scale;

  constructor(scope: ResourceScope, context: WriteContext, options: WriteOptions, sent: Scale) {
    super(scope, context, options);
    this.#sent = sent;
  }

  protected override scale(): Scale {
    return { ...this.#sent, metadata: { ...this.#sent.metadata } };
  }
}

class PatchScale extends ScalePlan {
  readonly #patch: PatchBody;

  constructor(scope: ResourceScope, context: WriteContext, options: WriteOptions, patch: PatchBody) {
    super(scope, context, options);
    this.#patch = patch;
  }

  protected override scale(current: ApiObject): Scale {
    if (this.#patch.type === 'apply') {
      const applied = this.#patch.value as Scale;
      return { ...current, spec: { ...(current as Scale).spec, ...applied.spec } };
    }
    const kind = scaleKind();
    return decodeValue(patched(current, this.#patch, kind.schema), kind, this.scope.environment.defaulting) as Scale;
  }

  /** Apply to a scale is apply to the replicas of its workload: conflicts and ownership are the same. */
  protected override track(object: ApiObject, live: Readonly<ApiObject>): void {
    if (this.#patch.type !== 'apply') {
      super.track(object, live);
      return;
    }
    const { kind } = this.scope;
    const replicas = (this.#patch.value as Scale).spec?.replicas;
    const { object: applied } = applyPatch({
      live,
      patch: {
        kind: kind.gvk.kind,
        apiVersion: kind.apiVersion,
        metadata: { name: this.name },
        spec: replicas === undefined ? {} : { replicas },
      },
      force: this.options.force,
      schema: kind.schema,
      apiVersion: kind.apiVersion,
      manager: this.options.fieldManager,
      subresource: 'scale',
      now: this.context.now,
      resetFields: this.scope.strategy.resetFields,
    });
    const { managedFields } = applied.metadata;
    if (managedFields !== undefined) object.metadata.managedFields = managedFields;
  }
}
