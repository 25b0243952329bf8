/** The roles that come with the cluster are enough for these controllers. */
import { describe, expect, it } from 'vitest';
import { TestControlPlane } from '@kubets/kube-apiserver/testing/test-control-plane';
import { horizontalPodAutoscalerController } from '../horizontal-pod-autoscaler/controller.ts';
import { replicaSetController } from '../replicaset/controller.ts';
import { replicationControllerController } from '../replication-controller/controller.ts';
import { ControllerFixture } from '../testing/controller-fixture.ts';
import { makeReady } from '../testing/pod-simulator.ts';
import { deploymentController } from './controller.ts';

const accounts = [
  [deploymentController, 'deployment-controller'],
  [replicaSetController, 'replicaset-controller'],
  [replicationControllerController, 'replication-controller'],
  [horizontalPodAutoscalerController, 'horizontal-pod-autoscaler'],
] as const;

const groups = ['system:serviceaccounts', 'system:serviceaccounts:kube-system', 'system:authenticated'];

describe('under their own accounts', () => {
  it('controllers may do what they do', async () => {
    await using plane = await TestControlPlane.start();
    await using stack = new AsyncDisposableStack();
    const fixtures: ControllerFixture[] = [];
    for (const [descriptor, account] of accounts) {
      const transport = plane.transport(`system:serviceaccount:kube-system:${account}`, groups);
      fixtures.push(stack.use(await ControllerFixture.start([descriptor], { plane, wrap: () => transport })));
    }
    const fixture = fixtures[0] as ControllerFixture;
    const { client } = plane;
    const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image: 'a' }] } };
    const matchLabels = { app: 'web' };
    await client.deployments('default').create({
      metadata: { name: 'web' },
      spec: { replicas: 2, revisionHistoryLimit: 0, selector: { matchLabels }, template },
    });
    await client.replicationControllers('default').create({
      metadata: { name: 'old' },
      spec: { replicas: 1, template: { ...template, metadata: { labels: { app: 'old' } } } },
    });
    await client.horizontalPodAutoscalers('default').create({
      metadata: { name: 'web' },
      spec: {
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
        minReplicas: 3,
        maxReplicas: 4,
      },
    });
    const available = async (): Promise<number | undefined> => {
      await makeReady(fixture);
      return (await client.deployments('default').get('web')).status?.availableReplicas;
    };
    await fixture.until(async () => (await available()) === 3);
    const body = { spec: { template: { spec: { containers: [{ name: 'c', image: 'b' }] } } } };
    await client.deployments('default').patch('web', { type: 'application/strategic-merge-patch+json', body });
    await fixture.until(async () => {
      await makeReady(fixture);
      const { items } = await client.replicaSets('default').list();
      return items.length === 1 && items[0]?.spec?.template?.spec?.containers[0]?.image === 'b';
    });
    const { items } = await client.events('default').list();
    const reasons = new Set(items.map(({ source, reason }) => `${source?.component} ${reason}`));
    expect(reasons).toContain('deployment-controller ScalingReplicaSet');
    expect(reasons).toContain('replicaset-controller SuccessfulCreate');
    // Without a metrics server that is all that may go wrong.
    const errors = fixtures.flatMap((one) => one.errors).filter((error) => !error.includes('failed to get cpu'));
    expect(errors).toEqual([]);
  });
});
