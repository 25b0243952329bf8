import { describe, expect, it } from 'vitest';
import type { Node } from '@kubets/api/types/core-v1';
import { TestControlPlane } from '@kubets/kube-apiserver/testing/test-control-plane';
import { ControllerFixture } from '../testing/controller-fixture.ts';
import { countingTransport } from '../testing/counting-transport.ts';
import { nodeIpamController } from './controller.ts';

const options = {
  allocateNodeCidrs: true,
  clusterCidrs: ['10.244.0.0/22', 'fd00::/60'],
  serviceClusterIpRanges: ['10.244.0.0/24'],
};
const node = (name: string, podCIDRs?: string[]): Node =>
  ({ metadata: { name }, ...(podCIDRs && { spec: { podCIDR: podCIDRs[0], podCIDRs } }) }) as Node;

describe('node-ipam-controller', () => {
  it('gives each node its own, after a restart too', async () => {
    await using plane = await TestControlPlane.start();
    const { client } = plane;
    const cidrs = async (name: string): Promise<string> =>
      (await client.nodes().get(name)).spec?.podCIDRs?.join() ?? '';
    await client.nodes().create(node('old', ['10.244.1.0/24', 'fd00:0:0:3::/64']));
    {
      await using first = await ControllerFixture.start([nodeIpamController], { plane, options });
      await client.nodes().create(node('a'));
      await first.until(async () => (await cidrs('a')) !== '');
      expect(await cidrs('a')).toBe('10.244.2.0/24,fd00::/64');
      expect((await client.nodes().get('a')).spec?.podCIDR).toBe('10.244.2.0/24');
    }
    const { writes, wrap } = countingTransport({ events: true });
    await using second = await ControllerFixture.start([nodeIpamController], { plane, options, wrap });
    await second.advance(5000);
    expect(writes).toEqual([]);
    await client.nodes().create(node('b'));
    await second.until(async () => (await cidrs('b')) === '10.244.3.0/24,fd00:0:0:1::/64');
    expect(second.errors).toEqual([]);

    await client.nodes().create(node('c'));
    await second.advance(3000);
    expect(await cidrs('c')).toBe('');
    const events = (await client.events('default').list()).items.map(
      (e) => `${e.source?.component} ${e.reason}: ${e.message}`,
    );
    expect(events).toContain('cidrAllocator CIDRNotAvailable: Node c status is now: CIDRNotAvailable');
    await client.nodes().delete('old');
    await second.until(async () => (await cidrs('c')).startsWith('10.244.1.0/24'));
  });

  it('has nothing to do when it is not asked to', async () => {
    await using fixture = await ControllerFixture.start([nodeIpamController]);
    await fixture.client.nodes().create(node('a'));
    await fixture.advance(2000);
    expect((await fixture.client.nodes().get('a')).spec?.podCIDRs).toBeUndefined();
  });
});
