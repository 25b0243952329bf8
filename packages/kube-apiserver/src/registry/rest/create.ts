/** POST (`apiserver/pkg/endpoints/handlers/create.go`). */
import type { ApiObject, ObjectMeta } from '@kubets/apimachinery/meta';
import type { ApiRequest, ApiResult } from '../../server/types.ts';
import { dedupOwnerReferences, ensureNamespace } from '../generic/metadata.ts';
import type { WriteValidation } from '../generic/store.ts';
import { WriteContext } from '../generic/write-context.ts';
import { Attributes } from './attributes.ts';
import { bodyOf, decodeServed } from './decode.ts';
import { managerOf, trackUpdate } from './managed-fields.ts';
import { writeResult } from './results.ts';
import type { ResourceScope } from './scope.ts';
import { parseWriteOptions, type WriteOptions } from './write-options.ts';

export async function createResource(scope: ResourceScope, request: ApiRequest): Promise<ApiResult> {
  const options = parseWriteOptions(request.query, 'CreateOptions');
  const context = new WriteContext(scope.environment, request, options.dryRun);
  const object = decodeServed(scope, await bodyOf(request), options, context);
  return await createDecoded(scope, context, object, options);
}

/** Everything behind decoding; `object` is of the served version, with defaults. */
export async function createDecoded(
  scope: ResourceScope,
  context: WriteContext,
  object: ApiObject,
  options: WriteOptions,
): Promise<ApiResult> {
  ensureNamespace(object.metadata, scope.info.namespaced ? context.namespace : '');
  warnOfDuplicateOwners(context, object.metadata, false);
  const manager = managerOf(context, options.fieldManager);
  trackUpdate(scope, context, { obj: object, live: undefined, manager, resetFields: scope.strategy.resetFields });
  const stored = scope.toStorage === undefined ? object : scope.toStorage(object);
  const creation = new Creation(scope, context, options);
  const admitted = creation.admit(stored);
  if (admitted !== undefined) await admitted;
  return writeResult(scope, await scope.store.create(context, stored, creation));
}

/** The admission of one creation. */
export class Creation implements WriteValidation {
  readonly #scope: ResourceScope;
  readonly #context: WriteContext;
  readonly #options: WriteOptions;

  constructor(scope: ResourceScope, context: WriteContext, options: WriteOptions) {
    this.#scope = scope;
    this.#context = context;
    this.#options = options;
  }

  /** The mutating phase. */
  admit(object: ApiObject): void | Promise<void> {
    const admitted = this.#scope.environment.chain.admit(this.#attributes(object));
    if (admitted !== undefined) return admitted.then(() => this.#afterAdmit(object));
    this.#afterAdmit(object);
  }

  validateCreate(object: ApiObject): void | Promise<void> {
    return this.#scope.environment.chain.validate(this.#attributes(object));
  }

  validateUpdate(): void {
    throw new Error('a creation updates nothing');
  }

  #afterAdmit(object: ApiObject): void {
    warnOfDuplicateOwners(this.#context, object.metadata, true);
  }

  #attributes(object: ApiObject): Attributes {
    const name = object.metadata.name ?? '';
    return new Attributes(this.#scope, this.#context, {
      operation: 'CREATE',
      name,
      object,
      options: this.#options.sent,
    });
  }
}

/** Owner references that name the same object twice are dropped, with a warning (`dedupOwnerReferencesAndAddWarning`). */
export function warnOfDuplicateOwners(context: WriteContext, meta: ObjectMeta, afterAdmission: boolean): void {
  const duplicates = dedupOwnerReferences(meta);
  if (duplicates.length === 0) return;
  const when = afterAdmission ? ' after mutating admission happens' : '';
  context.warn(
    `.metadata.ownerReferences contains duplicate entries${when}; API server dedups owner references in 1.20+, and may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: ${duplicates.join(', ')}`,
  );
}
