/** Plays the kubelet for tests: moves pods by writing their status. */
import { formatTime } from '@kubets/apimachinery/time';
import { isPodActive } from '@kubets/api/core/helpers/pod';
import type { Pod } from '@kubets/api/types/core-v1';
import type { ControllerFixture } from './controller-fixture.ts';

/** The status of a pod that runs, ready or not, since `nowMs`. */
export function runningStatus(ready: boolean, nowMs: number): NonNullable<Pod['status']> {
  const since = formatTime(nowMs);
  return {
    phase: 'Running',
    startTime: since,
    conditions: [{ type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: since }],
  };
}

/** Makes all active pods of the namespace that `which` picks run and be ready. Resolves to how many were moved. */
export async function makeReady(
  fixture: ControllerFixture,
  which: (pod: Readonly<Pod>) => boolean = () => true,
  namespace = 'default',
): Promise<number> {
  const client = fixture.client.pods(namespace);
  const { items } = await client.list();
  const waiting = items.filter((pod) => isPodActive(pod) && pod.status?.phase !== 'Running' && which(pod));
  const status = runningStatus(true, fixture.clock.now());
  await Promise.all(waiting.map((pod) => client.updateStatus({ ...pod, status })));
  return waiting.length;
}

/** Ends pods that are to be deleted, as a kubelet does when their containers have stopped. */
export async function finishDeleted(fixture: ControllerFixture, namespace = 'default'): Promise<number> {
  const client = fixture.client.pods(namespace);
  const { items } = await client.list();
  const leaving = items.filter(({ metadata }) => metadata.deletionTimestamp !== undefined);
  await Promise.all(leaving.map(({ metadata }) => client.delete(metadata.name ?? '', { gracePeriodSeconds: 0 })));
  return leaving.length;
}
