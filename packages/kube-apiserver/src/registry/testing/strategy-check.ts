/** What tests of strategies share: objects decoded and defaulted as in a request, errors as text. */
import { featureGateDefault } from '@kubets/api/facts';
import { kindInfo } from '@kubets/api/scheme';
import { fieldErrorText } from '@kubets/apimachinery/field';
import { parseApiVersion, type ApiObject } from '@kubets/apimachinery/meta';
import type { Strategy, StrategyContext, UpdateStrategy } from '../strategy.ts';

export const strategyContext: StrategyContext = {
  user: { name: 'jane', uid: 'u1', groups: ['system:authenticated'], extra: { scopes: ['a'] } },
  namespace: 'ns',
  now: '2026-01-01T00:00:00Z',
  dryRun: false,
  featureEnabled: featureGateDefault,
};

/** A field of the object, by dotted path, and its new value; `undefined` removes the field. */
export type Change = readonly [path: string, value: unknown];

/** A deep copy with the changes made; missing objects on the way are created. */
export function changed<T extends object>(object: T, ...changes: readonly Change[]): T {
  const copy = structuredClone(object);
  for (const [path, value] of changes) {
    const names = path.split('.');
    const last = names.pop() ?? '';
    let at = copy as Record<string, unknown>;
    for (const name of names) at = (at[name] ??= {}) as Record<string, unknown>;
    if (value === undefined) delete at[last];
    else at[last] = value;
  }
  return copy;
}

/** Decoded and defaulted, as the registry hands it to a strategy. Metadata gets a name when it has none. */
export function decoded(object: object): ApiObject {
  const { apiVersion = '', kind = '', metadata } = object as Partial<ApiObject>;
  const gv = parseApiVersion(apiVersion);
  const info = gv && kindInfo({ ...gv, kind });
  if (info === undefined) throw new Error(`unknown kind ${apiVersion} ${kind}`);
  return info.decodeWithDefaults({ ...object, metadata: { name: 'example', ...metadata } });
}

/** Errors of a create, after preparation. */
export function createErrors(strategy: Strategy, object: object, context = strategyContext): string[] {
  const obj = decoded(object);
  strategy.prepareForCreate(context, obj);
  return strategy.validate(context, obj).map(fieldErrorText);
}

/** Errors of an update of this endpoint, after preparation; `old` is taken as stored. */
export function updateErrors(strategy: UpdateStrategy, object: object, old: object): string[] {
  const [obj, stored] = [decoded(object), decoded(old)];
  strategy.prepareForUpdate(strategyContext, obj, stored);
  return strategy.validateUpdate(strategyContext, obj, stored).map(fieldErrorText);
}

/** The object as a create stores it. */
export function created(strategy: Strategy, object: object, context = strategyContext): ApiObject {
  const obj = decoded(object);
  strategy.prepareForCreate(context, obj);
  return obj;
}

/** The object as an update of this endpoint stores it. */
export function updated(strategy: UpdateStrategy, object: object, old: object): ApiObject {
  const obj = decoded(object);
  strategy.prepareForUpdate(strategyContext, obj, decoded(old));
  return obj;
}
