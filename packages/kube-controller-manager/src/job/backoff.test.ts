import { describe, expect, it } from 'vitest';
import type { Pod } from '@kubets/api/types/core-v1';
import { finishedAt, nextBackoff, noFailures, remainingBackoff } from './backoff.ts';

const time = (seconds: number): string => new Date(seconds * 1000).toISOString();
const ended = (seconds: number): Pod => ({
  metadata: { name: 'p', creationTimestamp: time(1) },
  status: {
    containerStatuses: [
      {
        name: 'c',
        image: '',
        imageID: '',
        ready: false,
        restartCount: 0,
        state: { terminated: { exitCode: 0, finishedAt: time(seconds) } },
      },
    ],
  },
});

describe('nextBackoff', () => {
  const two = { failuresAfterLastSuccess: 2, lastFailure: 5000 };
  it.each([
    ['nothing new', two, [], [], two],
    ['more failures', two, [], [8, 9], { failuresAfterLastSuccess: 4, lastFailure: 9000 }],
    ['a success', two, [9], [], noFailures],
    ['a success after failures', two, [9], [7, 8], noFailures],
    ['failures around a success', two, [8], [7, 9, 10], { failuresAfterLastSuccess: 2, lastFailure: 10_000 }],
  ])('%s', (_, before, succeeded, failed, expected) => {
    expect(nextBackoff(before, succeeded.map(ended), failed.map(ended))).toEqual(expected);
  });
});

describe('remainingBackoff', () => {
  it.each([
    [0, 0],
    [1, 10],
    [2, 20],
    [3, 40],
    [6, 320],
    [7, 600],
    [2000, 600],
  ])('after %d failures: %d s', (failuresAfterLastSuccess, seconds) => {
    expect(remainingBackoff({ failuresAfterLastSuccess, lastFailure: 1000 }, 1000)).toBe(seconds * 1000);
    expect(remainingBackoff({ failuresAfterLastSuccess, lastFailure: 1000 }, 1e9)).toBe(0);
  });
});

describe('finishedAt', () => {
  const pod = ended(9);
  const { containerStatuses: [status] = [] } = pod.status ?? {};
  it.each<[string, Pod, number]>([
    ['the last container', pod, 9],
    [
      'unready, while a container runs',
      {
        ...pod,
        status: {
          containerStatuses: [status!, { ...status!, state: { running: {} } }],
          conditions: [{ type: 'Ready', status: 'False', lastTransitionTime: time(7) }],
        },
      },
      7,
    ],
    [
      'the request to delete',
      { metadata: { ...pod.metadata, deletionTimestamp: time(40), deletionGracePeriodSeconds: 30 } },
      10,
    ],
    ['the creation', { metadata: pod.metadata }, 1],
  ])('%s', (_, given, seconds) => {
    expect(finishedAt(given)).toBe(seconds * 1000);
  });
});
