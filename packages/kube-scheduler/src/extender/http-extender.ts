/** A filter, scorer or binder that is asked over HTTP (`pkg/scheduler/extender.go`; `kube-scheduler/extender/v1`). */
import type { Node, Pod } from '@kubets/api/types/core-v1';
import type { NodeInfo } from '../framework/node-info.ts';
import type { Extender, NodeInfoLister, Victims } from '../framework/types.ts';

/** The highest score that an extender gives. */
export const maxExtenderPriority = 10;

/** One entry of `extenders` in the configuration, defaulted. */
export interface ExtenderConfig {
  readonly urlPrefix: string;
  readonly filterVerb?: string;
  readonly preemptVerb?: string;
  readonly prioritizeVerb?: string;
  readonly weight?: number;
  readonly bindVerb?: string;
  readonly enableHTTPS?: boolean;
  readonly tlsConfig?: Readonly<Record<string, unknown>>;
  readonly httpTimeoutMs: number;
  readonly nodeCacheCapable?: boolean;
  readonly managedResources?: readonly { readonly name: string; readonly ignoredByScheduler?: boolean }[];
  readonly ignorable?: boolean;
}

/** Sends JSON and gives the answer's JSON back; rejects on any status but 200. */
export interface ExtenderTransport {
  post(url: string, body: object, timeoutMs: number): Promise<unknown>;
}

export interface FilterAnswer {
  readonly nodes: readonly NodeInfo[];
  readonly failed: ReadonlyMap<string, string>;
  readonly unresolvable: ReadonlyMap<string, string>;
}

interface FilterResult {
  readonly nodes?: { readonly items?: readonly Node[] | null } | null;
  readonly nodenames?: readonly string[] | null;
  readonly failedNodes?: Readonly<Record<string, string>> | null;
  readonly failedAndUnresolvableNodes?: Readonly<Record<string, string>> | null;
  readonly error?: string;
}

interface MetaVictims {
  readonly pods?: readonly { readonly uid: string }[] | null;
  readonly numPDBViolations?: number;
}

export class HttpExtender implements Extender {
  readonly name: string;
  readonly ignorable: boolean;
  readonly weight: number;
  readonly #config: ExtenderConfig;
  readonly #transport: ExtenderTransport;
  readonly #managed: ReadonlySet<string>;

  constructor(config: ExtenderConfig, transport: ExtenderTransport) {
    this.name = config.urlPrefix;
    this.ignorable = config.ignorable ?? false;
    this.weight = config.weight ?? 0;
    this.#config = config;
    this.#transport = transport;
    this.#managed = new Set((config.managedResources ?? []).map(({ name }) => name));
  }

  get filters(): boolean {
    return has(this.#config.filterVerb);
  }

  get prioritizes(): boolean {
    return has(this.#config.prioritizeVerb);
  }

  get binds(): boolean {
    return has(this.#config.bindVerb);
  }

  get supportsPreemption(): boolean {
    return has(this.#config.preemptVerb);
  }

  isInterested({ spec }: Readonly<Pod>): boolean {
    if (this.#managed.size === 0) return true;
    const containers = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])];
    return containers.some(({ resources }) =>
      [...Object.keys(resources?.requests ?? {}), ...Object.keys(resources?.limits ?? {})].some((name) =>
        this.#managed.has(name),
      ),
    );
  }

  async filter(pod: Readonly<Pod>, nodes: readonly NodeInfo[]): Promise<FilterAnswer> {
    const result = (await this.#ask(this.#config.filterVerb, { pod, ...this.#nodesOf(nodes) })) as FilterResult;
    if (has(result.error)) throw new Error(result.error);
    const byName = new Map(nodes.map((node) => [node.name, node]));
    const names = result.nodenames ?? result.nodes?.items?.map(({ metadata }) => metadata.name ?? '') ?? [];
    const kept = names.map((name) => {
      const node = byName.get(name);
      if (node === undefined)
        throw new Error(
          `extender "${this.name}" claims a filtered node "${name}" which is not found in the input node list`,
        );
      return node;
    });
    return {
      nodes: kept,
      failed: new Map(Object.entries(result.failedNodes ?? {})),
      unresolvable: new Map(Object.entries(result.failedAndUnresolvableNodes ?? {})),
    };
  }

  async prioritize(
    pod: Readonly<Pod>,
    nodes: readonly NodeInfo[],
  ): Promise<readonly { readonly host: string; readonly score: number }[]> {
    const answer = await this.#ask(this.#config.prioritizeVerb, { pod, ...this.#nodesOf(nodes) });
    return (answer ?? []) as readonly { readonly host: string; readonly score: number }[];
  }

  async bind({ metadata }: Readonly<Pod>, nodeName: string): Promise<void> {
    const { name = '', namespace = '', uid = '' } = metadata;
    const body = { podName: name, podNamespace: namespace, podUID: uid, node: nodeName };
    const answer = (await this.#ask(this.#config.bindVerb, body)) as { readonly error?: string };
    if (has(answer.error)) throw new Error(answer.error);
  }

  async processPreemption(
    pod: Readonly<Pod>,
    candidates: ReadonlyMap<string, Victims>,
    nodes: NodeInfoLister,
  ): Promise<Map<string, Victims>> {
    const { nodeCacheCapable = false } = this.#config;
    const victims = (short: boolean): object =>
      Object.fromEntries(
        Array.from(candidates, ([node, { pods, numPdbViolations }]) => [
          node,
          {
            pods: short ? pods.map(({ metadata }) => ({ uid: metadata.uid ?? '' })) : pods,
            numPDBViolations: numPdbViolations,
          },
        ]),
      );
    const body = nodeCacheCapable
      ? { pod, nodeNameToMetaVictims: victims(true) }
      : { pod, nodeNameToVictims: victims(false) };
    const answer = (await this.#ask(this.#config.preemptVerb, body)) as {
      readonly nodeNameToMetaVictims?: Readonly<Record<string, MetaVictims>> | null;
    };
    return this.#victimsOf(answer.nodeNameToMetaVictims ?? {}, nodes);
  }

  #victimsOf(answer: Readonly<Record<string, MetaVictims>>, nodes: NodeInfoLister): Map<string, Victims> {
    const victims = new Map<string, Victims>();
    for (const [name, { pods, numPDBViolations }] of Object.entries(answer)) {
      const node = nodes.get(name);
      if (node === undefined) throw new Error(`nodeInfo not found for node name "${name}"`);
      const found = (pods ?? []).map(({ uid }) => {
        const pod = node.pods.find((one) => one.uid === uid);
        if (pod === undefined) {
          throw new Error(
            `extender: ${this.name} claims to preempt pod (UID: ${uid}) on node: ${name}, but the pod is not found on that node`,
          );
        }
        return pod.pod;
      });
      victims.set(name, { pods: found, numPdbViolations: numPDBViolations ?? 0 });
    }
    return victims;
  }

  #nodesOf(nodes: readonly NodeInfo[]): object {
    if (this.#config.nodeCacheCapable === true) return { nodes: null, nodenames: nodes.map(({ name }) => name) };
    return { nodes: { metadata: {}, items: nodes.map(({ node }) => node) }, nodenames: null };
  }

  async #ask(verb: string | undefined, body: object): Promise<unknown> {
    const url = `${this.#config.urlPrefix.replace(/\/+$/, '')}/${verb}`;
    return await this.#transport.post(url, body, this.#config.httpTimeoutMs);
  }
}

const has = (text: string | undefined): boolean => text !== undefined && text !== '';
