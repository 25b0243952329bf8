/** Pods as the tests of controllers make them and look at them. */
import type { Draft, Obj } from './cluster.ts';
import type { Collection } from './collection.ts';
import { containers } from './samples.ts';
import { lists } from './waiting.ts';

export interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
}

export interface PodStatus {
  readonly phase: string;
  readonly reason?: string;
  readonly podIP?: string;
  readonly conditions?: readonly Condition[];
}

export interface PodSpec {
  readonly nodeName?: string;
  readonly hostname?: string;
  readonly containers: readonly { readonly name: string; readonly image: string }[];
}

export interface OwnerReference {
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
}

/** What simulated pods do: see stages.yaml. On real nodes the container's command has to come to the same. */
export const acts = (stages: Readonly<Record<string, string>>): Draft =>
  Object.fromEntries(Object.entries(stages).map(([field, value]) => [`stages.kubets.dev/${field}`, value]));

export const pod = (name: string, spec: Draft = {}, metadata: Draft = {}): Draft => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, ...metadata },
  spec: { containers, terminationGracePeriodSeconds: 0, ...spec },
});

export const podStatus = (object: Obj): PodStatus => object['status'] as PodStatus;
export const podSpec = (object: Obj): PodSpec => object['spec'] as PodSpec;

/** A condition of a pod, a node or a workload. */
export const conditionOf = (object: Obj, type: string): Condition | undefined =>
  (object['status'] as { conditions?: readonly Condition[] } | undefined)?.conditions?.find(
    (condition) => condition.type === type,
  );

export const isTrue = (object: Obj, type: string): boolean => conditionOf(object, type)?.status === 'True';
export const isReady = (object: Obj): boolean => isTrue(object, 'Ready');
export const isLive = ({ metadata }: Obj): boolean => metadata.deletionTimestamp === undefined;

export const ownersOf = (object: Obj): readonly OwnerReference[] =>
  ((object.metadata as unknown as { ownerReferences?: readonly OwnerReference[] }).ownerReferences ??
    []) as readonly OwnerReference[];

/** The uid of the owner that controls it. */
export const controllerOf = (object: Obj): string | undefined =>
  ownersOf(object).find(({ controller }) => controller === true)?.uid;

/** Resolves to the pods of a selector once exactly so many are there, all ready and none on its way out. */
export function readyPods(pods: Collection, labelSelector: string, count: number): Promise<readonly Obj[]> {
  const fits = (all: readonly Obj[]): boolean => all.length === count && all.every((p) => isReady(p) && isLive(p));
  return lists(pods, { labelSelector }, fits, `${count} ready pods`);
}

export const namesOf = (objects: readonly Obj[]): string[] => objects.map(({ metadata }) => metadata.name).toSorted();
