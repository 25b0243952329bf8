/** On which nodes a DaemonSet's pods belong (upstream `pkg/controller/daemon/daemon_controller.go`, `NodeShouldRunDaemonPod`). */
import { RequiredNodeAffinity } from '@kubets/api/core/helpers/node-affinity';
import { findUntoleratedTaint, type TolerationOptions } from '@kubets/api/core/helpers/taints';
import type { Node, PodTemplateSpec, Toleration } from '@kubets/api/types/core-v1';
import { daemonTolerations } from './daemon-pod.ts';

/** What a node is to a DaemonSet. `keep`: no new pod, but one that runs there may stay. */
export type Fit = 'run' | 'keep' | 'none';

/** One template against many nodes. */
export class NodeFit {
  readonly #nodeName: string;
  readonly #affinity: RequiredNodeAffinity;
  readonly #tolerations: readonly Toleration[];
  readonly #options: TolerationOptions;

  constructor(template: Readonly<PodTemplateSpec>, options: TolerationOptions = {}) {
    this.#nodeName = template.spec?.nodeName ?? '';
    this.#affinity = new RequiredNodeAffinity(template.spec);
    this.#tolerations = daemonTolerations(template.spec);
    this.#options = options;
  }

  of(node: Readonly<Node>): Fit {
    if (this.#nodeName !== '' && this.#nodeName !== node.metadata.name) return 'none';
    if (!this.#affinity.matches(node)) return 'none';
    const taints = node.spec?.taints;
    if (taints === undefined || taints.length === 0) return 'run';
    if (this.#untolerated(taints, ['NoSchedule', 'NoExecute']) === undefined) return 'run';
    return this.#untolerated(taints, ['NoExecute']) === undefined ? 'keep' : 'none';
  }

  #untolerated(
    taints: Parameters<typeof findUntoleratedTaint>[0],
    effects: Parameters<typeof findUntoleratedTaint>[2],
  ): ReturnType<typeof findUntoleratedTaint> {
    return findUntoleratedTaint(taints, this.#tolerations, effects, this.#options);
  }
}
