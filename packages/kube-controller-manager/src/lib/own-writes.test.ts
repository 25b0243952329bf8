import { describe, expect, it } from 'vitest';
import { OwnWrites } from './own-writes.ts';

const at = (resourceVersion: string) => ({ metadata: { name: 'a', resourceVersion } });

describe('OwnWrites', () => {
  it('waits until every informer has come as far as what was written', () => {
    const pods = { lastSyncResourceVersion: '9' };
    const claims = { lastSyncResourceVersion: '9' };
    const writes = new OwnWrites();
    expect(writes.seen('k')).toBe(true);
    writes.wrote('k', pods, at('12'));
    writes.wrote('k', pods, at('10'));
    writes.wrote('k', claims, at('11'));
    expect(writes.seen('k')).toBe(false);
    expect(writes.seen('other')).toBe(true);
    pods.lastSyncResourceVersion = '12';
    expect(writes.seen('k')).toBe(false);
    claims.lastSyncResourceVersion = '100';
    expect(writes.seen('k')).toBe(true);
  });

  it('waits for nothing after an answer without a version, or when the owner is gone', () => {
    const pods = { lastSyncResourceVersion: '1' };
    const writes = new OwnWrites();
    writes.wrote('k', pods, { kind: 'Status', metadata: {} });
    expect(writes.seen('k')).toBe(true);
    writes.wrote('k', pods, at('5'));
    writes.forget('k');
    expect(writes.seen('k')).toBe(true);
  });
});
