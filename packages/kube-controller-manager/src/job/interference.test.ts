/** Jobs end as specified, whatever is deleted, refused and restarted on the way. */
import { describe, expect, it } from 'vitest';
import type { JobSpec } from '@kubets/api/types/batch-v1';
import type { Pod } from '@kubets/api/types/core-v1';
import { TestControlPlane } from '@kubets/kube-apiserver/testing/test-control-plane';
import { newResourceExpired } from '@kubets/apimachinery/status';
import type { Transport } from '@kubets/client';
import { FaultyTransport } from '@kubets/client/testing';
import { ControllerFixture } from '../testing/controller-fixture.ts';
import { countingTransport } from '../testing/counting-transport.ts';
import { Interference } from '../testing/interference.ts';
import { chance, refusing, type Chance } from '../testing/write-faults.ts';
import { conditionsOf, indexOf, JobNode, namespace, newJob, read } from '../testing/job-node.ts';
import { finishDeleted } from '../testing/pod-simulator.ts';
import { jobController } from './controller.ts';
import { formatIntervals, withIndexes } from './intervals.ts';

/** What has become of all pods there ever were. */
class Truth {
  readonly ended = new Set<string>();
  readonly succeeded: Readonly<Pod>[] = [];
  readonly failed: Readonly<Pod>[] = [];

  indexes(pods: readonly Readonly<Pod>[], atLeast: number): string {
    const counts = Map.groupBy(pods, indexOf);
    const often = Array.from(counts).filter(([, same]) => same.length >= atLeast);
    return formatIntervals(
      withIndexes(
        [],
        often.map(([index]) => index),
      ),
    );
  }
}

/** Ends active pods one way or another. */
async function disturb(fixture: ControllerFixture, truth: Truth, random: Chance): Promise<void> {
  const node = new JobNode(fixture);
  const active = await node.active();
  const indexes = active.map(indexOf).filter((index) => !Number.isNaN(index));
  expect(new Set(indexes).size).toBe(indexes.length);
  for (const pod of active) {
    const { name = '', uid = '' } = pod.metadata;
    if (truth.ended.has(uid) || random(4) === 0) continue;
    truth.ended.add(uid);
    const kind = random(5);
    if (kind === 0) await node.end(pod, 1);
    else if (kind === 1) await fixture.client.pods(namespace).delete(name, { gracePeriodSeconds: 0 });
    else await node.end(pod);
    (kind < 2 ? truth.failed : truth.succeeded).push(pod);
  }
  await fixture.settle();
  await finishDeleted(fixture);
}

async function runToEnd(
  plane: TestControlPlane,
  spec: Partial<JobSpec>,
  seed: number,
  faults?: (transport: Transport) => Transport,
): Promise<Truth> {
  const random = chance(seed);
  const truth = new Truth();
  await plane.client.jobs(namespace).create(newJob('chaos', spec));
  for (let round = 0; round < 200; round++) {
    await using fixture = await ControllerFixture.start([jobController], { plane, wrap: faults ?? refusing(random) });
    await fixture.advance(7000);
    if (conditionsOf(await read(fixture, 'chaos')).some((type) => type === 'Complete' || type === 'Failed')) break;
    await disturb(fixture, truth, random);
  }
  // What is left over without a fault goes away at once, and then nothing is written any more.
  const { writes, wrap } = countingTransport();
  await using fixture = await ControllerFixture.start([jobController], { plane, wrap });
  await fixture.advance(5000);
  const before = writes.length;
  await fixture.advance(60_000);
  expect(writes.slice(before)).toEqual([]);
  return truth;
}

describe('a Job under interference', () => {
  it.each([1, 2])('counts every pod exactly once (%d)', async (seed) => {
    await using plane = await TestControlPlane.start();
    const truth = await runToEnd(plane, { completions: 10, parallelism: 4, backoffLimit: 1000 }, seed);
    const { status } = await plane.client.jobs(namespace).get('chaos');
    expect(status?.conditions?.at(-1)?.type).toBe('Complete');
    expect(status?.succeeded).toBe(10);
    expect(truth.succeeded).toHaveLength(10);
    expect(status?.failed ?? 0).toBe(truth.failed.length);
    expect(status?.uncountedTerminatedPods).toEqual({});
    const { items } = await plane.client.pods(namespace).list();
    expect(items.filter((pod) => pod.metadata.finalizers !== undefined)).toEqual([]);
  });

  it.each([4])('completes every index exactly once (%d)', async (seed) => {
    await using plane = await TestControlPlane.start();
    const spec = { completions: 8, parallelism: 5, backoffLimit: 1000, completionMode: 'Indexed' as const };
    const truth = await runToEnd(plane, spec, seed);
    const { status } = await plane.client.jobs(namespace).get('chaos');
    expect(status?.conditions?.at(-1)?.type).toBe('Complete');
    expect(status).toMatchObject({ succeeded: 8, completedIndexes: '0-7' });
    expect(truth.indexes(truth.succeeded, 1)).toBe('0-7');
    expect(truth.succeeded).toHaveLength(8);
    expect(status?.failed ?? 0).toBe(truth.failed.length);
  });

  it.each([6, 7])('gives up the indexes that failed too often, and only those (%d)', async (seed) => {
    await using plane = await TestControlPlane.start();
    const spec = { completions: 8, parallelism: 4, completionMode: 'Indexed' as const, backoffLimitPerIndex: 1 };
    const truth = await runToEnd(plane, spec, seed);
    const { status } = await plane.client.jobs(namespace).get('chaos');
    const given = truth.indexes(truth.failed, 2);
    expect(status?.conditions?.at(-1)?.type).toBe(given === '' ? 'Complete' : 'Failed');
    expect(status?.failedIndexes).toBe(given);
    expect(status?.completedIndexes ?? '').toBe(truth.indexes(truth.succeeded, 1));
    expect(status?.failed ?? 0).toBe(truth.failed.length);
  });

  it('counts every pod exactly once when answers are lost and watches break', async () => {
    await using plane = await TestControlPlane.start();
    const { wrap } = new Interference(9);
    const truth = await runToEnd(plane, { completions: 8, parallelism: 3, backoffLimit: 1000 }, 9, wrap);
    const { status } = await plane.client.jobs(namespace).get('chaos');
    expect(status?.conditions?.at(-1)?.type).toBe('Complete');
    expect(status?.succeeded).toBe(truth.succeeded.length);
    expect(status?.succeeded).toBeGreaterThanOrEqual(8);
    const { items } = await plane.client.pods(namespace).list();
    expect(items.filter((pod) => pod.metadata.finalizers !== undefined)).toEqual([]);
  });

  it('does not wait for a pod that came and went while the watch was down', async () => {
    let faulty: FaultyTransport | undefined;
    const wrap = (transport: Transport): Transport => (faulty = new FaultyTransport(transport));
    await using fixture = await ControllerFixture.start([jobController], { wrap });
    const transport = faulty as unknown as FaultyTransport;
    const pods = fixture.client.pods(namespace);
    const made = async (): Promise<readonly Readonly<Pod>[]> => (await pods.list()).items;
    transport.filter = (event) => (event.object.kind === 'Pod' ? [] : [event]);
    await fixture.client.jobs(namespace).create(newJob('sum', { completions: 2, parallelism: 2 }));
    await fixture.until(async () => (await made()).length === 2);
    await fixture.advance(30_000);
    expect(await made()).toHaveLength(2);
    const name = (await made())[0]?.metadata.name ?? '';
    await pods.patch(name, { type: 'application/merge-patch+json', body: { metadata: { finalizers: null } } });
    await pods.delete(name, { gracePeriodSeconds: 0 });
    transport.filter = (event) => [event];
    transport.failWatches(newResourceExpired('too old resource version').status);
    await fixture.until(async () => (await made()).length === 2, { steps: 120 });
    await fixture.until(async () => (await fixture.client.jobs(namespace).get('sum')).status?.active === 2);
    await fixture.advance(5_000);
    expect(await made()).toHaveLength(2);
  });
});
