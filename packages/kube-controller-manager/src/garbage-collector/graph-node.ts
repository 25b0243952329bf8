/** The nodes of the graph of owners and dependents (`pkg/controller/garbagecollector/graph.go`). */
import type { ObjectMeta, OwnerReference } from '@kubets/apimachinery/meta';

/** Put on an object whose dependents go before it does. */
export const foregroundFinalizer = 'foregroundDeletion';
/** Put on an object whose dependents stay. */
export const orphanFinalizer = 'orphan';

/** What all objects of one resource share. */
export interface NodeType {
  readonly apiVersion: string;
  readonly kind: string;
  /** Whether changes of its objects reach the graph: what it says of them is then true, or about to become so. */
  followed: boolean;
}

/** An object as references name it. */
export interface Identity {
  readonly apiVersion: string;
  readonly kind: string;
  /** '' for cluster-scoped objects. */
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

const noOwners: readonly OwnerReference[] = [];

export const ownersOf = (metadata: Readonly<ObjectMeta>): readonly OwnerReference[] =>
  metadata.ownerReferences ?? noOwners;

export const isBeingDeleted = (metadata: Readonly<ObjectMeta>): boolean => metadata.deletionTimestamp !== undefined;

export const hasFinalizer = (metadata: Readonly<ObjectMeta>, finalizer: string): boolean =>
  metadata.finalizers?.includes(finalizer) === true;

/** It waits for its dependents to go. */
export const isDeletingDependents = (metadata: Readonly<ObjectMeta>): boolean =>
  isBeingDeleted(metadata) && hasFinalizer(metadata, foregroundFinalizer);

/**
 * One object, or one that others name as their owner and that nobody has seen (`virtual`). The metadata are those that the
 * informer holds: a node costs little.
 */
export class GraphNode {
  type: NodeType;
  metadata: Readonly<ObjectMeta>;
  virtual: boolean;
  dependents: Set<GraphNode> | undefined = undefined;
  /** The version of which the API server has accepted a deletion: the next event says what has come of it. */
  deletedVersion: string | undefined = undefined;

  constructor(type: NodeType, metadata: Readonly<ObjectMeta>, virtual: boolean) {
    this.type = type;
    this.metadata = metadata;
    this.virtual = virtual;
  }

  get uid(): string {
    return this.metadata.uid ?? '';
  }

  get namespace(): string {
    return this.metadata.namespace ?? '';
  }

  get owners(): readonly OwnerReference[] {
    return ownersOf(this.metadata);
  }

  get identity(): Identity {
    const { type, metadata } = this;
    const { name = '', namespace = '', uid = '' } = metadata;
    return { apiVersion: type.apiVersion, kind: type.kind, namespace, name, uid };
  }

  /** Whether `dependent` has to go before this object may (`blockOwnerDeletion`). Nothing waits for itself. */
  #isBlockedBy(dependent: GraphNode): boolean {
    if (dependent === this) return false;
    for (const reference of dependent.owners)
      if (reference.blockOwnerDeletion === true && reference.uid === this.metadata.uid) return true;
    return false;
  }

  blockingDependents(): GraphNode[] {
    return [...(this.dependents ?? [])].filter((dependent) => this.#isBlockedBy(dependent));
  }

  /** The same as whether there are {@link blockingDependents}, sooner. */
  get isBlocked(): boolean {
    for (const dependent of this.dependents ?? []) if (this.#isBlockedBy(dependent)) return true;
    return false;
  }

  /** A deletion has been seen, or was accepted and will be. */
  get isOnItsWay(): boolean {
    return isBeingDeleted(this.metadata) || this.isDeletionAccepted;
  }

  get isDeletionAccepted(): boolean {
    return this.deletedVersion !== undefined && this.deletedVersion === this.metadata.resourceVersion;
  }

  /** Whether it waits for dependents that wait, directly or not, for it: none of them would ever go. */
  waitsForItself(): boolean {
    const seen = new Set<GraphNode>();
    const next = this.blockingDependents();
    for (let node = next.pop(); node !== undefined; node = next.pop()) {
      if (node === this) return true;
      if (seen.has(node) || !isDeletingDependents(node.metadata)) continue;
      seen.add(node);
      next.push(...node.blockingDependents());
    }
    return false;
  }
}

/** Whether a reference names just this object, apart from its namespace (`ownerReferenceMatchesCoordinates`). */
export const namesIt = (reference: OwnerReference, identity: Identity): boolean =>
  reference.uid === identity.uid &&
  reference.name === identity.name &&
  reference.kind === identity.kind &&
  reference.apiVersion === identity.apiVersion;

export const sameIdentity = (a: Identity, b: Identity): boolean =>
  a.uid === b.uid &&
  a.name === b.name &&
  a.namespace === b.namespace &&
  a.kind === b.kind &&
  a.apiVersion === b.apiVersion;

/** What a reference names, seen from an object in `namespace`. */
export const referenced = ({ apiVersion, kind, name, uid }: OwnerReference, namespace: string): Identity => ({
  apiVersion,
  kind,
  namespace,
  name,
  uid,
});

/** As upstream prints it (`objectReference.String`). */
export const identityText = ({ apiVersion, kind, namespace, name, uid }: Identity): string =>
  `[${apiVersion}/${kind}, namespace: ${namespace}, name: ${name}, uid: ${uid}]`;

const order = (identity: Identity): readonly string[] => [
  identity.kind,
  identity.apiVersion,
  identity.namespace,
  identity.name,
  identity.uid,
];

/** A stable order of identities: by kind, version, namespace, name, uid (`referenceLessThan`). */
export function compareIdentities(a: Identity, b: Identity): number {
  const theirs = order(b);
  for (const [i, mine] of order(a).entries()) {
    const other = theirs[i] ?? '';
    if (mine !== other) return mine < other ? -1 : 1;
  }
  return 0;
}
