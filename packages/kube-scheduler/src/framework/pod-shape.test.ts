import { expect, it } from 'vitest';
import type { Pod } from '@kubets/api/types/core-v1';
import { PodShape } from './pod-info.ts';

const mebibyte = 1024 * 1024;

/** One container asks for memory, the other says nothing; with or without an amount for the pod as a whole. */
const podOf = (podLevel?: Record<string, string>): Pod => ({
  kind: 'Pod',
  apiVersion: 'v1',
  metadata: { name: 'p' },
  spec: {
    ...(podLevel && { resources: { requests: podLevel } }),
    containers: [{ name: 'a', resources: { requests: { memory: '100Mi' } } }, { name: 'b' }],
  },
});

it('takes containers that say nothing to use something', () => {
  const { nonZero, scored } = new PodShape(podOf());
  expect(nonZero.memory).toBe(300 * mebibyte);
  expect(scored).toBe(nonZero);
});

it('scores a pod with pod-level requests by other defaults than its node counts it with', () => {
  const { nonZero, scored } = new PodShape(podOf({ cpu: '500m' }));
  expect([nonZero.milliCpu, nonZero.memory]).toEqual([500, 100 * mebibyte]);
  expect([scored.milliCpu, scored.memory]).toEqual([500, 300 * mebibyte]);
});
