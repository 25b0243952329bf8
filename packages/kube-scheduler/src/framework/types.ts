/**
 * The scheduling framework's interfaces (upstream `staging/src/k8s.io/kube-scheduler/framework/interface.go`, `types.go`,
 * `events.go`).
 *
 * For whoever writes a plugin:
 *
 * - A plugin is an object with a `name` and the methods of the extension points it takes part in; a {@link PluginFactory}
 *   makes it from its arguments (the profile's `pluginConfig`, defaulted) and the {@link Handle}. Which methods are called is
 *   decided by the profile's configuration; an extension point is supported when its method is there.
 * - Return undefined for success and a {@link Status} otherwise. Throwing means `Status.error`.
 * - PreEnqueue, QueueSort, PreFilter, Filter, AddPod/RemovePod, PreScore, Score, NormalizeScore and Unreserve are synchronous:
 *   the scheduler runs a pod from PreFilter to Reserve without leaving the event loop, so that nodes do not change meanwhile.
 *   Read what you need from informers (`handle.informers`), add indexes to them in the factory. PostFilter, Reserve, Permit,
 *   PreBind, Bind and PostBind may be asynchronous; binding (Permit's wait, PreBind, Bind, PostBind) overlaps with the
 *   scheduling of other pods.
 * - Compute in PreFilter what does not depend on the node, keep it in the {@link CycleState} under a {@link StateKey} that
 *   belongs to your module, and answer `Status.skip()` when the pod is none of your business: then Filter is not called at all
 *   and the pod stays on the fast path. The same holds for PreScore and Score. A plugin whose PreFilter does not answer Skip
 *   has its Filter called for each node that is still feasible, in the configured order of the plugins.
 * - Filter must decide by its state and the {@link NodeInfo} it is given, not by the node of that name in the cache: preemption
 *   and nominated pods hand over changed copies. When pods on nodes change your state, implement `addPod` and `removePod`, and
 *   let your state's `clone` copy.
 * - Objects from informers and caches are immutable.
 * - `eventsToRegister` says which changes in the cluster may make a pod schedulable that this plugin has rejected; without it,
 *   all changes do.
 */
import type { Clock, Random } from '@kubets/apimachinery/clock';
import type { Log } from '@kubets/apimachinery/log';
import type { MetricsRegistry } from '@kubets/apimachinery/metrics';
import type { Pod } from '@kubets/api/types/core-v1';
import type { EventNote, KubeClient, ObjectReference, SharedInformerFactory } from '@kubets/client';
import type { ApiObject } from '@kubets/apimachinery/meta';
import type { CycleState } from './cycle-state.ts';
import type { NodeInfo } from './node-info.ts';
import type { PodInfo } from './pod-info.ts';
import type { Status } from './status.ts';

/** Nothing, when all is well. */
export type Outcome = Status | undefined;

/** Names of the extension points, as configuration files spell them. */
export const extensionPoints = [
  'preEnqueue',
  'queueSort',
  'preFilter',
  'filter',
  'postFilter',
  'preScore',
  'score',
  'reserve',
  'permit',
  'preBind',
  'bind',
  'postBind',
] as const;
export type ExtensionPoint = (typeof extensionPoints)[number];

/** The highest and the lowest score after normalisation. */
export const maxNodeScore = 100;
export const minNodeScore = 0;

// ---- Cluster events and queueing hints -------------------------------------------------------------------------------------

/** What has changed: API resources by kind, and two events that are none (`fwk.EventResource`). */
export type EventResource =
  | 'Pod'
  | 'AssignedPod'
  | 'UnschedulablePod'
  | 'Node'
  | 'PersistentVolume'
  | 'PersistentVolumeClaim'
  | 'CSINode'
  | 'CSIDriver'
  | 'CSIStorageCapacity'
  | 'VolumeAttachment'
  | 'StorageClass'
  | 'ResourceClaim'
  | 'ResourceSlice'
  | 'DeviceClass'
  | 'Namespace'
  | '*'
  /** `<resource>.<version>.<group>`: any other, for custom plugins. */
  | (string & {});

/** How it has changed; a bit set (`fwk.ActionType`). */
export const action = {
  add: 1,
  delete: 1 << 1,
  updateNodeAllocatable: 1 << 2,
  updateNodeLabel: 1 << 3,
  updateNodeTaint: 1 << 4,
  updateNodeCondition: 1 << 5,
  updateNodeAnnotation: 1 << 6,
  updatePodLabel: 1 << 7,
  /** Requests became less, by in-place resize or because init containers have ended. */
  updatePodScaleDown: 1 << 8,
  updatePodToleration: 1 << 9,
  updatePodSchedulingGatesEliminated: 1 << 10,
  updatePodGeneratedResourceClaim: 1 << 11,
  updateNodeDeclaredFeature: 1 << 12,
  /** A change that none of the others names. */
  updateOther: 1 << 13,
  /** Every update. */
  update: 0x3ffc,
  all: 0x3fff,
} as const;
export type ActionType = number;

/** A kind of change (`fwk.ClusterEvent`). */
export interface ClusterEvent {
  readonly resource: EventResource;
  readonly actionType: ActionType;
  /** For metrics, e.g. `AssignedPodDelete`, `NodeAdd`; derived when absent. */
  readonly label?: string;
}

/** Whether the change may make the pod schedulable. */
export type QueueingHint = 'Queue' | 'QueueSkip';

/**
 * `oldObject` is undefined for additions, `newObject` for deletions. Throwing counts as `Queue` and is logged. Called for each
 * pod that the plugin has rejected: be quick.
 */
export type QueueingHintFn = (
  pod: Readonly<Pod>,
  oldObject: Readonly<ApiObject> | undefined,
  newObject: Readonly<ApiObject> | undefined,
) => QueueingHint;

export interface ClusterEventWithHint {
  readonly event: ClusterEvent;
  /** Absent: always `Queue`. */
  readonly hint?: QueueingHintFn;
}

// ---- Plugins ---------------------------------------------------------------------------------------------------------------

export interface Plugin {
  readonly name: string;
  /** See {@link ClusterEventWithHint}; absent: any event may help. Called once. */
  eventsToRegister?(): readonly ClusterEventWithHint[];
}

export interface PreEnqueuePlugin extends Plugin {
  /** Not success: the pod stays gated, out of the active queue, until an event that the plugin registered for comes. */
  preEnqueue(pod: Readonly<Pod>): Outcome;
}

/** A pod in the queue. */
export interface QueuedPodInfo {
  readonly podInfo: PodInfo;
  /** When it was (last) put into the queue; milliseconds of the monotonic clock. */
  readonly timestamp: number;
  /** How often scheduling was tried. */
  readonly attempts: number;
  readonly initialAttemptTimestamp: number | undefined;
  /** Who rejected it in the last attempt. */
  readonly unschedulablePlugins: ReadonlySet<string>;
  readonly pendingPlugins: ReadonlySet<string>;
}

export interface QueueSortPlugin extends Plugin {
  /** Whether `a` is to be scheduled before `b`. */
  less(a: QueuedPodInfo, b: QueuedPodInfo): boolean;
}

export interface PreFilterResult {
  readonly status?: Status | undefined;
  /** Only these nodes are looked at; undefined: all. Several plugins' sets are intersected. */
  readonly nodeNames?: ReadonlySet<string> | undefined;
}

export interface PreFilterPlugin extends Plugin {
  /** undefined: success, all nodes. */
  preFilter(state: CycleState, pod: PodInfo, nodes: NodeInfoLister): PreFilterResult | Status | undefined;
  /** `other` has been added to `node` (already in `node.pods`): adjusts the plugin's state. */
  addPod?(state: CycleState, pod: PodInfo, other: PodInfo, node: NodeInfo): Outcome;
  /** `other` has been taken from `node` (no longer in `node.pods`). */
  removePod?(state: CycleState, pod: PodInfo, other: PodInfo, node: NodeInfo): Outcome;
}

export interface FilterPlugin extends Plugin {
  filter(state: CycleState, pod: PodInfo, node: NodeInfo): Outcome;
}

/** Why each node was turned down (`fwk.NodeToStatusReader`). */
export interface NodeStatuses {
  /** Of a node by name; the answer for nodes nobody looked at is `UnschedulableAndUnresolvable`. */
  get(nodeName: string): Status;
  /** Nodes whose status has this code, among all nodes there are. */
  nodesWithCode(code: Status['code']): readonly NodeInfo[];
}

export interface PostFilterResult {
  /** `Success`: the pod has a chance now; `Unschedulable`: it has none, the reasons become part of the pod's message. */
  readonly status?: Status | undefined;
  /** Undefined: leave the nomination as it is; '' clears it; a name sets it. */
  readonly nominatedNodeName?: string | undefined;
}

export interface PostFilterPlugin extends Plugin {
  /** Called when no node is feasible; the first plugin that succeeds ends the round. */
  postFilter(
    state: CycleState,
    pod: PodInfo,
    statuses: NodeStatuses,
  ): PostFilterResult | Status | undefined | Promise<PostFilterResult | Status | undefined>;
}

export interface PreScorePlugin extends Plugin {
  /** `nodes`: the feasible ones; empty for methods that do not declare this parameter: they are not collected for nothing. */
  preScore(state: CycleState, pod: PodInfo, nodes: readonly NodeInfo[]): Outcome;
}

/** The score of one node, to be changed in place by `normalizeScore`. */
export interface NodeScore {
  readonly node: NodeInfo;
  score: number;
}

export interface ScorePlugin extends Plugin {
  /** An integer; between 0 and 100 unless `normalizeScore` brings it there. Throws instead of answering a Status. */
  score(state: CycleState, pod: PodInfo, node: NodeInfo): number;
  normalizeScore?(state: CycleState, pod: PodInfo, scores: readonly NodeScore[]): Outcome;
}

export interface ReservePlugin extends Plugin {
  /** Not success: all Reserve plugins are told to unreserve, in reverse order, and the pod goes back to the queue. */
  reserve(state: CycleState, pod: PodInfo, nodeName: string): Outcome | Promise<Outcome>;
  /** Must be idempotent, and may come without `reserve`. */
  unreserve(state: CycleState, pod: PodInfo, nodeName: string): void;
}

export interface PermitPlugin extends Plugin {
  /** Answers `Wait` with how long: the pod then waits for {@link WaitingPod.allow}. */
  permit(
    state: CycleState,
    pod: PodInfo,
    nodeName: string,
  ): PermitResult | Status | undefined | Promise<PermitResult | Status | undefined>;
}

export interface PermitResult {
  readonly status?: Status | undefined;
  readonly timeoutMs?: number;
}

export interface PreBindPlugin extends Plugin {
  /** A cheap look whether there is anything to do; `Skip`: `preBind` is not called. Absent: it is. */
  preBindPreFlight?(state: CycleState, pod: PodInfo, nodeName: string): Outcome;
  /** Not success: the pod is unreserved, forgotten and queued again. */
  preBind(state: CycleState, pod: PodInfo, nodeName: string, signal: AbortSignal): Outcome | Promise<Outcome>;
}

export interface BindPlugin extends Plugin {
  /** `Skip`: the next one is asked. */
  bind(state: CycleState, pod: PodInfo, nodeName: string): Promise<Outcome>;
}

export interface PostBindPlugin extends Plugin {
  postBind(state: CycleState, pod: PodInfo, nodeName: string): void | Promise<void>;
}

/** Any plugin, seen by what it may implement. */
export type AnyPlugin = Plugin &
  Partial<
    Omit<PreEnqueuePlugin, keyof Plugin> &
      Omit<QueueSortPlugin, keyof Plugin> &
      Omit<PreFilterPlugin, keyof Plugin> &
      Omit<FilterPlugin, keyof Plugin> &
      Omit<PostFilterPlugin, keyof Plugin> &
      Omit<PreScorePlugin, keyof Plugin> &
      Omit<ScorePlugin, keyof Plugin> &
      Omit<ReservePlugin, keyof Plugin> &
      Omit<PermitPlugin, keyof Plugin> &
      Omit<PreBindPlugin, keyof Plugin> &
      Omit<BindPlugin, keyof Plugin> &
      Omit<PostBindPlugin, keyof Plugin>
  >;

/**
 * Makes a plugin for one profile. `args` is the profile's `pluginConfig` entry with defaults applied (`<Name>Args`), an empty
 * object when there is none. Throws when it cannot work with them. Register with `createScheduler({ plugins: { MyPlugin } })`.
 */
export type PluginFactory = (args: Readonly<Record<string, unknown>>, handle: Handle) => Plugin;

// ---- What plugins are given ------------------------------------------------------------------------------------------------

/** Nodes and the pods on them, assumed ones included. Live: between two awaits it does not change. */
export interface NodeInfoLister {
  readonly size: number;
  list(): readonly NodeInfo[];
  get(nodeName: string): NodeInfo | undefined;
  /** Nodes with pods that have affinity or anti-affinity terms, and with pods that have required anti-affinity. */
  havingPodsWithAffinity(): readonly NodeInfo[];
  havingPodsWithRequiredAntiAffinity(): readonly NodeInfo[];
  /** Whether a pod on some node uses the claim `namespace/name`. */
  isClaimUsed(key: string): boolean;
}

/** Pods that wait for room on a node which preemption, or the API, promised them. */
export interface PodNominator {
  /** Pods nominated to run on the node. */
  nominatedPodsFor(nodeName: string): readonly PodInfo[];
  /** Remembers that the pod is nominated to the node; '' takes `pod.status.nominatedNodeName`. */
  addNominatedPod(pod: PodInfo, nodeName: string): void;
  deleteNominatedPod(pod: Readonly<Pod>): void;
}

/** A pod between Permit and binding. */
export interface WaitingPod {
  readonly pod: Readonly<Pod>;
  /** Permit plugins that have not allowed it yet. */
  pendingPlugins(): readonly string[];
  allow(plugin: string): void;
  /** Answers whether it was still waiting. */
  reject(plugin: string, message: string): boolean;
  /** As reject, but as preemption does it: the pod itself is being deleted. */
  preempt(plugin: string, message: string): boolean;
}

export interface Handle {
  readonly profileName: string;
  readonly client: KubeClient;
  /** Shared; ask in the factory, the scheduler starts them and waits for their first lists. */
  readonly informers: SharedInformerFactory;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: MetricsRegistry;
  readonly nodes: NodeInfoLister;
  readonly nominator: PodNominator;
  /** HTTP extenders of the configuration, for preemption. */
  readonly extenders: readonly Extender[];
  featureEnabled(gate: string): boolean;
  /** Whether the API server serves a resource; known before plugins are made. */
  serves(resource: { readonly group: string; readonly resource: string }): boolean;
  /** Records an Event; returns at once. */
  event(regarding: Readonly<ApiObject> | ObjectReference, note: EventNote): void;
  /** All Filter plugins of the profile on one node, with nominated pods of at least the pod's priority counted in. */
  runFilterPluginsWithNominatedPods(state: CycleState, pod: PodInfo, node: NodeInfo): Outcome;
  /** All `addPod`, `removePod` of the profile's PreFilter plugins that did not skip. */
  runAddPod(state: CycleState, pod: PodInfo, other: PodInfo, node: NodeInfo): Outcome;
  runRemovePod(state: CycleState, pod: PodInfo, other: PodInfo, node: NodeInfo): Outcome;
  waitingPod(uid: string): WaitingPod | undefined;
  waitingPods(): Iterable<WaitingPod>;
  /** Moves pods (`namespace/name`) from wherever they wait to the active queue. */
  activate(pods: Iterable<Readonly<Pod>>): void;
  /** Work that goes on after the attempt has ended (asynchronous preemption): awaited at the end of `run`. */
  background(work: Promise<void>): void;
}

/** What preemption wants to do on one node. */
export interface Victims {
  readonly pods: readonly Readonly<Pod>[];
  readonly numPdbViolations: number;
}

/** An HTTP extender (upstream `staging/src/k8s.io/kube-scheduler/extender/v1`, `pkg/scheduler/extender.go`). */
export interface Extender {
  readonly name: string;
  readonly ignorable: boolean;
  readonly supportsPreemption: boolean;
  /** Whether it manages a resource that the pod asks for. */
  isInterested(pod: Readonly<Pod>): boolean;
  /** Of the candidates, those the extender agrees to, perhaps with other victims. Rejects when it cannot be reached. */
  processPreemption(
    pod: Readonly<Pod>,
    candidates: ReadonlyMap<string, Victims>,
    nodes: NodeInfoLister,
  ): Promise<Map<string, Victims>>;
}
