import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { servedResources, type ResourceInfo } from '@kubets/api/resources';
import type { ApiObject } from '@kubets/apimachinery/meta';
import { DecodeError } from '@kubets/apimachinery/schema/decode-error';
import { describe, expect, it } from 'vitest';
import { otherStrategies } from './other-strategies.ts';
import { strategyFor } from './strategies.ts';
import type { Strategy } from './strategy.ts';
import { decoded, strategyContext } from './testing/strategy-check.ts';

const fixtures = fileURLToPath(new URL('../../../../../shared/reference/testdata/api/', import.meta.url));
const fixtureOf = ({ group, version, kind }: ResourceInfo): string => `${fixtures}${group}.${version}.${kind}.json`;

const kinds = servedResources().filter(({ group, resource }) => otherStrategies[`${group}/${resource}`] !== undefined);

/** The document, with one part at a time taken away or emptied. */
function* damaged(value: unknown): Generator<unknown> {
  if (typeof value !== 'object' || value === null) return;
  for (const key of Object.keys(value)) {
    const item = (value as Record<string, unknown>)[key];
    const replaced = (other: unknown): unknown => {
      const copy = Array.isArray(value) ? [...(value as unknown[])] : { ...value };
      (copy as Record<string, unknown>)[key] = other;
      return copy;
    };
    yield replaced(undefined);
    yield replaced(typeof item === 'object' ? (Array.isArray(item) ? [] : {}) : typeof item === 'string' ? '' : 0);
    for (const other of damaged(item)) yield replaced(other);
  }
}

function decodeOr(document: unknown, kind: object): ApiObject | undefined {
  try {
    return decoded({ ...(JSON.parse(JSON.stringify(document)) as object), ...kind });
  } catch (error) {
    // An object that is not decoded never comes to a strategy.
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

/** Everything a request may do with the object; returns how many errors there were. */
function exercise(strategy: Strategy, object: ApiObject, old: ApiObject): number {
  let count = 0;
  const obj = structuredClone(object);
  strategy.prepareForCreate(strategyContext, obj);
  count += strategy.validate(strategyContext, obj).length;
  strategy.warningsOnCreate?.(strategyContext, obj);
  strategy.selectableFields?.(obj);
  for (const endpoint of [strategy, ...Object.values(strategy.subresources)]) {
    for (const [now, before] of [
      [object, old],
      [old, object],
    ] as const) {
      const next = structuredClone(now);
      endpoint.prepareForUpdate(strategyContext, next, before);
      count += endpoint.validateUpdate(strategyContext, next, before).length;
      endpoint.warningsOnUpdate?.(strategyContext, next, before);
    }
  }
  return count;
}

describe('strategies of the other kinds', () => {
  it('are the ones in use', () => {
    expect(kinds.length).toBeGreaterThanOrEqual(18);
    for (const { group, resource } of kinds) {
      expect(strategyFor(group, resource)).toBe(otherStrategies[`${group}/${resource}`]);
    }
  });

  it.each(kinds.map((kind) => [kind.resource, kind] as const).filter(([, kind]) => existsSync(fixtureOf(kind))))(
    'of %s take fixtures, whole and damaged, without an exception',
    (_resource, kind) => {
      const strategy = otherStrategies[`${kind.group}/${kind.resource}`]!;
      const document = JSON.parse(readFileSync(fixtureOf(kind), 'utf8')) as object;
      const whole = decoded(document);
      // Nothing that is stored may be changed.
      const frozen = deepFreeze(structuredClone(whole));
      expect(exercise(strategy, whole, frozen)).toBeGreaterThanOrEqual(0);
      for (const variant of damaged(document)) {
        const object = decodeOr(variant, { apiVersion: whole.apiVersion, kind: whole.kind });
        if (object !== undefined) exercise(strategy, object, deepFreeze(structuredClone(whole)));
      }
    },
  );
});

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const item of Object.values(value)) deepFreeze(item);
    Object.freeze(value);
  }
  return value;
}
