/** PUT, of objects and of their update subresources (`apiserver/pkg/endpoints/handlers/update.go`). */
import type { ApiObject } from '@kubets/apimachinery/meta';
import type { ApiRequest, ApiResult } from '../../server/types.ts';
import { deepClone } from '@kubets/apimachinery/patch/json-value';
import { checkName, ensureNamespace } from '../generic/metadata.ts';
import type { UpdatePlan } from '../generic/store.ts';
import { WriteContext } from '../generic/write-context.ts';
import type { UpdateStrategy } from '../strategy.ts';
import { bodyOf, decodeServed } from './decode.ts';
import { managerOf, trackUpdate } from './managed-fields.ts';
import { writeResult } from './results.ts';
import type { ResourceScope } from './scope.ts';
import { UpdateAdmission } from './update-admission.ts';
import { parseWriteOptions, type WriteOptions } from './write-options.ts';

/** The strategy of the object itself ('') or of one of its update subresources; `undefined` when there is none. */
export function updateStrategyOf(scope: ResourceScope, subresource: string): UpdateStrategy | undefined {
  return subresource === '' ? scope.strategy : scope.strategy.subresources[subresource];
}

/** `subresource`: '' or one with an {@link UpdateStrategy}. */
export async function updateResource(
  scope: ResourceScope,
  request: ApiRequest,
  strategy: UpdateStrategy,
): Promise<ApiResult> {
  const options = parseWriteOptions(request.query, 'UpdateOptions');
  const context = new WriteContext(scope.environment, request, options.dryRun);
  const object = decodeServed(scope, await bodyOf(request), options, context);
  const { name, subresource } = request.info;
  checkName(object.metadata, name, context.namespace);
  ensureNamespace(object.metadata, scope.info.namespaced ? context.namespace : '');
  const plan = new PutPlan(scope, context, { object, options, strategy, subresource });
  return writeResult(scope, await scope.store.update(context, plan));
}

interface PutInput {
  readonly object: ApiObject;
  readonly options: WriteOptions;
  readonly strategy: UpdateStrategy;
  readonly subresource: string;
}

class PutPlan extends UpdateAdmission implements UpdatePlan {
  readonly name: string;
  readonly strategy: UpdateStrategy;
  readonly forceCreate = false;
  readonly uid: string | undefined;
  readonly #object: ApiObject;
  #tries = 0;

  constructor(scope: ResourceScope, context: WriteContext, input: PutInput) {
    super(scope, context, input.options, input.subresource);
    this.name = input.object.metadata.name ?? '';
    this.uid = input.object.metadata.uid;
    this.strategy = input.strategy;
    this.#object = input.object;
  }

  next(current: Readonly<ApiObject> | undefined): ApiObject | Promise<ApiObject> {
    // Each try starts from the object as it was sent; only a retry pays for a copy.
    const object = this.#tries++ === 0 && !this.mayRetry ? this.#object : deepClone(this.#object);
    const live = current === undefined ? undefined : this.served(current);
    const manager = managerOf(this.context, this.options.fieldManager);
    trackUpdate(this.scope, this.context, {
      obj: object,
      live,
      manager,
      subresource: this.subresource,
      resetFields: this.strategy.resetFields,
    });
    return this.admit(this.stored(object), current);
  }

  /** A PUT with a resourceVersion fails when another writer was faster; one without is tried again. */
  private get mayRetry(): boolean {
    return (this.#object.metadata.resourceVersion ?? '') === '';
  }
}
