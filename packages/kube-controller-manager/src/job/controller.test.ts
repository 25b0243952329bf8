import { describe, expect, it } from 'vitest';
import type { Job, JobSpec } from '@kubets/api/types/batch-v1';
import type { Pod, PodStatus } from '@kubets/api/types/core-v1';
import type { Transport, TransportRequest } from '@kubets/client';
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
});
