/**
 * What every create and update goes through, whatever the kind
 * (`apiserver/pkg/registry/rest/create.go`, `BeforeCreate`; `update.go`, `BeforeUpdate`).
 */
import type { ApiObject, GroupKind, ObjectMeta } from '@kubets/apimachinery/meta';
import { fieldErrorText, type FieldError } from '@kubets/apimachinery/field';
import { newInvalid } from '@kubets/apimachinery/status';
import { validateObjectMeta, validateObjectMetaUpdate } from '@kubets/apimachinery/validation-meta';
import type { Strategy, UpdateStrategy } from '../strategy.ts';
import { ensureNamespace } from './metadata.ts';
import type { WriteContext } from './write-context.ts';

export interface KindFacts {
  readonly kind: GroupKind;
  readonly namespaced: boolean;
}

/** Prepares and checks a new object whose name, uid and creationTimestamp are set. Throws 400, 422. */
export function beforeCreate(context: WriteContext, facts: KindFacts, strategy: Strategy, obj: ApiObject): void {
  const meta = obj.metadata;
  ensureNamespace(meta, facts.namespaced ? context.namespace : '');
  delete meta.deletionTimestamp;
  delete meta.deletionGracePeriodSeconds;
  delete meta.selfLink;
  strategy.prepareForCreate(context, obj);
  const { validateName } = strategy;
  const errors = validateObjectMeta(meta, { namespaced: facts.namespaced, validateName });
  errors.push(...strategy.validate(context, obj));
  if (errors.length > 0) throw newInvalid(facts.kind, meta.name ?? '', distinct(errors));
  context.warnAll(strategy.warningsOnCreate?.(context, obj));
}

/** Prepares and checks the new state of an object. Throws 400, 422. */
export function beforeUpdate(
  context: WriteContext,
  facts: KindFacts,
  strategy: UpdateStrategy,
  change: { readonly obj: ApiObject; readonly old: Readonly<ApiObject> },
): void {
  const { obj, old } = change;
  const meta = obj.metadata;
  ensureNamespace(meta, facts.namespaced ? context.namespace : '');
  keepOld(meta, old.metadata, 'generation');
  strategy.prepareForUpdate(context, obj, old);
  if (!meta.uid) keepOld(meta, old.metadata, 'uid');
  keepOld(meta, old.metadata, 'creationTimestamp');
  if (old.metadata.deletionTimestamp) keepOld(meta, old.metadata, 'deletionTimestamp');
  if (old.metadata.deletionGracePeriodSeconds !== undefined && meta.deletionGracePeriodSeconds === undefined) {
    keepOld(meta, old.metadata, 'deletionGracePeriodSeconds');
  }
  delete meta.selfLink;
  const errors = [...validateObjectMetaUpdate(meta, old.metadata), ...strategy.validateUpdate(context, obj, old)];
  if (errors.length > 0) throw newInvalid(facts.kind, meta.name ?? '', distinct(errors));
  context.warnAll(strategy.warningsOnUpdate?.(context, obj, old));
}

function keepOld(meta: ObjectMeta, old: Readonly<ObjectMeta>, field: keyof ObjectMeta): void {
  if (old[field] === undefined) delete meta[field];
  else (meta as Record<string, unknown>)[field] = old[field];
}

/** A strategy may have checked metadata too; nobody wants to read the same complaint twice. */
function distinct(errors: readonly FieldError[]): FieldError[] {
  return [...new Map(errors.map((error) => [fieldErrorText(error), error])).values()];
}
