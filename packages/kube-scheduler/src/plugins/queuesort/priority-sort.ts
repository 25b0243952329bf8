/** Pods of higher priority first, then those that wait longer (`pkg/scheduler/framework/plugins/queuesort/priority_sort.go`). */
import type { QueuedPodInfo, QueueSortPlugin } from '../../framework/types.ts';

export class PrioritySort implements QueueSortPlugin {
  readonly name = 'PrioritySort';

  less(a: QueuedPodInfo, b: QueuedPodInfo): boolean {
    const difference = a.podInfo.priority - b.podInfo.priority;
    return difference > 0 || (difference === 0 && a.timestamp < b.timestamp);
  }
}
