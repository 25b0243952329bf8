/** Node selectors and node affinity (`pkg/scheduler/framework/plugins/nodeaffinity`). */
import { PreferredNodeTerms, RequiredNodeAffinity } from '@kubets/api/core/helpers/node-affinity';
import type { Node, NodeAffinity as NodeAffinityRules, NodeSelectorTerm, Pod } from '@kubets/api/types/core-v1';
import type { NodeTable } from '../../cache/node-table.ts';
import type { FastHandle, FastPlugin, LocalKernel } from '../../fast/kernel.ts';
import { StateKey, type CycleState, type StateData } from '../../framework/cycle-state.ts';
import type { NodeInfo } from '../../framework/node-info.ts';
import type { PodInfo, PodShape } from '../../framework/pod-info.ts';
import { Status } from '../../framework/status.ts';
import { action, type ClusterEventWithHint, type Outcome, type PreFilterResult } from '../../framework/types.ts';
import { nodeAddedOrChanged, nodeHint } from '../helper/hints.ts';
import { normalizeScores } from '../helper/normalize-score.ts';

const name = 'NodeAffinity';
const noMatch = Status.unresolvable("node(s) didn't match Pod's node affinity/selector").by(name);
const notEnforced = Status.unresolvable("node(s) didn't match scheduler-enforced node affinity").by(name);

class Required implements StateData {
  readonly affinity: RequiredNodeAffinity;

  constructor(pod: Readonly<Pod>) {
    this.affinity = new RequiredNodeAffinity(pod.spec);
  }

  clone(): this {
    return this;
  }
}

const stateKey = new StateKey<Required>(`PreFilter${name}`);

export class NodeAffinity implements FastPlugin {
  readonly name = name;
  readonly #table: NodeTable;
  /** What the configuration demands of nodes for all pods of the profile. */
  readonly #enforced: RequiredNodeAffinity | undefined;
  readonly #enforcedPreferences: PreferredNodeTerms | undefined;

  constructor(args: { readonly addedAffinity?: NodeAffinityRules }, handle: FastHandle) {
    this.#table = handle.cluster.table;
    const { addedAffinity } = args;
    if (addedAffinity === undefined) return;
    const enforced = new RequiredNodeAffinity({ containers: [], affinity: { nodeAffinity: addedAffinity } });
    if (!enforced.isEmpty) this.#enforced = enforced;
    const preferences = new PreferredNodeTerms(addedAffinity.preferredDuringSchedulingIgnoredDuringExecution);
    if (!preferences.isEmpty) this.#enforcedPreferences = preferences;
  }

  eventsToRegister(): readonly ClusterEventWithHint[] {
    const suits = (pod: Readonly<Pod>, node: Readonly<Node>): boolean =>
      this.#verdict(new RequiredNodeAffinity(pod.spec), node) === undefined;
    return [nodeAddedOrChanged(action.updateNodeLabel, nodeHint(suits))];
  }

  preFilter(state: CycleState, { pod }: PodInfo): PreFilterResult | Status | undefined {
    const required = new Required(pod);
    if (required.affinity.isEmpty && this.#enforced === undefined) return Status.skip();
    state.set(stateKey, required);
    const terms = pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
    const nodeNames = namesOf(terms ?? []);
    if (nodeNames === undefined) return undefined;
    return nodeNames.size === 0 ? Status.unresolvable('pod affinity terms conflict') : { nodeNames };
  }

  filter(state: CycleState, _pod: PodInfo, { node }: NodeInfo): Outcome {
    return node === undefined ? noMatch : this.#verdict(state.need(stateKey).affinity, node);
  }

  localKernel(_shape: PodShape, { pod }: PodInfo): LocalKernel | undefined {
    const required = new RequiredNodeAffinity(pod.spec);
    const own = pod.spec?.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution;
    const preferred = new PreferredNodeTerms(own);
    const filters = !required.isEmpty || this.#enforced !== undefined;
    const scores = !preferred.isEmpty || this.#enforcedPreferences !== undefined;
    if (!filters && !scores) return undefined;
    if (preferred.errors.length > 0) throw new Error(preferred.errors.join(', '));
    const { infos } = this.#table;
    return {
      filterScope: filters ? 'node' : 'none',
      filter: (row) => {
        const node = infos[row]?.node;
        return node === undefined ? noMatch : this.#verdict(required, node);
      },
      scoreScope: scores ? 'node' : 'none',
      score: (row) => {
        const node = infos[row]?.node;
        return node === undefined ? 0 : preferred.score(node) + (this.#enforcedPreferences?.score(node) ?? 0);
      },
      normalize: normalizeScores,
    };
  }

  #verdict(required: RequiredNodeAffinity, node: Readonly<Node>): Outcome {
    if (this.#enforced !== undefined && !this.#enforced.matches(node)) return notEnforced;
    return required.matches(node) ? undefined : noMatch;
  }
}

/** The nodes that the terms name by `metadata.name`; undefined when some term does not name any, or there is none. */
function namesOf(terms: readonly Readonly<NodeSelectorTerm>[]): ReadonlySet<string> | undefined {
  if (terms.length === 0) return undefined;
  const names = new Set<string>();
  for (const term of terms) {
    let own: readonly string[] | undefined;
    for (const { key, operator, values = [] } of term.matchFields ?? []) {
      if (key !== 'metadata.name' || operator !== 'In') continue;
      own = own === undefined ? values : own.filter((value) => values.includes(value));
    }
    if (own === undefined) return undefined;
    for (const value of own) names.add(value);
  }
  return names;
}

/** Whether a pod may name its nodes (pods of DaemonSets do): then only those are looked at. */
export function namesNodes({ pod }: PodInfo): boolean {
  const terms = pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  return terms !== undefined && namesOf(terms) !== undefined;
}
