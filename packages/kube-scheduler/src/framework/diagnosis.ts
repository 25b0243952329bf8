/** Why a pod fits no node (`pkg/scheduler/framework/types.go`, `Diagnosis`, `FitError`). */
import type { NodeInfo } from './node-info.ts';
import { Status } from './status.ts';
import type { NodeStatuses } from './types.ts';

const notLookedAt = Status.unresolvable();

export class Diagnosis implements NodeStatuses {
  /** How many nodes there are. */
  readonly allNodes: number;
  /** What PreFilter said when it turned the pod down as a whole. */
  preFilterMessage = '';
  postFilterMessage = '';
  readonly unschedulablePlugins = new Set<string>();
  readonly pendingPlugins = new Set<string>();
  /** For nodes without a status of their own. */
  absent: Status = notLookedAt;
  readonly #byNode = new Map<string, Status>();
  readonly #nodes: () => readonly NodeInfo[];

  constructor(nodes: () => readonly NodeInfo[]) {
    this.#nodes = nodes;
    this.allNodes = nodes().length;
  }

  get(nodeName: string): Status {
    return this.#byNode.get(nodeName) ?? this.absent;
  }

  nodesWithCode(code: Status['code']): readonly NodeInfo[] {
    return this.#nodes().filter(({ name }) => this.get(name).code === code);
  }

  set(nodeName: string, status: Status): void {
    this.#byNode.set(nodeName, status);
    this.blame(status);
  }

  /** Remembers who rejected the pod: those decide when it is worth another try. */
  blame(status: Status): void {
    if (status.plugin === '') return;
    if (status.code === 'Pending') this.pendingPlugins.add(status.plugin);
    if (status.rejected) this.unschedulablePlugins.add(status.plugin);
  }

  /** `0/3 nodes are available: 1 Insufficient cpu, 2 node(s) had untolerated taint {a: b}. preemption: …` */
  get message(): string {
    let text = `0/${this.allNodes} nodes are available:`;
    if (this.preFilterMessage !== '') text += ` ${this.preFilterMessage}.`;
    else text += this.#histogram();
    return this.postFilterMessage === '' ? text : `${text} ${this.postFilterMessage}`;
  }

  #histogram(): string {
    const counts = new Map<string, number>();
    const count = (status: Status, nodes: number): void => {
      for (const reason of status.reasons) counts.set(reason, (counts.get(reason) ?? 0) + nodes);
    };
    for (const status of this.#byNode.values()) count(status, 1);
    const left = this.allNodes - this.#byNode.size;
    if (left > 0) count(this.absent, left);
    const reasons = Array.from(counts, ([reason, nodes]) => `${nodes} ${reason}`);
    return reasons.length === 0 ? '' : ` ${reasons.sort().join(', ')}.`;
  }
}
