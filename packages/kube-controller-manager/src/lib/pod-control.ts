/** Making and deleting the pods of a controller, with its Events (upstream `pkg/controller/controller_utils.go`, `RealPodControl`). */
import type { ApiObject, OwnerReference } from '@kubets/apimachinery/meta';
import { isNotFound, reasonOf } from '@kubets/apimachinery/status';
import type { Pod, PodTemplateSpec } from '@kubets/api/types/core-v1';
import type { EventRecorder, KubeClient } from '@kubets/client';
import { settleConcurrently } from './concurrent.ts';

/** The pod that a template describes, owned by `owner`; named by the server after `owner` (`GetPodFromTemplate`). */
export function podFromTemplate(
  template: Readonly<PodTemplateSpec>,
  owner: Readonly<ApiObject>,
  ref: OwnerReference,
): Pod {
  const { labels, annotations, finalizers } = template.metadata ?? {};
  const prefix = `${owner.metadata.name}-`;
  return {
    kind: 'Pod',
    apiVersion: 'v1',
    metadata: {
      generateName: prefix,
      namespace: owner.metadata.namespace,
      ...(labels && { labels: { ...labels } }),
      ...(annotations && { annotations: { ...annotations } }),
      ...(finalizers && { finalizers: [...finalizers] }),
      ownerReferences: [ref],
    },
    // Copied: what is sent in process must not share parts with what the caches hold.
    spec: structuredClone(template.spec),
  } as Pod;
}

export interface PodControlOptions {
  readonly client: KubeClient;
  readonly events: EventRecorder;
}

export class PodControl {
  readonly #client: KubeClient;
  readonly #events: EventRecorder;

  constructor({ client, events }: PodControlOptions) {
    this.#client = client;
    this.#events = events;
  }

  /**
   * Creates a pod and says so about `owner`. Rejects with the server's refusal, after the Event `FailedCreate` (none when the
   * namespace is going away: nobody reads it).
   */
  async create(pod: Pod, owner: Readonly<ApiObject>): Promise<Readonly<Pod>> {
    try {
      const created = await this.#client.pods(pod.metadata.namespace).create(pod);
      this.#events.event(owner, 'Normal', 'SuccessfulCreate', `Created pod: ${created.metadata.name}`);
      return created;
    } catch (error) {
      if (!isNamespaceTerminating(error))
        this.#events.event(owner, 'Warning', 'FailedCreate', `Error creating: ${messageOf(error)}`);
      throw error;
    }
  }

  /**
   * Deletes a pod and says so about `owner`. A pod that is gone already is no failure, and no news: then false is returned,
   * and no watch may tell of its end any more.
   */
  async delete(pod: Readonly<Pod>, owner: Readonly<ApiObject>): Promise<boolean> {
    const { namespace, name = '' } = pod.metadata;
    try {
      await this.#client.pods(namespace).delete(name);
      this.#events.event(owner, 'Normal', 'SuccessfulDelete', `Deleted pod: ${name}`);
      return true;
    } catch (error) {
      if (isNotFound(error)) return false;
      this.#events.event(owner, 'Warning', 'FailedDelete', `Error deleting: ${messageOf(error)}`);
      throw error;
    }
  }
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Whether a pod was refused (a quota, a policy): the Event `FailedCreate` and the owner's conditions tell the user. */
export function isPodRefused(error: unknown): boolean {
  const { status } = error as { status?: { details?: { kind?: string } } };
  return reasonOf(error) === 'Forbidden' && status?.details?.kind === 'pods';
}

/** Whether a creation was refused because the namespace is being deleted (`HasStatusCause(err, NamespaceTerminatingCause)`). */
export function isNamespaceTerminating(error: unknown): boolean {
  if (reasonOf(error) !== 'Forbidden') return false;
  const { status } = error as { status?: { details?: { causes?: readonly { reason?: string }[] } } };
  return status?.details?.causes?.some((cause) => cause.reason === 'NamespaceTerminating') === true;
}

/**
 * Does `count` things in batches of 1, 2, 4 …, and stops after a batch in which something failed: what is refused for a
 * reason that concerns all (a quota) is then asked for once, not a thousand times (`slowStartBatch`).
 *
 * Resolves to the number of successes and the first failure.
 */
export async function slowStartBatch(
  count: number,
  work: (index: number) => Promise<unknown>,
): Promise<{ readonly successes: number; readonly error?: unknown }> {
  let successes = 0;
  let next = 0;
  for (let size = Math.min(count, 1); size > 0; size = Math.min(2 * size, count - next)) {
    const first = next;
    next += size;
    const results = await settleConcurrently(size, (i) => work(first + i));
    const failed = results.find((result) => result.status === 'rejected');
    successes += results.filter((result) => result.status === 'fulfilled').length;
    if (failed !== undefined) return { successes, error: failed.reason };
  }
  return { successes };
}
