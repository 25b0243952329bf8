import { describe, expect, it } from 'vitest';
import type { Node, Taint } from '@kubets/api/types/core-v1';
import type { KubeClient } from '@kubets/client';
import { ControllerFixture } from '../testing/controller-fixture.ts';
import { countingTransport } from '../testing/counting-transport.ts';
import { runPod } from '../testing/run-pod.ts';
import { taintEvictionController } from './controller.ts';

const taint: Taint = { key: 'fire', effect: 'NoExecute' };
const tolerations = [{ key: 'fire', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 60 }];

async function taintNode(client: KubeClient, taints: Taint[]): Promise<void> {
  const body = { spec: { taints: taints.length === 0 ? null : taints } };
  await client.nodes().patch('node', { type: 'application/merge-patch+json', body });
}

async function start(options: Parameters<typeof ControllerFixture.start>[1] = {}) {
  const fixture = await ControllerFixture.start([taintEvictionController], options);
  await fixture.client.nodes().create({ metadata: { name: 'node' } } as Node);
  return fixture;
}

const going = async (client: KubeClient): Promise<string[]> =>
  (await client.pods('default').list()).items
    .filter((pod) => pod.metadata.deletionTimestamp !== undefined)
    .map((pod) => pod.metadata.name!)
    .toSorted();

const messages = async (client: KubeClient): Promise<string[]> =>
  (await client.events('default').list()).items
    .filter((event) => event.reason === 'TaintManagerEviction')
    .map((event) => `${event.source?.component}: ${event.message}`)
    .toSorted();

describe('taint-eviction-controller', () => {
  it('evicts what does not tolerate, at once or after its time', async () => {
    await using fixture = await start();
    const { client } = fixture;
    await runPod(client, { name: 'plain' });
    await runPod(client, { name: 'patient', spec: { tolerations } });
    await runPod(client, { name: 'stoic', spec: { tolerations: [{ operator: 'Exists' }] } });
    await taintNode(client, [taint]);
    await fixture.until(async () => (await going(client)).join() === 'plain');
    const plain = await client.pods('default').get('plain');
    expect(plain.status?.conditions).toContainEqual(
      expect.objectContaining({
        type: 'DisruptionTarget',
        status: 'True',
        reason: 'DeletionByTaintManager',
        message: 'Taint manager: deleting due to NoExecute taint',
      }),
    );
    await fixture.advance(50_000);
    expect(await going(client)).toEqual(['plain']);
    await fixture.advance(12_000);
    expect(await going(client)).toEqual(['patient', 'plain']);
    expect(await messages(client)).toEqual([
      'taint-eviction-controller: Marking for deletion Pod default/patient',
      'taint-eviction-controller: Marking for deletion Pod default/plain',
    ]);
    expect(fixture.errors).toEqual([]);
  });

  it('cancels when the taint goes, and begins anew when it comes back', async () => {
    await using fixture = await start();
    const { client } = fixture;
    await runPod(client, { name: 'patient', spec: { tolerations } });
    await taintNode(client, [taint]);
    await fixture.advance(50_000);
    await taintNode(client, []);
    await fixture.advance(50_000);
    expect(await messages(client)).toEqual(['taint-eviction-controller: Cancelling deletion of Pod default/patient']);
    await taintNode(client, [taint]);
    await fixture.advance(50_000);
    expect(await going(client)).toEqual([]);
    await fixture.advance(15_000);
    expect(await going(client)).toEqual(['patient']);
  });

  it('evicts a pod that comes to a tainted node, and keeps the time when another taint comes', async () => {
    await using fixture = await start();
    const { client } = fixture;
    await taintNode(client, [taint]);
    await runPod(client, { name: 'late' });
    await runPod(client, { name: 'patient', spec: { tolerations: [{ ...tolerations[0], key: '' }] } });
    await fixture.until(async () => (await going(client)).join() === 'late');
    await fixture.advance(40_000);
    await taintNode(client, [taint, { key: 'water', effect: 'NoExecute' }]);
    await fixture.advance(25_000);
    expect(await going(client)).toEqual(['late', 'patient']);
  });

  it('goes on after a restart, and rests', async () => {
    await using first = await start();
    const { client, plane } = first;
    await runPod(client, { name: 'plain' });
    await taintNode(client, [taint]);
    await first.until(async () => (await going(client)).length === 1);
    const { writes, wrap } = countingTransport({ events: true });
    await runPod(client, { name: 'patient', spec: { tolerations } });
    await using second = await ControllerFixture.start([taintEvictionController], { plane, wrap });
    await second.advance(5000);
    writes.length = 0;
    await second.advance(40_000);
    expect(writes).toEqual([]);
    await second.advance(20_000);
    expect(await going(client)).toEqual(['patient', 'plain']);
  });
});
