import { describe, expect, it } from 'vitest';
import { compareResourceVersions, WrittenVersions } from './written-versions.ts';

const object = (resourceVersion: string, uid = 'u'): { metadata: Record<string, string> } => ({
  metadata: { namespace: 'n', name: 'a', uid, resourceVersion },
});

describe('WrittenVersions', () => {
  it('has not seen what is older than the last write', () => {
    const written = new WrittenVersions();
    expect(written.seen(object('5'))).toBe(true);
    written.wrote(object('10'));
    expect(written.seen(object('9'))).toBe(false);
    expect(written.seen(object('10'))).toBe(true);
    written.wrote(object('12'));
    expect(written.seen(object('100'))).toBe(true);
    // Once seen, it is forgotten.
    expect(written.seen(object('9'))).toBe(true);
  });

  it('takes another object of the name as it is', () => {
    const written = new WrittenVersions();
    written.wrote(object('10'));
    expect(written.seen(object('9', 'v'))).toBe(true);
    written.wrote(object('10'));
    written.forget('n/a');
    expect(written.seen(object('9'))).toBe(true);
  });

  it('compares versions as numbers', () => {
    expect(compareResourceVersions('9', '10')).toBeLessThan(0);
    expect(compareResourceVersions('20', '10')).toBeGreaterThan(0);
    expect(compareResourceVersions('10', '10')).toBe(0);
  });
});
