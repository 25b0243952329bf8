/** Keeps pods in the zones of their volumes, where volumes say so by labels (upstream `pkg/scheduler/framework/plugins/volumezone`). */
import { podClaims, storageClassOf } from '@kubets/api/core/helpers/persistent-volume';
import type { PersistentVolume, PersistentVolumeClaim } from '@kubets/api/types/core-v1';
import { StateKey, type CycleState, type StateData } from '../../framework/cycle-state.ts';
import type { NodeInfo } from '../../framework/node-info.ts';
import type { PodInfo } from '../../framework/pod-info.ts';
import { Status } from '../../framework/status.ts';
import {
  action,
  type ClusterEventWithHint,
  type FilterPlugin,
  type Handle,
  type Outcome,
  type PluginFactory,
  type PreFilterPlugin,
  type QueueingHintFn,
} from '../../framework/types.ts';
import {
  claimNotFound,
  classNotFound,
  ownClaimHint,
  VolumeLookup,
  volumeNotFound,
} from '../volumebinding/volume-lookup.ts';

const name = 'VolumeZone';

/** Labels that say where a volume or a node is, and what the old ones are called now. */
const currentLabel: Readonly<Record<string, string>> = {
  'failure-domain.beta.kubernetes.io/zone': 'topology.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region': 'topology.kubernetes.io/region',
  'topology.kubernetes.io/zone': 'topology.kubernetes.io/zone',
  'topology.kubernetes.io/region': 'topology.kubernetes.io/region',
};
const topologyLabels = Object.keys(currentLabel);

const conflict = Status.unresolvable('node(s) had no available volume zone').by(name);

/** One label of one volume: the node must have one of the values. */
interface Topology {
  readonly key: string;
  readonly values: ReadonlySet<string>;
}

/** Several zones are written `a__b`; a label with an empty one among them says nothing. */
function topologiesOf({ metadata }: Readonly<PersistentVolume>): Topology[] {
  return topologyLabels.flatMap((key) => {
    const zones = metadata.labels?.[key]?.split('__').map((zone) => zone.trim());
    return zones === undefined || zones.includes('') ? [] : [{ key, values: new Set(zones) }];
  });
}

class ZoneState implements StateData {
  readonly topologies: readonly Topology[];

  constructor(topologies: readonly Topology[]) {
    this.topologies = topologies;
  }

  clone(): this {
    return this;
  }
}

const stateKey = new StateKey<ZoneState>(name);

export class VolumeZone implements PreFilterPlugin, FilterPlugin {
  readonly name = name;
  readonly #lookup: VolumeLookup;

  constructor(handle: Handle) {
    this.#lookup = new VolumeLookup(handle);
  }

  eventsToRegister(): readonly ClusterEventWithHint[] {
    return [
      // A class that binds late makes a claim without a volume acceptable.
      { event: { resource: 'StorageClass', actionType: action.add } },
      { event: { resource: 'Node', actionType: action.add | action.updateNodeLabel } },
      { event: { resource: 'PersistentVolumeClaim', actionType: action.add | action.update }, hint: ownClaimHint },
      { event: { resource: 'PersistentVolume', actionType: action.add | action.update }, hint: topologyHint },
    ];
  }

  preFilter(state: CycleState, pod: PodInfo): Status | undefined {
    const topologies: Topology[] = [];
    for (const claim of podClaims(pod.pod)) {
      if (claim.ephemeral) continue;
      const found = this.#topologiesOfClaim(pod.namespace, claim.name);
      if (found instanceof Status) return found;
      topologies.push(...found);
    }
    if (topologies.length === 0) return Status.skip();
    state.set(stateKey, new ZoneState(topologies));
    return undefined;
  }

  filter(state: CycleState, _pod: PodInfo, { node }: NodeInfo): Outcome {
    const labels = node?.metadata.labels ?? {};
    // A node that says nothing of where it is may be anywhere.
    if (!topologyLabels.some((key) => labels[key] !== undefined)) return undefined;
    for (const { key, values } of state.need(stateKey).topologies) {
      const value = labels[key] ?? labels[currentLabel[key] ?? ''];
      if (value === undefined || !values.has(value)) return conflict;
    }
    return undefined;
  }

  /** Where the claim's volume is; nothing while it waits for the pod to be placed (`getPVbyPod`). */
  #topologiesOfClaim(namespace: string, claimName: string): readonly Topology[] | Status {
    if (claimName === '') return Status.unresolvable('PersistentVolumeClaim had no name');
    const claim = this.#lookup.claim(namespace, claimName);
    if (claim === undefined) return Status.unresolvable(claimNotFound(claimName));
    const { volumeName = '' } = claim.spec ?? {};
    if (volumeName === '') return this.#unboundClaim(claim) ?? [];
    const volume = this.#lookup.volume(volumeName);
    return volume === undefined ? Status.unresolvable(volumeNotFound(volumeName)) : topologiesOf(volume);
  }

  #unboundClaim(claim: Readonly<PersistentVolumeClaim>): Status | undefined {
    const className = storageClassOf(claim);
    if (className === '') {
      return Status.unresolvable('PersistentVolumeClaim had no pv name and storageClass name');
    }
    const storageClass = this.#lookup.storageClass(className);
    if (storageClass === undefined) return Status.unresolvable(classNotFound(className));
    const { volumeBindingMode } = storageClass;
    if (volumeBindingMode === undefined) {
      return Status.unresolvable(`VolumeBindingMode not set for StorageClass "${className}"`);
    }
    if (volumeBindingMode === 'WaitForFirstConsumer') return undefined;
    return Status.unresolvable('PersistentVolume had no name');
  }
}

/** A new volume, or one that has moved. */
const topologyHint: QueueingHintFn = (_pod, oldObject, newObject) => {
  if (oldObject === undefined || newObject === undefined) return 'Queue';
  const moved = topologyLabels.some((key) => oldObject.metadata.labels?.[key] !== newObject.metadata.labels?.[key]);
  return moved ? 'Queue' : 'QueueSkip';
};

export const volumeZone: PluginFactory = (_args, handle) => new VolumeZone(handle);
