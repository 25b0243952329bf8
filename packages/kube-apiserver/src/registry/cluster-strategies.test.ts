import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { servedResources, type ResourceInfo } from '@kubets/api/resources';
import type { ApiObject } from '@kubets/apimachinery/meta';
import { DecodeError } from '@kubets/apimachinery/schema/decode-error';
import { describe, expect, it } from 'vitest';
import { clusterStrategies } from './cluster-strategies.ts';
import { strategyFor } from './strategies.ts';
import type { Strategy } from './strategy.ts';
import { decoded, strategyContext } from './testing/strategy-check.ts';

const fixtures = fileURLToPath(new URL('../../../../../shared/reference/testdata/api/', import.meta.url));
const fixtureOf = ({ group, version, kind }: ResourceInfo): string =>
  `${fixtures}${group || 'core'}.${version}.${kind}.json`;
const kinds = servedResources().filter(({ group, version, resource }) => {
  // Events of events.k8s.io come to their strategy in the core group's shape.
  return version === 'v1' && group !== 'events.k8s.io' && clusterStrategies[`${group}/${resource}`] !== undefined;
});

/** The document, with one part at a time taken away or emptied. */
function* damaged(value: unknown): Generator<unknown> {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, item] of Object.entries(value)) {
    const replaced = (other: unknown): unknown =>
      Array.isArray(value)
        ? value.map((old: unknown, i) => (String(i) === key ? other : old))
        : { ...value, [key]: other };
    yield replaced(undefined);
    yield replaced(Array.isArray(item) ? [] : typeof item === 'object' ? {} : typeof item === 'string' ? '' : 0);
    for (const other of damaged(item)) yield replaced(other);
  }
}

function decodeOr(document: unknown): ApiObject | undefined {
  try {
    return decoded(JSON.parse(JSON.stringify(document)) as object);
  } catch (error) {
    // An object that is not decoded never comes to a strategy.
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

/** Everything a request may do with the objects; answers how many errors there were. */
function exercise(strategy: Strategy, object: ApiObject, old: ApiObject): number {
  const obj = structuredClone(object);
  strategy.prepareForCreate(strategyContext, obj);
  let count = strategy.validate(strategyContext, obj).length;
  strategy.warningsOnCreate?.(strategyContext, obj);
  const fields = Object.keys(strategy.selectableFields?.(obj) ?? {});
  expect(strategy.selectableFieldNames.filter((name) => !fields.includes(name))).toEqual([]);
  for (const endpoint of [strategy, ...Object.values(strategy.subresources)]) {
    const next = structuredClone(object);
    endpoint.prepareForUpdate(strategyContext, next, old);
    count += endpoint.validateUpdate(strategyContext, next, old).length;
    endpoint.warningsOnUpdate?.(strategyContext, next, old);
  }
  return count;
}

describe('strategies of the cluster kinds', () => {
  it('are the ones in use', () => {
    expect(kinds).toHaveLength(24);
    for (const { group, resource } of kinds) {
      expect(strategyFor(group, resource)).toBe(clusterStrategies[`${group}/${resource}`]);
    }
  });

  it.each(kinds.map((kind) => [kind.resource, kind] as const).filter(([, kind]) => existsSync(fixtureOf(kind))))(
    'of %s take fixtures, whole and damaged, without an exception',
    (_resource, kind) => {
      const strategy = clusterStrategies[`${kind.group}/${kind.resource}`]!;
      const document = JSON.parse(readFileSync(fixtureOf(kind), 'utf8')) as object;
      const { metadata: _, ...rest } = document as ApiObject;
      const whole = decoded(document);
      for (const variant of damaged(rest)) {
        const { kind: name, apiVersion } = document as { kind: string; apiVersion: string };
        const object = decodeOr({ ...(variant as object), kind: name, apiVersion });
        if (object === undefined) continue;
        expect(exercise(strategy, object, whole)).toBeGreaterThanOrEqual(0);
        exercise(strategy, whole, object);
      }
    },
  );
});
