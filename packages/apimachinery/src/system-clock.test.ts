import { describe, expect, it } from 'vitest';
import { systemRandom } from './system-clock.ts';

describe('systemRandom.uuid', () => {
  it('makes version 4 UUIDs, no two alike, beyond its pool of random bytes', () => {
    const made = Array.from({ length: 1000 }, () => systemRandom.uuid());
    expect(new Set(made).size).toBe(1000);
    for (const uuid of made)
      expect(uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    // Every free digit takes every value somewhere: none is stuck.
    expect(new Set(made.map((uuid) => uuid[35])).size).toBe(16);
    expect(new Set(made.map((uuid) => uuid[0])).size).toBe(16);
  });
});
