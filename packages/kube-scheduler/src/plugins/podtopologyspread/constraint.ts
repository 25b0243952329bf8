/** Constraints of spreading, compiled (`pkg/scheduler/framework/plugins/podtopologyspread/common.go`). */
import { compileLabelSelector } from '@kubets/apimachinery/label-selector';
import { newRequirement, Selector } from '@kubets/apimachinery/labels';
import type { Pod, TopologySpreadConstraint } from '@kubets/api/types/core-v1';

export type Action = TopologySpreadConstraint['whenUnsatisfiable'];

export interface Constraint {
  readonly maxSkew: number;
  readonly topologyKey: string;
  readonly selector: Selector;
  readonly minDomains: number;
  /** Only nodes that the pod's node affinity allows count. */
  readonly honorsAffinity: boolean;
  /** Only nodes whose taints the pod tolerates count. */
  readonly honorsTaints: boolean;
}

/** Labels of the pod that the constraint names join its selector. */
function withMatchLabelKeys(selector: Selector, keys: readonly string[], pod: Readonly<Pod>): Selector {
  const { labels = {} } = pod.metadata;
  const requirements = keys.flatMap((key) => {
    const value = labels[key];
    return value === undefined ? [] : [newRequirement(key, 'in', [value])];
  });
  if (requirements.length === 0) return selector;
  return selector.selectsNothing ? Selector.of(requirements) : selector.and(...requirements);
}

/** Of a pod's constraints, those of one kind. Throws when a selector is invalid. */
export function compileConstraints(
  constraints: readonly Readonly<TopologySpreadConstraint>[],
  action: Action,
  pod: Readonly<Pod>,
): Constraint[] {
  return constraints
    .filter(({ whenUnsatisfiable }) => whenUnsatisfiable === action)
    .map((constraint) => ({
      maxSkew: constraint.maxSkew,
      topologyKey: constraint.topologyKey,
      selector: withMatchLabelKeys(
        compileLabelSelector(constraint.labelSelector),
        constraint.matchLabelKeys ?? [],
        pod,
      ),
      minDomains: constraint.minDomains ?? 1,
      honorsAffinity: (constraint.nodeAffinityPolicy ?? 'Honor') === 'Honor',
      honorsTaints: (constraint.nodeTaintsPolicy ?? 'Ignore') === 'Honor',
    }));
}
