/** Keeps pods off cordoned nodes (`pkg/scheduler/framework/plugins/nodeunschedulable`). */
import { tolerationsTolerateTaint } from '@kubets/api/core/helpers/taints';
import type { Node, Pod, Taint } from '@kubets/api/types/core-v1';
import type { NodeTable } from '../../cache/node-table.ts';
import type { FastHandle, FastPlugin, LocalKernel } from '../../fast/kernel.ts';
import type { CycleState } from '../../framework/cycle-state.ts';
import type { NodeInfo } from '../../framework/node-info.ts';
import type { PodInfo, PodShape } from '../../framework/pod-info.ts';
import { Status } from '../../framework/status.ts';
import { action, type ClusterEventWithHint, type Outcome } from '../../framework/types.ts';
import { nodeAddedOrChanged, nodeHint, ownUpdate } from '../helper/hints.ts';

const name = 'NodeUnschedulable';
const unschedulable = Status.unresolvable('node(s) were unschedulable').by(name);
const taint: Taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };

const tolerates = (pod: Readonly<Pod>): boolean => tolerationsTolerateTaint(pod.spec?.tolerations, taint);
const isOpen = (node: Readonly<Node> | undefined): boolean => node?.spec?.unschedulable !== true;

export class NodeUnschedulable implements FastPlugin {
  readonly name = name;
  readonly #table: NodeTable;

  constructor(_args: unknown, handle: FastHandle) {
    this.#table = handle.cluster.table;
  }

  eventsToRegister(): readonly ClusterEventWithHint[] {
    const change = action.updateNodeTaint;
    return [
      nodeAddedOrChanged(
        change,
        nodeHint((pod, node) => isOpen(node) || tolerates(pod)),
      ),
      ownUpdate(action.updatePodToleration, (_pod, _old, pod) => (tolerates(pod as Pod) ? 'Queue' : 'QueueSkip')),
    ];
  }

  filter(_state: CycleState, { pod }: PodInfo, { node }: NodeInfo): Outcome {
    return isOpen(node) || tolerates(pod) ? undefined : unschedulable;
  }

  localKernel(_shape: PodShape, { pod }: PodInfo): LocalKernel | undefined {
    if (tolerates(pod)) return undefined;
    const { infos } = this.#table;
    return {
      filterScope: 'node',
      filter: (row) => (isOpen(infos[row]?.node) ? undefined : unschedulable),
      scoreScope: 'none',
      score: () => 0,
    };
  }
}
