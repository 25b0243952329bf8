/** StatefulSets in tests. */
import type { StatefulSet, StatefulSetSpec } from '@kubets/api/types/apps-v1';
import type { Pod } from '@kubets/api/types/core-v1';
import type { ControllerFixture } from './controller-fixture.ts';
import { finishDeleted, makeReady } from './pod-simulator.ts';

/** A StatefulSet `web` in the namespace `default`, whose pods are on a node already. */
export const set = (replicas: number, more: Partial<StatefulSetSpec> = {}): StatefulSet => ({
  metadata: { name: 'web', namespace: 'default' },
  spec: {
    replicas,
    serviceName: 'nginx',
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: { nodeName: 'n', containers: [{ name: 'c', image: 'i:1' }] },
    },
    ...more,
  },
});

/** Its pods come and go at the same time. */
export const parallel: Partial<StatefulSetSpec> = { podManagementPolicy: 'Parallel' };
/** Each pod has a claim `data`. */
export const claims: Partial<StatefulSetSpec> = {
  volumeClaimTemplates: [
    {
      metadata: { name: 'data' },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
    },
  ],
};

/** All pods, by their ordinals. */
export async function podsOf(fixture: ControllerFixture): Promise<readonly Pod[]> {
  const { items } = await fixture.client.pods('default').list();
  return items.toSorted((a, b) => Number(a.metadata.name?.slice(4)) - Number(b.metadata.name?.slice(4)));
}

/** The names of pods. */
export const names = (pods: readonly Pod[]): (string | undefined)[] => pods.map((pod) => pod.metadata.name);

/** `web` as it is now. */
export async function get(fixture: ControllerFixture): Promise<Readonly<StatefulSet>> {
  return await fixture.client.statefulSets('default').get('web');
}

/** Changes the spec of `web`. */
export async function patch(fixture: ControllerFixture, spec: object): Promise<void> {
  const client = fixture.client.statefulSets('default');
  await client.patch('web', { type: 'application/strategic-merge-patch+json', body: { spec } });
}

/** A new revision. */
export const setImage = (fixture: ControllerFixture, image: string): Promise<void> =>
  patch(fixture, { template: { spec: { containers: [{ name: 'c', image }] } } });

/** `type reason message` of all Events. */
export async function eventsOf(fixture: ControllerFixture): Promise<string[]> {
  const { items } = await fixture.client.events('default').list();
  return items.map((event) => `${event.type} ${event.reason} ${event.message}`);
}

/** Plays kubelet until all is as it should be. */
export async function converge(fixture: ControllerFixture, replicas: number): Promise<void> {
  await fixture.until(async () => {
    await finishDeleted(fixture);
    await makeReady(fixture);
    const { status, metadata } = await get(fixture);
    return (
      (status?.readyReplicas ?? 0) === replicas &&
      status?.replicas === replicas &&
      (status.updatedReplicas ?? 0) === replicas &&
      status.currentRevision === status.updateRevision &&
      status.observedGeneration === metadata.generation
    );
  });
}
