/**
 * What differs from resource to resource in create, update and delete
 * (`apiserver/pkg/registry/rest/{create,update,delete}.go`; the strategies of `pkg/registry/<group>/<resource>/strategy.go`).
 *
 * Every function is pure but for changing the object it is given. The generic part (names, uid,
 * timestamps, metadata validation, finalizers, managed fields) is not the strategy's business.
 * `obj` has been decoded, pruned and defaulted; `old` is shared and immutable.
 */
import type { FieldError } from '@kubets/apimachinery/field';
import type { ApiObject } from '@kubets/apimachinery/meta';
import type { UserInfo } from '../server/types.ts';

export interface StrategyContext {
  readonly user: UserInfo;
  readonly namespace: string;
  /** RFC 3339, whole seconds: the time to stamp with. */
  readonly now: string;
  readonly dryRun: boolean;
  /** Whether a feature gate is on (`feature-gates.json`). */
  featureEnabled(gate: string): boolean;
}

export interface UpdateStrategy<T extends ApiObject = ApiObject> {
  /** Resets what this endpoint must not change (status on a spec update and the reverse), bumps generation. */
  prepareForUpdate(context: StrategyContext, obj: T, old: Readonly<T>): void;
  validateUpdate(context: StrategyContext, obj: T, old: Readonly<T>): FieldError[];
  warningsOnUpdate?(context: StrategyContext, obj: T, old: Readonly<T>): string[];
  /** Fields that this endpoint resets, as dotted paths (`status`, `metadata.deletionTimestamp`): apply does not own them. */
  readonly resetFields: readonly string[];
}

export interface Strategy<T extends ApiObject = ApiObject> extends UpdateStrategy<T> {
  prepareForCreate(context: StrategyContext, obj: T): void;
  validate(context: StrategyContext, obj: T): FieldError[];
  warningsOnCreate?(context: StrategyContext, obj: T): string[];
  /** Checks a name: `[]` when fine, else messages (`IsDNS1123Subdomain` and so on). */
  validateName(name: string, prefix: boolean): string[];
  /** PUT to a missing name creates it. */
  readonly allowCreateOnUpdate: boolean;
  /** PUT without resourceVersion overwrites. */
  readonly allowUnconditionalUpdate: boolean;
  /** Graceful deletion (pods): fills `options.gracePeriodSeconds`; false: delete at once. */
  checkGracefulDelete?(
    context: StrategyContext,
    obj: Readonly<T>,
    options: { gracePeriodSeconds?: number | null },
  ): boolean;
  /** Default of `propagationPolicy` when the client names none: `background` for all but a few legacy kinds (`orphan`: replicationcontrollers; `unsupported`: kinds without garbage collection such as events). */
  readonly defaultGarbageCollection: 'background' | 'orphan' | 'unsupported';
  /** `status`, `scale` excluded; e.g. `status`, `ephemeralcontainers`, `resize`, `approval`, `finalize`. */
  readonly subresources: Readonly<Record<string, UpdateStrategy<T>>>;
  /** Selectable fields besides metadata.name and metadata.namespace, e.g. `spec.nodeName`, always strings. */
  selectableFields?(obj: Readonly<T>): Record<string, string>;
  /** Names of the fields of {@link selectableFields}; a selector on others is refused. */
  readonly selectableFieldNames: readonly string[];
}
