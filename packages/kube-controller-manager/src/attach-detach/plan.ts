/** What is to be attached where (upstream `pkg/controller/volume/attachdetach`). */
import type { Node, PersistentVolume, Pod } from '@kubets/api/types/core-v1';
import type { VolumeAttachment } from '@kubets/api/types/storage-v1';

/** Kubelets that leave attaching to this controller set it on their node. */
export const managedAnnotation = 'volumes.kubernetes.io/controller-managed-attach-detach';
const outOfService = 'node.kubernetes.io/out-of-service';
/** So long a kubelet may take to unmount what is not needed any more; then it is detached all the same. */
const maxWaitForUnmountMs = 6 * 60_000;

/** The name of a CSI volume in a node's status (`kubernetes.io/csi/driver^handle`). */
export function uniqueVolumeName({ spec }: Readonly<PersistentVolume>): string | undefined {
  return spec?.csi && `kubernetes.io/csi/${spec.csi.driver}^${spec.csi.volumeHandle}`;
}

/** One volume, and all that matters to it. */
export interface Observed {
  readonly volume: Readonly<PersistentVolume>;
  /** Of pods on nodes that use the volume and have not ended. */
  readonly pods: readonly Readonly<Pod>[];
  /** Of this volume and made by this controller, by node. */
  readonly attachments: ReadonlyMap<string, Readonly<VolumeAttachment>>;
  readonly node: (name: string) => Readonly<Node> | undefined;
  /** Since when the volume is not needed on a node; monotonic. */
  readonly unneededSince: (node: string) => number;
  readonly now: number;
}

export type Action =
  | { readonly type: 'attach'; readonly node: string }
  /** The volume is on another node and may be on one only. */
  | { readonly type: 'multiAttach'; readonly pods: readonly Readonly<Pod>[]; readonly message: string }
  /** Take it out of the node's list of attached volumes; the detaching follows. */
  | { readonly type: 'withdraw'; readonly node: string }
  | {
      readonly type: 'detach';
      readonly node: string;
      readonly name: string;
      /** Why it is done although the kubelet has not said that it is unmounted. */
      readonly forced?: 'timeout' | 'out-of-service';
    }
  /** The kubelet has it mounted still. */
  | { readonly type: 'wait'; readonly node: string; readonly ms: number };

/** Whether the volume may be on one node only (`IsMultiAttachAllowed`). */
export function isExclusive({ spec }: Readonly<PersistentVolume>): boolean {
  const modes = spec?.accessModes ?? [];
  // Without modes nothing is known: the storage decides.
  return modes.length > 0 && modes.every((mode) => mode === 'ReadWriteOnce' || mode === 'ReadWriteOncePod');
}

/** Detaching first: a volume that moves is attached when it has gone from where it was. */
export function planVolume(observed: Observed): Action[] {
  const { attachments, pods } = observed;
  const wanted = Map.groupBy(pods, (pod) => pod.spec?.nodeName ?? '');
  const actions: Action[] = [];
  for (const [node, attachment] of attachments) {
    if (!wanted.has(node)) actions.push(...planDetaching(observed, node, attachment));
  }
  let isTaken = attachments.size > 0 && isExclusive(observed.volume);
  for (const [node, users] of wanted) {
    if (attachments.has(node) || !isManaged(observed.node(node))) continue;
    if (isTaken) actions.push({ type: 'multiAttach', pods: users, message: whoHasIt(observed, node) });
    else actions.push({ type: 'attach', node });
    isTaken ||= isExclusive(observed.volume);
  }
  return actions;
}

const isManaged = (node: Readonly<Node> | undefined): boolean =>
  node?.metadata.annotations?.[managedAnnotation] !== undefined;

function planDetaching(observed: Observed, name: string, attachment: Readonly<VolumeAttachment>): Action[] {
  if (attachment.metadata.deletionTimestamp !== undefined) return [];
  const node = observed.node(name);
  const volume = uniqueVolumeName(observed.volume) ?? '';
  const inUse = node?.status?.volumesInUse?.includes(volume) === true;
  const isOff = node?.spec?.taints?.some(({ key }) => key === outOfService) === true;
  if (inUse && !isOff) {
    const left = observed.unneededSince(name) + maxWaitForUnmountMs - observed.now;
    if (left > 0) return [{ type: 'wait', node: name, ms: left }];
  }
  // The kubelet must know before it is true: it may be about to mount.
  const isListed = node?.status?.volumesAttached?.some((each) => each.name === volume) === true;
  if (isListed) return [{ type: 'withdraw', node: name }];
  const forced = isOff ? 'out-of-service' : 'timeout';
  return [{ type: 'detach', node: name, name: attachment.metadata.name ?? '', ...(inUse && { forced }) }];
}

/** `reportMultiAttachError`. */
function whoHasIt({ volume, pods, attachments }: Observed, node: string): string {
  const name = JSON.stringify(volume.metadata.name);
  const others = pods.filter((pod) => pod.spec?.nodeName !== node && attachments.has(pod.spec?.nodeName ?? ''));
  if (others.length === 0) {
    return `Multi-Attach error for volume ${name} Volume is already exclusively attached to one node and can't be attached to another`;
  }
  const names = others.map((pod) => pod.metadata.name).join(', ');
  return `Multi-Attach error for volume ${name} Volume is already used by pod(s) ${names}`;
}
