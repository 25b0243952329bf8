import { describe, expect, it } from 'vitest';
import { FakeClock } from '@kubets/apimachinery/fake-clock';
import { SliceTracker } from './slice-tracker.ts';

const slice = (uid: string, generation = 1) => ({
  metadata: { name: uid, namespace: 'n', uid, generation, labels: { 'kubernetes.io/service-name': 's' } },
});
const service = (uid: string) => ({ metadata: { name: 's', namespace: 'n', uid } });

describe('SliceTracker', () => {
  it('waits until the cache shows what was written', () => {
    const tracker = new SliceTracker(new FakeClock());
    expect(tracker.isStale('n/s', service('u'), [])).toBe(false);
    tracker.written(slice('a', 2));
    expect(tracker.isStale('n/s', service('u'), [])).toBe(true);
    expect(tracker.isStale('n/s', service('u'), [slice('a', 1)])).toBe(true);
    expect(tracker.isStale('n/s', service('u'), [slice('a', 2)])).toBe(false);
    expect([tracker.shouldSync(slice('a', 2)), tracker.shouldSync(slice('a', 3))]).toEqual([false, true]);
  });

  it("knows its own deletions from others'", () => {
    const tracker = new SliceTracker(new FakeClock());
    tracker.written(slice('a'));
    tracker.written(slice('b'));
    tracker.expectDeletion(slice('a'));
    expect(tracker.isStale('n/s', service('u'), [slice('a'), slice('b')])).toBe(true);
    expect([tracker.deleted(slice('a')), tracker.deleted(slice('b')), tracker.deleted(slice('c'))]).toEqual([
      true,
      false,
      false,
    ]);
    expect(tracker.isStale('n/s', service('u'), [])).toBe(false);
  });

  it('forgets an earlier Service of the name, and what never came', () => {
    const clock = new FakeClock();
    const tracker = new SliceTracker(clock);
    expect(tracker.isStale('n/s', service('u'), [])).toBe(false);
    tracker.written(slice('a'));
    expect(tracker.isStale('n/s', service('other'), [])).toBe(false);
    tracker.written(slice('a'));
    clock.advance(9999);
    expect(tracker.isStale('n/s', service('other'), [])).toBe(true);
    clock.advance(1);
    expect(tracker.isStale('n/s', service('other'), [])).toBe(false);
  });
});
