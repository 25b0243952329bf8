/** Deprecated node labels (`pkg/api/node/util.go`). */
import type { NodeSelectorTerm } from '../../generated/types/core-v1.ts';
import { labelValue } from './pod-names.ts';

const deprecated: Readonly<Record<string, string>> = {
  'beta.kubernetes.io/arch': 'deprecated since v1.14; use "kubernetes.io/arch" instead',
  'beta.kubernetes.io/os': 'deprecated since v1.14; use "kubernetes.io/os" instead',
  'failure-domain.beta.kubernetes.io/region': 'deprecated since v1.17; use "topology.kubernetes.io/region" instead',
  'failure-domain.beta.kubernetes.io/zone': 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
  'beta.kubernetes.io/instance-type': 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
};

/** What to say about the label; undefined when it is current. */
export function deprecatedLabel(key: string): string | undefined {
  return Object.hasOwn(deprecated, key) ? deprecated[key] : undefined;
}

/** With `values`, also about values that no node can have. */
export function nodeTermWarnings(
  term: NodeSelectorTerm,
  { path, values }: { path: string; values: boolean },
): string[] {
  return (term.matchExpressions ?? []).flatMap(({ key, values: list = [] }, i) => {
    const message = deprecatedLabel(key);
    const at = `${path}.matchExpressions[${i}]`;
    const found = message === undefined ? [] : [`${at}.key: ${key} is ${message}`];
    if (!values) return found;
    const wrong = list.flatMap((value, j) =>
      labelValue(value).map((text) => `${at}.values[${j}]: ${value} is invalid, ${text}`),
    );
    return [...found, ...wrong];
  });
}
