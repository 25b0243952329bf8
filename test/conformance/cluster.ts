/**
 * What the conformance tests need of a cluster: collections by path, watches that are awaited, and
 * namespaces of their own. The cluster is the shared kubets, or the one that the kubeconfig in
 * `KUBETS_CONFORMANCE_KUBECONFIG` names (any Kubernetes: the tests then check themselves).
 */
import { randomBytes } from 'node:crypto';
import { inject } from 'vitest';
import { ApiClient, readKubeconfig, type Answer, type Call } from '../harness/api-client.ts';
import { Collection } from './collection.ts';

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

  private constructor(kubeconfig: string, client: ApiClient) {
    this.kubeconfig = kubeconfig;
    this.client = client;
  }

  static async connect(): Promise<Cluster> {
    const path = await kubeconfigPath();
    return new Cluster(path, await ApiClient.connect(readKubeconfig(path)));
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
    await this.client[Symbol.asyncDispose]();
  }
}
