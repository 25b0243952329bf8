import { describe, expect, it } from 'vitest';
import type { PodTemplateSpec } from '@kubets/api/types/core-v1';
import { equalIgnoringHash, templateHash } from './template-hash.ts';

const template: PodTemplateSpec = {
  metadata: { labels: { app: 'web' } },
  spec: { containers: [{ name: 'c', image: 'nginx' }] },
};

describe('templateHash', () => {
  it('stays as it is: ReplicaSets are named after it', () => {
    expect(templateHash(template)).toBe('5776f98846');
  });

  it('depends on what is said, not on the order', () => {
    const turned: PodTemplateSpec = {
      spec: { containers: [{ image: 'nginx', name: 'c' }] },
      metadata: { labels: { app: 'web' } },
    };
    expect(templateHash(turned)).toBe(templateHash(template));
    const other = { ...template, spec: { containers: [{ name: 'c', image: 'other' }] } };
    expect(templateHash(other)).not.toBe(templateHash(template));
  });

  it('changes with every collision', () => {
    const hashes = [undefined, 0, 1, 2].map((count) => templateHash(template, count));
    expect(new Set(hashes).size).toBe(4);
  });
});

describe('equalIgnoringHash', () => {
  it('looks past the label of the hash', () => {
    const labels = { app: 'web', 'pod-template-hash': 'x' };
    expect(equalIgnoringHash(template, { ...template, metadata: { labels } })).toBe(true);
    expect(equalIgnoringHash(template, { ...template, metadata: { labels: { app: 'x' } } })).toBe(false);
    // Some clients write out what is empty.
    const wordy = { ...template, metadata: { labels: { app: 'web' }, annotations: {} } };
    expect(equalIgnoringHash(template, wordy)).toBe(true);
  });
});
