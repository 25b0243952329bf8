/** A pod that waits to be scheduled (`pkg/scheduler/framework/types.go`, `QueuedPodInfo`). */
import type { PodInfo } from '../framework/pod-info.ts';
import type { QueuedPodInfo } from '../framework/types.ts';
import type { HeapItem } from './heap.ts';

export type QueueName = 'active' | 'backoff' | 'unschedulable' | 'gated';

export class QueuedPod implements QueuedPodInfo, HeapItem {
  podInfo: PodInfo;
  timestamp: number;
  attempts = 0;
  initialAttemptTimestamp: number | undefined;
  unschedulablePlugins: ReadonlySet<string> = none;
  pendingPlugins: ReadonlySet<string> = none;
  /** How often it was found unschedulable, and how often in a row something went wrong: both lengthen the back-off. */
  unschedulableCount = 0;
  consecutiveErrors = 0;
  /** Not before, by the monotonic clock; 0: any time. */
  backoffUntil = 0;
  /** Which plugin keeps it out of the queue. */
  gatedBy: string | undefined;
  /** Where it waits; undefined: it is being scheduled, or done with. */
  queue: QueueName | undefined;
  heapIndex = -1;
  /** The plugins under which it is found while it waits for an event. */
  waitsFor: readonly string[] = [];

  constructor(podInfo: PodInfo, timestamp: number) {
    this.podInfo = podInfo;
    this.timestamp = timestamp;
  }

  get key(): string {
    return this.podInfo.key;
  }

  get uid(): string {
    return this.podInfo.uid;
  }

  /** Somebody rejected it: waiting for an event makes sense. */
  get rejected(): boolean {
    return this.unschedulablePlugins.size > 0 || this.pendingPlugins.size > 0;
  }
}

const none: ReadonlySet<string> = new Set();
