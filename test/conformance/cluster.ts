/**
 * What the conformance tests need of a cluster: collections by path, watches that are awaited, and
 * namespaces of their own. The cluster is a kubets, the shared one or one with simulated nodes, or the one
 * that the kubeconfig in `KUBETS_CONFORMANCE_KUBECONFIG` names (any Kubernetes: the tests then check themselves).
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { inject } from 'vitest';
import { ApiClient, readKubeconfig, type Answer, type Call } from '../harness/api-client.ts';
import { KubetsProcess, temporaryDirectory } from '../harness/kubets-process.ts';
import { Collection } from './collection.ts';
import { isReady } from './pods.ts';
import { lists } from './waiting.ts';

export interface Meta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly generation?: number;
  readonly creationTimestamp: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly finalizers?: readonly string[];
  readonly managedFields?: readonly Readonly<Record<string, unknown>>[];
}

/** Any object as the server sends it. */
export interface Obj {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: Meta;
  readonly [field: string]: unknown;
}

/** Any object as a client sends it. */
export type Draft = Readonly<Record<string, unknown>>;

async function kubeconfigPath(): Promise<string> {
  const given = process.env['KUBETS_CONFORMANCE_KUBECONFIG'];
  if (given !== undefined) return given;
  const answer = await fetch(inject('sharedCluster'));
  const text = await answer.text();
  if (!answer.ok) throw new Error(text);
  return text;
}

/** A name no other test uses. */
export const unique = (prefix: string): string => `${prefix}-${randomBytes(4).toString('hex')}`;

export class Cluster implements AsyncDisposable {
  readonly kubeconfig: string;
  readonly client: ApiClient;
  readonly #stack: AsyncDisposableStack;

  private constructor(kubeconfig: string, client: ApiClient, stack: AsyncDisposableStack) {
    this.kubeconfig = kubeconfig;
    this.client = client;
    this.#stack = stack;
    stack.use(client);
  }

  static async connect(): Promise<Cluster> {
    return await Cluster.#open(await kubeconfigPath(), new AsyncDisposableStack());
  }

  /** A whole control plane with so many simulated nodes, which are ready; or the cluster that is given. */
  static async start(nodes: number): Promise<Cluster> {
    if (process.env['KUBETS_CONFORMANCE_KUBECONFIG'] !== undefined) return await Cluster.connect();
    await using starting = new AsyncDisposableStack();
    const directory = starting.use(await temporaryDirectory());
    const stages = join(import.meta.dirname, 'stages.yaml');
    const simulated = ['--simulate-nodes', `${nodes}`, '--simulated-taint', 'none', '--simulated-stages', stages];
    const server = starting.use(await KubetsProcess.start(join(directory.path, 'data'), simulated));
    const cluster = await Cluster.#open(server.kubeconfig, starting.move());
    await lists(cluster.of('v1/nodes'), {}, (all) => all.length === nodes && all.every(isReady), 'all nodes are ready');
    return cluster;
  }

  static async #open(path: string, stack: AsyncDisposableStack): Promise<Cluster> {
    return new Cluster(path, await ApiClient.connect(readKubeconfig(path)), stack);
  }

  send(call: Call): Promise<Answer> {
    return this.client.send(call);
  }

  /** The JSON document at a path. */
  async document(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Obj> {
    return JSON.parse((await this.client.must({ method: 'GET', path, headers })).body.toString()) as Obj;
  }

  /** A collection: `apps/v1/deployments` or `v1/nodes`, of one namespace where one is given. */
  of(resource: string, namespace?: string): Collection {
    const parts = resource.split('/');
    const plural = parts.pop();
    const version = parts.join('/');
    const scope = namespace === undefined ? '' : `namespaces/${namespace}/`;
    return new Collection(this.client, `/${parts.length === 1 ? 'api' : 'apis'}/${version}/${scope}${plural}`);
  }

  /** A new namespace, with what every namespace gets: the default account and the config map of the CA. */
  async namespace(labels: Readonly<Record<string, string>> = {}): Promise<string> {
    const name = unique('conformance');
    await this.of('v1/namespaces').create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } });
    for (const path of ['serviceaccounts/default', 'configmaps/kube-root-ca.crt']) {
      await this.#appears(`/api/v1/namespaces/${name}/${path}`);
    }
    return name;
  }

  async #appears(path: string): Promise<void> {
    const deadline = performance.now() + 10_000;
    while ((await this.send({ method: 'GET', path })).status !== 200) {
      if (performance.now() > deadline) throw new Error(`${path} did not appear`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}
