import { describe, expect, it } from 'vitest';
import type { Job, JobSpec } from '@kubets/api/types/batch-v1';
import type { Pod, PodStatus } from '@kubets/api/types/core-v1';
import { newConflict } from '@kubets/apimachinery/status';
import type { Transport, TransportRequest } from '@kubets/client';
import { TestControlPlane } from '@kubets/kube-apiserver/testing/test-control-plane';
import { ControllerFixture } from '../testing/controller-fixture.ts';
import { jobController } from './controller.ts';
import { jobTrackingFinalizer } from './job-spec.ts';

const namespace = 'default';

function newJob(name: string, spec: Partial<JobSpec> = {}): Job {
  const template = { spec: { restartPolicy: 'Never' as const, containers: [{ name: 'c', image: 'busybox' }] } };
  return { kind: 'Job', apiVersion: 'batch/v1', metadata: { name, namespace }, spec: { template, ...spec } };
}

/** Plays the kubelet. */
class Node {
  readonly #fixture: ControllerFixture;

  constructor(fixture: ControllerFixture) {
    this.#fixture = fixture;
  }

  async pods(job = ''): Promise<readonly Readonly<Pod>[]> {
    const { items } = await this.#fixture.client.pods(namespace).list();
    return items.filter((pod) => job === '' || pod.metadata.ownerReferences?.[0]?.name === job);
  }

  async active(): Promise<readonly Readonly<Pod>[]> {
    const pods = await this.pods();
    return pods.filter(
      ({ status, metadata }) =>
        metadata.deletionTimestamp === undefined && status?.phase !== 'Succeeded' && status?.phase !== 'Failed',
    );
  }

  async setStatus(pod: Readonly<Pod>, status: PodStatus): Promise<void> {
    const { name = '' } = pod.metadata;
    const body = { status };
    const type = 'application/merge-patch+json';
    await this.#fixture.client.pods(namespace).patch(name, { type, body, subresource: 'status' });
  }

  async end(pod: Readonly<Pod>, exitCode = 0): Promise<void> {
    const finishedAt = new Date(this.#fixture.clock.now()).toISOString();
    const container = { name: 'c', image: '', imageID: '', ready: false, restartCount: 0 };
    await this.setStatus(pod, {
      phase: exitCode === 0 ? 'Succeeded' : 'Failed',
      containerStatuses: [{ ...container, state: { terminated: { exitCode, finishedAt } } }],
    });
  }

  /** Ends what is being deleted, as kubelets do. */
  async reap(): Promise<void> {
    for (const pod of await this.pods()) {
      if (pod.metadata.deletionTimestamp === undefined) continue;
      await this.#fixture.client.pods(namespace).delete(pod.metadata.name ?? '', { gracePeriodSeconds: 0 });
    }
  }
}

async function read(fixture: ControllerFixture, name: string): Promise<Readonly<Job>> {
  return await fixture.client.jobs(namespace).get(name);
}

const conditionsOf = (job: Readonly<Job>): string[] =>
  (job.status?.conditions ?? []).filter(({ status }) => status === 'True').map(({ type }) => type);

async function eventsOf(fixture: ControllerFixture, kind = 'Job'): Promise<string[]> {
  await fixture.advance(1000);
  const { items } = await fixture.client.events(namespace).list();
  return items
    .filter((event) => event.involvedObject.kind === kind)
    .map(({ reason, message }) => `${reason}: ${message}`);
}

const indexOf = (pod: Readonly<Pod>): number =>
  Number(pod.metadata.annotations?.['batch.kubernetes.io/job-completion-index']);

/** Pods on nodes are deleted gracefully. */
async function bind(fixture: ControllerFixture, pod: Readonly<Pod>): Promise<void> {
  const { name = '' } = pod.metadata;
  const target = { kind: 'Node', apiVersion: 'v1', name: 'node' };
  await fixture.client.pods(namespace).createSubresource(name, 'binding', { metadata: { name }, target });
}

/** Counts writes of a controller; events are not counted. */
function counting(writes: TransportRequest[]): (transport: Transport) => Transport {
  return (transport) => ({
    request: (request) => {
      if (request.method !== 'GET' && !request.path.includes('/events')) writes.push(request);
      return transport.request(request);
    },
    watch: (request) => transport.watch(request),
    [Symbol.asyncDispose]: () => transport[Symbol.asyncDispose](),
  });
}

describe('the Job controller', () => {
  it('runs pods until enough have succeeded, counts each once, and says so', async () => {
    const writes: TransportRequest[] = [];
    await using fixture = await ControllerFixture.start([jobController], { wrap: counting(writes) });
    const node = new Node(fixture);
    await fixture.client.jobs(namespace).create(newJob('sum', { completions: 3, parallelism: 2 }));
    await fixture.until(async () => (await node.active()).length === 2);
    const [first] = await node.active();
    expect(first?.metadata.finalizers).toEqual([jobTrackingFinalizer]);
    expect(first?.metadata.labels?.['batch.kubernetes.io/job-name']).toBe('sum');
    await fixture.until(async () => (await read(fixture, 'sum')).status?.active === 2);
    for (const pod of await node.active()) await node.end(pod);
    await fixture.until(async () => (await read(fixture, 'sum')).status?.succeeded === 2);
    await fixture.until(async () => (await node.active()).length === 1);
    for (const pod of await node.active()) await node.end(pod);
    await fixture.until(async () => conditionsOf(await read(fixture, 'sum')).includes('Complete'));
    const job = await read(fixture, 'sum');
    expect(job.status).toMatchObject({ succeeded: 3, ready: 0, terminating: 0, uncountedTerminatedPods: {} });
    expect(job.status?.active).toBeUndefined();
    expect(job.status?.conditions?.map(({ type, reason, message }) => [type, reason, message])).toEqual([
      ['SuccessCriteriaMet', 'CompletionsReached', 'Reached expected number of succeeded pods'],
      ['Complete', 'CompletionsReached', 'Reached expected number of succeeded pods'],
    ]);
    expect((await node.pods()).every((pod) => !pod.metadata.finalizers)).toBe(true);
    expect(await eventsOf(fixture)).toContain('Completed: Job completed');
    const before = writes.length;
    await fixture.advance(700_000);
    expect(writes.length).toBe(before);
    expect(fixture.errors).toEqual([]);
  });

  it('gives each index one pod, with its index everywhere, until all have succeeded', async () => {
    await using fixture = await ControllerFixture.start([jobController]);
    const node = new Node(fixture);
    const job = newJob('ix', { completions: 5, parallelism: 3, completionMode: 'Indexed' });
    await fixture.client.jobs(namespace).create(job);
    await fixture.until(async () => (await node.active()).length === 3);
    const [pod] = (await node.active()).toSorted((a, b) => indexOf(a) - indexOf(b));
    expect(pod?.metadata.name).toMatch(/^ix-0-.{5}$/);
    expect(pod?.metadata.labels?.['batch.kubernetes.io/job-completion-index']).toBe('0');
    expect(pod?.spec?.hostname).toBe('ix-0');
    expect(pod?.spec?.containers[0]?.env).toEqual([
      {
        name: 'JOB_COMPLETION_INDEX',
        valueFrom: {
          fieldRef: { apiVersion: 'v1', fieldPath: "metadata.labels['batch.kubernetes.io/job-completion-index']" },
        },
      },
    ]);
    for (const index of [0, 2]) await node.end((await node.active()).find((each) => indexOf(each) === index)!);
    await fixture.until(async () => (await read(fixture, 'ix')).status?.completedIndexes === '0,2');
    await fixture.until(async () => (await node.active()).length === 3);
    expect((await node.active()).map(indexOf).toSorted((a, b) => a - b)).toEqual([1, 3, 4]);
    for (const each of await node.active()) await node.end(each);
    await fixture.until(async () => conditionsOf(await read(fixture, 'ix')).includes('Complete'));
    expect((await read(fixture, 'ix')).status).toMatchObject({ completedIndexes: '0-4', succeeded: 5 });
    expect(fixture.errors).toEqual([]);
  });

  it('waits longer after each failure, and fails for good at the limit', async () => {
    await using fixture = await ControllerFixture.start([jobController]);
    const node = new Node(fixture);
    await fixture.client.jobs(namespace).create(newJob('bad', { backoffLimit: 2 }));
    const pauses: number[] = [];
    for (let failures = 0; failures < 3; failures++) {
      const since = fixture.clock.now();
      await fixture.until(async () => (await node.active()).length === 1);
      pauses.push(Math.floor((fixture.clock.now() - since) / 1000));
      await node.end((await node.active())[0]!, 1);
    }
    expect(pauses).toEqual([0, 10, 20]);
    await fixture.until(async () => conditionsOf(await read(fixture, 'bad')).includes('Failed'));
    const { status } = await read(fixture, 'bad');
    expect(status?.failed).toBe(3);
    expect(status?.completionTime).toBeUndefined();
    expect(status?.conditions?.map(({ type, reason, message }) => [type, reason, message])).toEqual([
      ['FailureTarget', 'BackoffLimitExceeded', 'Job has reached the specified backoff limit'],
      ['Failed', 'BackoffLimitExceeded', 'Job has reached the specified backoff limit'],
    ]);
    expect(await eventsOf(fixture)).toContain('BackoffLimitExceeded: Job has reached the specified backoff limit');
  });

  it('stops at the deadline, and waits for the pods to go', async () => {
    await using fixture = await ControllerFixture.start([jobController]);
    const node = new Node(fixture);
    await fixture.client.jobs(namespace).create(newJob('slow', { activeDeadlineSeconds: 30, parallelism: 2 }));
    await fixture.until(async () => (await node.active()).length === 2);
    for (const pod of await node.active()) await bind(fixture, pod);
    await fixture.advance(28_000);
    expect(conditionsOf(await read(fixture, 'slow'))).toEqual([]);
    await fixture.advance(4000);
    const stopping = await read(fixture, 'slow');
    expect(conditionsOf(stopping)).toEqual(['FailureTarget']);
    expect(stopping.status).toMatchObject({ terminating: 2, failed: 2 });
    await node.reap();
    await fixture.until(async () => conditionsOf(await read(fixture, 'slow')).includes('Failed'));
    expect((await read(fixture, 'slow')).status).toMatchObject({ terminating: 0, failed: 2 });
    expect(await eventsOf(fixture)).toContain('DeadlineExceeded: Job was active longer than specified deadline');
  });

  it('deletes pods of suspended Jobs, which are not counted, and starts over when resumed', async () => {
    await using fixture = await ControllerFixture.start([jobController]);
    const node = new Node(fixture);
    const jobs = fixture.client.jobs(namespace);
    const suspend = async (value: boolean): Promise<void> =>
      void (await jobs.patch('j', { type: 'application/merge-patch+json', body: { spec: { suspend: value } } }));
    await jobs.create(newJob('j', { parallelism: 2, suspend: true, activeDeadlineSeconds: 600 }));
    await fixture.until(async () => conditionsOf(await read(fixture, 'j')).includes('Suspended'));
    expect((await read(fixture, 'j')).status?.startTime).toBeUndefined();
    await suspend(false);
    await fixture.until(async () => (await node.active()).length === 2);
    const { startTime } = (await read(fixture, 'j')).status ?? {};
    expect(startTime).toBeDefined();
    await suspend(true);
    await fixture.until(async () => (await node.pods()).length === 0);
    await fixture.advance(1_200_000);
    await suspend(false);
    await fixture.until(async () => (await read(fixture, 'j')).status?.active === 2);
    const resumed = await read(fixture, 'j');
    expect(resumed.status?.failed).toBeUndefined();
    expect(conditionsOf(resumed)).toEqual([]);
    expect(Date.parse(resumed.status?.startTime ?? '')).toBeGreaterThan(Date.parse(startTime ?? ''));
    expect(await eventsOf(fixture)).toEqual(
      expect.arrayContaining(['Suspended: Job suspended', 'Resumed: Job resumed']),
    );
  });

  it('counts failures of each index, and goes on with the others', async () => {
    await using fixture = await ControllerFixture.start([jobController]);
    const node = new Node(fixture);
    const spec = { completions: 2, parallelism: 2, completionMode: 'Indexed' as const, backoffLimitPerIndex: 1 };
    await fixture.client.jobs(namespace).create(newJob('ix', spec));
    const podOf = async (index: number): Promise<Readonly<Pod>> => {
      await fixture.until(async () => (await node.active()).some((pod) => indexOf(pod) === index));
      return (await node.active()).find((pod) => indexOf(pod) === index)!;
    };
    await node.end(await podOf(0), 1);
    await fixture.advance(9000);
    expect((await node.active()).map(indexOf)).toEqual([1]);
    const second = await podOf(0);
    expect(second.metadata.annotations?.['batch.kubernetes.io/job-index-failure-count']).toBe('1');
    await node.end(second, 1);
    await fixture.until(async () => (await read(fixture, 'ix')).status?.failedIndexes === '0');
    await node.end(await podOf(1));
    await fixture.until(async () => conditionsOf(await read(fixture, 'ix')).includes('Failed'));
    const { status } = await read(fixture, 'ix');
    expect(status).toMatchObject({ failed: 2, succeeded: 1, failedIndexes: '0', completedIndexes: '1' });
    expect(status?.conditions?.at(-1)).toMatchObject({ reason: 'FailedIndexes', message: 'Job has failed indexes' });
  });

  it('obeys the failure policy: ignored failures do not count, others end the Job', async () => {
    await using fixture = await ControllerFixture.start([jobController]);
    const node = new Node(fixture);
    const podFailurePolicy = {
      rules: [
        { action: 'Ignore' as const, onPodConditions: [{ type: 'DisruptionTarget' }] },
        { action: 'FailJob' as const, onExitCodes: { operator: 'In' as const, values: [42] } },
      ],
    };
    await fixture.client.jobs(namespace).create(newJob('p', { podFailurePolicy, backoffLimit: 0 }));
    await fixture.until(async () => (await node.active()).length === 1);
    const [first] = await node.active();
    await node.setStatus(first!, { phase: 'Failed', conditions: [{ type: 'DisruptionTarget', status: 'True' }] });
    await fixture.until(async () => (await node.active()).length === 1);
    expect((await read(fixture, 'p')).status?.failed).toBeUndefined();
    const [second] = await node.active();
    await node.end(second!, 42);
    await fixture.until(async () => conditionsOf(await read(fixture, 'p')).includes('Failed'));
    const { status } = await read(fixture, 'p');
    const message = `Container c for pod default/${second?.metadata.name} failed with exit code 42 matching FailJob rule at index 1`;
    expect(status?.conditions?.at(-1)).toMatchObject({ reason: 'PodFailurePolicy', message });
    expect(status?.failed).toBe(1);
  });

  it('ends early when the success policy is met, and stops the other pods', async () => {
    await using fixture = await ControllerFixture.start([jobController]);
    const node = new Node(fixture);
    const successPolicy = { rules: [{ succeededIndexes: '0', succeededCount: 1 }] };
    const spec = { completions: 3, parallelism: 3, completionMode: 'Indexed' as const, successPolicy };
    await fixture.client.jobs(namespace).create(newJob('s', spec));
    await fixture.until(async () => (await node.active()).length === 3);
    await node.end((await node.active()).find((pod) => indexOf(pod) === 0)!);
    await fixture.until(async () => conditionsOf(await read(fixture, 's')).includes('Complete'));
    const { status } = await read(fixture, 's');
    expect(status).toMatchObject({ succeeded: 1, completedIndexes: '0' });
    expect(status?.failed).toBeUndefined();
    expect(status?.conditions?.at(-1)).toMatchObject({ reason: 'SuccessPolicy', message: 'Matched rules at index 0' });
    expect(await node.active()).toEqual([]);
  });

  it('replaces deleted pods when they have ended, if told so, and counts them', async () => {
    await using fixture = await ControllerFixture.start([jobController]);
    const node = new Node(fixture);
    await fixture.client.jobs(namespace).create(newJob('r', { podReplacementPolicy: 'Failed' }));
    await fixture.until(async () => (await node.active()).length === 1);
    const [pod] = await node.active();
    await bind(fixture, pod!);
    await fixture.client.pods(namespace).delete(pod!.metadata.name!);
    await fixture.advance(20_000);
    expect(await node.active()).toEqual([]);
    expect((await read(fixture, 'r')).status?.terminating).toBe(1);
    await node.end(pod!, 1);
    await fixture.until(async () => (await node.active()).length === 1);
    await node.reap();
    await fixture.until(async () => (await read(fixture, 'r')).status?.failed === 1);
  });

  it('leaves Jobs of other controllers alone', async () => {
    await using fixture = await ControllerFixture.start([jobController]);
    await fixture.client.jobs(namespace).create(newJob('x', { managedBy: 'example.com/other' }));
    await fixture.advance(5000);
    expect((await read(fixture, 'x')).status).toEqual({});
  });

  it('adopts and releases pods by selector', async () => {
    await using fixture = await ControllerFixture.start([jobController]);
    const node = new Node(fixture);
    const { client } = fixture;
    const spec = { containers: [{ name: 'c', image: 'busybox' }], restartPolicy: 'Never' as const };
    await client.pods(namespace).create({ metadata: { name: 'stray', labels: { app: 'a' } }, spec });
    const selector = { matchLabels: { app: 'a' } };
    const template = { metadata: { labels: { app: 'a' } }, spec };
    await client.jobs(namespace).create(newJob('own', { selector, manualSelector: true, template, parallelism: 1 }));
    await fixture.until(async () => (await client.pods(namespace).get('stray')).metadata.ownerReferences !== undefined);
    expect((await client.pods(namespace).get('stray')).metadata.finalizers).toEqual([jobTrackingFinalizer]);
    await fixture.advance(3000);
    expect(await node.pods()).toHaveLength(1);
    const type = 'application/merge-patch+json';
    await client.pods(namespace).patch('stray', { type, body: { metadata: { labels: { app: null } } } });
    await fixture.until(async () => (await node.pods('own')).some((pod) => pod.metadata.name !== 'stray'));
    expect(await node.pods('own')).toHaveLength(1);
    const released = await client.pods(namespace).get('stray');
    expect(released.metadata.ownerReferences).toBeUndefined();
    expect(released.metadata.finalizers).toBeUndefined();
  });

  it('lets pods of deleted Jobs go', async () => {
    await using fixture = await ControllerFixture.start([jobController]);
    const node = new Node(fixture);
    await fixture.client.jobs(namespace).create(newJob('d', { parallelism: 3 }));
    await fixture.until(async () => (await node.active()).length === 3);
    await fixture.client.jobs(namespace).delete('d', { propagationPolicy: 'Background' });
    await fixture.until(async () => (await node.pods()).every((pod) => !pod.metadata.finalizers));
    expect(fixture.errors).toEqual([]);
  });

  it('counts every pod exactly once, whatever is deleted, restarted and refused on the way', async () => {
    await using plane = await TestControlPlane.start();
    const pods = 12;
    let refuse = 0;
    const wrap = (transport: Transport): Transport => ({
      request: async (request) => {
        // Every third write is refused as if somebody had been faster, one in three of those after it was done.
        const isWrite = request.method !== 'GET' && !request.path.includes('/events');
        if (!isWrite || refuse++ % 3 !== 0) return await transport.request(request);
        if (refuse % 9 === 1 && request.method !== 'POST') await transport.request(request);
        throw newConflict({ group: '', resource: 'things' }, 'x', 'in the test');
      },
      watch: (request) => transport.watch(request),
      [Symbol.asyncDispose]: () => transport[Symbol.asyncDispose](),
    });
    await plane.client
      .jobs(namespace)
      .create(newJob('chaos', { completions: pods, parallelism: 4, backoffLimit: 1000 }));
    let failures = 0;
    const ended = new Set<string>();
    for (let round = 0; round < 200; round++) {
      await using fixture = await ControllerFixture.start([jobController], { plane, wrap });
      const node = new Node(fixture);
      await fixture.advance(7000);
      if (conditionsOf(await read(fixture, 'chaos')).includes('Complete')) break;
      for (const [i, pod] of (await node.active()).entries()) {
        const { name = '', uid = '' } = pod.metadata;
        if (ended.has(uid)) continue;
        ended.add(uid);
        const kind = (round + i) % 4;
        if (kind === 0) await node.end(pod, 1);
        else if (kind === 1) await fixture.client.pods(namespace).delete(name, { gracePeriodSeconds: 0 });
        else await node.end(pod);
        if (kind < 2) failures++;
      }
      await fixture.settle();
      await node.reap();
    }
    const { status } = await plane.client.jobs(namespace).get('chaos');
    expect(status?.conditions?.at(-1)?.type).toBe('Complete');
    expect(status).toMatchObject({ succeeded: pods, failed: failures, uncountedTerminatedPods: {} });
    const { items } = await plane.client.pods(namespace).list();
    expect(items.filter((pod) => pod.metadata.finalizers !== undefined)).toEqual([]);
    expect(items.filter((pod) => pod.status?.phase === 'Succeeded')).toHaveLength(pods);
  });
});
