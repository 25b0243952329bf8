/** The plugins that come with the scheduler, by name (`pkg/scheduler/framework/plugins/registry.go`). */
import type { FastHandle } from '../fast/kernel.ts';
import type { Registry } from '../framework/profile.ts';
import type { AnyPlugin } from '../framework/types.ts';
import { DefaultBinder } from './defaultbinder/default-binder.ts';
import { defaultPreemption } from './defaultpreemption/default-preemption.ts';
import { dynamicResources } from './dynamicresources/dynamic-resources.ts';
import { ImageLocality } from './imagelocality/image-locality.ts';
import { InterPodAffinity } from './interpodaffinity/inter-pod-affinity.ts';
import { NodeAffinity } from './nodeaffinity/node-affinity.ts';
import { NodeDeclaredFeatures } from './nodedeclaredfeatures/node-declared-features.ts';
import { NodeName } from './nodename/node-name.ts';
import { NodePorts } from './nodeports/node-ports.ts';
import { NodeResourcesBalancedAllocation } from './noderesources/balanced-allocation.ts';
import { NodeResourcesFit } from './noderesources/fit.ts';
import { NodeUnschedulable } from './nodeunschedulable/node-unschedulable.ts';
import { nodeVolumeLimits } from './nodevolumelimits/node-volume-limits.ts';
import { PodTopologySpread } from './podtopologyspread/pod-topology-spread.ts';
import { PrioritySort } from './queuesort/priority-sort.ts';
import { SchedulingGates } from './schedulinggates/scheduling-gates.ts';
import { TaintToleration } from './tainttoleration/taint-toleration.ts';
import { volumeBinding } from './volumebinding/volume-binding.ts';
import { volumeRestrictions } from './volumerestrictions/volume-restrictions.ts';
import { volumeZone } from './volumezone/volume-zone.ts';

type PluginClass<A> = new (args: A, handle: FastHandle) => AnyPlugin;
type Factory = Registry[string];

/** Arguments come defaulted and validated from the configuration. */
const made =
  <A>(plugin: PluginClass<A>): Factory =>
  (args: Readonly<Record<string, unknown>>, handle: FastHandle) =>
    new plugin(args as A, handle);

export const pluginRegistry: Registry = {
  DefaultBinder: made(DefaultBinder),
  DefaultPreemption: defaultPreemption,
  DynamicResources: dynamicResources,
  ImageLocality: made(ImageLocality),
  InterPodAffinity: made(InterPodAffinity),
  NodeAffinity: made(NodeAffinity),
  NodeDeclaredFeatures: made(NodeDeclaredFeatures),
  NodeName: made(NodeName),
  NodePorts: made(NodePorts),
  NodeResourcesBalancedAllocation: made(NodeResourcesBalancedAllocation),
  NodeResourcesFit: made(NodeResourcesFit),
  NodeUnschedulable: made(NodeUnschedulable),
  NodeVolumeLimits: nodeVolumeLimits,
  PodTopologySpread: made(PodTopologySpread),
  PrioritySort: made(PrioritySort),
  SchedulingGates: made(SchedulingGates),
  TaintToleration: made(TaintToleration),
  VolumeBinding: volumeBinding,
  VolumeRestrictions: volumeRestrictions,
  VolumeZone: volumeZone,
};
