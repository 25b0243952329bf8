/** Taints and labels that follow from what a node says of itself (upstream `doNoScheduleTaintingPass`, `reconcileNodeLabels`). Pure. */
import { sameTaint } from '@kubets/api/core/helpers/taints';
import type { Node, Taint } from '@kubets/api/types/core-v1';
import type { TaintChange } from '../lib/node-taints.ts';

const unreachableKey = 'node.kubernetes.io/unreachable';
const notReadyKey = 'node.kubernetes.io/not-ready';
const unschedulableKey = 'node.kubernetes.io/unschedulable';

/** For pods that are there: they are evicted unless they tolerate it. */
export const unreachable: Taint = { key: unreachableKey, effect: 'NoExecute' };
export const notReady: Taint = { key: notReadyKey, effect: 'NoExecute' };

/** Condition → status → taint. */
const keyOfCondition: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  Ready: { False: notReadyKey, Unknown: unreachableKey },
  MemoryPressure: { True: 'node.kubernetes.io/memory-pressure' },
  DiskPressure: { True: 'node.kubernetes.io/disk-pressure' },
  NetworkUnavailable: { True: 'node.kubernetes.io/network-unavailable' },
  PIDPressure: { True: 'node.kubernetes.io/pid-pressure' },
};

const managedKeys: ReadonlySet<string> = new Set([
  unschedulableKey,
  ...Object.values(keyOfCondition).flatMap((keys) => Object.values(keys)),
]);

function wantedTaints(node: Readonly<Node>): Taint[] {
  const taints: Taint[] = [];
  for (const { type, status } of node.status?.conditions ?? []) {
    const key = Object.hasOwn(keyOfCondition, type) ? keyOfCondition[type]?.[status] : undefined;
    if (key !== undefined) taints.push({ key, effect: 'NoSchedule' });
  }
  if (node.spec?.unschedulable === true) taints.push({ key: unschedulableKey, effect: 'NoSchedule' });
  return taints;
}

/** Which NoSchedule taints to add and to remove; undefined when they are right. */
export function conditionTaints(node: Readonly<Node>): TaintChange | undefined {
  const wanted = wantedTaints(node);
  const present = (node.spec?.taints ?? []).filter((t) => t.effect === 'NoSchedule' && managedKeys.has(t.key));
  const add = wanted.filter((taint) => !present.some((other) => sameTaint(taint, other)));
  const remove = present.filter((taint) => !wanted.some((other) => sameTaint(taint, other)));
  return add.length === 0 && remove.length === 0 ? undefined : { add, remove };
}

/** The older names of labels follow the newer ones. */
const olderLabels: readonly (readonly [label: string, older: string])[] = [
  ['kubernetes.io/os', 'beta.kubernetes.io/os'],
  ['kubernetes.io/arch', 'beta.kubernetes.io/arch'],
];

/** Labels to set; undefined when they are right. */
export function labelsToSet(node: Readonly<Node>): Record<string, string> | undefined {
  const labels = node.metadata.labels;
  if (labels === undefined) return undefined;
  const wrong = olderLabels.flatMap(([label, older]): [string, string][] => {
    const value = labels[label];
    return value === undefined || value === labels[older] ? [] : [[older, value]];
  });
  return wrong.length === 0 ? undefined : Object.fromEntries(wrong);
}
