/** A pod is not resized beyond what its node could ever give (`plugin/pkg/admission/podresize/admission.go`). */
import { podRequests } from '@kubets/api/core/helpers/pod-resources';
import type { Node, Pod } from '@kubets/api/types/core-v1';
import { parseQuantity, zeroQuantity } from '@kubets/apimachinery/quantity';
import type { CacheDirectory } from '../../storage/cache.ts';
import { forbid, isResource } from '../common/attributes.ts';
import { changeOfBoundPod, nodeOfPod } from '../common/pod-node.ts';
import type { AdmissionPlugin } from '../plugin.ts';

const osLabel = 'kubernetes.io/os';

/** What is too much, in milli-CPUs and bytes; '' when it fits. Pods beside it are not looked at. */
function tooLarge(pod: Readonly<Pod>, node: Readonly<Node>): string {
  const requested = podRequests(pod);
  const allocatable = node.status?.allocatable;
  const problems: string[] = [];
  for (const resource of ['cpu', 'memory'] as const) {
    const wanted = requested.get(resource) ?? zeroQuantity;
    const there = parseQuantity(allocatable?.[resource] ?? '0');
    const [a, b] = resource === 'cpu' ? [wanted.milliValue(), there.milliValue()] : [wanted.value(), there.value()];
    if (a > b) problems.push(`${resource}, requested: ${a}, allocatable: ${b}`);
  }
  return problems.join('; ');
}

export function podResizeValidator(deps: { caches: CacheDirectory }): AdmissionPlugin {
  const nodes = deps.caches.of({ group: '', resource: 'nodes' });
  return {
    name: 'PodResizeValidator',
    handles: (operation) => operation === 'UPDATE',
    validate(attributes) {
      if (!isResource(attributes, '', 'pods', 'resize')) return;
      const change = changeOfBoundPod(attributes);
      if (change === undefined) return;
      const node = nodeOfPod(nodes, change.nodeName, attributes);
      const problem = tooLarge(change.pod, node);
      if (problem !== '') throw forbid(attributes, `Node didn't have enough allocatable resources: ${problem}`);
      const system = node.metadata.labels?.[osLabel] ?? '';
      if (system === 'linux') return;
      const [name, what] = [JSON.stringify(change.nodeName), JSON.stringify(system)];
      throw forbid(attributes, `pod resize is only supported on linux nodes, node ${name} is ${what}`);
    },
  };
}
