/** Why a pod fits no node (`pkg/scheduler/framework/types.go`, `Diagnosis`, `FitError`). */
import type { NodeInfo } from './node-info.ts';
import { Status } from './status.ts';
import type { NodeStatuses } from './types.ts';

const notLookedAt = Status.unresolvable();

export class Diagnosis implements NodeStatuses {
  /** What PreFilter said when it turned the pod down as a whole. */
  preFilterMessage = '';
  postFilterMessage = '';
  readonly unschedulablePlugins = new Set<string>();
  readonly pendingPlugins = new Set<string>();
  /** For nodes without a status of their own. */
  absent: Status = notLookedAt;
  /** All nodes, with their statuses at the same places. */
  readonly #nodes: readonly NodeInfo[];
  readonly #statuses: (Status | undefined)[];
  #index: Map<string, number> | undefined;

  /** `statuses` belongs to the diagnosis from now on, and goes with `nodes` place by place. */
  constructor(nodes: readonly NodeInfo[], statuses: (Status | undefined)[] = []) {
    this.#nodes = nodes;
    this.#statuses = statuses;
    // Most nodes share few statuses.
    for (const status of new Set(statuses)) if (status !== undefined) this.blame(status);
  }

  /** How many nodes there are. */
  get allNodes(): number {
    return this.#nodes.length;
  }

  get(nodeName: string): Status {
    const at = this.#at(nodeName);
    return (at === undefined ? undefined : this.#statuses[at]) ?? this.absent;
  }

  nodesWithCode(code: Status['code']): readonly NodeInfo[] {
    return this.#nodes.filter((_node, i) => (this.#statuses[i] ?? this.absent).code === code);
  }

  /** Nodes that are not among those of the diagnosis are passed over. */
  set(nodeName: string, status: Status): void {
    const at = this.#at(nodeName);
    if (at !== undefined) this.#statuses[at] = status;
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

  #at(nodeName: string): number | undefined {
    this.#index ??= new Map(this.#nodes.map(({ name }, i) => [name, i]));
    return this.#index.get(nodeName);
  }

  #histogram(): string {
    const byStatus = new Map<Status, number>();
    for (let i = 0; i < this.#nodes.length; i++) {
      const status = this.#statuses[i] ?? this.absent;
      byStatus.set(status, (byStatus.get(status) ?? 0) + 1);
    }
    const counts = new Map<string, number>();
    for (const [{ reasons }, nodes] of byStatus) {
      for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + nodes);
    }
    const texts = Array.from(counts, ([reason, nodes]) => `${nodes} ${reason}`);
    return texts.length === 0 ? '' : ` ${texts.sort().join(', ')}.`;
  }
}
