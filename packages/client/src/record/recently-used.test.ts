import { describe, expect, it } from 'vitest';
import { RecentlyUsed } from './recently-used.ts';

describe('RecentlyUsed', () => {
  it('keeps what was used last, and forgets the rest', () => {
    const map = new RecentlyUsed<number>(3);
    map.set('kept', 0);
    map.set('key 0', 0);
    for (let i = 1; i <= 20; i++) {
      map.set(`key ${i}`, i);
      expect(map.get('kept')).toBe(0);
      expect(map.get(`key ${i}`)).toBe(i);
      expect(map.get(`key ${i - 1}`)).toBe(i - 1);
    }
    expect(map.get('key 1')).toBeUndefined();
    expect(map.get('never')).toBeUndefined();
  });

  it('takes a new value for a known key', () => {
    const map = new RecentlyUsed<string>(2);
    map.set('a', 'old');
    map.set('b', 'b');
    map.set('a', 'new');
    expect(map.get('a')).toBe('new');
  });
});
