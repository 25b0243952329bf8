import { describe, expect, it } from 'vitest';
import type { ApiObject, ManagedFieldsEntry } from '../meta.ts';
import type { ObjectSchema } from '../schema/types.ts';
import { applyPatch, equalButForTimes, update, type UpdateOptions } from './field-manager.ts';
import { lastAppliedAnnotation } from './last-applied.ts';
import {
  apply,
  appsBase,
  base,
  change,
  config,
  create,
  empty,
  owners,
  statusOf,
  t0,
  t1,
  t2,
} from './testing/operations.ts';
import { configMap } from './testing/schemas.ts';

describe('update', () => {
  it('gives what is created to its creator, without identity and system fields', () => {
    const created = create(
      config({ a: '1' }, { labels: { x: 'y' }, generation: 1, creationTimestamp: t0, finalizers: ['f'] }),
    );
    expect(created.metadata.managedFields).toEqual([
      {
        manager: 'm',
        operation: 'Update',
        apiVersion: 'v1',
        time: t0,
        fieldsType: 'FieldsV1',
        fieldsV1: {
          'f:data': { '.': {}, 'f:a': {} },
          'f:metadata': { 'f:finalizers': { '.': {}, 'v:"f"': {} }, 'f:labels': { '.': {}, 'f:x': {} } },
        },
      },
    ]);
    expect(Object.keys(created.metadata.managedFields![0]!)).toEqual([
      'manager',
      'operation',
      'apiVersion',
      'time',
      'fieldsType',
      'fieldsV1',
    ]);
  });

  it('has no entry for an object without fields, and calls the nameless unknown', () => {
    expect(create(config(undefined)).metadata.managedFields).toBeUndefined();
    expect(owners(create(config({ a: '1' }), { manager: '' }))).toEqual({ 'unknown Update': ['.data', '.data.a'] });
  });

  it('moves what changes to who changes it, with the time', () => {
    const live = create(config({ a: '1', b: '1' }));
    const next = change(live, { a: '2', b: '1', c: '1' }, { manager: 'n' });
    expect(owners(next)).toEqual({ 'm Update': ['.data', '.data.b'], 'n Update': ['.data.a', '.data.c'] });
    expect(next.metadata.managedFields!.map((e) => e.time)).toEqual([t0, t1]);
  });

  it('drops managers that lose everything, and fields that go away', () => {
    const live = create(config({ a: '1' }));
    const next = change(live, { b: '1' }, { manager: 'n' });
    expect(owners(next)).toEqual({ 'm Update': ['.data'], 'n Update': ['.data.b'] });
    const gone = update({ ...base, live: next, obj: config(undefined, { uid: 'u' }) });
    expect(gone.metadata.managedFields).toBeUndefined();
  });

  it('merges with the same manager, and keeps the time when fields only go', () => {
    const live = create(config({ a: '1', b: '1' }));
    const more = change(live, { a: '1', b: '1', c: '1' });
    expect(owners(more)).toEqual({ 'm Update': ['.data', '.data.a', '.data.b', '.data.c'] });
    expect(more.metadata.managedFields![0]!.time).toBe(t1);
    const less = change(more, { a: '1' }, { now: t2 });
    expect(owners(less)).toEqual({ 'm Update': ['.data', '.data.a'] });
    expect(less.metadata.managedFields![0]!.time).toBe(t1);
  });

  it('shares the entries when nothing changes', () => {
    const live = create(config({ a: '1' }));
    expect(change(live, { a: '1' }).metadata.managedFields).toBe(live.metadata.managedFields);
    const copy = structuredClone(live);
    expect(update({ ...base, live, obj: copy }).metadata.managedFields).toBe(live.metadata.managedFields);
  });

  it('keeps the entries when a client that does not know them leaves them out', () => {
    const live = create(config({ a: '1' }));
    const obj = config({ a: '1' }, { uid: 'u' });
    expect(update({ ...base, live, obj }).metadata.managedFields).toBe(live.metadata.managedFields);
  });

  it('takes over entries that the client has edited', () => {
    const live = create(config({ a: '1' }));
    const entry: ManagedFieldsEntry = { ...live.metadata.managedFields![0]!, manager: 'renamed' };
    const obj = config({ a: '1' }, { uid: 'u', managedFields: [entry] });
    expect(owners(update({ ...base, live, obj }))).toEqual({ 'renamed Update': ['.data', '.data.a'] });
  });

  it.each([
    [{ operation: 'Bogus' }],
    [{ apiVersion: '' }],
    [{ fieldsType: 'V2' }],
    [{ fieldsType: undefined }],
    [{ fieldsV1: { bad: {} } }],
  ])('falls back to the stored entries when %j cannot be read', (broken) => {
    const live = create(config({ a: '1' }));
    const entry = { ...live.metadata.managedFields![0]!, ...broken } as ManagedFieldsEntry;
    const obj = config({ a: '1' }, { uid: 'u', managedFields: [entry] });
    expect(update({ ...base, live, obj }).metadata.managedFields).toBe(live.metadata.managedFields);
  });

  it.each([[[]], [[{}]]])(
    'forgets all managers when asked with %j, and tracks none until the next apply',
    (managedFields) => {
      const live = create(config({ a: '1' }));
      const reset = update({ ...base, live, obj: config({ a: '2' }, { uid: 'u', managedFields }) });
      expect('managedFields' in reset.metadata).toBe(false);
      const next = change(reset, { a: '3' });
      expect(next.metadata.managedFields).toBeUndefined();
      const applied = apply(next, config({ b: '1' }), { now: t2 });
      expect(owners(applied)).toEqual({ 'm Apply': ['.data.b'], 'before-first-apply Update': ['.data', '.data.a'] });
    },
  );

  it('ignores entries sent to a subresource', () => {
    const live = create(config({ a: '1' }));
    const obj = config({ a: '1' }, { uid: 'u', managedFields: [] });
    expect(update({ ...base, subresource: 'status', live, obj }).metadata.managedFields).toBe(
      live.metadata.managedFields,
    );
  });

  it('keeps subresources apart, and owns nothing that the endpoint resets', () => {
    const obj: ApiObject = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'd', uid: 'u' },
      spec: { replicas: 1 },
      status: { replicas: 9 },
    };
    const resetFields = ['status'];
    const live = update({ ...appsBase, resetFields, live: undefined, obj });
    expect(owners(live)).toEqual({ 'm Update': ['.spec.replicas'] });
    const next = { ...live, metadata: { ...live.metadata }, spec: { replicas: 5 }, status: { replicas: 3 } };
    update({ ...appsBase, subresource: 'status', resetFields: ['spec'], live, obj: next, now: t1 });
    expect(owners(next)).toEqual({ 'm Update': ['.spec.replicas'], 'm Update status': ['.status.replicas'] });
  });

  it('keeps at most ten managers of updates, merging the oldest', () => {
    let live = create(config({ base: '1' }), { manager: 'm00' });
    const data: Record<string, string> = { base: '1' };
    for (let i = 1; i <= 14; i++) {
      data[`k${i}`] = '1';
      live = change(
        live,
        { ...data },
        { manager: `m${String(i).padStart(2, '0')}`, now: `2026-01-01T00:00:${10 + i}Z` },
      );
    }
    const names = live.metadata.managedFields!.map((e) => e.manager);
    expect(names).toHaveLength(10);
    expect(names[0]).toBe('ancient-changes');
    expect(names.slice(1)).toEqual(['m06', 'm07', 'm08', 'm09', 'm10', 'm11', 'm12', 'm13', 'm14']);
    expect(owners(live)['ancient-changes Update']).toEqual([
      '.data',
      '.data.base',
      '.data.k1',
      '.data.k2',
      '.data.k3',
      '.data.k4',
      '.data.k5',
    ]);
    expect(live.metadata.managedFields![0]!.time).toBe('2026-01-01T00:00:15Z');
  });
});

describe('apply', () => {
  it('creates', () => {
    const object = apply(empty, config({ a: '1' }, { labels: { x: 'y' } }));
    expect(owners(object)).toEqual({ 'm Apply': ['.data.a', '.metadata.labels.x'] });
    expect(object).toMatchObject(config({ a: '1' }));
  });

  it('adds to what others have, and removes what it applied before and nobody else owns', () => {
    const live = create(config({ a: '1', b: '1' }), { manager: 'other' });
    const first = apply(live, config({ b: '1', c: '1', d: '1' }), { now: t1 });
    expect(owners(first)).toEqual({
      'm Apply': ['.data.b', '.data.c', '.data.d'],
      'other Update': ['.data', '.data.a', '.data.b'],
    });
    const second = apply(first, config({ d: '1' }), { now: t2 });
    expect(second['data']).toEqual({ a: '1', b: '1', d: '1' });
    expect(owners(second)).toEqual({ 'm Apply': ['.data.d'], 'other Update': ['.data', '.data.a', '.data.b'] });
    expect(second.metadata.managedFields!.map((e) => e.time)).toEqual([t2, t0]);
  });

  it('keeps fields that another applier owns too', () => {
    const one = apply(empty, config({ a: '1', shared: '1' }), { manager: 'one' });
    const both = apply(one, config({ b: '1', shared: '1' }), { manager: 'two' });
    const left = apply(both, config(undefined), { manager: 'one' });
    expect(left['data']).toEqual({ b: '1', shared: '1' });
    expect(owners(left)).toEqual({ 'two Apply': ['.data.b', '.data.shared'] });
  });

  it('says when nothing changed, and keeps the time', () => {
    const live = apply(empty, config({ a: '1' }));
    const again = applyPatch({ ...base, live, patch: config({ a: '1' }), force: false, now: t2 });
    expect(again.changed).toBe(false);
    expect(again.object.metadata.managedFields).toBe(live.metadata.managedFields);
  });

  it('lets a second applier own the same value, without a time since the object stays', () => {
    const live = apply(empty, config({ a: '1' }), { manager: 'one' });
    const { object, changed } = applyPatch({
      ...base,
      live,
      patch: config({ a: '1' }),
      force: false,
      manager: 'two',
      now: t2,
    });
    expect(changed).toBe(true);
    expect(owners(object)).toEqual({ 'one Apply': ['.data.a'], 'two Apply': ['.data.a'] });
    expect(object.metadata.managedFields!.find((e) => e.manager === 'two')).not.toHaveProperty('time');
  });

  it('does not change what it is given', () => {
    const live = create(config({ a: '1', b: '1' }));
    const patch = config({ b: '2' });
    const before = structuredClone([live, patch]);
    apply(live, patch, { force: true });
    expect([live, patch]).toEqual(before);
  });

  it('keeps the fields of other managers in structs that it no longer applies', () => {
    const live: ApiObject = {
      kind: 'Deployment',
      apiVersion: 'apps/v1',
      metadata: { name: 'd' },
      spec: { template: { metadata: { labels: { app: 'x' } }, spec: { containers: [{ name: 'c', image: 'i' }] } } },
    };
    const created = create(live, { ...appsBase, manager: 'other' });
    const patch = (spec: object): object => ({
      kind: 'Deployment',
      apiVersion: 'apps/v1',
      metadata: { name: 'd' },
      spec,
    });
    const first = apply(
      created,
      patch({
        replicas: 2,
        template: {
          metadata: { annotations: { a: '1' } },
          spec: { containers: [{ name: 'c', env: [{ name: 'E', value: '1' }] }, { name: 'mine' }] },
        },
      }),
      appsBase,
    );
    const second = apply(first, patch({ replicas: 2 }), appsBase);
    expect(second['spec']).toEqual({
      replicas: 2,
      template: { metadata: { labels: { app: 'x' } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
    });
  });
});

describe('conflicts', () => {
  const live = create(config({ a: '1', b: '1' }), { manager: 'kubectl-client-side-apply' });

  it('words a single one as upstream', () => {
    const status = statusOf(() => apply(live, config({ a: '2' })));
    expect(status).toEqual({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: 'Apply failed with 1 conflict: conflict with "kubectl-client-side-apply" using v1: .data.a',
      reason: 'Conflict',
      details: {
        causes: [
          {
            reason: 'FieldManagerConflict',
            message: 'conflict with "kubectl-client-side-apply" using v1',
            field: '.data.a',
          },
        ],
      },
      code: 409,
    });
  });

  it('lists several by manager', () => {
    const more = change(live, { a: '1', b: '1', c: '1' }, { manager: 'ctl', subresource: 'status' });
    const applied = apply(more, config({ d: '1' }), { manager: 'applier' });
    const status = statusOf(() => apply(applied, config({ a: '2', b: '2', c: '2', d: '2' })));
    expect(status.message).toBe(
      'Apply failed with 4 conflicts: conflicts with "applier":\n- .data.d\n' +
        'conflicts with "ctl" with subresource "status" using v1:\n- .data.c\n' +
        'conflicts with "kubectl-client-side-apply" using v1:\n- .data.a\n- .data.b',
    );
    expect(status.details?.causes?.map((c) => c.field)).toEqual(['.data.d', '.data.c', '.data.a', '.data.b']);
  });

  it('has none for equal values, and takes over by force', () => {
    expect(owners(apply(live, config({ a: '1' })))).toEqual({
      'm Apply': ['.data.a'],
      'kubectl-client-side-apply Update': ['.data', '.data.a', '.data.b'],
    });
    const forced = apply(live, config({ a: '2' }), { force: true });
    expect(owners(forced)).toEqual({
      'm Apply': ['.data.a'],
      'kubectl-client-side-apply Update': ['.data', '.data.b'],
    });
  });
});

describe('kubectl and its annotation', () => {
  const last = (data: object): string =>
    `${JSON.stringify({ apiVersion: 'v1', data, kind: 'ConfigMap', metadata: { annotations: {}, name: 'c', namespace: 'd' } })}\n`;
  const live = create(config({ a: '1', b: '1' }, { annotations: { [lastAppliedAnnotation]: last({ a: '1' }) } }), {
    manager: 'kubectl-client-side-apply',
  });

  it('takes over what client-side apply set, and keeps the annotation in step', () => {
    const object = apply(live, config({ a: '2' }), { manager: 'kubectl' });
    expect(object['data']).toEqual({ a: '2', b: '1' });
    expect(JSON.parse(object.metadata.annotations![lastAppliedAnnotation]!)).toEqual({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'c', namespace: 'd' },
      data: { a: '2' },
    });
    expect(object.metadata.annotations![lastAppliedAnnotation]!.endsWith('}\n')).toBe(true);
  });

  it('still conflicts over what was not in the annotation, or has changed since', () => {
    expect(statusOf(() => apply(live, config({ a: '2', b: '2' }), { manager: 'kubectl' })).message).toBe(
      'Apply failed with 1 conflict: conflict with "kubectl-client-side-apply" using v1: .data.b',
    );
    const changed = change(live, { a: '9', b: '1' }, { manager: 'edit' });
    expect(statusOf(() => apply(changed, config({ a: '2' }), { manager: 'kubectl' })).message).toContain('"edit"');
  });

  it('does neither for other managers', () => {
    expect(statusOf(() => apply(live, config({ a: '2' }))).code).toBe(409);
    expect(apply(live, config({ c: '1' })).metadata.annotations).toEqual(live.metadata.annotations);
  });

  it.each(['not json', '[]', '{"apiVersion":"v2"}'])('has nothing to take over from %s', (annotation) => {
    const odd = create(config({ a: '1' }, { annotations: { [lastAppliedAnnotation]: annotation } }));
    expect(statusOf(() => apply(odd, config({ a: '2' }), { manager: 'kubectl' })).code).toBe(409);
  });
});

describe('configurations that cannot be applied', () => {
  it.each<[string, object, string]>([
    ['another version', { ...config({}), apiVersion: 'v2' }, 'invalid object type: /v2, Kind=ConfigMap'],
    ['another kind', { ...config({}), kind: 'Secret' }, 'invalid object type: /v1, Kind=Secret'],
    ['no kind', { apiVersion: 'v1', metadata: {} }, 'invalid object type: /v1, Kind='],
    ['managed fields', config({}, { managedFields: [] }), 'metadata.managedFields must be nil'],
    [
      'unknown fields',
      { ...config({}), foo: 1 },
      'failed to create typed patch object (d/c; /v1, Kind=ConfigMap): .foo: field not declared in schema',
    ],
    [
      'several problems',
      { ...config({ a: 1 as unknown as string }), foo: 1 },
      'failed to create typed patch object (d/c; /v1, Kind=ConfigMap): errors:\n' +
        '  .data.a: expected string, got &value.valueUnstructured{Value:1}\n  .foo: field not declared in schema',
    ],
  ])('%s', (_name, patch, message) => {
    const status = statusOf(() => apply({ ...empty, kind: 'ConfigMap' }, patch));
    expect({ code: status.code, message: status.message }).toEqual({ code: 400, message });
  });
});

describe('managers in another version', () => {
  /** v2 calls `data` `text`; v3 is no longer served. */
  const v2: ObjectSchema = {
    ...configMap,
    fields: configMap.fields.map((f) => (f.name === 'data' ? { ...f, name: 'text' } : f)),
    byName: new Map(configMap.fields.map((f) => (f.name === 'data' ? ['text', { ...f, name: 'text' }] : [f.name, f]))),
  };
  const convert: UpdateOptions['convert'] = (object, apiVersion) => {
    if (apiVersion === 'v3') return undefined;
    const { data, text, ...rest } = object;
    const value = data ?? text;
    const name = apiVersion === 'v2' ? 'text' : 'data';
    return {
      object: { ...rest, ...(value !== undefined && { [name]: value }) } as ApiObject,
      schema: apiVersion === 'v2' ? v2 : configMap,
    };
  };
  const inV2: ManagedFieldsEntry = {
    manager: 'two',
    operation: 'Apply',
    apiVersion: 'v2',
    time: t0,
    fieldsType: 'FieldsV1',
    fieldsV1: { 'f:text': { 'f:a': {} } },
  };
  const live = config({ a: '1', b: '1' }, { uid: 'u', managedFields: [inV2] });

  it('lose what changes, compared in their own version', () => {
    expect(owners(change(live, { a: '2', b: '1' }, { convert }))).toEqual({ 'm Update': ['.data.a'] });
    expect(owners(change(live, { a: '1', b: '2' }, { convert }))).toEqual({
      'two Apply': ['.text.a'],
      'm Update': ['.data.b'],
    });
  });

  it('conflict, and are pruned in the version of their last apply', () => {
    expect(statusOf(() => apply(live, config({ a: '2' }), { convert })).details?.causes?.[0]?.field).toBe('.text.a');
    const moved = apply(live, config({ c: '1' }), { convert, manager: 'two' });
    expect(moved['data']).toEqual({ b: '1', c: '1' });
    expect(owners(moved)).toEqual({ 'two Apply': ['.data.c'] });
  });

  it('are forgotten with their version', () => {
    const old = config({ a: '1' }, { uid: 'u', managedFields: [{ ...inV2, apiVersion: 'v3' }] });
    expect(owners(change(old, { a: '1', b: '1' }, { convert }))).toEqual({ 'm Update': ['.data.b'] });
  });
});

describe('schemas that have changed since', () => {
  const own = (fieldsV1: object): ManagedFieldsEntry => ({
    manager: 'old',
    operation: 'Update',
    apiVersion: 'apps/v1',
    time: t0,
    fieldsType: 'FieldsV1',
    fieldsV1: fieldsV1 as Record<string, unknown>,
  });
  const live = (entry: ManagedFieldsEntry): ApiObject => ({
    kind: 'Deployment',
    apiVersion: 'apps/v1',
    metadata: { name: 'd', uid: 'u', labels: { a: '1' }, managedFields: [entry] },
    spec: {
      selector: { matchLabels: { a: '1' } },
      template: { spec: { containers: [{ name: 'c', image: 'i', resources: { limits: { cpu: '1' } } }] } },
    },
  });
  const touch = (entry: ManagedFieldsEntry): Record<string, string[]> => {
    const before = live(entry);
    const obj = { ...before, metadata: { ...before.metadata } };
    return owners(update({ ...appsBase, live: before, obj, now: t1 }));
  };

  it('own as a whole what is atomic now', () => {
    expect(touch(own({ 'f:spec': { 'f:selector': { 'f:matchLabels': { '.': {}, 'f:a': {} } } } }))).toEqual({
      'old Update': ['.spec.selector'],
    });
  });

  it('do not own the entries of what is granular now', () => {
    expect(touch(own({ 'f:metadata': { 'f:labels': {} } }))).toEqual({ 'old Update': ['.metadata.labels'] });
  });

  it('keep what the schema does not know', () => {
    expect(touch(own({ 'f:spec': { 'f:unheard': { 'f:of': {} } } }))).toEqual({ 'old Update': ['.spec.unheard.of'] });
  });
});

describe('equalButForTimes', () => {
  it('looks through times and the order that follows from them', () => {
    const live = change(create(config({ a: '1' })), { a: '1', b: '1' }, { manager: 'n' });
    const later = structuredClone(live);
    later.metadata.managedFields![0]!.time = t2;
    later.metadata.managedFields!.reverse();
    expect(equalButForTimes(live, later)).toBe(true);
    later['data'] = { a: '2', b: '1' };
    expect(equalButForTimes(live, later)).toBe(false);
    expect(equalButForTimes(live, { ...live, metadata: { ...live.metadata, managedFields: [] } })).toBe(false);
  });
});
