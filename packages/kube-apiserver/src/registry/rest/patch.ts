/** PATCH, server-side apply included (`apiserver/pkg/endpoints/handlers/patch.go`). */
import { strictWarnings } from '@kubets/api/decode-body';
import { applyPatch } from '@kubets/apimachinery/apply/field-manager';
import type { ApiObject } from '@kubets/apimachinery/meta';
import { DecodeError } from '@kubets/apimachinery/schema/decode-error';
import { newConflict, newNotFound } from '@kubets/apimachinery/status';
import type { ApiRequest, ApiResult } from '../../server/types.ts';
import { checkName, ensureNamespace, wipeSystemFields } from '../generic/metadata.ts';
import type { UpdatePlan } from '../generic/store.ts';
import { WriteContext } from '../generic/write-context.ts';
import type { UpdateStrategy } from '../strategy.ts';
import { bodyOf, withDefaults, withMetadata } from './decode.ts';
import { managerOf, trackUpdate } from './managed-fields.ts';
import { invalidPatch, patched, patchTypeOf, readPatch, strictPatchError, type PatchBody } from './patch-body.ts';
import { writeResult } from './results.ts';
import type { ResourceScope } from './scope.ts';
import { UpdateAdmission } from './update-admission.ts';
import { parseWriteOptions, type WriteOptions } from './write-options.ts';

/** `strategy`: of the object or of the subresource in the URL. */
export async function patchResource(
  scope: ResourceScope,
  request: ApiRequest,
  strategy: UpdateStrategy,
): Promise<ApiResult> {
  const type = patchTypeOf(request.headers['content-type'] ?? '', true);
  const options = parseWriteOptions(request.query, 'PatchOptions', type === 'apply' ? 'apply' : 'other');
  const context = new WriteContext(scope.environment, request, options.dryRun);
  const body = await bodyOf(request);
  const patch = readPatch(body, type, scope.kind.schema, options.fieldValidation !== 'Ignore');
  const { name, subresource } = request.info;
  const plan = new PatchPlan(scope, context, { name, subresource, strategy, patch, options });
  return writeResult(scope, await scope.store.update(context, plan));
}

interface PatchInput {
  readonly name: string;
  readonly subresource: string;
  readonly strategy: UpdateStrategy;
  readonly patch: PatchBody;
  readonly options: WriteOptions;
}

class PatchPlan extends UpdateAdmission implements UpdatePlan {
  readonly name: string;
  readonly strategy: UpdateStrategy;
  readonly forceCreate: boolean;
  readonly #patch: PatchBody;

  constructor(scope: ResourceScope, context: WriteContext, input: PatchInput) {
    super(scope, context, input.options, input.subresource);
    this.name = input.name;
    this.strategy = input.strategy;
    this.#patch = input.patch;
    this.forceCreate = input.patch.type === 'apply' && input.subresource === '';
  }

  next(current: Readonly<ApiObject> | undefined): ApiObject | Promise<ApiObject> {
    const object = this.#patch.type === 'apply' ? this.#apply(current) : this.#merge(current);
    this.#checkIdentity(object, current);
    return this.admit(this.stored(object), current);
  }

  #merge(current: Readonly<ApiObject> | undefined): ApiObject {
    if (current === undefined) throw newNotFound(this.scope.groupResource, this.name);
    const live = this.served(current);
    const object = this.#decode(patched(live, this.#patch, this.scope.kind.schema));
    const manager = managerOf(this.context, this.options.fieldManager);
    const { subresource } = this;
    const { resetFields } = this.strategy;
    trackUpdate(this.scope, this.context, { obj: object, live, manager, subresource, resetFields });
    return object;
  }

  #apply(current: Readonly<ApiObject> | undefined): ApiObject {
    const { kind } = this.scope;
    const live: Readonly<ApiObject> =
      current === undefined ? { kind: kind.gvk.kind, apiVersion: kind.apiVersion, metadata: {} } : this.served(current);
    const { object } = applyPatch({
      live,
      patch: this.#patch.value as ApiObject,
      force: this.options.force,
      schema: kind.schema,
      apiVersion: kind.apiVersion,
      manager: this.options.fieldManager,
      subresource: this.subresource,
      now: this.context.now,
      resetFields: this.strategy.resetFields,
    });
    return this.#decode(object);
  }

  #decode(result: unknown): ApiObject {
    const { fieldValidation } = this.options;
    const problems = [...this.#patch.strictErrors];
    let object: ApiObject;
    try {
      const decoded = this.scope.kind.decodeStrict(result);
      object = decoded.object as ApiObject;
      problems.push(...decoded.strictErrors);
    } catch (error) {
      if (error instanceof DecodeError) throw invalidPatch(this.#patch, result, error.message);
      throw error;
    }
    if (problems.length > 0 && fieldValidation === 'Strict') throw strictPatchError(this.#patch, result, problems);
    if (fieldValidation === 'Warn') this.context.warnAll(strictWarnings(problems));
    return withDefaults(this.scope, withMetadata(object));
  }

  #checkIdentity(object: ApiObject, current: Readonly<ApiObject> | undefined): void {
    const { metadata } = object;
    if (current === undefined && metadata.uid) {
      const why = `uid mismatch: the provided object specified uid ${metadata.uid}, and no existing object was found`;
      throw newConflict(this.scope.groupResource, this.name, why);
    }
    if (current === undefined) wipeSystemFields(metadata);
    ensureNamespace(metadata, this.scope.info.namespaced ? this.context.namespace : '');
    checkName(metadata, this.name, this.context.namespace);
  }
}
