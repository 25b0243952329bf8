/**
 * Who owns whom (`pkg/controller/garbagecollector/graph_builder.go`). No I/O: what it is told of changes the graph, and what
 * has to be looked into then is named to a listener, by uid.
 *
 * Owners that are named before they are seen get a `virtual` node, and somebody has to ask the API server about them.
 * References that do not agree on what a uid stands for are never believed without such a look.
 */
import type { ObjectMeta, OwnerReference } from '@kubets/apimachinery/meta';
import type { AbsentOwners } from './absent-owners.ts';
import {
  compareIdentities,
  GraphNode,
  hasFinalizer,
  isBeingDeleted,
  isDeletingDependents,
  namesIt,
  orphanFinalizer,
  ownersOf,
  referenced,
  sameIdentity,
  type Identity,
  type NodeType,
} from './graph-node.ts';

/** Told what to look into. */
export interface GraphListener {
  /** Perhaps nothing keeps this object any more, or it waits for its dependents. */
  examine(uid: string): void;
  /** The same, not at once: it has been looked into before. */
  examineLater(uid: string): void;
  /** It waits for its dependents to be let go. */
  orphan(uid: string): void;
  /** The reference names an object of another namespace. */
  invalidNamespace(dependent: GraphNode, reference: OwnerReference): void;
}

const noDependents: readonly GraphNode[] = [];

export class DependencyGraph {
  readonly #nodes = new Map<string, GraphNode>();
  readonly #absent: AbsentOwners;
  readonly #listener: GraphListener;

  constructor(absent: AbsentOwners, listener: GraphListener) {
    this.#absent = absent;
    this.#listener = listener;
  }

  get size(): number {
    return this.#nodes.size;
  }

  get(uid: string): GraphNode | undefined {
    return this.#nodes.get(uid);
  }

  nodes(): Iterable<GraphNode> {
    return this.#nodes.values();
  }

  /** An object is there, new or changed. */
  observe(type: NodeType, metadata: Readonly<ObjectMeta>): void {
    const node = this.#nodes.get(metadata.uid ?? '');
    if (node === undefined) return this.#insert(type, metadata);
    const before = node.virtual ? undefined : node.metadata;
    if (node.virtual) this.#becomesReal(node, type, metadata);
    const ownersBefore = ownersOf(before ?? {});
    node.type = type;
    node.metadata = metadata;
    this.#updateOwners(node, ownersBefore);
    if (isBeingDeleted(metadata)) this.#startDeletion(node, before);
  }

  #insert(type: NodeType, metadata: Readonly<ObjectMeta>): void {
    const node = new GraphNode(type, metadata, false);
    this.#nodes.set(node.uid, node);
    if (metadata.ownerReferences !== undefined) this.#addToOwners(node, metadata.ownerReferences);
    // One event may be all that is heard of a creation and a deletion.
    if (isBeingDeleted(metadata)) this.#startDeletion(node, undefined);
  }

  #becomesReal(node: GraphNode, type: NodeType, metadata: Readonly<ObjectMeta>): void {
    const guessed = node.identity;
    node.virtual = false;
    node.type = type;
    node.metadata = metadata;
    const real = node.identity;
    if (sameIdentity(guessed, real)) return;
    // They named something else under this uid: what they really depend on has to be looked up.
    for (const dependent of mismatching(node.dependents, real)) {
      if (real.namespace !== '' && dependent.namespace !== real.namespace) this.#reportNamespace(dependent, real.uid);
      this.#listener.examine(dependent.uid);
    }
  }

  #reportNamespace(dependent: GraphNode, uid: string): void {
    const reference = dependent.owners.find((owner) => owner.uid === uid);
    if (reference !== undefined) this.#listener.invalidNamespace(dependent, reference);
  }

  #updateOwners(node: GraphNode, before: readonly OwnerReference[]): void {
    const now = node.owners;
    if (before === now || sameOwners(before, now)) return;
    const added = now.filter(({ uid }) => before.every((old) => old.uid !== uid));
    const removed = before.filter(({ uid }) => now.every((owner) => owner.uid !== uid));
    for (const old of before) {
      const same = now.find(({ uid }) => uid === old.uid);
      // Nothing in the way of that owner any more.
      if (old.blockOwnerDeletion === true && same?.blockOwnerDeletion !== true) this.#examineKnown(old.uid);
    }
    if (added.length > 0) this.#addToOwners(node, added);
    this.#removeFromOwners(node, removed);
  }

  #examineKnown(uid: string): void {
    if (this.#nodes.has(uid)) this.#listener.examine(uid);
  }

  #removeFromOwners(node: GraphNode, references: readonly OwnerReference[]): void {
    for (const { uid } of references) this.#nodes.get(uid)?.dependents?.delete(node);
  }

  /** Makes virtual nodes where owners are not known, and has doubtful references looked into (`addDependentToOwners`). */
  #addToOwners(node: GraphNode, references: readonly OwnerReference[]): void {
    let doubtful = false;
    for (const reference of references) {
      const owner = this.#nodes.get(reference.uid);
      if (owner === undefined) this.#addVirtual(node, reference);
      else {
        (owner.dependents ??= new Set()).add(node);
        // One that comes late is not to keep an owner that waits for its dependents.
        doubtful = this.#isDoubtful(node, reference, owner) || isInForeground(owner.metadata) || doubtful;
      }
    }
    if (doubtful) this.#listener.examine(node.uid);
  }

  #addVirtual(dependent: GraphNode, reference: OwnerReference): void {
    const { apiVersion, kind, name, uid } = reference;
    const type: NodeType = { apiVersion, kind, followed: false };
    const owner = new GraphNode(type, { name, namespace: dependent.namespace, uid }, true);
    owner.dependents = new Set([dependent]);
    this.#nodes.set(uid, owner);
    this.#listener.examine(uid);
  }

  #isDoubtful(node: GraphNode, reference: OwnerReference, owner: GraphNode): boolean {
    if (owner.namespace !== '' && owner.namespace !== node.namespace) {
      if (!owner.virtual) this.#listener.invalidNamespace(node, reference);
      return true;
    }
    if (!namesIt(reference, owner.identity)) return true;
    // Cluster-scoped as far as is known, which is not far.
    return owner.virtual && owner.namespace === '' && node.namespace !== '';
  }

  #startDeletion(node: GraphNode, before: Readonly<ObjectMeta> | undefined): void {
    if (isOrphaning(node.metadata)) {
      if (before === undefined || !isOrphaning(before)) this.#listener.orphan(node.uid);
    } else if (isInForeground(node.metadata) && (before === undefined || !isInForeground(before))) {
      for (const dependent of node.dependents ?? noDependents) this.#listener.examine(dependent.uid);
      this.#listener.examine(node.uid);
    }
  }

  /** An object was seen going. */
  gone(type: NodeType, metadata: Readonly<ObjectMeta>): void {
    const node = this.#nodes.get(metadata.uid ?? '');
    if (node === undefined) return;
    if (node.virtual) this.#becomesReal(node, type, metadata);
    this.#remove(node, node.identity);
  }

  /** `identity`: what is known to be gone. */
  #remove(node: GraphNode, identity: Identity): void {
    this.#nodes.delete(node.uid);
    this.#removeFromOwners(node, node.owners);
    const dependents = node.dependents ?? noDependents;
    if (node.dependents !== undefined && node.dependents.size > 0) this.#absent.add(identity);
    for (const dependent of dependents) this.#listener.examine(dependent.uid);
    for (const { uid } of node.owners) {
      const owner = this.#nodes.get(uid);
      // That was the last one it has waited for.
      if (owner !== undefined && isDeletingDependents(owner.metadata) && !owner.isBlocked) this.#listener.examine(uid);
    }
  }

  /**
   * The API server says that there is no such object. That removes a node only where all agree that it is the one; others
   * who name the same uid in another way are to be asked about in turn.
   */
  absent(identity: Identity): void {
    const node = this.#nodes.get(identity.uid);
    if (node === undefined) return;
    if (!node.virtual && sameIdentity(node.identity, identity)) return this.#remove(node, identity);
    if (!node.virtual) return this.#absentFor(node, identity);
    const others = mismatching(node.dependents, identity);
    if (others.length === 0) return this.#remove(node, identity);
    this.#absentFor(node, identity);
    if (!sameIdentity(node.identity, identity)) return;
    const alternative = alternativeIdentity(others, identity);
    if (alternative !== undefined) this.#renameVirtual(node, alternative);
  }

  #absentFor(node: GraphNode, identity: Identity): void {
    const believers = matching(node.dependents, identity);
    if (believers.length === 0) return;
    this.#absent.add(identity);
    for (const dependent of believers) this.#listener.examine(dependent.uid);
  }

  #renameVirtual(node: GraphNode, { apiVersion, kind, namespace, name, uid }: Identity): void {
    node.type = { apiVersion, kind, followed: false };
    node.metadata = { name, namespace, uid };
    this.#listener.examineLater(uid);
  }
}

/** As far as the graph is concerned; most updates change nothing of it. */
function sameOwners(a: readonly OwnerReference[], b: readonly OwnerReference[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) {
    const [one, other] = [a[i], b[i]];
    if (one?.uid !== other?.uid || one?.blockOwnerDeletion !== other?.blockOwnerDeletion) return false;
  }
  return true;
}

const isOrphaning = (metadata: Readonly<ObjectMeta>): boolean =>
  isBeingDeleted(metadata) && hasFinalizer(metadata, orphanFinalizer);

/** Orphaning comes first where both are asked for. */
const isInForeground = (metadata: Readonly<ObjectMeta>): boolean =>
  isDeletingDependents(metadata) && !hasFinalizer(metadata, orphanFinalizer);

const inNamespaceOf = (dependent: GraphNode, owner: Identity): boolean =>
  owner.namespace === '' || owner.namespace === dependent.namespace;

/** Those that have a reference to just this object. */
function matching(dependents: Iterable<GraphNode> | undefined, owner: Identity): GraphNode[] {
  return [...(dependents ?? noDependents)].filter(
    (dependent) => inNamespaceOf(dependent, owner) && dependent.owners.some((reference) => namesIt(reference, owner)),
  );
}

/** Those that have a reference to its uid, and something else in it or around it differs; both can be true of one. */
function mismatching(dependents: Iterable<GraphNode> | undefined, owner: Identity): GraphNode[] {
  return [...(dependents ?? noDependents)].filter(
    (dependent) =>
      !inNamespaceOf(dependent, owner) ||
      dependent.owners.some((reference) => reference.uid === owner.uid && !namesIt(reference, owner)),
  );
}

/** What else the uid is said to be; the next one in order after the one that was looked up, so that all get their turn. */
function alternativeIdentity(dependents: readonly GraphNode[], absent: Identity): Identity | undefined {
  const alternatives: Identity[] = [];
  for (const dependent of dependents) {
    for (const reference of dependent.owners) {
      if (reference.uid !== absent.uid) continue;
      if (namesIt(reference, absent) && inNamespaceOf(dependent, absent)) continue;
      const clusterScoped =
        absent.namespace === '' && reference.apiVersion === absent.apiVersion && reference.kind === absent.kind;
      alternatives.push(referenced(reference, clusterScoped ? '' : dependent.namespace));
    }
  }
  const inOrder = alternatives.toSorted(compareIdentities);
  return inOrder.find((identity) => compareIdentities(identity, absent) > 0) ?? inOrder[0];
}
