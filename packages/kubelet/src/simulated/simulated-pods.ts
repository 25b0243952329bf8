/**
 * The pods of all simulated nodes: one watch, one queue of what falls due, one bounded set of writes.
 *
 * Guarantees: a pod's state is decided by its behaviour and the clock alone; what is written is always its newest state
 * (several changes while a write waits become one). Writes are the kubelet's: PATCH of the status under the node's identity
 * with the pod's uid, so that a pod of the same name is never touched; for a deleted pod its last status, then DELETE without
 * grace.
 */
import type { Clock, Random } from '@kubets/apimachinery/clock';
import type { Log } from '@kubets/apimachinery/log';
import { isConflict, isInvalid, isNotFound } from '@kubets/apimachinery/status';
import type { Pod } from '@kubets/api/types/core-v1';
import { ResourceClient, type SharedInformer } from '@kubets/client';
import { pods } from '@kubets/client/resources';
import { DueQueue } from './due-queue.ts';
import { advance, dueOf, progressOfPod, stop, type PodContext, type Progress } from './pod-state.ts';
import { isReady, phaseOf, podStatus } from './pod-status.ts';
import type { SimulatedNode } from './simulated-node.ts';
import { behaviourOf, type Behaviour, type Stage } from './stages.ts';
import { Writer } from './writer.ts';

/** Writes at a time: enough to share commits, few enough that one batch of answers does not hold up the event loop. */
const width = 24;
/** A start that takes no longer is reported once, with its result. */
const briefMs = 1000;
const retryMs = 1000;

/** What is known of one pod. */
export class SimulatedPod implements PodContext {
  readonly node: SimulatedNode;
  readonly behaviour: Behaviour;
  readonly random: Random;
  /** As last seen, or as answered to the last write. */
  pod: Readonly<Pod>;
  progress: Progress;
  podIPs: readonly string[] = [];
  /** Resource version of the answer to the last write. */
  written = 0;
  /** The newest state is not written yet. */
  dirty = false;
  /** Deleted, as far as the node is concerned. */
  gone = false;

  constructor(
    node: SimulatedNode,
    behaviour: Behaviour,
    { pod, random, now }: { readonly pod: Readonly<Pod>; readonly random: Random; readonly now: number },
  ) {
    this.node = node;
    this.behaviour = behaviour;
    this.random = random;
    this.pod = pod;
    this.progress = progressOfPod(this, now);
  }
}

export interface SimulatedPodsOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly stages: readonly Stage[];
  readonly informer: SharedInformer<Pod>;
  /** The node of that name, if it is simulated here. */
  nodeOf(name: string): SimulatedNode | undefined;
}

const versionOf = (pod: Readonly<Pod>): number => Number(pod.metadata.resourceVersion ?? 0);

export class SimulatedPods {
  readonly #options: SimulatedPodsOptions;
  readonly #pods = new Map<string, SimulatedPod>();
  readonly #due: DueQueue<SimulatedPod>;
  readonly #writer: Writer<SimulatedPod>;

  constructor(options: SimulatedPodsOptions) {
    this.#options = options;
    this.#due = new DueQueue(options.clock, (due) => {
      for (const pod of due) this.#proceed(pod);
    });
    this.#writer = new Writer({
      width,
      work: (pod) => this.#write(pod),
      onError: (pod, error) => this.#failed(pod, error),
    });
    options.informer.addEventHandler({
      onAdd: (pod) => this.#see(pod),
      onUpdate: (_, pod) => this.#see(pod),
      onDelete: (pod) => this.#forget(pod),
    });
  }

  /** Pods that are on simulated nodes. */
  get size(): number {
    return this.#pods.size;
  }

  /** The node answers again, or does not any more. */
  nodeChanged(node: SimulatedNode): void {
    for (const pod of node.pods) {
      pod.dirty ||= !this.#isReported(pod);
      this.#proceed(pod);
    }
  }

  /** Begins nothing more; resolves when the writes under way have ended. */
  async stop(): Promise<void> {
    this.#due.stop();
    this.#writer.stop();
    await this.#writer.idle();
  }

  #see(object: Readonly<Pod>): void {
    const uid = object.metadata.uid ?? '';
    const known = this.#pods.get(uid);
    if (known !== undefined) {
      this.#update(known, object);
      return;
    }
    const node = this.#options.nodeOf(object.spec?.nodeName ?? '');
    if (node === undefined) return;
    const { random, clock } = this.#options;
    const pod = new SimulatedPod(node, this.#behaviour(object), { pod: object, random, now: clock.now() });
    this.#pods.set(uid, pod);
    node.pods.add(pod);
    if (object.status?.podIPs !== undefined) pod.podIPs = node.addressesFor(object);
    this.#begin(pod);
  }

  #begin(pod: SimulatedPod): void {
    const { state } = pod.progress;
    pod.dirty = state.type === 'creating' ? pod.behaviour.create.min > briefMs : !this.#isReported(pod);
    this.#proceed(pod);
  }

  #behaviour(pod: Readonly<Pod>): Behaviour {
    const { stages, log } = this.#options;
    return behaviourOf(pod, stages, (problem) =>
      log.warn(
        { namespace: pod.metadata.namespace, pod: pod.metadata.name, problem },
        'a stage of a simulated pod is ignored',
      ),
    );
  }

  #update(pod: SimulatedPod, object: Readonly<Pod>): void {
    // An event from before the last write tells nothing new.
    if (versionOf(object) <= pod.written) return;
    pod.pod = object;
    if (object.metadata.deletionTimestamp !== undefined) this.#proceed(pod);
    else if (!this.#writer.has(pod) && !this.#isReported(pod)) {
      pod.dirty = true;
      this.#proceed(pod);
    }
  }

  /** Whether the API says of the pod what the node last said, or would. Others may have changed it. */
  #isReported({ pod, progress: { state } }: SimulatedPod): boolean {
    if (state.type === 'creating') return true;
    const { status, metadata } = pod;
    const ready = status?.conditions?.find(({ type }) => type === 'Ready')?.status === 'True';
    return (
      status?.phase === phaseOf(state) &&
      ready === isReady(pod, state) &&
      status.observedGeneration === metadata.generation
    );
  }

  /** Moves the pod on to the present, writes what has changed and waits for what comes next. */
  #proceed(pod: SimulatedPod): void {
    if (pod.gone || !pod.node.responsive) return;
    const now = this.#options.clock.now();
    const before = pod.progress;
    let progress = advance(before, pod, now);
    if (pod.pod.metadata.deletionTimestamp !== undefined) progress = advance(stop(progress, pod, now), pod, now);
    pod.progress = progress;
    pod.dirty ||= progress.state !== before.state && progress.state.type !== 'stopping';
    if (pod.dirty) this.#writer.add(pod);
    this.#due.set(pod, dueOf(progress, pod.pod));
  }

  async #write(pod: SimulatedPod): Promise<void> {
    if (pod.gone || !pod.node.responsive) return;
    pod.dirty = false;
    const { state } = pod.progress;
    const { name = '', namespace = '', uid } = pod.pod.metadata;
    const client = new ResourceClient(pod.node.transport, pods, namespace);
    if (state.type !== 'stopped' || state.succeeded !== undefined) await this.#writeStatus(pod, client);
    if (state.type !== 'stopped') return this.#repeat(pod);
    pod.node.release(pod.podIPs);
    pod.gone = true;
    await client.delete(name, { gracePeriodSeconds: 0, ...(uid !== undefined && { preconditions: { uid } }) });
  }

  /** Others may have written between the decision and the write: the watch's news of it counted as old. */
  #repeat(pod: SimulatedPod): void {
    if (pod.gone || this.#isReported(pod)) return;
    pod.dirty = true;
    this.#writer.add(pod);
  }

  async #writeStatus(pod: SimulatedPod, client: ResourceClient<Pod>): Promise<void> {
    const { metadata } = pod.pod;
    const { type } = pod.progress.state;
    if (pod.podIPs.length === 0 && type !== 'creating') pod.podIPs = pod.node.addressesFor(pod.pod);
    const now = this.#options.clock.now();
    const status = podStatus(pod.pod, pod.progress, { hostIP: pod.node.hostIP, podIPs: pod.podIPs, now });
    const answer = await client.patch(metadata.name ?? '', {
      type: 'application/strategic-merge-patch+json',
      body: { metadata: { uid: metadata.uid }, status },
      subresource: 'status',
    });
    pod.written = versionOf(answer);
    if (pod.written > versionOf(pod.pod)) pod.pod = answer;
  }

  #failed(pod: SimulatedPod, error: unknown): void {
    // Gone, or another pod of that name by now: the watch will say so.
    if (isNotFound(error) || isConflict(error)) return;
    const { namespace, name } = pod.pod.metadata;
    this.#options.log.warn(
      { namespace, pod: name, error: String(error) },
      'the status of a simulated pod was not written',
    );
    // What the server finds wrong will be wrong again.
    if (isInvalid(error)) return;
    pod.gone = false;
    pod.dirty = true;
    this.#due.set(pod, this.#options.clock.now() + retryMs);
  }

  #forget(object: Readonly<Pod>): void {
    const uid = object.metadata.uid ?? '';
    const pod = this.#pods.get(uid);
    if (pod === undefined) return;
    pod.gone = true;
    this.#pods.delete(uid);
    pod.node.pods.delete(pod);
    pod.node.release(pod.podIPs);
    this.#due.delete(pod);
    this.#writer.delete(pod);
  }
}
