/** A port of the host is held by one pod at a time (`pkg/scheduler/framework/plugins/nodeports`). */
import type { Pod } from '@kubets/api/types/core-v1';
import type { NodeTable } from '../../cache/node-table.ts';
import type { FastHandle, FastPlugin, LocalKernel } from '../../fast/kernel.ts';
import type { CycleState } from '../../framework/cycle-state.ts';
import { hostPortsOf, UsedPorts, type HostPort } from '../../framework/host-ports.ts';
import type { NodeInfo } from '../../framework/node-info.ts';
import type { PodInfo, PodShape } from '../../framework/pod-info.ts';
import { Status } from '../../framework/status.ts';
import { action, type ClusterEventWithHint, type Outcome, type QueueingHint } from '../../framework/types.ts';
import { asPod } from '../helper/hints.ts';

const name = 'NodePorts';
const taken = Status.unschedulable("node(s) didn't have free ports for the requested pod ports").by(name);

function conflict(wanted: readonly HostPort[], used: UsedPorts): boolean {
  for (const port of wanted) if (used.conflicts(port)) return true;
  return false;
}

export class NodePorts implements FastPlugin {
  readonly name = name;
  readonly #table: NodeTable;

  constructor(_args: unknown, handle: FastHandle) {
    this.#table = handle.cluster.table;
  }

  eventsToRegister(): readonly ClusterEventWithHint[] {
    return [
      {
        event: { resource: 'AssignedPod', actionType: action.delete },
        hint: (pod, old) => freesPort(pod, asPod(old)),
      },
      { event: { resource: 'Node', actionType: action.add } },
    ];
  }

  preFilter(_state: CycleState, { shape }: PodInfo): Status | undefined {
    return shape.hostPorts.length === 0 ? Status.skip() : undefined;
  }

  filter(_state: CycleState, { shape }: PodInfo, { usedPorts }: NodeInfo): Outcome {
    return conflict(shape.hostPorts, usedPorts) ? taken : undefined;
  }

  localKernel({ hostPorts }: PodShape): LocalKernel | undefined {
    if (hostPorts.length === 0) return undefined;
    const { infos } = this.#table;
    return {
      filterScope: 'pods',
      filter: (row) => {
        const info = infos[row];
        return info !== undefined && info.usedPorts.size > 0 && conflict(hostPorts, info.usedPorts) ? taken : undefined;
      },
      scoreScope: 'none',
      score: () => 0,
    };
  }
}

function freesPort(pod: Readonly<Pod>, gone: Readonly<Pod> | undefined): QueueingHint {
  if (gone === undefined) return 'Queue';
  const used = new UsedPorts();
  for (const port of hostPortsOf(gone)) used.add(port);
  return conflict(hostPortsOf(pod), used) ? 'Queue' : 'QueueSkip';
}
