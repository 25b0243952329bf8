import { FakeClock } from '@kubets/apimachinery/fake-clock';
import { describe, expect, it } from 'vitest';
import { Expectations, expectationsTimeoutMs } from './expectations.ts';

describe('Expectations', () => {
  it('is satisfied when every deletion has been seen, however often', () => {
    const expectations = new Expectations(new FakeClock());
    expect(expectations.satisfied('k')).toBe(true);
    expectations.expectDeletions('k', ['a', 'b']);
    expectations.deletionObserved('k', 'a');
    expectations.deletionObserved('k', 'a');
    expectations.deletionObserved('k', 'c');
    expectations.deletionObserved('other', 'b');
    expect(expectations.satisfied('k')).toBe(false);
    expectations.deletionObserved('k', 'b');
    expect(expectations.satisfied('k')).toBe(true);
  });

  it('waits five minutes at most, and for nobody who is gone', () => {
    const clock = new FakeClock();
    const expectations = new Expectations(clock);
    expectations.expectDeletions('k', ['a']);
    expectations.expectDeletions('gone', ['a']);
    clock.advance(expectationsTimeoutMs - 1);
    expect(expectations.satisfied('k')).toBe(false);
    expectations.forget('gone');
    expect(expectations.satisfied('gone')).toBe(true);
    clock.advance(1);
    expect(expectations.satisfied('k')).toBe(true);
  });
});
