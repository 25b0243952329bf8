import { describe, expect, it } from 'vitest';
import { pluginsOf, type PluginSet, type ProfilePlugins } from './point-plugins.ts';
import { extensionPoints, type AnyPlugin } from './types.ts';

const nothing: PluginSet = { enabled: [], disabled: [] };
const enabled = (...names: string[]): PluginSet => ({
  enabled: names.map((name) => ({ name, weight: 0 })),
  disabled: [],
});

const configured = (sets: Partial<ProfilePlugins>): ProfilePlugins => ({
  ...(Object.fromEntries(
    [...extensionPoints, 'multiPoint'].map((point) => [point, nothing]),
  ) as unknown as ProfilePlugins),
  ...sets,
});

/** `Both` filters and scores, `Sort` sorts, `Bind` binds, all others filter. */
function make(name: string): AnyPlugin {
  const filter = (): undefined => undefined;
  if (name === 'Sort') return { name, less: () => false };
  if (name === 'Bind') return { name, bind: () => Promise.resolve(undefined) };
  return name === 'Both' ? { name, filter, score: () => 0 } : { name, filter };
}

const filterNames = (sets: Partial<ProfilePlugins>): string[] =>
  pluginsOf(configured(sets), make).points.filter.map(({ name }) => name);

describe('pluginsOf', () => {
  it('puts plugins at all points that they have', () => {
    const { points } = pluginsOf(configured({ multiPoint: enabled('Sort', 'A', 'Both', 'Bind') }), make);
    expect(points.filter.map(({ name }) => name)).toEqual(['A', 'Both']);
    expect(points.score.map(({ name }) => name)).toEqual(['Both']);
  });

  it('puts what overrides first, then what is general, then the rest', () => {
    const multiPoint = enabled('Sort', 'Bind', 'A', 'B', 'C');
    expect(filterNames({ multiPoint, filter: enabled('X', 'C', 'A') })).toEqual(['C', 'A', 'B', 'X']);
  });

  it('leaves out what is disabled', () => {
    const multiPoint = enabled('Sort', 'Bind', 'A', 'B');
    expect(filterNames({ multiPoint, filter: { ...nothing, disabled: ['A'] } })).toEqual(['B']);
    expect(filterNames({ multiPoint, filter: { ...enabled('X'), disabled: ['*'] } })).toEqual(['X']);
  });

  it('takes the weight of the point before the general one; no weight is 1', () => {
    const general = { enabled: [{ name: 'Both', weight: 4 }], disabled: [] };
    const sets = { queueSort: enabled('Sort'), bind: enabled('Bind'), multiPoint: general };
    expect(pluginsOf(configured(sets), make).points.weights.get('Both')).toBe(4);
    const own = { enabled: [{ name: 'Both', weight: 9 }], disabled: [] };
    expect(pluginsOf(configured({ ...sets, score: own }), make).points.weights.get('Both')).toBe(9);
  });

  it('refuses what cannot be', () => {
    const sets = { multiPoint: enabled('Sort', 'Bind') };
    expect(() => pluginsOf(configured({ ...sets, score: enabled('A') }), make)).toThrow(
      'plugin "A" does not extend ScorePlugin plugin',
    );
    expect(() => pluginsOf(configured({ multiPoint: enabled('Bind') }), make)).toThrow(
      'one queue sort plugin required',
    );
    expect(() => pluginsOf(configured({ multiPoint: enabled('Sort') }), make)).toThrow('at least one bind plugin');
    expect(() => pluginsOf(configured({ ...sets, filter: enabled('A', 'A') }), make)).toThrow('already registered');
  });
});
