/** What makes a pod the n-th of its StatefulSet: name, labels, storage (upstream `pkg/controller/statefulset/stateful_set_utils.go`). */
import type { StatefulSet, StatefulSetSpec } from '@kubets/api/types/apps-v1';
import type { PersistentVolumeClaim, Pod, PodTemplateSpec, Volume } from '@kubets/api/types/core-v1';
import { statefulSets } from '@kubets/client/resources';
import { podRevisionLabel } from '../history/controller-revision.ts';
import { controllerRef } from '../lib/owner-references.ts';
import { podFromTemplate } from '../lib/pod-control.ts';

/** A StatefulSet as the server has it: with its specification. */
export type Stateful = Readonly<StatefulSet> & { readonly spec: Readonly<StatefulSetSpec> };

/** Holds the pod's name. */
const podNameLabel = 'statefulset.kubernetes.io/pod-name';
/** Holds the pod's ordinal. */
const podIndexLabel = 'apps.kubernetes.io/pod-index';

/** The set's name and the ordinal that a pod's name spells; -1 when it spells none (`getParentNameAndOrdinal`). */
function parentAndOrdinal(podName: string | undefined): { readonly parent: string; readonly ordinal: number } {
  const dash = podName?.lastIndexOf('-') ?? -1;
  if (podName === undefined || dash < 0) return { parent: '', ordinal: -1 };
  const digits = podName.slice(dash + 1);
  if (!/^[0-9]+$/.test(digits)) return { parent: '', ordinal: -1 };
  const ordinal = Number(digits);
  return { parent: podName.slice(0, dash), ordinal: ordinal <= 0x7fffffff ? ordinal : -1 };
}

export const ordinalOf = (pod: Readonly<Pod>): number => parentAndOrdinal(pod.metadata.name).ordinal;

/** Whether the pod is named after the set (`isMemberOf`). */
export const isMemberOf = (set: Readonly<StatefulSet>, pod: Readonly<Pod>): boolean =>
  parentAndOrdinal(pod.metadata.name).parent === set.metadata.name;

export const podName = (set: Readonly<StatefulSet>, ordinal: number): string => `${set.metadata.name}-${ordinal}`;

/** The first ordinal. */
export const startOrdinal = (set: Stateful): number => set.spec.ordinals?.start ?? 0;

export const replicasOf = (set: Stateful): number => set.spec.replicas ?? 1;

/** Whether the pod is one of those that the set wants at its present scale (`podInOrdinalRange`). */
export function isInOrdinalRange(set: Stateful, pod: Readonly<Pod>): boolean {
  const ordinal = ordinalOf(pod);
  const start = startOrdinal(set);
  return ordinal >= start && ordinal < start + replicasOf(set);
}

/** The revision that the pod was made from, '' when it does not say. */
export const podRevision = (pod: Readonly<Pod>): string => pod.metadata.labels?.[podRevisionLabel] ?? '';

/** The claim that a template makes for an ordinal. */
const claimName = (set: Readonly<StatefulSet>, template: string, ordinal: number): string =>
  `${template}-${set.metadata.name}-${ordinal}`;

const templatesOf = (set: Stateful): readonly Readonly<PersistentVolumeClaim>[] => set.spec.volumeClaimTemplates ?? [];

/** The names of the claims of an ordinal, in the order of their templates. */
export const claimNames = (set: Stateful, ordinal: number): string[] =>
  templatesOf(set).map((template) => claimName(set, template.metadata.name ?? '', ordinal));

/** The claims of an ordinal as they are to be created (`getPersistentVolumeClaims`). */
export function claimsOf(set: Stateful, ordinal: number): PersistentVolumeClaim[] {
  return templatesOf(set).map((template) => {
    const labels = { ...template.metadata.labels, ...set.spec.selector.matchLabels };
    const { name = '', labels: _, ...metadata } = template.metadata;
    return {
      ...structuredClone(template),
      kind: 'PersistentVolumeClaim',
      apiVersion: 'v1',
      metadata: {
        ...structuredClone(metadata),
        name: claimName(set, name, ordinal),
        namespace: set.metadata.namespace ?? '',
        ...(Object.keys(labels).length > 0 && { labels }),
      },
    };
  });
}

/** Whether the pod is named and labelled as its ordinal demands (`identityMatches`). */
export function identityMatches(set: Stateful, pod: Readonly<Pod>): boolean {
  const { parent, ordinal } = parentAndOrdinal(pod.metadata.name);
  const { name } = pod.metadata;
  return (
    ordinal >= 0 &&
    parent === set.metadata.name &&
    name === podName(set, ordinal) &&
    pod.metadata.labels?.[podNameLabel] === name
  );
}

/** Whether every claim template has its volume in the pod (`storageMatches`). */
export function storageMatches(set: Stateful, pod: Readonly<Pod>): boolean {
  const ordinal = ordinalOf(pod);
  if (ordinal < 0) return false;
  return templatesOf(set).every(({ metadata: { name = '' } }) => {
    const volume = pod.spec?.volumes?.findLast((candidate) => candidate.name === name);
    return volume?.persistentVolumeClaim?.claimName === claimName(set, name, ordinal);
  });
}

/** The pod with the labels of its ordinal (`updateIdentity`). */
export function withIdentity(set: Stateful, pod: Readonly<Pod>): Pod {
  const ordinal = ordinalOf(pod);
  const name = podName(set, ordinal);
  const labels = { ...pod.metadata.labels, [podNameLabel]: name, [podIndexLabel]: String(ordinal) };
  return { ...pod, metadata: { ...pod.metadata, name, namespace: set.metadata.namespace ?? '', labels } };
}

/** The pod with a volume for each claim template; those of the same name are replaced (`updateStorage`). */
export function withStorage(set: Stateful, pod: Readonly<Pod>): Pod {
  const templates = templatesOf(set);
  if (templates.length === 0 || pod.spec === undefined) return pod;
  const ordinal = ordinalOf(pod);
  const names = new Set(templates.map((template) => template.metadata.name));
  const claims = templates.map(({ metadata: { name = '' } }): Volume => {
    return { name, persistentVolumeClaim: { claimName: claimName(set, name, ordinal) } };
  });
  const others = (pod.spec.volumes ?? []).filter((volume) => !names.has(volume.name));
  return { ...pod, spec: { ...pod.spec, volumes: [...claims, ...others] } };
}

/** A pod template of the set's past or present, under the name of its revision. */
export interface RevisionTemplate {
  readonly name: string;
  readonly template: Readonly<PodTemplateSpec>;
}

/** The pod of an ordinal, not created yet (`newStatefulSetPod`). */
export function newPod(set: Stateful, revision: RevisionTemplate, ordinal: number): Pod {
  const fromTemplate = podFromTemplate(revision.template, set, controllerRef(set, statefulSets));
  const name = podName(set, ordinal);
  const labels = {
    ...fromTemplate.metadata.labels,
    [podNameLabel]: name,
    [podIndexLabel]: String(ordinal),
    [podRevisionLabel]: revision.name,
  };
  const { serviceName = '' } = set.spec;
  const pod: Pod = { ...fromTemplate, metadata: { ...fromTemplate.metadata, name, labels } };
  if (pod.spec !== undefined) {
    pod.spec = { ...pod.spec, hostname: name };
    if (serviceName === '') delete pod.spec.subdomain;
    else pod.spec.subdomain = serviceName;
  }
  return withStorage(set, pod);
}

/** Of which revision a missing pod is made: the current one below the partition of a rolling update (`newVersionedStatefulSetPod`). */
export function isCurrentRevisionNeeded(set: Stateful, ordinal: number): boolean {
  const { type, rollingUpdate } = set.spec.updateStrategy ?? {};
  const below = (count: number): boolean => ordinal < startOrdinal(set) + count;
  if (rollingUpdate !== undefined) return below(rollingUpdate.partition ?? 0);
  return type === 'RollingUpdate' && below(set.status?.currentReplicas ?? 0);
}
