/**
 * What nodes say they can do in `status.declaredFeatures`, and what pods need of them (KEP-5328; upstream
 * `k8s.io/component-helpers/nodedeclaredfeatures`: `framework.go`, `features/registry.go` and the folders beside it).
 *
 * Needs are inferred whatever the feature gates say: a node whose gate is off does not declare the feature.
 */
import { parseQuantity } from '@kubets/apimachinery/quantity';
import type { Container, Node, Pod, PodSpec, ResourceRequirements } from '../../generated/types/core-v1.ts';

/** The features that 1.36 knows, in the order in which nodes list them. */
export const declarableFeatures = [
  'ExtendWebSocketsToKubelet',
  'GuaranteedQoSPodCPUResize',
  'InPlacePodLevelResourcesVerticalScaling',
  'InPlacePodVerticalScalingInitContainers',
  'RestartAllContainersOnContainerExits',
  'UserNamespacesHostNetworkSupport',
] as const;
export type DeclarableFeature = (typeof declarableFeatures)[number];

type Needs = (old: Readonly<Pod>, pod: Readonly<Pod>) => boolean;

const nothing: readonly DeclarableFeature[] = [];

const restartsAll = ({ restartPolicyRules }: Readonly<Container>): boolean =>
  restartPolicyRules?.some(({ action }) => action === 'RestartAllContainers') ?? false;

/**
 * What a node must declare for the pod to run there (`InferForPodScheduling`), in order; nearly always nothing, and then always
 * the same empty list.
 */
export function featuresForScheduling(spec: Readonly<PodSpec> | undefined): readonly DeclarableFeature[] {
  if (spec === undefined) return nothing;
  const restarts = (spec.containers?.some(restartsAll) ?? false) || (spec.initContainers?.some(restartsAll) ?? false);
  const userNamespace = spec.hostNetwork === true && spec.hostUsers === false;
  if (!restarts && !userNamespace) return nothing;
  const needed: DeclarableFeature[] = [];
  if (restarts) needed.push('RestartAllContainersOnContainerExits');
  if (userNamespace) needed.push('UserNamespacesHostNetworkSupport');
  return needed;
}

function sameAmounts(
  a: Readonly<Record<string, string>> | undefined,
  b: Readonly<Record<string, string>> | undefined,
): boolean {
  const names = Object.keys(a ?? {});
  if (names.length !== Object.keys(b ?? {}).length) return false;
  return names.every((name) => {
    const other = b?.[name];
    return other !== undefined && parseQuantity(a?.[name] ?? '0').equals(parseQuantity(other));
  });
}

function sameResources(a: Readonly<ResourceRequirements> = {}, b: Readonly<ResourceRequirements> = {}): boolean {
  if (!sameAmounts(a.limits, b.limits) || !sameAmounts(a.requests, b.requests)) return false;
  return JSON.stringify(a.claims ?? []) === JSON.stringify(b.claims ?? []);
}

const cpuOf = (container: Readonly<Container> | undefined) =>
  parseQuantity(container?.resources?.requests?.['cpu'] ?? '0');

const resizesGuaranteedCPU: Needs = (old, pod) => {
  if (old.status !== undefined && old.status.qosClass !== 'Guaranteed') return false;
  const containers = pod.spec?.containers;
  return old.spec?.containers?.some((before, i) => !cpuOf(before).equals(cpuOf(containers?.[i]))) ?? false;
};

const resizesPod: Needs = (old, pod) => {
  const [before, after] = [old.spec?.resources, pod.spec?.resources];
  if (before === undefined && after === undefined) return false;
  return before === undefined || after === undefined || !sameResources(before, after);
};

const resizesInitContainer: Needs = (old, pod) => {
  const after = pod.spec?.initContainers;
  const changed = (before: Readonly<Container>, i: number): boolean =>
    before.restartPolicy !== 'Always' && !sameResources(before.resources, after?.[i]?.resources);
  return old.spec?.initContainers?.some(changed) ?? false;
};

const updateNeeds: readonly (readonly [DeclarableFeature, Needs])[] = [
  ['GuaranteedQoSPodCPUResize', resizesGuaranteedCPU],
  ['InPlacePodLevelResourcesVerticalScaling', resizesPod],
  ['InPlacePodVerticalScalingInitContainers', resizesInitContainer],
];

/** What the pod's node must declare for this change of the pod (`InferForPodUpdate`), in order. */
export function featuresForUpdate(old: Readonly<Pod>, pod: Readonly<Pod>): readonly DeclarableFeature[] {
  return updateNeeds.filter(([, needs]) => needs(old, pod)).map(([feature]) => feature);
}

/** Which of the needed features the node does not declare, in their order (`MatchNode`). */
export function undeclaredFeatures(
  needed: readonly DeclarableFeature[],
  node: Readonly<Node> | undefined,
): readonly DeclarableFeature[] {
  const declared = node?.status?.declaredFeatures;
  return needed.filter((feature) => declared?.includes(feature) !== true);
}

/** Whether the node declares all of them. */
export function declaresAll(needed: readonly DeclarableFeature[], node: Readonly<Node> | undefined): boolean {
  const declared = node?.status?.declaredFeatures;
  for (const feature of needed) if (declared?.includes(feature) !== true) return false;
  return true;
}
