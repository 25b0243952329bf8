import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ApiObject } from '../meta.ts';
import type { StatusError } from '../status.ts';
import { applyPatch, update } from './field-manager.ts';
import { pathsOf, type FieldSet } from './field-set.ts';
import { pathText } from './path-element.ts';
import { removeItems } from './remove-items.ts';
import { apply, base, config, create, owners, t2, withoutNull } from './testing/operations.ts';
import { configMap } from './testing/schemas.ts';

describe('properties', () => {
  const key = fc.constantFrom('a', 'b', 'c', 'd');
  const value = fc.constantFrom('1', '2');
  const data = fc.dictionary(key, value, { maxKeys: 4 });
  const labels = fc.dictionary(key, value, { maxKeys: 3 });
  const finalizers = fc.uniqueArray(fc.constantFrom('x/1', 'x/2', 'x/3'), { maxLength: 3 });
  const owner = fc.record({ uid: key, name: value, kind: fc.constant('K'), apiVersion: fc.constant('v1') });
  const ownerReferences = fc.uniqueArray(owner, { maxLength: 3, selector: (o) => o.uid });
  const object = fc
    .record({ data, labels, finalizers, ownerReferences })
    .map(({ data: d, ...metadata }) => config(d, metadata));
  const body = (o: ApiObject): unknown =>
    normal({ ...o, metadata: { ...o.metadata, managedFields: undefined, uid: undefined } });

  /** Without what an absent and an empty container are the same for. */
  function normal(v: unknown): unknown {
    if (Array.isArray(v)) return v;
    if (typeof v !== 'object' || v === null) return v;
    const entries = Object.entries(v).map(([k, x]) => [k, normal(x)] as const);
    return Object.fromEntries(
      entries.filter(([, x]) => x !== undefined && x !== null && Object.keys(x as object).length > 0),
    );
  }

  it('apply is idempotent', () => {
    fc.assert(
      fc.property(object, object, (live, patch) => {
        const first = apply(create(structuredClone(live), { manager: 'other' }), patch, { force: true });
        const second = applyPatch({ ...base, live: first, patch, force: false, now: t2 });
        expect(second.changed).toBe(false);
      }),
    );
  });

  it('un-applying removes exactly what is solely owned', () => {
    fc.assert(
      fc.property(object, object, (live, patch) => {
        const created = create(structuredClone(live), { manager: 'other' });
        const applied = apply(created, patch, { force: true });
        const others = owners(applied)['other Update'] ?? [];
        const mine = applied.metadata.managedFields?.find((e) => e.operation === 'Apply')?.fieldsV1 as
          | FieldSet
          | undefined;
        const sole = pathsOf(mine ?? {}).filter(
          (p) => !others.some((o) => o === pathText(p) || o.startsWith(`${pathText(p)}.`)),
        );
        let expected: unknown = applied;
        for (const p of sole) {
          let set: FieldSet = {};
          for (const element of p.toReversed()) set = { [element]: set };
          expected = removeItems(expected, set, configMap);
        }
        const undone = apply(applied, config(undefined));
        expect(body(undone)).toEqual(body(withoutNull(expected) as ApiObject));
        expect(owners(undone)['m Apply']).toBeUndefined();
      }),
    );
  });

  it('keeps what the configuration does not mention', () => {
    fc.assert(
      fc.property(data, data, (before, applied) => {
        const live = create(config({ ...before }), { manager: 'other' });
        const after = apply(live, config(applied), { force: true });
        expect(after['data'] ?? {}).toEqual({ ...before, ...applied });
      }),
    );
  });

  it('conflicts if and only if another manager owns a field that would change', () => {
    fc.assert(
      fc.property(data, data, (before, applied) => {
        const live = create(config({ ...before }), { manager: 'other' });
        const expected = Object.keys(applied).filter((k) => before[k] !== undefined && before[k] !== applied[k]);
        let found: (string | undefined)[] = [];
        try {
          apply(live, config(applied));
        } catch (error) {
          found = (error as StatusError).status.details?.causes?.map((c) => c.field) ?? [];
        }
        expect(found).toEqual(expected.toSorted().map((k) => `.data.${k}`));
      }),
    );
  });

  it('every field of an object has an owner, and owners own only fields of it', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(object, fc.constantFrom('a', 'b', 'c'), fc.boolean()), { minLength: 1, maxLength: 6 }),
        (steps) => {
          let live = create(config({ base: '1' }), { manager: 'base' });
          for (const [next, manager, byApply] of steps) {
            live = byApply
              ? apply(live, next, { manager, force: true })
              : update({
                  ...base,
                  manager,
                  live,
                  obj: { ...structuredClone(next), metadata: { ...structuredClone(next.metadata), uid: 'u' } },
                });
          }
          const whole = create(structuredClone({ ...live, metadata: { ...live.metadata, managedFields: undefined } }), {
            manager: 'all',
          });
          const all = new Set(owners(whole)['all Update'] ?? []);
          const owned = new Set(Object.values(owners(live)).flat());
          const containers = (p: string): boolean => /^\.(data|metadata\.\w+)$/.test(p);
          expect([...owned].filter((p) => !all.has(p) && !containers(p))).toEqual([]);
          expect([...all].filter((p) => !owned.has(p) && !containers(p))).toEqual([]);
        },
      ),
    );
  });
});
