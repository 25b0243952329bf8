/** Controllers under their own service accounts: upstream's roles allow what they do, and no more is done. */
import { describe, expect, it } from 'vitest';
import { silentLog } from '@kubets/apimachinery/log';
import { systemRandom } from '@kubets/apimachinery/system-clock';
import type { Node, Service } from '@kubets/api/types/core-v1';
import { settle } from '@kubets/client/testing';
import { TestControlPlane } from '@kubets/kube-apiserver/testing/test-control-plane';
import { createControllerManager } from './manager.ts';
import { runPod } from './testing/run-pod.ts';
import { accountTransports } from './testing/service-accounts.ts';

describe('service accounts of controllers', () => {
  it('may do what the controllers of nodes and endpoints do', async () => {
    await using plane = await TestControlPlane.start();
    const { client, clock } = plane;
    const { refused, ...transports } = accountTransports(plane);
    const stop = new AbortController();
    const manager = createControllerManager({
      clock,
      random: systemRandom,
      log: silentLog,
      ...transports,
      leaderElection: { identity: 'test' },
      options: { allocateNodeCidrs: true, clusterCidrs: ['10.244.0.0/16'] },
    });
    const running = manager.run(stop.signal);
    const advance = async (seconds: number): Promise<void> => {
      for (let i = 0; i < seconds; i++) {
        clock.advance(1000);
        await settle(8);
      }
    };
    await settle(50);
    /** As a kubelet reports; a patch, as controllers write at the same time. */
    const report = async (name: string): Promise<void> => {
      const lastHeartbeatTime = new Date(clock.now()).toISOString();
      const body = { status: { conditions: [{ type: 'Ready', status: 'True', lastHeartbeatTime }] } };
      const type = 'application/strategic-merge-patch+json';
      await client.nodes().patch(name, { type, body, subresource: 'status' });
    };
    for (const name of ['node', 'other']) {
      await client.nodes().create({ metadata: { name } } as Node);
      await report(name);
    }
    const spec = { selector: { app: 'web' }, ports: [{ port: 80 }] };
    await client.services('default').create({ metadata: { name: 'web' }, spec } as Service);
    await client.services('default').create({ metadata: { name: 'db' }, spec: { ports: [{ port: 1 }] } } as Service);
    const subsets = [{ addresses: [{ ip: '192.0.2.1' }] }];
    await client.endpoints('default').create({ metadata: { name: 'db' }, subsets });
    await runPod(client, { name: 'p', ip: '10.1.0.1', labels: { app: 'web' } });
    await client.serviceCIDRs().create({ metadata: { name: 'extra' }, spec: { cidrs: ['192.168.7.0/24'] } });
    await advance(20);
    const slices = (await client.endpointSlices('default').list()).items.flatMap((slice) => slice.endpoints ?? []);
    expect(slices.map((endpoint) => endpoint.addresses.join())).toEqual(
      expect.arrayContaining(['10.1.0.1', '192.0.2.1']),
    );
    expect((await client.endpoints('default').get('web')).subsets).toHaveLength(1);
    expect((await client.nodes().get('node')).spec?.podCIDR).toMatch(/^10\.244\./);
    // One of the nodes falls silent: its pod is marked, and evicted.
    for (let i = 0; i < 80; i++) {
      await report('other');
      await advance(5);
    }
    expect((await client.pods('default').get('p')).metadata.deletionTimestamp).toBeDefined();
    await client.services('default').delete('web');
    await client.services('default').delete('db');
    await client.serviceCIDRs().delete('extra');
    await client.nodes().delete('node');
    await advance(20);
    const gone = (await client.serviceCIDRs().list()).items.map((cidr) => cidr.metadata.name);
    expect(gone).toEqual(['kubernetes']);
    expect(refused).toEqual([]);
    stop.abort(new Error('the test is over'));
    await running;
  });
});
