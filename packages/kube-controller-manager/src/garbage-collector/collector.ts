/** Looks into what the graph has named, and does what has to be done (`pkg/controller/garbagecollector/garbagecollector.go`). */
import type { ObjectMeta, OwnerReference } from '@kubets/apimachinery/meta';
import { isNotFound } from '@kubets/apimachinery/status';
import { settleConcurrently } from '../lib/concurrent.ts';
import type { AbsentOwners } from './absent-owners.ts';
import type { DependencyGraph } from './graph.ts';
import {
  foregroundFinalizer,
  identityText,
  isBeingDeleted,
  isDeletingDependents,
  namesIt,
  orphanFinalizer,
  ownersOf,
  referenced,
  type GraphNode,
  type Identity,
} from './graph-node.ts';
import { NamespacedOwnerError, type Operations } from './operations.ts';
import { planDeletion, type OwnerFinding, type OwnerState } from './plan.ts';

/** A virtual node that exists, as the API server says: it is looked for until an informer shows it. */
export class UnobservedError extends Error {
  override readonly name = 'UnobservedError';

  constructor(identity: Identity) {
    super(`${identityText(identity)} has not been observed yet`);
  }
}

export interface CollectorParts {
  readonly graph: DependencyGraph;
  readonly absent: AbsentOwners;
  readonly operations: Operations;
  examine(uid: string): void;
}

export class Collector {
  readonly #parts: CollectorParts;

  constructor(parts: CollectorParts) {
    this.#parts = parts;
  }

  /**
   * Deletes the object if nothing keeps it. Rejects when that could not be found out, or not be done: try again.
   */
  async examine(uid: string): Promise<void> {
    const node = this.#parts.graph.get(uid);
    if (node === undefined) return;
    try {
      await this.#examine(node);
    } catch (error) {
      if (error instanceof NamespacedOwnerError) return;
      throw error;
    }
    if (node.virtual && this.#parts.graph.get(uid) === node) throw new UnobservedError(node.identity);
  }

  async #examine(node: GraphNode): Promise<void> {
    const { graph, operations } = this.#parts;
    // Being deleted is a one-way trip: what depends on it is looked into when it has ended.
    if (isBeingDeleted(node.metadata) && !isDeletingDependents(node.metadata)) return;
    if (node.isDeletionAccepted) return;
    const { identity } = node;
    const metadata = node.virtual ? await operations.find(identity) : node.metadata;
    if (metadata === undefined) return graph.absent(identity);
    if (isDeletingDependents(metadata)) return await this.#finishForeground(node);
    if (isBeingDeleted(metadata)) return;
    await this.#judge(node, identity, metadata);
  }

  async #judge(node: GraphNode, identity: Identity, metadata: Readonly<ObjectMeta>): Promise<void> {
    const { operations } = this.#parts;
    const findings = await this.#classify(node, ownersOf(metadata));
    const plan = planDeletion(node, metadata, findings);
    switch (plan.type) {
      case 'keep':
        return;
      case 'remove-owners':
        return await operations.removeOwners(identity, plan.uids);
      case 'delete':
        if (!plan.unblock) {
          await this.#delete(identity, metadata, plan.policy);
          node.deletedVersion = metadata.resourceVersion;
          return;
        }
        await operations.unblockOwners(identity, ownersOf(metadata));
        return await this.#deleteUnblocked(identity, metadata);
      default:
        return plan satisfies never;
    }
  }

  async #delete(identity: Identity, judged: Readonly<ObjectMeta>, policy: 'Foreground' | 'Background' | 'Orphan') {
    const { graph, operations } = this.#parts;
    try {
      await operations.delete(identity, judged, policy);
    } catch (error) {
      if (!isNotFound(error)) throw error;
      graph.absent(identity);
    }
  }

  /** Its references are others now than those that were judged, but only in that they block nobody. */
  async #deleteUnblocked(identity: Identity, judged: Readonly<ObjectMeta>): Promise<void> {
    const { graph, operations } = this.#parts;
    const live = await operations.find(identity);
    if (live === undefined) return graph.absent(identity);
    const before = new Set(ownersOf(judged).map(({ uid }) => uid));
    if (ownersOf(live).some(({ uid }) => !before.has(uid))) throw new Error('the owners have changed meanwhile');
    await this.#delete(identity, live, 'Foreground');
  }

  async #classify(node: GraphNode, owners: readonly OwnerReference[]): Promise<OwnerFinding[]> {
    const findings: OwnerFinding[] = [];
    for (const reference of owners) {
      const known = this.#known(node, reference);
      findings.push({ reference, state: known ?? (await this.#ask(node, reference)) });
    }
    return findings;
  }

  /** What is certain without asking. An owner that is followed and there is no reason to ask about: when it goes, that is heard. */
  #known(node: GraphNode, reference: OwnerReference): OwnerState | undefined {
    const { graph, absent } = this.#parts;
    const inNamespace = referenced(reference, node.namespace);
    if (absent.has(referenced(reference, '')) || absent.has(inNamespace)) return 'dangling';
    const owner = graph.get(reference.uid);
    if (owner === undefined || owner.virtual || !owner.type.followed) return undefined;
    if (!namesIt(reference, owner.identity)) return undefined;
    if (owner.namespace !== '' && owner.namespace !== node.namespace) return undefined;
    return stateOf(owner.metadata);
  }

  async #ask(node: GraphNode, reference: OwnerReference): Promise<OwnerState> {
    const { absent, operations } = this.#parts;
    const namespaced = operations.isNamespaced(reference.apiVersion, reference.kind);
    if (namespaced && node.namespace === '') throw new NamespacedOwnerError();
    const identity = referenced(reference, namespaced ? node.namespace : '');
    const metadata = await operations.find(identity);
    if (metadata !== undefined) return stateOf(metadata);
    absent.add(identity);
    return 'dangling';
  }

  /**
   * It waits for those dependents that block it: they are told to go, or the wait is over. Whoever waits for itself in a
   * circle blocks its owners no more (upstream notices that only before it deletes a dependent, not when users delete all).
   */
  async #finishForeground(node: GraphNode): Promise<void> {
    const { operations } = this.#parts;
    const blocking = node.blockingDependents();
    if (blocking.length === 0) return await operations.removeFinalizer(node.identity, foregroundFinalizer);
    if (node.waitsForItself()) await operations.unblockOwners(node.identity, node.owners);
    for (const dependent of blocking) if (!isDeletingDependents(dependent.metadata)) this.#parts.examine(dependent.uid);
  }

  /** Lets all dependents go their own way, then the object itself. Rejects when not all could be reached: try again. */
  async orphan(uid: string): Promise<void> {
    const { graph, operations } = this.#parts;
    const node = graph.get(uid);
    if (node === undefined) return;
    const dependents = [...(node.dependents ?? [])];
    const results = await settleConcurrently(dependents.length, async (i) => {
      const dependent = dependents[i];
      if (dependent !== undefined) await operations.removeOwners(dependent.identity, [uid]);
    });
    const errors = results.flatMap((result, i) => {
      const dependent = dependents[i];
      if (result.status === 'fulfilled' || dependent === undefined) return [];
      return [`orphaning ${identityText(dependent.identity)} failed, ${String(result.reason)}`];
    });
    if (errors.length > 0) {
      const owner = identityText(node.identity);
      throw new Error(`failed to orphan dependents of owner ${owner}, got errors: ${errors.join(', ')}`);
    }
    await operations.removeFinalizer(node.identity, orphanFinalizer);
  }
}

const stateOf = (metadata: Readonly<ObjectMeta>): OwnerState => (isDeletingDependents(metadata) ? 'waiting' : 'solid');
