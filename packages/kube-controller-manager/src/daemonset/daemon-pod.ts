/** The pods of a DaemonSet (upstream `pkg/controller/daemon/util/daemonset_util.go`). */
import { sameToleration } from '@kubets/api/core/helpers/taints';
import type { DaemonSet, DaemonSetSpec } from '@kubets/api/types/apps-v1';
import type { Affinity, Pod, PodSpec, PodTemplateSpec, Toleration } from '@kubets/api/types/core-v1';
import { daemonSets } from '@kubets/client/resources';
import { podRevisionLabel } from '../history/controller-revision.ts';
import { controllerRef } from '../lib/owner-references.ts';
import { podFromTemplate } from '../lib/pod-control.ts';

/** A DaemonSet as the server has it: with its specification. */
export type Daemon = Readonly<DaemonSet> & { readonly spec: Readonly<DaemonSetSpec> };

const generationAnnotation = 'deprecated.daemonset.template.generation';
const generationLabel = 'pod-template-generation';

type Tolerated = readonly [key: string, effect: NonNullable<Toleration['effect']>];

/** What happens to nodes that daemons have to go through with. */
const tolerated: readonly Tolerated[] = [
  ['node.kubernetes.io/not-ready', 'NoExecute'],
  ['node.kubernetes.io/unreachable', 'NoExecute'],
  ['node.kubernetes.io/disk-pressure', 'NoSchedule'],
  ['node.kubernetes.io/memory-pressure', 'NoSchedule'],
  ['node.kubernetes.io/pid-pressure', 'NoSchedule'],
  ['node.kubernetes.io/unschedulable', 'NoSchedule'],
];
/** A daemon on the host's network may be what makes the network available. */
const toleratedOnHostNetwork: Tolerated = ['node.kubernetes.io/network-unavailable', 'NoSchedule'];

/** The tolerations of a daemon's pods: those of the template and those that all daemons have (`AddOrUpdateDaemonPodTolerations`). */
export function daemonTolerations(spec: Readonly<PodSpec> | undefined): Toleration[] {
  const wanted = spec?.hostNetwork === true ? [...tolerated, toleratedOnHostNetwork] : tolerated;
  let tolerations: Toleration[] = [...(spec?.tolerations ?? [])];
  for (const [key, effect] of wanted) {
    const added: Toleration = { key, operator: 'Exists', effect };
    // The same one with a limit of seconds loses its limit.
    if (tolerations.some((given) => sameToleration(given, added)))
      tolerations = tolerations.map((given) => (sameToleration(given, added) ? added : given));
    else tolerations.push(added);
  }
  return tolerations;
}

/** The affinity that binds a pod to one node by the default scheduler (`ReplaceDaemonSetPodNodeNameNodeAffinity`). */
export function boundTo(affinity: Readonly<Affinity> | undefined, nodeName: string): Affinity {
  const matchFields = [{ key: 'metadata.name', operator: 'In' as const, values: [nodeName] }];
  return {
    ...affinity,
    nodeAffinity: {
      ...affinity?.nodeAffinity,
      requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchFields }] },
    },
  };
}

/** The pod of a node, not created yet; named by the server. `hash` is that of the present revision. */
export function newDaemonPod(daemon: Daemon, hash: string, nodeName: string): Pod {
  const { template } = daemon.spec;
  const generation = daemon.metadata.annotations?.[generationAnnotation];
  const labels = {
    ...template.metadata?.labels,
    ...(generation !== undefined && /^[+-]?[0-9]+$/.test(generation) && { [generationLabel]: generation }),
    [podRevisionLabel]: hash,
  };
  const full: PodTemplateSpec = {
    metadata: { ...template.metadata, labels },
    spec: {
      ...(template.spec ?? { containers: [] }),
      affinity: boundTo(template.spec?.affinity, nodeName),
      tolerations: daemonTolerations(template.spec),
    },
  };
  return podFromTemplate(full, daemon, controllerRef(daemon, daemonSets));
}

/** Whether the pod is of the present revision (`IsPodUpdated`). */
export const isUpdated = (pod: Readonly<Pod>, hash: string): boolean =>
  pod.metadata.labels?.[podRevisionLabel] === hash;

/** The node that the pod is on or is to go to; undefined when it says none (`GetTargetNodeName`). */
export function targetNode(pod: Readonly<Pod>): string | undefined {
  const { nodeName, affinity } = pod.spec ?? {};
  if (nodeName !== undefined && nodeName !== '') return nodeName;
  const required = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  for (const term of required?.nodeSelectorTerms ?? []) {
    const field = term.matchFields?.find(({ key, operator }) => key === 'metadata.name' && operator === 'In');
    if (field !== undefined) return field.values?.length === 1 ? field.values[0] : undefined;
  }
  return undefined;
}

/** Pods that have a node first, then the oldest first (`podByCreationTimestampAndPhase`). */
export function compareDaemonPods(a: Readonly<Pod>, b: Readonly<Pod>): number {
  const [left, right] = [(a.spec?.nodeName ?? '') === '', (b.spec?.nodeName ?? '') === ''];
  if (left !== right) return left ? 1 : -1;
  const [since, until] = [a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? ''];
  if (since !== until) return since < until ? -1 : 1;
  return (a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1;
}
