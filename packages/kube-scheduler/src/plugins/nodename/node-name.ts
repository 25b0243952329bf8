/** A pod that names its node fits no other (`pkg/scheduler/framework/plugins/nodename`). */
import type { CycleState } from '../../framework/cycle-state.ts';
import type { NodeInfo } from '../../framework/node-info.ts';
import type { PodInfo } from '../../framework/pod-info.ts';
import { Status } from '../../framework/status.ts';
import { action, type ClusterEventWithHint, type Outcome } from '../../framework/types.ts';
import type { FastPlugin } from '../../fast/kernel.ts';

const name = 'NodeName';
const otherNode = Status.unresolvable("node(s) didn't match the requested node name").by(name);

export class NodeName implements FastPlugin {
  readonly name = name;

  eventsToRegister(): readonly ClusterEventWithHint[] {
    return [{ event: { resource: 'Node', actionType: action.add } }];
  }

  filter(_state: CycleState, { pod }: PodInfo, node: NodeInfo): Outcome {
    const wanted = pod.spec?.nodeName ?? '';
    return wanted === '' || wanted === node.name ? undefined : otherNode;
  }

  /** Pods that name a node are bound already and never come here. */
  localKernel(): undefined {
    return undefined;
  }
}
