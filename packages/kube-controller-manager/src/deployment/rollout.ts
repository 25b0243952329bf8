/** A Deployment and its ReplicaSets while the next step is being planned: what will be once the plan is carried out. */
import type { Deployment, DeploymentCondition, ReplicaSet } from '@kubets/api/types/apps-v1';
import { maxRevision, newSetAnnotations, revisionAnnotation, withReplicas } from './annotations.ts';
import { conditionAt, conditionOf, reasons, withCondition, type Finding } from './conditions.ts';
import { desiredOf, maxReplicas, progressDeadlineMs } from './limits.ts';
import { byCreation, replicasOf } from './replica-sets.ts';
import { equalIgnoringHash, templateHash, templateHashLabel } from './template-hash.ts';

type Set = Readonly<ReplicaSet>;

/** What is known when a turn begins. */
export interface Observed {
  readonly deployment: Readonly<Deployment>;
  /** Owned, as the cache has them. */
  readonly replicaSets: readonly Set[];
  /** Uids of ReplicaSets that have pods which have not ended; asked for with the strategy Recreate only. */
  hasRunningPods(uid: string): boolean;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Gate DeploymentReplicaSetTerminatingReplicas. */
  readonly countTerminating: boolean;
}

/** Changes are made here, on copies; {@link Observed} stays as it was. */
export class Rollout {
  readonly observed: Observed;
  readonly deployment: Readonly<Deployment>;
  /** Of the Deployment. */
  annotations: Readonly<Record<string, string>>;
  conditions: readonly DeploymentCondition[];
  readonly deletions: Set[] = [];
  #new: Set | undefined;
  /** Oldest first. */
  #old: Set[];
  readonly #before = new Map<string, Set>();

  constructor(observed: Observed) {
    const { deployment, replicaSets } = observed;
    this.observed = observed;
    this.deployment = deployment;
    this.annotations = deployment.metadata.annotations ?? {};
    this.conditions = deployment.status?.conditions ?? [];
    const sorted = replicaSets.toSorted(byCreation);
    // Several can match after manipulation by hand: the oldest is the one, always.
    this.#new = sorted.find((set) => this.#isCurrent(set));
    this.#old = sorted.filter((set) => set !== this.#new);
    for (const set of sorted) this.#before.set(set.metadata.name ?? '', set);
  }

  /** The ReplicaSet of the present template. */
  get newSet(): Set | undefined {
    return this.#new;
  }

  get oldSets(): readonly Set[] {
    return this.#old;
  }

  get allSets(): readonly Set[] {
    return this.#new === undefined ? this.#old : [...this.#old, this.#new];
  }

  /** Gives the ReplicaSet so many pods, and notes for what total. */
  scale(set: Set, replicas: number): void {
    const { deployment } = this;
    const before = set.metadata.annotations ?? {};
    const annotations = withReplicas(before, desiredOf(deployment), maxReplicas(deployment));
    if (replicasOf(set) === replicas && annotations === before) return;
    this.#replace(set, {
      ...set,
      metadata: { ...set.metadata, annotations },
      spec: { ...set.spec, replicas } as NonNullable<ReplicaSet['spec']>,
    });
  }

  /** The same unless the ReplicaSet has so many already (`scaleReplicaSetAndRecordEvent`). Returns whether it had not. */
  resize(set: Set, replicas: number): boolean {
    if (replicasOf(set) === replicas) return false;
    this.scale(set, replicas);
    return true;
  }

  setCondition(finding: Finding): void {
    this.conditions = withCondition(this.conditions, conditionAt(finding, this.observed.now));
  }

  delete(set: Set): void {
    this.deletions.push(set);
  }

  /** Numbers the new ReplicaSet and hands the Deployment's annotations on to it (`getNewReplicaSet`, where there is one). */
  syncRevision(): void {
    const set = this.#new;
    if (set === undefined) return;
    const before = set.metadata.annotations ?? {};
    const annotations = newSetAnnotations(before, this.annotations, maxRevision(this.#old) + 1n);
    const { minReadySeconds } = this.deployment.spec ?? {};
    if (annotations !== before || (set.spec?.minReadySeconds ?? 0) !== (minReadySeconds ?? 0))
      this.#replace(set, { ...set, metadata: { ...set.metadata, annotations }, spec: this.#withMinReady(set.spec) });
    this.#setRevision(annotations[revisionAnnotation]);
    if (progressDeadlineMs(this.deployment) === undefined || conditionOf(this.conditions, 'Progressing')) return;
    const message = `Found new replica set ${JSON.stringify(set.metadata.name)}`;
    this.setCondition({ type: 'Progressing', status: 'True', reason: reasons.foundNewReplicaSet, message });
  }

  /** Makes the ReplicaSet of the present template (`getNewReplicaSet`, where there is none). `ownerReferences`: to the Deployment. */
  createNewSet(replicasFor: (set: Set) => number): void {
    const { deployment, observed } = this;
    const revision = maxRevision(this.#old) + 1n;
    const made = newReplicaSet(deployment);
    const annotated = newSetAnnotations({}, this.annotations, revision);
    const annotations = withReplicas(annotated, desiredOf(deployment), maxReplicas(deployment));
    const spec = { ...made.spec, replicas: replicasFor(made) } as NonNullable<ReplicaSet['spec']>;
    this.#new = { ...made, metadata: { ...made.metadata, annotations }, spec };
    this.#setRevision(String(revision));
    if (progressDeadlineMs(deployment) === undefined) return;
    const message = `Created new replica set ${JSON.stringify(made.metadata.name)}`;
    const finding = { type: 'Progressing', status: 'True', reason: reasons.newReplicaSetCreated, message } as const;
    this.conditions = withCondition(this.conditions, conditionAt(finding, observed.now));
  }

  /** What is to be created, and what differs from before. */
  changes(): { readonly creation?: Set; readonly updates: readonly { readonly set: Set; readonly from: number }[] } {
    const updates: { set: Set; from: number }[] = [];
    let creation: Set | undefined;
    for (const set of this.allSets) {
      const before = this.#before.get(set.metadata.name ?? '');
      if (before === undefined || set.metadata.uid === undefined) creation = set;
      else if (before !== set) updates.push({ set, from: replicasOf(before) });
    }
    return { ...(creation && { creation }), updates };
  }

  #isCurrent(set: Set): boolean {
    const [mine, other] = [this.deployment.spec?.template, set.spec?.template];
    return mine !== undefined && other !== undefined && equalIgnoringHash(mine, other);
  }

  #setRevision(revision: string | undefined): void {
    if (revision === undefined || this.annotations[revisionAnnotation] === revision) return;
    this.annotations = { ...this.annotations, [revisionAnnotation]: revision };
  }

  #withMinReady(spec: ReplicaSet['spec']): NonNullable<ReplicaSet['spec']> {
    const { minReadySeconds: _, ...rest } = spec ?? {};
    const { minReadySeconds } = this.deployment.spec ?? {};
    return { ...rest, ...(minReadySeconds !== undefined && { minReadySeconds }) } as NonNullable<ReplicaSet['spec']>;
  }

  #replace(set: Set, changed: Set): void {
    if (this.#new === set) this.#new = changed;
    else this.#old = this.#old.map((other) => (other === set ? changed : other));
  }
}

const maxNameLength = 253;

/** Without replicas and annotations; named after the template, so that it cannot be made twice. */
function newReplicaSet(deployment: Readonly<Deployment>): ReplicaSet {
  const { spec, status, metadata } = deployment;
  const template = spec?.template ?? {};
  const hash = templateHash(template, status?.collisionCount);
  const labels = { ...template.metadata?.labels, [templateHashLabel]: hash };
  const selector = { ...spec?.selector };
  return {
    kind: 'ReplicaSet',
    apiVersion: 'apps/v1',
    metadata: {
      name: `${(metadata.name ?? '').slice(0, maxNameLength - hash.length - 1)}-${hash}`,
      namespace: metadata.namespace ?? '',
      labels,
      ownerReferences: [
        {
          apiVersion: 'apps/v1',
          kind: 'Deployment',
          name: metadata.name ?? '',
          uid: metadata.uid ?? '',
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
    spec: {
      replicas: 0,
      ...(spec?.minReadySeconds !== undefined && { minReadySeconds: spec.minReadySeconds }),
      selector: { ...selector, matchLabels: { ...selector.matchLabels, [templateHashLabel]: hash } },
      // Copied: what is sent in process must not share parts with what the caches hold.
      template: {
        ...structuredClone(template),
        metadata: { ...structuredClone(template.metadata), labels: { ...labels } },
      },
    },
  };
}
