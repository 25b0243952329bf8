/** Jobs to their end: upstream's `test/e2e/apps/job.go`. What containers do is simulated: see stages.yaml. */
import { describe, expect } from 'vitest';
import { covers, coversPart, useNodes } from './covers.ts';
import { unique, type Cluster, type Draft, type Obj } from './cluster.ts';
import type { Collection } from './collection.ts';
import { acts, conditionOf, controllerOf, isLive, isReady, isTrue, podSpec, podStatus } from './pods.ts';
import { becomes, change, lists, vanishes } from './waiting.ts';

useNodes();

const suite = '[sig-apps] Job';
const image = 'registry.k8s.io/e2e-test-images/busybox:1.37.0-1';
const complete = (object: Obj): boolean => isTrue(object, 'Complete');
const failed = (object: Obj): boolean => isTrue(object, 'Failed');

interface Place {
  readonly jobs: Collection;
  readonly pods: Collection;
  readonly namespace: string;
}

async function place(cluster: Cluster): Promise<Place> {
  const namespace = await cluster.namespace();
  return { namespace, jobs: cluster.of('batch/v1/jobs', namespace), pods: cluster.of('v1/pods', namespace) };
}

interface Work {
  /** Of the shell in the container; simulated pods go by the stages. */
  readonly command: string;
  readonly stages?: Readonly<Record<string, string>>;
  readonly labels?: Draft;
  readonly restartPolicy?: string;
}

const sleeps: Work = { command: 'sleep 1000000', stages: { run: 'never' } };

function job(name: string, spec: Draft, work: Work): Draft {
  const { command, stages = {}, labels = {}, restartPolicy = 'Never' } = work;
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name },
    spec: {
      parallelism: 2,
      completions: 4,
      ...spec,
      template: {
        metadata: { labels, annotations: acts(stages) },
        spec: {
          restartPolicy,
          terminationGracePeriodSeconds: 0,
          containers: [{ name: 'c', image, command: ['sh', '-c', command] }],
        },
      },
    },
  };
}

interface Status {
  readonly active?: number;
  readonly ready?: number;
  readonly succeeded?: number;
  readonly failed?: number;
  readonly completedIndexes?: string;
  readonly failedIndexes?: string;
  readonly conditions?: readonly Draft[];
}
const statusOf = (object: Obj): Status => object['status'] as Status;
const of = (name: string): { labelSelector: string } => ({ labelSelector: `batch.kubernetes.io/job-name=${name}` });
const indexOf = ({ metadata }: Obj): string | undefined =>
  metadata.annotations?.['batch.kubernetes.io/job-completion-index'];
const conditionsOf = (object: Obj): string[] =>
  (statusOf(object).conditions ?? []).map(({ type, status, reason }) => [type, status, reason].join(' '));

/** The conditions in the order in which the controller adds them. */
const terminal = (interim: string, final: string, reason: string): string[] => [
  `${interim} True ${reason}`,
  `${final} True ${reason}`,
];

describe('completion', () => {
  covers(
    `${suite} should run a job to completion when tasks sometimes fail and are locally restarted`,
    async (cluster) => {
      const { jobs, pods } = await place(cluster);
      const command = 'if test -f /data/done; then exit 0; else touch /data/done; exit 1; fi';
      const work = { command, stages: { exitCodes: '1,0', run: '100ms' }, restartPolicy: 'OnFailure' };
      await jobs.create(job('fail-once-local', {}, work));
      const done = await becomes(jobs, 'fail-once-local', complete);
      expect(statusOf(done)).toMatchObject({ succeeded: 4 });
      const made = (await pods.list(of('fail-once-local'))).items;
      const phases = made.map((object) => podStatus(object).phase);
      expect(phases.filter((phase) => phase === 'Succeeded')).toHaveLength(4);
      expect(phases).toHaveLength(4);
    },
  );

  coversPart(
    `${suite} should create pods for an Indexed job with completion indexes and specified hostname`,
    'the host name and the variable inside the container',
    async (cluster) => {
      const { jobs, pods } = await place(cluster);
      const spec = { completionMode: 'Indexed' };
      await jobs.create(job('indexed-job', spec, { command: 'exit 0', stages: { run: '50ms' } }));
      const done = await becomes(jobs, 'indexed-job', complete);
      expect(statusOf(done)).toMatchObject({ succeeded: 4, completedIndexes: '0-3' });
      const made = (await pods.list(of('indexed-job'))).items;
      expect(made.map((each) => indexOf(each) ?? '').toSorted()).toEqual(['0', '1', '2', '3']);
      for (const object of made) {
        expect(podSpec(object).hostname).toBe(`indexed-job-${indexOf(object)}`);
        const [container] = podSpec(object).containers as unknown as { env: Draft[] }[];
        const fieldPath = "metadata.labels['batch.kubernetes.io/job-completion-index']";
        const valueFrom = { fieldRef: { apiVersion: 'v1', fieldPath } };
        expect(container!.env).toContainEqual({ name: 'JOB_COMPLETION_INDEX', valueFrom });
      }
    },
  );

  covers(`${suite} should delete a job`, async (cluster) => {
    const { jobs, pods } = await place(cluster);
    const created = await jobs.create(job('foo', {}, sleeps));
    await lists(pods, of('foo'), (all) => all.length === 2 && all.every(isReady));
    await jobs.delete('foo', { propagationPolicy: 'Background', preconditions: { uid: created.metadata.uid } });
    await vanishes(jobs, 'foo');
    await lists(pods, of('foo'), (all) => all.length === 0);
  });

  covers(`${suite} should adopt matching orphans and release non-matching pods`, async (cluster) => {
    const { jobs, pods } = await place(cluster);
    const created = await jobs.create(job('adopt-release', {}, sleeps));
    const [first] = await lists(pods, of('adopt-release'), (all) => all.length === 2 && all.every(isReady));
    const { name } = first!.metadata;
    await change(pods, name, (object) => {
      const { ownerReferences: _, ...metadata } = object.metadata as unknown as Record<string, unknown>;
      return { ...object, metadata } as unknown as Obj;
    });
    await becomes(pods, name, (object) => controllerOf(object) === created.metadata.uid);
    await change(pods, name, (object) => ({ ...object, metadata: { ...object.metadata, labels: {} } }));
    await becomes(pods, name, (object) => controllerOf(object) === undefined);
  });

  covers(`${suite} should apply changes to a job status`, async (cluster) => {
    const { jobs, pods } = await place(cluster);
    await jobs.create(job('suspend-false-to-true', {}, sleeps));
    await lists(pods, of('suspend-false-to-true'), (all) => all.length === 2 && all.every(isReady));
    const status = { subresource: 'status' };
    const name = 'suspend-false-to-true';
    const before = await becomes(jobs, name, (object) => statusOf(object).ready === 2);
    const { startTime } = before['status'] as { startTime: string };
    const patch = { metadata: { annotations: { patchedstatus: 'true' } }, status: { startTime } };
    const patched = await jobs.patch(name, 'merge', patch, status);
    expect(patched).toMatchObject(patch);
    const replaced = await change(
      jobs,
      name,
      (object) => ({ ...object, status: { ...(object['status'] as Draft), failed: 0, terminating: 0 } }),
      status,
    );
    expect(replaced['status']).toMatchObject({ startTime, active: 2 });
    expect((await jobs.get(name, 'status'))['status']).toMatchObject({ startTime, active: 2 });
  });

  covers(`${suite} should manage the lifecycle of a job`, async (cluster) => {
    const label = unique('e2e');
    const { jobs, pods } = await place(cluster);
    const everywhere = cluster.of('batch/v1/jobs');
    const query = { labelSelector: `e2e-job=${label}` };
    using watching = await everywhere.watch(query);
    const draft = job('e2e-lifecycle', { suspend: true }, { command: 'exit 0', stages: { run: '50ms' } });
    await jobs.create({ ...draft, metadata: { name: 'e2e-lifecycle', labels: { 'e2e-job': label } } });
    await becomes(jobs, 'e2e-lifecycle', (object) => isTrue(object, 'Suspended'));
    expect((await pods.list()).items).toEqual([]);
    const labels = { 'e2e-lifecycle': 'patched' };
    expect(await jobs.patch('e2e-lifecycle', 'strategic', { metadata: { labels } })).toMatchObject({
      metadata: { labels },
    });
    const updated = await change(jobs, 'e2e-lifecycle', (object) => ({
      ...object,
      metadata: { ...object.metadata, annotations: { updated: 'true' } },
      spec: { ...(object['spec'] as Draft), suspend: false },
    }));
    expect(updated.metadata.annotations).toMatchObject({ updated: 'true' });
    await becomes(jobs, 'e2e-lifecycle', complete);
    expect((await everywhere.list(query)).items).toHaveLength(1);
    await jobs.deleteCollection({ ...query, propagationPolicy: 'Foreground' });
    await watching.event('DELETED', 'e2e-lifecycle');
    await lists(pods, {}, (all) => all.length === 0);
  });
});

// Each waits for the back-off between failures of its pods: they wait together.
describe.concurrent('failure policies', () => {
  covers(`${suite} should allow to use the pod failure policy on exit code to fail the job early`, async (cluster) => {
    const { jobs } = await place(cluster);
    const rules = [{ action: 'FailJob', onExitCodes: { operator: 'In', values: [1] } }];
    const spec = { podFailurePolicy: { rules }, backoffLimit: 6, parallelism: 1, completions: 1 };
    await jobs.create(job('pod-failure-failjob', spec, { command: 'exit 1', stages: { exitCodes: '1', run: '50ms' } }));
    const over = await becomes(jobs, 'pod-failure-failjob', failed);
    expect(conditionOf(over, 'Failed')?.reason).toBe('PodFailurePolicy');
    expect(conditionsOf(over)).toEqual(terminal('FailureTarget', 'Failed', 'PodFailurePolicy'));
    expect(statusOf(over).failed).toBe(1);
  });

  covers(
    `${suite} should allow to use a pod failure policy to ignore failure matching on DisruptionTarget condition`,
    async (cluster) => {
      const { namespace, jobs, pods } = await place(cluster);
      const onPodConditions = [{ type: 'DisruptionTarget', status: 'True' }];
      const spec = {
        completionMode: 'Indexed',
        backoffLimit: 0,
        podFailurePolicy: { rules: [{ action: 'Ignore', onPodConditions }] },
        parallelism: 2,
        completions: 2,
      };
      // Long enough to be evicted, and over soon after that.
      const work = { command: 'sleep 3', stages: { run: '3s' } };
      await jobs.create(job('pod-failure-ignore', spec, work));
      const first = await lists(pods, of('pod-failure-ignore'), (all) => all.length === 2 && all.every(isReady));
      for (const { metadata } of first) {
        const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: metadata.name, namespace } };
        await pods.createAt(metadata.name, 'eviction', eviction);
      }
      for (const { metadata } of first) await vanishes(pods, metadata.name, metadata.uid);
      const done = await becomes(jobs, 'pod-failure-ignore', complete);
      expect(statusOf(done)).toMatchObject({ succeeded: 2, completedIndexes: '0,1' });
      expect(statusOf(done).failed ?? 0).toBe(0);
    },
  );

  const oddFail = (code: number, label: string): Work => ({
    command: `exit $(( (JOB_COMPLETION_INDEX % 2) * ${code} ))`,
    labels: { 'e2e-indexes': label },
  });

  covers(
    `${suite} should execute all indexes despite some failing when using backoffLimitPerIndex`,
    async (cluster) => {
      const { jobs, pods } = await place(cluster);
      const spec = { completionMode: 'Indexed', backoffLimitPerIndex: 1 };
      await jobs.create(job('with-backofflimitperindex', spec, oddFail(1, 'odd-fail')));
      const over = await becomes(jobs, 'with-backofflimitperindex', failed);
      expect(conditionOf(over, 'Failed')?.reason).toBe('FailedIndexes');
      expect(statusOf(over)).toMatchObject({ failedIndexes: '1,3', completedIndexes: '0,2', failed: 4, succeeded: 2 });
      expect((await pods.list(of('with-backofflimitperindex'))).items).toHaveLength(6);
    },
  );

  covers(
    `${suite} should mark indexes as failed when the FailIndex action is matched in podFailurePolicy`,
    async (cluster) => {
      const { jobs } = await place(cluster);
      const rules = [{ action: 'FailIndex', onExitCodes: { operator: 'In', values: [42] } }];
      const spec = { completionMode: 'Indexed', backoffLimitPerIndex: 10, podFailurePolicy: { rules }, completions: 2 };
      await jobs.create(job('failindex-pod-failure-policy', spec, oddFail(42, 'odd-fail-42')));
      const over = await becomes(jobs, 'failindex-pod-failure-policy', failed);
      expect(conditionOf(over, 'Failed')?.reason).toBe('FailedIndexes');
      expect(statusOf(over)).toMatchObject({ failedIndexes: '1', completedIndexes: '0', failed: 1, succeeded: 1 });
    },
  );

  covers(
    `${suite} should terminate job execution when the number of failed indexes exceeds maxFailedIndexes`,
    async (cluster) => {
      const { jobs } = await place(cluster);
      const spec = {
        completionMode: 'Indexed',
        backoffLimitPerIndex: 0,
        maxFailedIndexes: 0,
        completions: 5,
        parallelism: 1,
      };
      const work = { command: 'exit 1', stages: { exitCodes: '1', run: '50ms' } };
      await jobs.create(job('with-max-failed-indexes', spec, work));
      const over = await becomes(jobs, 'with-max-failed-indexes', failed);
      expect(conditionOf(over, 'Failed')?.reason).toBe('MaxFailedIndexesExceeded');
      expect(statusOf(over)).toMatchObject({ failedIndexes: '0', failed: 1 });
      expect(statusOf(over).succeeded ?? 0).toBe(0);
      expect(statusOf(over).completedIndexes ?? '').toBe('');
    },
  );
});

describe('success policies', () => {
  const succeeded = terminal('SuccessCriteriaMet', 'Complete', 'SuccessPolicy');

  covers(`${suite} with successPolicy should succeeded when all indexes succeeded`, async (cluster) => {
    const { jobs } = await place(cluster);
    const spec = {
      completionMode: 'Indexed',
      completions: 2,
      successPolicy: { rules: [{ succeededIndexes: '0-1', succeededCount: 2 }] },
    };
    await jobs.create(job('with-success-policy', spec, { command: 'exit 0', stages: { run: '50ms' } }));
    const done = await becomes(jobs, 'with-success-policy', complete);
    expect(conditionsOf(done)).toEqual(succeeded);
    expect(statusOf(done)).toMatchObject({ succeeded: 2, completedIndexes: '0,1' });
  });

  const pending: Work = {
    command: 'test $JOB_COMPLETION_INDEX -eq 0 || sleep 1000000',
    labels: { 'e2e-indexes': 'first-succeeds' },
  };

  for (const [title, rule] of [
    ['succeededIndexes rule', { succeededIndexes: '0' }],
    ['succeededCount rule', { succeededCount: 1 }],
  ] as const) {
    covers(
      `${suite} with successPolicy ${title} should succeeded even when some indexes remain pending`,
      async (cluster) => {
        const { jobs, pods } = await place(cluster);
        const name = `success-policy-${title.split(' ')[0]!.toLowerCase()}`;
        const spec = {
          completionMode: 'Indexed',
          completions: 2,
          parallelism: 2,
          successPolicy: { rules: [rule] },
        };
        await jobs.create(job(name, spec, pending));
        const done = await becomes(jobs, name, complete);
        expect(conditionsOf(done)).toEqual(succeeded);
        expect(statusOf(done)).toMatchObject({ succeeded: 1, completedIndexes: '0' });
        // The others are ended.
        const left = (all: readonly Obj[]): boolean => all.filter(isLive).every((each) => indexOf(each) === '0');
        await lists(pods, of(name), left);
      },
    );
  }
});
