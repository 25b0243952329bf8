/** Writes and applies against a ConfigMap or Deployment, as the tests of this folder need them. */
import type { ApiObject } from '../../meta.ts';
import { StatusError, type Status } from '../../status.ts';
import { applyPatch, update, type ApplyOptions, type UpdateOptions } from '../field-manager.ts';
import { pathsOf, type FieldSet } from '../field-set.ts';
import { pathText } from '../path-element.ts';
import { configMap, deployment } from './schemas.ts';

export const t0 = '2026-01-01T00:00:00Z';
export const t1 = '2026-01-01T00:00:01Z';
export const t2 = '2026-01-01T00:00:02Z';
export const base = { schema: configMap, apiVersion: 'v1', manager: 'm', now: t0 };
export const appsBase = { ...base, schema: deployment, apiVersion: 'apps/v1' };

export function config(data: Record<string, string> | undefined, metadata: object = {}): ApiObject {
  return {
    kind: 'ConfigMap',
    apiVersion: 'v1',
    metadata: { name: 'c', namespace: 'd', ...metadata },
    ...(data && { data }),
  };
}

export const empty: ApiObject = { metadata: {} };

export function create(obj: ApiObject, more: Partial<UpdateOptions> = {}): ApiObject {
  const created = update({ ...base, ...more, live: undefined, obj });
  created.metadata.uid = 'u';
  return created;
}

export function change(live: ApiObject, data: Record<string, string>, more: Partial<UpdateOptions> = {}): ApiObject {
  const obj = { ...live, metadata: { ...live.metadata }, data };
  return update({ ...base, now: t1, live, obj, ...more });
}

/** Apply, with the null of removed fields taken away as the decoder does. */
export function apply(live: ApiObject, patch: object, more: Partial<ApplyOptions> = {}): ApiObject {
  const { object } = applyPatch({ ...base, live, patch: patch as ApiObject, force: false, ...more });
  if (live === empty) object.metadata.uid = 'u';
  return withoutNull(object) as ApiObject;
}

export function withoutNull(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNull);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, v]) => v !== null)
      .map(([k, v]) => [k, withoutNull(v)]),
  );
}

export function owners(object: ApiObject): Record<string, string[]> {
  const out: Record<string, string[]> = {};
  for (const e of object.metadata.managedFields ?? []) {
    const name = [e.manager, e.operation, e.subresource].filter(Boolean).join(' ');
    out[name] = pathsOf(e.fieldsV1 as FieldSet).map(pathText);
  }
  return out;
}

export function statusOf(run: () => unknown): Status {
  try {
    run();
  } catch (error) {
    if (error instanceof StatusError) return error.status;
    throw error;
  }
  throw new Error('expected an error');
}
