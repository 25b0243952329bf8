import { describe, expect, it } from 'vitest';
import {
  lastRevision,
  maxRevision,
  newSetAnnotations,
  revisionAnnotation,
  revisionHistoryAnnotation,
  rolledBackAnnotations,
} from './annotations.ts';

const numbered = (revision: string): { metadata: { annotations: Record<string, string> } } => ({
  metadata: { annotations: { [revisionAnnotation]: revision } },
});

describe('revisions', () => {
  it('are numbers, or else count as none', () => {
    const sets = [numbered('2'), numbered('10'), numbered('x'), { metadata: {} }];
    expect([maxRevision(sets), lastRevision(sets), maxRevision([]), lastRevision([])]).toEqual([10n, 2n, 0n, 0n]);
  });

  it('have 64 bits', () => {
    const large = numbered('3546343826724305832');
    expect(maxRevision([numbered('2'), large])).toBe(3546343826724305832n);
    expect(newSetAnnotations({}, {}, maxRevision([large]) + 1n)[revisionAnnotation]).toBe('3546343826724305833');
    expect(maxRevision([numbered('9223372036854775808')])).toBe(0n);
  });
});

describe('newSetAnnotations', () => {
  it('changes nothing that need not change', () => {
    const annotations = { a: '1', [revisionAnnotation]: '3' };
    expect(newSetAnnotations(annotations, { a: '1' }, 3n)).toBe(annotations);
    // The highest old one was deleted: the number does not go back.
    expect(newSetAnnotations(annotations, {}, 2n)).toBe(annotations);
  });

  it('leaves alone what is no number', () => {
    const annotations = { [revisionAnnotation]: 'mine' };
    expect(newSetAnnotations(annotations, { a: '1' }, 3n)).toEqual({ a: '1', [revisionAnnotation]: 'mine' });
  });

  it('drops the oldest entries of a long history', () => {
    const history = Array.from({ length: 500 }, (_, i) => String(1000 + i)).join(',');
    const annotations = { [revisionAnnotation]: '1500', [revisionHistoryAnnotation]: history };
    const next = newSetAnnotations(annotations, {}, 1501n)[revisionHistoryAnnotation] ?? '';
    expect(next.length).toBeLessThanOrEqual(2000);
    expect(next).toMatch(/^1101,.*,1499,1500$/);
  });
});

describe('rolledBackAnnotations', () => {
  it("takes the set's, and keeps the Deployment's own", () => {
    const own = { 'kubectl.kubernetes.io/last-applied-configuration': '{}', [revisionAnnotation]: '4', cause: 'new' };
    const set = { [revisionAnnotation]: '2', cause: 'old' };
    expect(rolledBackAnnotations(own, set)).toEqual({
      'kubectl.kubernetes.io/last-applied-configuration': '{}',
      [revisionAnnotation]: '4',
      cause: 'old',
    });
  });
});
