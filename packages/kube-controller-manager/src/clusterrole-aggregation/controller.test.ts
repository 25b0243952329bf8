import { describe, expect, it } from 'vitest';
import type { ClusterRole } from '@kubets/api/types/rbac-v1';
import { TestControlPlane } from '@kubets/kube-apiserver/testing/test-control-plane';
import { ControllerFixture } from '../testing/controller-fixture.ts';
import { countingTransport } from '../testing/counting-transport.ts';
import { clusterRoleAggregationController } from './controller.ts';

const part = (name: string, resource: string): ClusterRole => ({
  metadata: { name, labels: { part: 'true' } },
  rules: [{ verbs: ['get'], apiGroups: [''], resources: [resource] }],
});

const whole: ClusterRole = {
  metadata: { name: 'whole' },
  aggregationRule: { clusterRoleSelectors: [{ matchLabels: { part: 'true' } }] },
  rules: [],
};

describe('cluster role aggregation', () => {
  it('gives roles the rules of their parts, and takes them away', async () => {
    await using plane = await TestControlPlane.start({ server: { standIns: undefined } });
    const { writes, wrap } = countingTransport({ events: true });
    await using fixture = await ControllerFixture.start([clusterRoleAggregationController], { plane, wrap });
    const roles = fixture.client.clusterRoles();
    const resources = async (): Promise<string> =>
      ((await roles.get('whole')).rules ?? []).flatMap((rule) => rule.resources ?? []).join(',');
    await roles.create(whole);
    await roles.create(part('b', 'secrets'));
    await roles.create(part('a', 'pods'));
    await roles.create(part('a-again', 'pods'));
    await fixture.until(async () => (await resources()) === 'pods,secrets');
    await roles.delete('b');
    await fixture.until(async () => (await resources()) === 'pods');
    await fixture.advance(2_000);
    const before = writes.length;
    await roles.create({ metadata: { name: 'stranger' }, rules: [] });
    await fixture.advance(2_000);
    expect(writes.length).toBe(before);
    expect((await roles.get('admin')).rules?.length).toBeGreaterThan(5);
    expect(fixture.errors).toEqual([]);
  });
});
