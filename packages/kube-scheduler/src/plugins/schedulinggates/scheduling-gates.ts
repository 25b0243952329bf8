/** Pods with gates wait outside the queue (`pkg/scheduler/framework/plugins/schedulinggates/scheduling_gates.go`). */
import type { Pod } from '@kubets/api/types/core-v1';
import { Status } from '../../framework/status.ts';
import { action, type ClusterEventWithHint, type Outcome, type PreEnqueuePlugin } from '../../framework/types.ts';

export class SchedulingGates implements PreEnqueuePlugin {
  readonly name = 'SchedulingGates';

  eventsToRegister(): readonly ClusterEventWithHint[] {
    return [
      {
        event: { resource: 'UnschedulablePod', actionType: action.updatePodSchedulingGatesEliminated },
        hint: (pod, _old, changed) => (changed?.metadata.uid === pod.metadata.uid ? 'Queue' : 'QueueSkip'),
      },
    ];
  }

  preEnqueue({ spec }: Readonly<Pod>): Outcome {
    const gates = spec?.schedulingGates ?? [];
    if (gates.length === 0) return undefined;
    const names = gates.map((gate) => gate.name).join(' ');
    return Status.unresolvable(`waiting for scheduling gates: [${names}]`);
  }
}
