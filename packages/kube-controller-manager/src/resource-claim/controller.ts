/** Makes, reserves and frees claims to devices (upstream `pkg/controller/resourceclaim/controller.go`). */
import { labelText, type Values } from '@kubets/apimachinery/metrics';
import { isNotFound } from '@kubets/apimachinery/status';
import type { Pod, PodResourceClaim } from '@kubets/api/types/core-v1';
import type {
  ResourceClaim,
  ResourceClaimConsumerReference,
  ResourceClaimTemplate,
} from '@kubets/api/types/resource-v1';
import { keyOf, type SharedInformer, type WorkQueue } from '@kubets/client';
import {
  pods as podResource,
  resourceClaims as claimResource,
  resourceClaimTemplates as templateResource,
} from '@kubets/client/resources';
import type { Controller, ControllerContext, ControllerDescriptor } from '../controller.ts';
import { ensureIndex } from '../lib/ensure-index.ts';
import { byControllerUid, controllerOf, controllerUidIndex } from '../lib/owner-references.ts';
import { messageOf } from '../lib/pod-control.ts';
import { reconciler, workersOf } from '../lib/reconciler.ts';
import { runTogether } from '../lib/run-together.ts';
import {
  claimNameOf,
  claimNames,
  isPodDone,
  newClaim,
  notClaimOf,
  podClaimNameAnnotation,
  reservedFor,
  unprotected,
  withUsers,
} from './plan.ts';

/** On claims that the scheduler makes for resources that devices stand for. */
const extendedResourceAnnotation = 'resource.kubernetes.io/extended-resource-claim';
const fieldManager = 'ResourceClaimController';

class ResourceClaimController implements Controller {
  readonly #context: ControllerContext;
  readonly #podQueue: WorkQueue<string>;
  readonly #claimQueue: WorkQueue<string>;
  readonly #pods: SharedInformer<Pod>;
  readonly #claims: SharedInformer<ResourceClaim>;
  readonly #templates: SharedInformer<ResourceClaimTemplate>;
  readonly #creations: Values;
  /** Names of claims that were made and that the caches may not show yet, by the pod's uid and the entry. */
  readonly #made = new Map<string, Map<string, string>>();

  constructor(context: ControllerContext) {
    const { informers } = context;
    this.#context = context;
    this.#podQueue = context.queue('resource_claim_pods');
    this.#claimQueue = context.queue('resource_claim');
    this.#pods = informers.informer(podResource);
    this.#claims = informers.informer(claimResource);
    this.#templates = informers.informer(templateResource);
    this.#creations = context.metrics.counter(
      'resourceclaim_controller_creates_total',
      'Number of ResourceClaims creation requests, categorized by creation status and admin access',
    );
    context.metrics.collected(
      { name: 'resourceclaim_controller_resource_claims', help: 'Number of ResourceClaims', type: 'gauge' },
      () => countClaims(this.#claims.store.list()),
    );
    ensureIndex(this.#claims, controllerUidIndex, byControllerUid);
    const wakePod = (pod: Readonly<Pod>): void => this.#wakePod(pod);
    this.#pods.addEventHandler({
      onAdd: wakePod,
      onUpdate: (_, pod) => wakePod(pod),
      onDelete: (pod) => {
        this.#made.delete(pod.metadata.uid ?? '');
        this.#wakeClaimsOf(pod);
      },
    });
    this.#claims.addEventHandler({
      onAdd: (claim) => this.#wakeClaim(claim),
      onUpdate: (_, claim) => this.#wakeClaim(claim),
      onDelete: (claim) => this.#wakeOwner(claim),
    });
  }

  async run(signal: AbortSignal): Promise<void> {
    const context = this.#context;
    const informers = [this.#pods, this.#claims, this.#templates] as const;
    const workers = workersOf(context, 10);
    const pods = reconciler(context, {
      queue: this.#podQueue,
      informers,
      workers,
      reconcile: (key) => this.#syncPod(key),
    });
    const claims = reconciler(context, {
      queue: this.#claimQueue,
      informers,
      workers,
      reconcile: (key) => this.#syncClaim(key),
    });
    await runTogether(signal, [(s) => pods.run(s), (s) => claims.run(s)]);
  }

  #wakePod(pod: Readonly<Pod>): void {
    if ((pod.spec?.resourceClaims?.length ?? 0) === 0) return;
    if (isPodDone(pod)) this.#wakeClaimsOf(pod);
    else this.#podQueue.add(keyOf(pod));
  }

  #wakeClaimsOf(pod: Readonly<Pod>): void {
    if ((pod.spec?.resourceClaims?.length ?? 0) === 0) return;
    for (const name of claimNames(pod)) this.#claimQueue.add(`${pod.metadata.namespace}/${name}`);
    for (const key of this.#claims.store.keysByIndex(controllerUidIndex, pod.metadata.uid ?? '')) {
      this.#claimQueue.add(key);
    }
  }

  #wakeClaim(claim: Readonly<ResourceClaim>): void {
    this.#claimQueue.add(keyOf(claim));
    // It may have got devices by now, and its pod a node.
    if (claim.status?.allocation !== undefined) this.#wakeOwner(claim);
  }

  #wakeOwner(claim: Readonly<ResourceClaim>): void {
    const owner = controllerOf(claim);
    const pod = owner && this.#pods.store.get(`${claim.metadata.namespace}/${owner.name}`);
    if (pod !== undefined && pod.metadata.uid === owner?.uid) this.#wakePod(pod);
  }

  async #syncPod(key: string): Promise<void> {
    const pod = this.#pods.store.get(key);
    if (pod === undefined || isPodDone(pod) || pod.metadata.deletionTimestamp !== undefined) return;
    const made = new Map<string, string>();
    for (const entry of pod.spec?.resourceClaims ?? []) {
      try {
        const name = await this.#ensureClaim(pod, entry);
        if (name !== undefined) made.set(entry.name, name);
      } catch (error) {
        const message = `PodResourceClaim ${entry.name}: ${messageOf(error)}`;
        this.#context.events.event(pod, 'Warning', 'FailedResourceClaimCreation', message);
        throw new Error(`pod ${key}, ${message}`, { cause: error });
      }
    }
    if (made.size > 0) await this.#noteClaims(pod, made);
    // Pods that reached their node past the scheduler have no reservations.
    else if (pod.spec?.nodeName) await this.#reserve(pod);
  }

  /** The name of the claim when the pod's status does not tell it yet. */
  async #ensureClaim(pod: Readonly<Pod>, entry: Readonly<PodResourceClaim>): Promise<string | undefined> {
    const { namespace, uid = '' } = pod.metadata;
    const known = claimNameOf(pod, entry);
    if (known === null || entry.resourceClaimTemplateName === undefined) return undefined;
    if (known !== undefined) {
      const claim = this.#claims.store.get(`${namespace}/${known}`);
      const problem = claim && notClaimOf(pod, claim);
      if (problem !== undefined) throw new Error(problem);
      return undefined;
    }
    const there = this.#madeBefore(pod, entry);
    if (there !== undefined) return there;
    const template = this.#templates.store.get(`${namespace}/${entry.resourceClaimTemplateName}`);
    if (template === undefined) {
      const name = JSON.stringify(entry.resourceClaimTemplateName);
      throw new Error(`resource claim template ${name}: resourceclaimtemplate.resource.k8s.io ${name} not found`);
    }
    const name = await this.#create(pod, entry, template);
    const made = this.#made.get(uid) ?? new Map<string, string>();
    this.#made.set(uid, made.set(entry.name, name));
    return name;
  }

  /** One that was made, and then something came in between (`findPodResourceClaim`). */
  #madeBefore({ metadata: { uid = '' } }: Readonly<Pod>, entry: Readonly<PodResourceClaim>): string | undefined {
    const claim = this.#claims.store
      .byIndex(controllerUidIndex, uid)
      .find(({ metadata }) => metadata.annotations?.[podClaimNameAnnotation] === entry.name);
    return claim?.metadata.name ?? this.#made.get(uid)?.get(entry.name);
  }

  async #create(
    pod: Readonly<Pod>,
    entry: Readonly<PodResourceClaim>,
    template: Readonly<ResourceClaimTemplate>,
  ): Promise<string> {
    const admin_access = String(hasAdminAccess(template.spec.spec));
    try {
      const claim = await this.#context.client
        .resourceClaims(pod.metadata.namespace)
        .create(newClaim(pod, entry, template));
      this.#creations.add(1, labelText({ admin_access, status: 'success' }));
      return claim.metadata.name ?? '';
    } catch (error) {
      this.#creations.add(1, labelText({ admin_access, status: 'failure' }));
      throw error;
    }
  }

  /** The status of a pod says which claims were made for it. */
  async #noteClaims(pod: Readonly<Pod>, made: ReadonlyMap<string, string>): Promise<void> {
    const { namespace, name = '', uid } = pod.metadata;
    const before = pod.status?.resourceClaimStatuses ?? [];
    const added = Array.from(made, ([entry, resourceClaimName]) => ({ name: entry, resourceClaimName }));
    const body = {
      kind: 'Pod',
      apiVersion: 'v1',
      metadata: { name, namespace, uid },
      status: { resourceClaimStatuses: [...before.filter((each) => !made.has(each.name)), ...added] },
    };
    const type = 'application/apply-patch+yaml';
    const patch = { type, body, subresource: 'status' } as const;
    await this.#context.client.pods(namespace).patch(name, patch, { fieldManager, force: true });
  }

  async #reserve(pod: Readonly<Pod>): Promise<void> {
    const { namespace } = pod.metadata;
    for (const name of claimNames(pod)) {
      const claim = this.#claims.store.get(`${namespace}/${name}`);
      const reserved = claim && reservedFor(pod, claim);
      if (reserved !== undefined) await this.#context.client.resourceClaims(namespace).updateStatus(reserved);
    }
  }

  async #syncClaim(key: string): Promise<void> {
    const claim = this.#claims.store.get(key);
    if (claim === undefined) return;
    const client = this.#context.client.resourceClaims(claim.metadata.namespace);
    try {
      const users = await this.#remainingUsers(claim);
      const changed = withUsers(claim, users);
      const current = changed === undefined ? claim : await client.updateStatus(changed);
      const isFreed = changed !== undefined || current.metadata.deletionTimestamp !== undefined;
      const free = isFreed ? unprotected(current) : undefined;
      if (free !== undefined) await client.update(free);
      if (users.length === 0 && this.#isLeftOver(current)) await client.delete(current.metadata.name ?? '');
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  async #remainingUsers(claim: Readonly<ResourceClaim>): Promise<ResourceClaimConsumerReference[]> {
    const users: ResourceClaimConsumerReference[] = [];
    for (const user of claim.status?.reservedFor ?? []) {
      if ((user.apiGroup ?? '') !== '' || user.resource !== 'pods') {
        // Who that is nobody here knows: better keep it.
        throw new Error(`unsupported ReservedFor entry: ${JSON.stringify(user)}`);
      }
      if (await this.#isUser(claim.metadata.namespace, user)) users.push(user);
    }
    return users;
  }

  async #isUser(namespace: string | undefined, user: Readonly<ResourceClaimConsumerReference>): Promise<boolean> {
    let pod = this.#pods.store.get(`${namespace}/${user.name}`);
    if (pod?.metadata.uid !== user.uid) {
      // The cache may be behind: reservations come before pods have nodes.
      pod = await this.#context.client
        .pods(namespace)
        .get(user.name)
        .catch((error: unknown) => {
          if (isNotFound(error)) return undefined;
          throw error;
        });
    }
    return pod !== undefined && pod.metadata.uid === user.uid && !isPodDone(pod);
  }

  /** Made for a pod that will not use it: it is not kept until the pod's object goes. */
  #isLeftOver(claim: Readonly<ResourceClaim>): boolean {
    const owner = controllerOf(claim);
    if (owner?.kind !== 'Pod' || owner.apiVersion !== 'v1' || claim.metadata.deletionTimestamp !== undefined)
      return false;
    const pod = this.#pods.store.get(`${claim.metadata.namespace}/${owner.name}`);
    return pod !== undefined && (pod.metadata.uid !== owner.uid || isPodDone(pod));
  }
}

/** By whether they have devices, who made them, and whether they are for administrators. */
function countClaims(claims: readonly Readonly<ResourceClaim>[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { metadata, spec, status } of claims) {
    const { annotations = {} } = metadata;
    let source = '';
    if (annotations[podClaimNameAnnotation] !== undefined) source = 'resource_claim_template';
    else if (annotations[extendedResourceAnnotation] === 'true') source = 'extended_resource';
    const allocated = String(status?.allocation !== undefined);
    const labels = labelText({ admin_access: String(hasAdminAccess(spec)), allocated, source });
    counts.set(labels, (counts.get(labels) ?? 0) + 1);
  }
  return counts;
}

const hasAdminAccess = ({ devices }: ResourceClaim['spec']): boolean =>
  devices?.requests?.some(({ exactly }) => exactly?.adminAccess === true) === true;

/** The resource claim controller. */
export const resourceClaimController: ControllerDescriptor = {
  name: 'resourceclaim-controller',
  eventSource: 'resource_claim',
  create: (context) =>
    context.serves({ group: 'resource.k8s.io', resource: 'resourceclaims' })
      ? new ResourceClaimController(context)
      : undefined,
};
