/** Keeps pods off nodes whose taints they do not tolerate (`pkg/scheduler/framework/plugins/tainttoleration`). */
import {
  findUntoleratedTaint,
  tolerationsTolerateTaint,
  type TolerationOptions,
} from '@kubets/api/core/helpers/taints';
import type { Node, Pod, Taint, Toleration } from '@kubets/api/types/core-v1';
import type { NodeTable } from '../../cache/node-table.ts';
import type { FastHandle, FastPlugin, LocalKernel } from '../../fast/kernel.ts';
import type { CycleState } from '../../framework/cycle-state.ts';
import type { NodeInfo } from '../../framework/node-info.ts';
import type { PodInfo, PodShape } from '../../framework/pod-info.ts';
import { Status } from '../../framework/status.ts';
import { action, type ClusterEventWithHint, type Outcome } from '../../framework/types.ts';
import { nodeAddedOrChanged, nodeHint, ownUpdate } from '../helper/hints.ts';
import { normalizeScoresReversed } from '../helper/normalize-score.ts';

const name = 'TaintToleration';

export class TaintToleration implements FastPlugin {
  readonly name = name;
  readonly #table: NodeTable;
  readonly #options: TolerationOptions;
  readonly #statuses = new Map<string, Status>();

  constructor(_args: unknown, handle: FastHandle) {
    this.#table = handle.cluster.table;
    this.#options = { comparisonOperators: handle.featureEnabled('TaintTolerationComparisonOperators') };
  }

  eventsToRegister(): readonly ClusterEventWithHint[] {
    const suits = (pod: Readonly<Pod>, node: Readonly<Node>): boolean => this.#untolerated(pod, node) === undefined;
    return [
      nodeAddedOrChanged(action.updateNodeTaint, nodeHint(suits)),
      ownUpdate(action.updatePodToleration, () => 'Queue'),
    ];
  }

  filter(_state: CycleState, { pod }: PodInfo, { node }: NodeInfo): Outcome {
    const taint = node === undefined ? undefined : this.#untolerated(pod, node);
    return taint === undefined ? undefined : this.#status(taint);
  }

  localKernel(_shape: PodShape, { pod }: PodInfo): LocalKernel {
    const { infos } = this.#table;
    const preferred = (pod.spec?.tolerations ?? []).filter(mayPrefer);
    return {
      filterScope: 'node',
      filter: (row) => {
        const node = infos[row]?.node;
        if (node?.spec?.taints === undefined) return undefined;
        const taint = this.#untolerated(pod, node);
        return taint === undefined ? undefined : this.#status(taint);
      },
      scoreScope: 'node',
      score: (row) => {
        const taints = infos[row]?.node?.spec?.taints;
        return taints === undefined ? 0 : this.#countPreferred(taints, preferred);
      },
      normalize: normalizeScoresReversed,
    };
  }

  #untolerated(pod: Readonly<Pod>, node: Readonly<Node>): Readonly<Taint> | undefined {
    return findUntoleratedTaint(node.spec?.taints, pod.spec?.tolerations, undefined, this.#options);
  }

  #countPreferred(taints: readonly Readonly<Taint>[], tolerations: readonly Readonly<Toleration>[]): number {
    let count = 0;
    for (const taint of taints) {
      if (taint.effect !== 'PreferNoSchedule') continue;
      if (!tolerationsTolerateTaint(tolerations, taint, this.#options)) count++;
    }
    return count;
  }

  #status({ key, value = '' }: Readonly<Taint>): Status {
    const reason = `node(s) had untolerated taint {${key}: ${value}}`;
    let status = this.#statuses.get(reason);
    if (status === undefined) {
      status = Status.unresolvable(reason).by(name);
      this.#statuses.set(reason, status);
    }
    return status;
  }
}

const mayPrefer = ({ effect }: Readonly<Toleration>): boolean =>
  effect === undefined || (effect as string) === '' || effect === 'PreferNoSchedule';
