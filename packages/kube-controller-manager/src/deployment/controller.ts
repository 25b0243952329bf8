/** Deployments (upstream `pkg/controller/deployment`). */
import type { Selector } from '@kubets/apimachinery/labels';
import type { Deployment, ReplicaSet } from '@kubets/api/types/apps-v1';
import { isPodTerminal } from '@kubets/api/core/helpers/pod';
import type { Pod } from '@kubets/api/types/core-v1';
import { keyOf, type SharedInformer, type WorkQueue } from '@kubets/client';
import { deployments, pods, replicaSets } from '@kubets/client/resources';
import type { Controller, ControllerContext, ControllerDescriptor } from '../controller.ts';
import { Claimer } from '../lib/claim.ts';
import { ensureIndex } from '../lib/ensure-index.ts';
import { byControllerUid, controllerOf, controllerUidIndex, orphansOf } from '../lib/owner-references.ts';
import { isNamespaceTerminating } from '../lib/pod-control.ts';
import { reconciler, workersOf } from '../lib/reconciler.ts';
import { selectorCache } from '../lib/selector-cache.ts';
import { WrittenVersions } from '../lib/written-versions.ts';
import { Applier } from './applier.ts';
import { DeploymentEvents } from './deployment-events.ts';
import { planDeployment } from './plan.ts';

/** Upstream has 5. Here they mostly wait for commits, which many writes share: more of them cost no more. */
const workers = 25;
/** After so many failures in a row a Deployment waits for the next change (`maxRetries`). */
const maxRetries = 15;

class DeploymentController {
  readonly #context: ControllerContext;
  readonly #queue: WorkQueue<string>;
  readonly #deployments: SharedInformer<Deployment>;
  readonly #replicaSets: SharedInformer<ReplicaSet>;
  readonly #pods: SharedInformer<Pod>;
  readonly #written = { deployments: new WrittenVersions(), replicaSets: new WrittenVersions() };
  readonly #applier: Applier;
  readonly #compiled = selectorCache();
  readonly #countTerminating: boolean;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#queue = context.queue('deployment');
    this.#deployments = context.informers.informer(deployments);
    this.#replicaSets = context.informers.informer(replicaSets);
    this.#pods = context.informers.informer(pods);
    this.#countTerminating = context.featureEnabled('DeploymentReplicaSetTerminatingReplicas');
    const { client, events, clock } = context;
    this.#applier = new Applier({
      client,
      events,
      clock,
      replicaSets: this.#replicaSets.store,
      written: this.#written,
    });
  }

  controller(): Controller {
    ensureIndex(this.#replicaSets, controllerUidIndex, byControllerUid);
    ensureIndex(this.#pods, controllerUidIndex, byControllerUid);
    const events = new DeploymentEvents({
      queue: this.#queue,
      deployments: this.#deployments.store,
      replicaSets: this.#replicaSets.store,
      selectorOf: (deployment) => this.#selectorOf(deployment),
    });
    this.#deployments.addEventHandler(events.deploymentHandler());
    this.#replicaSets.addEventHandler(events.replicaSetHandler());
    this.#replicaSets.addEventHandler({ onDelete: (set) => this.#written.replicaSets.forget(keyOf(set)) });
    this.#pods.addEventHandler(events.podHandler());
    return reconciler(this.#context, {
      queue: this.#queue,
      informers: [this.#deployments, this.#replicaSets, this.#pods],
      workers: workersOf(this.#context, workers),
      maxRetries,
      reconcile: (key) => this.#reconcile(key),
    });
  }

  async #reconcile(key: string): Promise<void> {
    const deployment = this.#deployments.store.get(key);
    if (deployment === undefined) return this.#written.deployments.forget(key);
    // The cache is older than what was written last: the change that is under way gives the next turn.
    if (!this.#written.deployments.seen(deployment)) return;
    const selector = this.#selectorOf(deployment);
    if (selector === undefined) return;
    if (selector.empty) return await this.#refuse(deployment);
    const owned = await this.#claim(deployment, selector);
    if (!owned.every((set) => this.#written.replicaSets.seen(set))) return;
    const plan = planDeployment({
      deployment,
      replicaSets: owned,
      hasRunningPods: (uid) => this.#pods.store.byIndex(controllerUidIndex, uid).some((pod) => !isPodTerminal(pod)),
      now: this.#context.clock.now(),
      countTerminating: this.#countTerminating,
    });
    try {
      await this.#applier.apply(deployment, plan);
    } catch (error) {
      // Nothing can be made there any more: trying again would be in vain.
      if (!isNamespaceTerminating(error)) throw error;
    }
    if (plan.againAfterMs !== undefined) this.#queue.addAfter(key, plan.againAfterMs);
  }

  /** Undefined when it is invalid: nothing can be done until it is changed. */
  #selectorOf(deployment: Readonly<Deployment>): Selector | undefined {
    try {
      return this.#compiled(deployment.spec?.selector);
    } catch (error) {
      const fields = { controller: this.#context.name, name: deployment.metadata.name, error: String(error) };
      this.#context.log.error(fields, 'the selector is invalid');
      return undefined;
    }
  }

  async #refuse(deployment: Readonly<Deployment>): Promise<void> {
    const message = 'This deployment is selecting all pods. A non-empty selector is required.';
    this.#context.events.event(deployment, 'Warning', 'SelectingAll', message);
    const { generation = 0, namespace } = deployment.metadata;
    if ((deployment.status?.observedGeneration ?? 0) >= generation) return;
    const status = { ...deployment.status, observedGeneration: generation };
    await this.#context.client.deployments(namespace).updateStatus({ ...deployment, status });
  }

  /** The ReplicaSets of the Deployment, after adoption and release (`getReplicaSetsForDeployment`). */
  async #claim(deployment: Readonly<Deployment>, selector: Selector): Promise<readonly Readonly<ReplicaSet>[]> {
    const { uid = '', namespace = '', name = '' } = deployment.metadata;
    const { store } = this.#replicaSets;
    const candidates = [
      ...store.byIndex(controllerUidIndex, uid),
      ...store
        .byIndex(controllerUidIndex, orphansOf(namespace))
        .filter(({ metadata }) => selector.matches(metadata.labels)),
    ];
    const isSettled = (set: Readonly<ReplicaSet>): boolean =>
      controllerOf(set) !== undefined && selector.matches(set.metadata.labels);
    // The usual case: nothing to adopt, nothing to release.
    if (candidates.every(isSettled)) return candidates;
    return await new Claimer<Deployment, ReplicaSet>({
      owner: deployment,
      ownerResource: deployments,
      selector,
      dependents: this.#context.client.replicaSets(),
      readOwner: () => this.#context.client.deployments(namespace).get(name),
    }).claim(candidates);
  }
}

/** `deployment-controller`. */
export const deploymentController: ControllerDescriptor = {
  name: 'deployment-controller',
  create: (context) => new DeploymentController(context).controller(),
};
