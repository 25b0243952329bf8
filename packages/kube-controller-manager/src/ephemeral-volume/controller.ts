/** Makes the claims of generic ephemeral volumes (upstream `pkg/controller/volume/ephemeral/controller.go`). */
import { ephemeralClaimName, notEphemeralClaimOf, podClaims } from '@kubets/api/core/helpers/persistent-volume';
import type { PersistentVolumeClaim, Pod, Volume } from '@kubets/api/types/core-v1';
import { keyOf } from '@kubets/client';
import { persistentVolumeClaims as claimResource, pods as podResource } from '@kubets/client/resources';
import type { Controller, ControllerContext, ControllerDescriptor } from '../controller.ts';
import { controllerRef } from '../lib/owner-references.ts';
import { messageOf } from '../lib/pod-control.ts';
import { indexPodsByClaim, podsByClaimIndex } from '../lib/pods-by-claim.ts';
import { reconciler, workersOf } from '../lib/reconciler.ts';

/** The claim of one of a pod's ephemeral volumes; the pod owns it. */
function claimFor(pod: Readonly<Pod>, volume: Readonly<Volume>): PersistentVolumeClaim {
  const template = volume.ephemeral?.volumeClaimTemplate;
  const { labels, annotations } = template?.metadata ?? {};
  return {
    metadata: {
      name: ephemeralClaimName(pod, volume),
      ...(pod.metadata.namespace !== undefined && { namespace: pod.metadata.namespace }),
      ...(labels && { labels: { ...labels } }),
      ...(annotations && { annotations: { ...annotations } }),
      ownerReferences: [controllerRef(pod, podResource)],
    },
    ...(template && { spec: structuredClone(template.spec) }),
  };
}

function create(context: ControllerContext): Controller {
  const { client, events, metrics } = context;
  const queue = context.queue('ephemeral_volume');
  const pods = context.informers.informer(podResource);
  const claims = context.informers.informer(claimResource);
  const attempts = metrics.counter(
    'ephemeral_volume_controller_create_total',
    'Number of PersistentVolumeClaims creation requests',
  );
  const failures = metrics.counter(
    'ephemeral_volume_controller_create_failures_total',
    'Number of PersistentVolumeClaim creation requests that failed',
  );
  indexPodsByClaim(pods);
  const wake = (pod: Readonly<Pod>): void => {
    if (pod.metadata.deletionTimestamp !== undefined) return;
    if (podClaims(pod).some(({ ephemeral }) => ephemeral)) queue.add(keyOf(pod));
  };
  // The volumes of a pod do not change.
  pods.addEventHandler({ onAdd: wake });
  claims.addEventHandler({ onDelete: (claim) => pods.store.byIndex(podsByClaimIndex, keyOf(claim)).forEach(wake) });

  const ensure = async (pod: Readonly<Pod>, volume: Readonly<Volume>): Promise<void> => {
    const { namespace } = pod.metadata;
    const name = ephemeralClaimName(pod, volume);
    const there = claims.store.get(`${namespace}/${name}`);
    if (there !== undefined) {
      const problem = notEphemeralClaimOf(pod, there);
      if (problem !== undefined) throw new Error(problem);
      return;
    }
    attempts.add(1);
    try {
      await client.persistentVolumeClaims(namespace).create(claimFor(pod, volume));
    } catch (error) {
      failures.add(1);
      throw new Error(`create PVC ${name}: ${messageOf(error)}`, { cause: error });
    }
  };

  return reconciler(context, {
    queue,
    informers: [pods, claims],
    workers: workersOf(context, 5),
    async reconcile(key) {
      const pod = pods.store.get(key);
      if (pod === undefined || pod.metadata.deletionTimestamp !== undefined) return;
      for (const volume of pod.spec?.volumes ?? []) {
        if (volume.ephemeral === undefined) continue;
        try {
          await ensure(pod, volume);
        } catch (error) {
          const message = `ephemeral volume ${volume.name}: ${messageOf(error)}`;
          events.event(pod, 'Warning', 'FailedBinding', message);
          throw new Error(`pod ${key}, ${message}`, { cause: error });
        }
      }
    },
  });
}

/** The ephemeral volume controller. */
export const ephemeralVolumeController: ControllerDescriptor = {
  name: 'ephemeral-volume-controller',
  eventSource: 'ephemeral_volume',
  create,
};
