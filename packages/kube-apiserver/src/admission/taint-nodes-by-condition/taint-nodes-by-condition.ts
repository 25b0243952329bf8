/** New nodes start tainted as not ready (`plugin/pkg/admission/nodetaint/admission.go`). */
import type { Node } from '@kubets/api/types/core-v1';
import { isResource } from '../common/attributes.ts';
import type { AdmissionPlugin } from '../plugin.ts';

const notReady = 'node.kubernetes.io/not-ready';

/** The node life-cycle controller takes the taint off once the node is ready. */
export function taintNodesByCondition(): AdmissionPlugin {
  return {
    name: 'TaintNodesByCondition',
    handles: (operation) => operation === 'CREATE',
    admit(attributes) {
      if (!isResource(attributes, '', 'nodes')) return;
      const node = attributes.object as unknown as Node;
      node.spec ??= {};
      const taints = node.spec.taints ?? [];
      if (taints.some((taint) => taint.key === notReady && taint.effect === 'NoSchedule')) return;
      node.spec.taints = [...taints, { key: notReady, effect: 'NoSchedule' }];
    },
  };
}
