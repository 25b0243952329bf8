/**
 * Asking the server who uses claims, once for all claims of a namespace that are being deleted together (upstream
 * `pkg/controller/volume/pvcprotection/pvc_protection_controller.go`, `LazyLivePodList`).
 */
import type { PersistentVolumeClaim, Pod } from '@kubets/api/types/core-v1';
import { namespaceIndex, type KubeClient, type SharedInformer } from '@kubets/client';
import { usesClaim } from './plan.ts';

export class LivePods {
  readonly #client: Pick<KubeClient, 'pods'>;
  readonly #claims: SharedInformer<PersistentVolumeClaim>;
  /** Lists that were begun after the claim, by uid, was seen being deleted. */
  readonly #lists = new Map<string, readonly Readonly<Pod>[]>();

  constructor(client: Pick<KubeClient, 'pods'>, claims: SharedInformer<PersistentVolumeClaim>) {
    this.#client = client;
    this.#claims = claims;
  }

  /** Whether a pod uses the claim, which is being deleted. */
  async isUsed(claim: Readonly<PersistentVolumeClaim>): Promise<boolean> {
    const { uid = '', namespace = '' } = claim.metadata;
    const shared = this.#lists.get(uid);
    this.#lists.delete(uid);
    // No pod starts with a claim that is being deleted: who is not in the list does not matter any more. Who is may be gone.
    if (shared?.some((pod) => usesClaim(pod, claim)) === false) return false;
    const going = this.#claims.store
      .byIndex(namespaceIndex, namespace)
      .filter(({ metadata }) => metadata.deletionTimestamp !== undefined && metadata.uid !== uid);
    const { items } = await this.#client.pods(namespace).list();
    for (const { metadata } of going) this.#lists.set(metadata.uid ?? '', items);
    return items.some((pod) => usesClaim(pod, claim));
  }

  /** The claim is gone. */
  forget(uid: string): void {
    this.#lists.delete(uid);
  }
}
