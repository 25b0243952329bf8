/** Jobs and their pods in tests: the test plays the kubelet. */
import type { Job, JobSpec } from '@kubets/api/types/batch-v1';
import type { Pod, PodStatus } from '@kubets/api/types/core-v1';
import type { ControllerFixture } from './controller-fixture.ts';

/** Where the Jobs are. */
export const namespace = 'default';

/** A Job of busybox pods, created in {@link namespace}. */
export function newJob(name: string, spec: Partial<JobSpec> = {}): Job {
  const template = { spec: { restartPolicy: 'Never' as const, containers: [{ name: 'c', image: 'busybox' }] } };
  return { kind: 'Job', apiVersion: 'batch/v1', metadata: { name, namespace }, spec: { template, ...spec } };
}

/** Plays the kubelet. */
export class JobNode {
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
}

/** The Job as it is now. */
export async function read(fixture: ControllerFixture, name: string): Promise<Readonly<Job>> {
  return await fixture.client.jobs(namespace).get(name);
}

/** The types of conditions that are True. */
export const conditionsOf = (job: Readonly<Job>): string[] =>
  (job.status?.conditions ?? []).filter(({ status }) => status === 'True').map(({ type }) => type);

/** `reason: message` of the Events about a kind, a second later. */
export async function eventsOf(fixture: ControllerFixture, kind = 'Job'): Promise<string[]> {
  await fixture.advance(1000);
  const { items } = await fixture.client.events(namespace).list();
  return items
    .filter((event) => event.involvedObject.kind === kind)
    .map(({ reason, message }) => `${reason}: ${message}`);
}

/** The completion index of a pod. */
export const indexOf = (pod: Readonly<Pod>): number =>
  Number(pod.metadata.annotations?.['batch.kubernetes.io/job-completion-index']);

/** Puts a pod on a node: it is deleted gracefully then. */
export async function bind(fixture: ControllerFixture, pod: Readonly<Pod>): Promise<void> {
  const { name = '' } = pod.metadata;
  const target = { kind: 'Node', apiVersion: 'v1', name: 'node' };
  await fixture.client.pods(namespace).createSubresource(name, 'binding', { metadata: { name }, target });
}
