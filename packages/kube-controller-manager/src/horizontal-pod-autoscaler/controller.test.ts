import { describe, expect, it } from 'vitest';
import { formatTime } from '@kubets/apimachinery/time';
import { newNotFound } from '@kubets/apimachinery/status';
import type { HorizontalPodAutoscaler, MetricSpec } from '@kubets/api/types/autoscaling-v2';
import type { Transport } from '@kubets/client';
import { deploymentController } from '../deployment/controller.ts';
import { replicaSetController } from '../replicaset/controller.ts';
import { ControllerFixture } from '../testing/controller-fixture.ts';
import { makeReady } from '../testing/pod-simulator.ts';
import { horizontalPodAutoscalerController } from './controller.ts';

const labels = { app: 'web' };
const cpu: MetricSpec = {
  type: 'Resource',
  resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } },
};

const autoscaler = (spec: Partial<NonNullable<HorizontalPodAutoscaler['spec']>> = {}): HorizontalPodAutoscaler => ({
  metadata: { name: 'web', namespace: 'default' },
  spec: {
    scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
    minReplicas: 1,
    maxReplicas: 10,
    metrics: [cpu],
    ...spec,
  },
});

/** A metrics API whose answers the test sets. */
class Metrics {
  /** Of each pod; undefined: there is no metrics server. */
  cpu: string | undefined;
  /** By the end of the path. */
  readonly values = new Map<string, string>();
  readonly asked: string[] = [];
  fixture: ControllerFixture | undefined;

  wrap(inner: Transport): Transport {
    return {
      request: async (request) => {
        if (!/^\/apis\/(metrics|custom\.metrics|external\.metrics)\.k8s\.io/.test(request.path))
          return await inner.request(request);
        this.asked.push(`${request.path} ${JSON.stringify(request.query)}`);
        return { status: 200, object: await this.#answer(request.path), warnings: [] };
      },
      watch: (request) => inner.watch(request),
      [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
    };
  }

  async #answer(path: string): Promise<never> {
    const { fixture } = this;
    const timestamp = formatTime(fixture?.clock.now() ?? 0);
    if (path.startsWith('/apis/metrics.k8s.io')) {
      if (this.cpu === undefined) throw newNotFound({ group: '', resource: '' }, '');
      const pods = (await fixture?.client.pods('default').list())?.items ?? [];
      const items = pods.map(({ metadata }) => ({
        metadata: { name: metadata.name, namespace: 'default' },
        timestamp,
        window: '30s',
        containers: [{ name: 'c', usage: { cpu: this.cpu } }],
      }));
      return { metadata: {}, items } as never;
    }
    const value = this.values.get(path.slice(path.lastIndexOf('/') + 1)) ?? '0';
    const pods = path.includes('/pods/*/') ? ((await fixture?.client.pods('default').list())?.items ?? []) : [];
    const names = pods.length > 0 ? pods.map(({ metadata }) => metadata.name) : ['one'];
    return { metadata: {}, items: names.map((name) => ({ describedObject: { name }, timestamp, value })) } as never;
  }
}

async function start(metrics: Metrics, replicas = 2): Promise<ControllerFixture> {
  const descriptors = [deploymentController, replicaSetController, horizontalPodAutoscalerController];
  const fixture = await ControllerFixture.start(descriptors, { wrap: (transport) => metrics.wrap(transport) });
  metrics.fixture = fixture;
  await fixture.client.deployments('default').create({
    metadata: { name: 'web' },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { containers: [{ name: 'c', image: 'i', resources: { requests: { cpu: '100m' } } }] },
      },
    },
  });
  await fixture.until(async () => (await fixture.client.pods('default').list()).items.length === replicas);
  await makeReady(fixture);
  // Old enough for what they use to count.
  await fixture.advance(400_000);
  return fixture;
}

const read = (fixture: ControllerFixture): Promise<Readonly<HorizontalPodAutoscaler>> =>
  fixture.client.horizontalPodAutoscalers('default').get('web');

const replicasOf = async (fixture: ControllerFixture): Promise<number | undefined> =>
  (await fixture.client.deployments('default').get('web')).spec?.replicas;

async function conditionOf(fixture: ControllerFixture, type: string): Promise<object | undefined> {
  return (await read(fixture)).status?.conditions?.find((condition) => condition.type === type);
}

async function eventsOf(fixture: ControllerFixture): Promise<string[]> {
  const { items } = await fixture.client.events('default').list();
  return items
    .filter(({ involvedObject }) => involvedObject.kind === 'HorizontalPodAutoscaler')
    .map(({ reason, message }) => `${reason}: ${message}`);
}

describe('horizontal-pod-autoscaler-controller', () => {
  it('scales up by utilization and says so', async () => {
    const metrics = new Metrics();
    metrics.cpu = '80m';
    await using fixture = await start(metrics);
    await fixture.client.horizontalPodAutoscalers('default').create(autoscaler());
    await fixture.until(async () => (await replicasOf(fixture)) === 4);
    await fixture.settle();
    const { status } = await read(fixture);
    expect(status).toMatchObject({
      currentReplicas: 2,
      desiredReplicas: 4,
      lastScaleTime: formatTime(fixture.clock.now()),
      currentMetrics: [
        { type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 80, averageValue: '80m' } } },
      ],
    });
    expect(await conditionOf(fixture, 'AbleToScale')).toMatchObject({
      status: 'True',
      reason: 'SucceededRescale',
      message: 'the HPA controller was able to update the target scale to 4',
    });
    expect(await conditionOf(fixture, 'ScalingActive')).toMatchObject({
      status: 'True',
      reason: 'ValidMetricFound',
      message:
        'the HPA was able to successfully calculate a replica count from cpu resource utilization (percentage of request)',
    });
    expect(await conditionOf(fixture, 'ScalingLimited')).toMatchObject({
      status: 'False',
      reason: 'DesiredWithinRange',
      message: 'the desired count is within the acceptable range',
    });
    const event =
      'SuccessfulRescale: New size: 4; reason: cpu resource utilization (percentage of request) above target';
    expect(await eventsOf(fixture)).toEqual([event]);
    expect(fixture.errors).toEqual([]);
  });

  it('scales down only when recommendations have been low for the whole window', async () => {
    const metrics = new Metrics();
    metrics.cpu = '45m';
    await using fixture = await start(metrics, 4);
    await fixture.client.horizontalPodAutoscalers('default').create(autoscaler());
    await fixture.advance(20_000);
    metrics.cpu = '10m';
    await fixture.advance(60_000);
    expect(await replicasOf(fixture)).toBe(4);
    expect(await conditionOf(fixture, 'AbleToScale')).toMatchObject({
      reason: 'ScaleDownStabilized',
      message: 'recent recommendations were higher than current one, applying the highest recent recommendation',
    });
    await fixture.advance(300_000);
    expect(await replicasOf(fixture)).toBe(1);
    expect((await eventsOf(fixture)).at(-1)).toBe('SuccessfulRescale: New size: 1; reason: All metrics below target');
  });

  it('follows the policies of the behavior', async () => {
    const metrics = new Metrics();
    metrics.cpu = '500m';
    await using fixture = await start(metrics);
    const behavior = {
      scaleUp: { policies: [{ type: 'Pods', value: 1, periodSeconds: 60 }] },
      scaleDown: { selectPolicy: 'Disabled' },
    };
    await fixture.client.horizontalPodAutoscalers('default').create(autoscaler({ behavior }));
    await fixture.until(async () => (await replicasOf(fixture)) === 3);
    await makeReady(fixture);
    await fixture.advance(30_000);
    expect(await replicasOf(fixture)).toBe(3);
    expect(await conditionOf(fixture, 'ScalingLimited')).toMatchObject({ status: 'True', reason: 'ScaleUpLimit' });
    await fixture.advance(40_000);
    expect(await replicasOf(fixture)).toBe(4);
    metrics.cpu = '1m';
    await fixture.advance(700_000);
    expect(await replicasOf(fixture)).toBe(4);
  });

  it('reports that there are no metrics, and keeps what there is', async () => {
    await using fixture = await start(new Metrics());
    await fixture.client.horizontalPodAutoscalers('default').create(autoscaler());
    await fixture.until(async () => (await conditionOf(fixture, 'ScalingActive')) !== undefined);
    const text =
      'failed to get cpu utilization: unable to get metrics for resource cpu: unable to fetch metrics from resource metrics API: the server could not find the requested resource (get pods.metrics.k8s.io)';
    expect(await conditionOf(fixture, 'ScalingActive')).toMatchObject({
      status: 'False',
      reason: 'FailedGetResourceMetric',
      message: `the HPA was unable to compute the replica count: ${text}`,
    });
    await fixture.settle();
    expect(new Set(await eventsOf(fixture))).toEqual(
      new Set([
        `FailedGetResourceMetric: ${text}`,
        `FailedComputeMetricsReplicas: invalid metrics (1 invalid out of 1), first error is: failed to get cpu resource metric value: ${text}`,
      ]),
    );
    expect(await replicasOf(fixture)).toBe(2);
    expect(fixture.errors, 'told by condition and Events, not by the log').toEqual([]);
  });

  it('reports a target that is not there', async () => {
    const metrics = new Metrics();
    await using fixture = await start(metrics);
    const missing = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'nobody' };
    await fixture.client.horizontalPodAutoscalers('default').create(autoscaler({ scaleTargetRef: missing }));
    await fixture.until(async () => (await conditionOf(fixture, 'AbleToScale')) !== undefined);
    expect(await conditionOf(fixture, 'AbleToScale')).toMatchObject({
      status: 'False',
      reason: 'FailedGetScale',
      message: 'the HPA controller was unable to get the target\'s current scale: deployments.apps "nobody" not found',
    });
    const unknown = { apiVersion: 'example.com/v1', kind: 'Thing', name: 'x' };
    const body = { spec: { scaleTargetRef: unknown } };
    const client = fixture.client.horizontalPodAutoscalers('default');
    await client.patch('web', { type: 'application/merge-patch+json', body });
    await fixture.advance(20_000);
    expect(await conditionOf(fixture, 'AbleToScale')).toMatchObject({
      message:
        'the HPA controller was unable to get the target\'s current scale: no matches for kind "Thing" in group "example.com"',
    });
  });

  it('keeps the limits, and leaves alone what was scaled to zero', async () => {
    const metrics = new Metrics();
    await using fixture = await start(metrics);
    await fixture.client.horizontalPodAutoscalers('default').create(autoscaler({ minReplicas: 3 }));
    await fixture.until(async () => (await replicasOf(fixture)) === 3);
    await fixture.settle();
    const below = 'SuccessfulRescale: New size: 3; reason: Current number of replicas below Spec.MinReplicas';
    expect(await eventsOf(fixture)).toEqual([below]);
    const scale = async (replicas: number): Promise<void> => {
      const client = fixture.client.deployments('default');
      await client.patch('web', { type: 'application/merge-patch+json', body: { spec: { replicas } } });
    };
    await scale(20);
    await fixture.until(async () => (await replicasOf(fixture)) === 10);
    await scale(0);
    await fixture.advance(40_000);
    expect(await replicasOf(fixture)).toBe(0);
    expect(await conditionOf(fixture, 'ScalingActive')).toMatchObject({ status: 'False', reason: 'ScalingDisabled' });
  });

  it('follows custom and external metrics', async () => {
    const metrics = new Metrics();
    await using fixture = await start(metrics);
    const average = (averageValue: string): { type: string; averageValue: string } => ({
      type: 'AverageValue',
      averageValue,
    });
    const selector = { matchLabels: { queue: 'mail' } };
    const service = { apiVersion: 'v1', kind: 'Service', name: 'front' };
    metrics.values.set('requests', '100');
    metrics.values.set('hits', '30');
    metrics.values.set('waiting', '50');
    const specs: MetricSpec[] = [
      { type: 'Pods', pods: { metric: { name: 'requests' }, target: average('100') } },
      {
        type: 'Object',
        object: { metric: { name: 'hits' }, describedObject: service, target: { type: 'Value', value: '20' } },
      },
      { type: 'External', external: { metric: { name: 'waiting', selector }, target: average('10') } },
    ];
    await fixture.client.horizontalPodAutoscalers('default').create(autoscaler({ metrics: specs }));
    // 2 by the pods, 3 by the object; the queue asks for 5, and no more than 4 are allowed at once.
    await fixture.until(async () => (await replicasOf(fixture)) === 4);
    await fixture.settle();
    expect((await eventsOf(fixture))[0]).toBe(
      'SuccessfulRescale: New size: 4; reason: external metric waiting(&LabelSelector{MatchLabels:map[string]string{queue: mail,},MatchExpressions:[]LabelSelectorRequirement{},}) above target',
    );
    expect((await read(fixture)).status?.currentMetrics).toEqual([
      { type: 'Pods', pods: { metric: { name: 'requests' }, current: { averageValue: '100' } } },
      {
        type: 'Object',
        object: { metric: { name: 'hits' }, current: { value: '30' }, describedObject: service },
      },
      { type: 'External', external: { metric: { name: 'waiting', selector }, current: { averageValue: '25' } } },
    ]);
    expect(new Set(metrics.asked)).toEqual(
      new Set([
        '/apis/custom.metrics.k8s.io/v1beta2/namespaces/default/pods/*/requests {"labelSelector":"app=web"}',
        '/apis/custom.metrics.k8s.io/v1beta2/namespaces/default/services/front/hits {}',
        '/apis/external.metrics.k8s.io/v1beta1/namespaces/default/waiting {"labelSelector":"queue=mail"}',
      ]),
    );
  });

  it('refuses to work on pods that another autoscaler works on', async () => {
    const metrics = new Metrics();
    metrics.cpu = '50m';
    await using fixture = await start(metrics);
    const client = fixture.client.horizontalPodAutoscalers('default');
    await client.create(autoscaler());
    await client.create({ ...autoscaler(), metadata: { name: 'web2', namespace: 'default' } });
    await fixture.advance(40_000);
    expect(await conditionOf(fixture, 'ScalingActive')).toMatchObject({
      status: 'False',
      reason: 'AmbiguousSelector',
      message: 'pods by selector app=web are controlled by multiple HPAs: [{web default} {web2 default}]',
    });
  });

  it('writes nothing while nothing changes', async () => {
    const metrics = new Metrics();
    metrics.cpu = '50m';
    await using fixture = await start(metrics);
    await fixture.client.horizontalPodAutoscalers('default').create(autoscaler());
    await fixture.advance(40_000);
    const before = (await read(fixture)).metadata.resourceVersion;
    await fixture.advance(120_000);
    expect((await read(fixture)).metadata.resourceVersion).toBe(before);
  });
});
