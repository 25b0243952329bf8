/** Carries out what was planned for a Deployment (upstream `pkg/controller/deployment/sync.go`, `getNewReplicaSet`, `scaleReplicaSet`). */
import { isAlreadyExists, isNotFound } from '@kubets/apimachinery/status';
import type { Deployment, ReplicaSet } from '@kubets/api/types/apps-v1';
import type { EventRecorder, KubeClient, SharedInformer } from '@kubets/client';
import type { Clock } from '@kubets/apimachinery/clock';
import { settleConcurrently } from '../lib/concurrent.ts';
import { isControlledBy } from '../lib/owner-references.ts';
import { isNamespaceTerminating, messageOf } from '../lib/pod-control.ts';
import type { WrittenVersions } from '../lib/written-versions.ts';
import { conditionAt, reasons, withCondition } from './conditions.ts';
import { progressDeadlineMs } from './limits.ts';
import type { DeploymentPlan } from './plan.ts';
import { replicasOf } from './replica-sets.ts';
import { equalIgnoringHash } from './template-hash.ts';

type Set = Readonly<ReplicaSet>;

export interface ApplierOptions {
  readonly client: KubeClient;
  readonly events: EventRecorder;
  readonly clock: Clock;
  readonly replicaSets: SharedInformer<ReplicaSet>['store'];
  /** Told of every Deployment and ReplicaSet written. */
  readonly written: { readonly deployments: WrittenVersions; readonly replicaSets: WrittenVersions };
}

export class Applier {
  readonly #options: ApplierOptions;

  constructor(options: ApplierOptions) {
    this.#options = options;
  }

  /** Rejects with the first failure, and then does nothing of what follows. */
  async apply(deployment: Readonly<Deployment>, plan: DeploymentPlan): Promise<void> {
    if (plan.rollback !== undefined) return await this.#rollBack(deployment, plan.rollback);
    if (plan.creation !== undefined) await this.#create(deployment, plan.creation);
    await this.#updateAll(deployment, plan.updates);
    await this.#deleteAll(plan.deletions);
    // ReplicaSets that were just changed bring the next turn: that one reports, and not what is about to be out of date.
    // Of a new one it is told at once: the next turn would only find it, and not know that it was made here.
    const reportsLater = plan.updates.length > 0 && plan.creation === undefined;
    if (plan.status !== undefined && !reportsLater) await this.#writeStatus(plan.status);
  }

  async #rollBack(old: Readonly<Deployment>, rollback: NonNullable<DeploymentPlan['rollback']>): Promise<void> {
    const { client, events, written } = this.#options;
    const { deployment, event } = rollback;
    written.deployments.wrote(await client.deployments(deployment.metadata.namespace).update(deployment));
    events.record(old, event);
  }

  async #create(deployment: Readonly<Deployment>, set: Set): Promise<void> {
    const { client, events, written } = this.#options;
    try {
      written.replicaSets.wrote(await client.replicaSets(set.metadata.namespace).create(set));
    } catch (error) {
      if (isAlreadyExists(error)) return await this.#resolveCollision(deployment, set, error);
      if (!isNamespaceTerminating(error)) await this.#reportFailure(deployment, set, error);
      throw error;
    }
    const count = replicasOf(set);
    if (count > 0) this.#scaled(events, deployment, { name: set.metadata.name, from: 0, to: count });
  }

  /**
   * There is one of that name: our own that the cache has not shown yet, or one of another template with the same hash. In the
   * latter case the next try uses another hash. Rejects always, so that there is a next try.
   */
  async #resolveCollision(deployment: Readonly<Deployment>, set: Set, error: unknown): Promise<void> {
    const { namespace = '', name = '' } = set.metadata;
    const other = this.#options.replicaSets.get(`${namespace}/${name}`);
    const template = other?.spec?.template;
    if (other === undefined || template === undefined) throw error;
    const mine = isControlledBy(other, deployment);
    if (mine && equalIgnoringHash(deployment.spec?.template ?? {}, template)) throw error;
    const collisionCount = (deployment.status?.collisionCount ?? 0) + 1;
    await this.#writeStatus({ ...deployment, status: { ...deployment.status, collisionCount } });
    throw error;
  }

  async #reportFailure(deployment: Readonly<Deployment>, set: Set, error: unknown): Promise<void> {
    const { events, clock } = this.#options;
    const message = `Failed to create new replica set ${JSON.stringify(set.metadata.name)}: ${messageOf(error)}`;
    const reason = reasons.replicaSetCreateError;
    events.event(deployment, 'Warning', reason, message);
    if (progressDeadlineMs(deployment) === undefined) return;
    const condition = conditionAt({ type: 'Progressing', status: 'False', reason, message }, clock.now());
    const before = deployment.status?.conditions ?? [];
    const conditions = withCondition(before, condition);
    if (conditions === before) return;
    // The failure to create is the news: that this could not be written is not.
    await this.#writeStatus({ ...deployment, status: { ...deployment.status, conditions: [...conditions] } }).catch(
      () => undefined,
    );
  }

  async #updateAll(deployment: Readonly<Deployment>, updates: DeploymentPlan['updates']): Promise<void> {
    const { client, events, written } = this.#options;
    const outcomes = await settleConcurrently(updates.length, async (i) => {
      const { set, from } = updates[i] as DeploymentPlan['updates'][number];
      written.replicaSets.wrote(await client.replicaSets(set.metadata.namespace).update(set));
      const to = replicasOf(set);
      if (to !== from) this.#scaled(events, deployment, { name: set.metadata.name, from, to });
    });
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  #scaled(
    events: EventRecorder,
    deployment: Readonly<Deployment>,
    { name, from, to }: { readonly name: string | undefined; readonly from: number; readonly to: number },
  ): void {
    const direction = from < to ? 'up' : 'down';
    const message = `Scaled ${direction} replica set ${name} from ${from} to ${to}`;
    events.event(deployment, 'Normal', 'ScalingReplicaSet', message);
  }

  async #deleteAll(sets: readonly Set[]): Promise<void> {
    const { client } = this.#options;
    const outcomes = await settleConcurrently(sets.length, async (i) => {
      const { namespace, name = '' } = (sets[i] as Set).metadata;
      await client.replicaSets(namespace).delete(name);
    });
    const failed = outcomes.find((outcome) => outcome.status === 'rejected' && !isNotFound(outcome.reason));
    if (failed?.status === 'rejected') throw failed.reason;
  }

  async #writeStatus(deployment: Deployment): Promise<void> {
    const { client, written } = this.#options;
    written.deployments.wrote(await client.deployments(deployment.metadata.namespace).updateStatus(deployment));
  }
}
