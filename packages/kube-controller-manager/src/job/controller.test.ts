import { describe, expect, it } from 'vitest';
import type { Pod } from '@kubets/api/types/core-v1';
import { ControllerFixture } from '../testing/controller-fixture.ts';
import { countingTransport } from '../testing/counting-transport.ts';
import { bind, conditionsOf, eventsOf, indexOf, JobNode, namespace, newJob, read } from '../testing/job-node.ts';
import { finishDeleted } from '../testing/pod-simulator.ts';
import { jobController } from './controller.ts';
import { jobTrackingFinalizer } from './job-spec.ts';

describe('the Job controller', () => {
  it('runs pods until enough have succeeded, counts each once, and says so', async () => {
    const { writes, wrap } = countingTransport();
    await using fixture = await ControllerFixture.start([jobController], { wrap, ownAccounts: true });
    const node = new JobNode(fixture);
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
    await using fixture = await ControllerFixture.start([jobController], { ownAccounts: true });
    const node = new JobNode(fixture);
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
    await using fixture = await ControllerFixture.start([jobController], { ownAccounts: true });
    const node = new JobNode(fixture);
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
    await using fixture = await ControllerFixture.start([jobController], { ownAccounts: true });
    const node = new JobNode(fixture);
    await fixture.client.jobs(namespace).create(newJob('slow', { activeDeadlineSeconds: 30, parallelism: 2 }));
    await fixture.until(async () => (await node.active()).length === 2);
    for (const pod of await node.active()) await bind(fixture, pod);
    await fixture.advance(28_000);
    expect(conditionsOf(await read(fixture, 'slow'))).toEqual([]);
    await fixture.advance(4000);
    const stopping = await read(fixture, 'slow');
    expect(conditionsOf(stopping)).toEqual(['FailureTarget']);
    expect(stopping.status).toMatchObject({ terminating: 2, failed: 2 });
    await finishDeleted(fixture);
    await fixture.until(async () => conditionsOf(await read(fixture, 'slow')).includes('Failed'));
    expect((await read(fixture, 'slow')).status).toMatchObject({ terminating: 0, failed: 2 });
    expect(await eventsOf(fixture)).toContain('DeadlineExceeded: Job was active longer than specified deadline');
  });

  it('deletes pods of suspended Jobs, which are not counted, and starts over when resumed', async () => {
    await using fixture = await ControllerFixture.start([jobController], { ownAccounts: true });
    const node = new JobNode(fixture);
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
    await using fixture = await ControllerFixture.start([jobController], { ownAccounts: true });
    const node = new JobNode(fixture);
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
    await using fixture = await ControllerFixture.start([jobController], { ownAccounts: true });
    const node = new JobNode(fixture);
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
    await using fixture = await ControllerFixture.start([jobController], { ownAccounts: true });
    const node = new JobNode(fixture);
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
    await using fixture = await ControllerFixture.start([jobController], { ownAccounts: true });
    const node = new JobNode(fixture);
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
    await finishDeleted(fixture);
    await fixture.until(async () => (await read(fixture, 'r')).status?.failed === 1);
  });

  it('leaves Jobs of other controllers alone', async () => {
    await using fixture = await ControllerFixture.start([jobController], { ownAccounts: true });
    await fixture.client.jobs(namespace).create(newJob('x', { managedBy: 'example.com/other' }));
    await fixture.advance(5000);
    expect((await read(fixture, 'x')).status).toEqual({});
  });

  it('adopts and releases pods by selector', async () => {
    await using fixture = await ControllerFixture.start([jobController], { ownAccounts: true });
    const node = new JobNode(fixture);
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
    await using fixture = await ControllerFixture.start([jobController], { ownAccounts: true });
    const node = new JobNode(fixture);
    await fixture.client.jobs(namespace).create(newJob('d', { parallelism: 3 }));
    await fixture.until(async () => (await node.active()).length === 3);
    await fixture.client.jobs(namespace).delete('d', { propagationPolicy: 'Background' });
    await fixture.until(async () => (await node.pods()).every((pod) => !pod.metadata.finalizers));
    expect(fixture.errors).toEqual([]);
  });
});
