import { describe, expect, it } from 'vitest';
import type { NodeSelectorTerm } from '../../generated/types/core-v1.ts';
import { CompiledNodeSelector, PreferredNodeTerms, RequiredNodeAffinity } from './node-affinity.ts';

const node = { metadata: { name: 'n1', labels: { zone: 'a', cores: '8' } } };
const matches = (...nodeSelectorTerms: NodeSelectorTerm[]): boolean =>
  new CompiledNodeSelector({ nodeSelectorTerms }).matches(node);

describe('CompiledNodeSelector', () => {
  it('matches when any term does; a term when all it asks for holds', () => {
    const zoneA: NodeSelectorTerm = { matchExpressions: [{ key: 'zone', operator: 'In', values: ['a', 'b'] }] };
    const zoneC: NodeSelectorTerm = { matchExpressions: [{ key: 'zone', operator: 'In', values: ['c'] }] };
    expect(matches(zoneA)).toBe(true);
    expect(matches(zoneC)).toBe(false);
    expect(matches(zoneC, zoneA)).toBe(true);
    expect(matches({ matchExpressions: [...zoneA.matchExpressions!, ...zoneC.matchExpressions!] })).toBe(false);
  });

  it('matches nothing without terms, or with terms that ask for nothing', () => {
    expect(matches()).toBe(false);
    expect(matches({})).toBe(false);
    expect(matches({ matchExpressions: [], matchFields: [] })).toBe(false);
  });

  it.each<[NodeSelectorTerm, boolean]>([
    [{ matchExpressions: [{ key: 'zone', operator: 'NotIn', values: ['a'] }] }, false],
    [{ matchExpressions: [{ key: 'other', operator: 'NotIn', values: ['a'] }] }, true],
    [{ matchExpressions: [{ key: 'zone', operator: 'Exists' }] }, true],
    [{ matchExpressions: [{ key: 'zone', operator: 'DoesNotExist' }] }, false],
    [{ matchExpressions: [{ key: 'cores', operator: 'Gt', values: ['7'] }] }, true],
    [{ matchExpressions: [{ key: 'cores', operator: 'Gt', values: ['8'] }] }, false],
    [{ matchExpressions: [{ key: 'cores', operator: 'Lt', values: ['10'] }] }, true],
    [{ matchExpressions: [{ key: 'zone', operator: 'Lt', values: ['10'] }] }, false],
    [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n1'] }] }, true],
    [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n2'] }] }, false],
    [{ matchFields: [{ key: 'metadata.name', operator: 'NotIn', values: ['n2'] }] }, true],
    [{ matchFields: [{ key: 'metadata.uid', operator: 'In', values: ['n1'] }] }, false],
  ])('%j: %s', (term, expected) => {
    expect(matches(term)).toBe(expected);
  });

  it('keeps a term with a mistake from matching, and says what is wrong', () => {
    const broken: NodeSelectorTerm = {
      matchExpressions: [{ key: 'cores', operator: 'Gt', values: ['many'] }],
      matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n1', 'n2'] }],
    };
    const selector = new CompiledNodeSelector({ nodeSelectorTerms: [broken] });
    expect(selector.matches(node)).toBe(false);
    expect(selector.errors).toHaveLength(2);
    expect(selector.errors[1]).toContain('nodeSelectorTerms[0].matchFields[0].values');
    expect(matches(broken, { matchExpressions: [{ key: 'zone', operator: 'Exists' }] })).toBe(true);
  });

  it('names the node that a term is bound to', () => {
    const term: NodeSelectorTerm = { matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n1'] }] };
    expect(new CompiledNodeSelector({ nodeSelectorTerms: [term] }).terms[0]?.nodeName).toBe('n1');
  });
});

describe('RequiredNodeAffinity', () => {
  const spec = (extra: object): ConstructorParameters<typeof RequiredNodeAffinity>[0] => ({ containers: [], ...extra });

  it('asks for both, selector and affinity', () => {
    const required = { nodeSelectorTerms: [{ matchExpressions: [{ key: 'cores', operator: 'Exists' }] }] };
    const affinity = { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: required } };
    expect(new RequiredNodeAffinity(spec({ affinity, nodeSelector: { zone: 'a' } })).matches(node)).toBe(true);
    expect(new RequiredNodeAffinity(spec({ affinity, nodeSelector: { zone: 'b' } })).matches(node)).toBe(false);
    const none = { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [] } } };
    expect(new RequiredNodeAffinity(spec({ affinity: none })).matches(node)).toBe(false);
  });

  it('is content with any node when nothing is asked for', () => {
    expect(new RequiredNodeAffinity(spec({})).isEmpty).toBe(true);
    expect(new RequiredNodeAffinity(undefined).matches(node)).toBe(true);
  });
});

describe('PreferredNodeTerms', () => {
  it('adds up the weights of what matches', () => {
    const exists = (key: string): NodeSelectorTerm => ({ matchExpressions: [{ key, operator: 'Exists' }] });
    const terms = new PreferredNodeTerms([
      { weight: 3, preference: exists('zone') },
      { weight: 5, preference: exists('cores') },
      { weight: 7, preference: exists('none') },
      { weight: 0, preference: exists('zone') },
      { weight: 9, preference: {} },
    ]);
    expect(terms.score(node)).toBe(8);
    expect(new PreferredNodeTerms(undefined).isEmpty).toBe(true);
  });
});
