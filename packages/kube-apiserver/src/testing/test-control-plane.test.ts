import { describe, expect, it } from 'vitest';
import { TestControlPlane } from './test-control-plane.ts';

describe('TestControlPlane', () => {
  it('serves a client, with admission and default service accounts', async () => {
    await using plane = await TestControlPlane.start();
    const created = await plane.client.pods('default').create({
      metadata: { name: 'a' },
      spec: { containers: [{ name: 'c', image: 'i' }] },
    });
    expect(created.spec?.serviceAccountName).toBe('default');
    expect((await plane.client.pods('default').list()).items).toHaveLength(1);
  });
});
