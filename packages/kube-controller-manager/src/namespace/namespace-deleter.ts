/**
 * Empties namespaces that are going away (`pkg/controller/namespace/deletion/namespaced_resources_deleter.go`).
 *
 * Differences from upstream, on purpose: all resources at the same time; what is empty is not told to go; the work starts at
 * once instead of after 5 s, and before the namespace is let go everything is looked at once more, when the deletion is old
 * enough that every API server has heard of it and creations under way have ended.
 */
import type { Namespace, NamespaceCondition } from '@kubets/api/types/core-v1';
import type { ApiObject } from '@kubets/apimachinery/meta';
import { isConflict, isNotFound, reasonOf } from '@kubets/apimachinery/status';
import { formatTime, parseTime } from '@kubets/apimachinery/time';
import type { DiscoveredResource, ResourceClient } from '@kubets/client';
import type { ControllerContext } from '../controller.ts';
import { metadataClient } from '../lib/metadata-client.ts';
import { deletionConditions, type DeletionFindings } from './conditions.ts';
import {
  emptied,
  failed,
  finalizedNamespace,
  findingsOf,
  graceOf,
  isFinalized,
  isPods,
  outcomeOf,
  unreadableGroupVersion,
  type ResourceOutcome,
} from './content.ts';
import { NamespacedResourceDiscovery } from './namespaced-resources.ts';

/** How old a deletion must be before a namespace that looks empty is empty. */
const settleMs = 1_000;

/** What an attempt has come to; `wait`: something is left that is on its way. */
export type DeletionProgress = { readonly type: 'done' } | { readonly type: 'wait'; readonly ms: number };

const done: DeletionProgress = { type: 'done' };

/** The list goes through the server's newest state, whatever watches have seen. */
type Contents = Pick<ResourceClient, 'list' | 'delete' | 'deleteCollection'>;

export class NamespaceDeleter {
  readonly #context: ControllerContext;
  readonly #discovery: NamespacedResourceDiscovery;
  /** When each dying namespace was first seen, on the monotonic clock. */
  readonly #seen = new Map<string, number>();

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#discovery = new NamespacedResourceDiscovery(context.transport, context.clock);
  }

  /** Forgets a namespace that is gone. */
  forget(name: string): void {
    this.#seen.delete(name);
  }

  /**
   * One attempt. Does nothing for a namespace that is not going away, or that we have let go. Rejects with what has failed,
   * after everything has been tried and the namespace's conditions say so.
   */
  async delete(name: string): Promise<DeletionProgress> {
    const namespace = await this.#read(name);
    if (namespace === undefined || namespace.metadata.deletionTimestamp === undefined) return done;
    const terminating = await this.#markTerminating(namespace);
    if (terminating === undefined || isFinalized(terminating)) return done;
    const since = this.#firstSeen(name);
    const attempt = await this.#deleteContent(terminating, since);
    await this.#updateConditions(terminating, attempt.findings);
    const errors = attempt.findings.failures;
    if (errors.length > 0) throw errors.length === 1 ? errors[0] : new AggregateError(errors, texts(errors));
    if (attempt.findings.discovery !== undefined) throw attempt.findings.discovery;
    if (attempt.estimateSeconds > 0) return { type: 'wait', ms: (Math.trunc(attempt.estimateSeconds / 2) + 1) * 1000 };
    const age = attempt.startedAt - since;
    if (age < settleMs) return { type: 'wait', ms: settleMs - age };
    await this.#finalize(terminating);
    return done;
  }

  #firstSeen(name: string): number {
    let since = this.#seen.get(name);
    if (since === undefined) this.#seen.set(name, (since = this.#context.clock.monotonic()));
    return since;
  }

  async #read(name: string): Promise<Readonly<Namespace> | undefined> {
    try {
      return await this.#context.client.namespaces().get(name);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async #markTerminating(namespace: Readonly<Namespace>): Promise<Readonly<Namespace> | undefined> {
    return await this.#retried(namespace, (current) => {
      if (current.metadata.deletionTimestamp === undefined || current.status?.phase === 'Terminating') return current;
      const status = { ...current.status, phase: 'Terminating' as const };
      return this.#context.client.namespaces().updateStatus({ ...current, status });
    });
  }

  /** Until the write meets no conflict; `undefined`: the namespace is gone, or another one by now. */
  async #retried(
    namespace: Readonly<Namespace>,
    write: (current: Readonly<Namespace>) => Readonly<Namespace> | Promise<Readonly<Namespace>>,
  ): Promise<Readonly<Namespace> | undefined> {
    for (let current = namespace; ;) {
      try {
        return await write(current);
      } catch (error) {
        if (isNotFound(error)) return undefined;
        if (!isConflict(error)) throw error;
      }
      const fresh = await this.#read(namespace.metadata.name ?? '');
      if (fresh === undefined || fresh.metadata.uid !== namespace.metadata.uid) return undefined;
      current = fresh;
    }
  }

  async #finalize(namespace: Readonly<Namespace>): Promise<void> {
    await this.#retried(namespace, (current) =>
      isFinalized(current)
        ? current
        : this.#context.client.namespaces().updateSubresource(finalizedNamespace(current), 'finalize'),
    );
  }

  async #updateConditions(namespace: Readonly<Namespace>, findings: DeletionFindings): Promise<void> {
    const { client, clock, log, name: controller } = this.#context;
    // An empty namespace is about to go: nobody would read that all went well, unless something else was said before.
    if (isAllWell(findings) && isOnlyOurs(namespace)) return;
    const current: readonly NamespaceCondition[] = namespace.status?.conditions ?? [];
    const conditions = deletionConditions(current, findings, formatTime(clock.now()));
    if (conditions === undefined) return;
    try {
      await client.namespaces().updateStatus({ ...namespace, status: { ...namespace.status, conditions } });
    } catch (error) {
      // The next attempt says it again.
      const fields = { controller, namespace: namespace.metadata.name, error: String(error) };
      if (!isNotFound(error)) log[isConflict(error) ? 'debug' : 'error'](fields, "couldn't update status condition");
    }
  }

  async #deleteContent(
    namespace: Readonly<Namespace>,
    since: number,
  ): Promise<{ readonly findings: DeletionFindings; readonly estimateSeconds: number; readonly startedAt: number }> {
    const startedAt = this.#context.clock.monotonic();
    const { resources, error } = await this.#discovery.asOf(startedAt - since < settleMs ? since : since + settleMs);
    const outcomes = await this.#deleteInOrder(namespace, resources);
    const groupVersions = unreadableGroupVersion(resources);
    const discovery = { ...(error === undefined ? {} : { error }), ...(groupVersions && { groupVersions }) };
    return {
      findings: findingsOf(outcomes, discovery),
      estimateSeconds: outcomes.reduce((longest, one) => Math.max(longest, one.estimateSeconds), 0),
      startedAt,
    };
  }

  /** Pods first: what they use outlives them (feature OrderedNamespaceDeletion). */
  async #deleteInOrder(
    namespace: Readonly<Namespace>,
    resources: readonly DiscoveredResource[],
  ): Promise<readonly ResourceOutcome[]> {
    const pods = resources.find(isPods);
    if (pods === undefined) return await Promise.all(resources.map((one) => this.#deleteAll(namespace, one)));
    const first = withPodsText(await this.#deleteAll(namespace, pods), namespace);
    if (first.remaining > 0 || first.error !== undefined) return [first];
    const others = resources.filter((resource) => resource !== pods);
    return [first, ...(await Promise.all(others.map((one) => this.#deleteAll(namespace, one))))];
  }

  async #deleteAll(namespace: Readonly<Namespace>, resource: DiscoveredResource): Promise<ResourceOutcome> {
    const { transport, client, clock } = this.#context;
    const name = namespace.metadata.name ?? '';
    // Graces are in the pods' specs; of all others the metadata do.
    const contents: Contents = isPods(resource)
      ? (client.pods(name) as ResourceClient)
      : metadataClient(transport, resource).in(name);
    if (!resource.verbs.includes('list')) return await this.#deleteUnlisted(resource, contents);
    try {
      const before = await contents.list(isPods(resource) ? {} : { limit: 1 });
      if (before.items.length === 0) return emptied(resource);
      const sinceDeletion = clock.now() - parseTime(namespace.metadata.deletionTimestamp ?? '');
      const graceSeconds = isPods(resource) ? graceOf(before.items, sinceDeletion) : 0;
      await deleteContents(resource, contents);
      const { items } = await contents.list();
      return outcomeOf(resource, name, { items, graceSeconds });
    } catch (error) {
      // Served no more: there is nothing of it here.
      return isGoneResource(error) ? emptied(resource) : failed(resource, error);
    }
  }

  async #deleteUnlisted(resource: DiscoveredResource, contents: Contents): Promise<ResourceOutcome> {
    try {
      if (resource.verbs.includes('deletecollection'))
        await contents.deleteCollection({ propagationPolicy: 'Background' });
      return emptied(resource);
    } catch (error) {
      return isGoneResource(error) ? emptied(resource) : failed(resource, error);
    }
  }
}

const isAllWell = (findings: DeletionFindings): boolean =>
  findings.failures.length === 0 && findings.remaining.size === 0 && findings.discovery === undefined;

/** Nothing has been said of it before, and it goes as soon as we let it. */
const isOnlyOurs = ({ metadata, spec, status }: Readonly<Namespace>): boolean =>
  status?.conditions === undefined && spec?.finalizers?.length === 1 && (metadata.finalizers ?? []).length === 0;

const texts = (errors: readonly unknown[]): string =>
  errors.map((error) => (error instanceof Error ? error.message : String(error))).join(', ');

/** Custom resources answer 404 when their definition is gone, others 405 when the verb is not there. */
const isGoneResource = (error: unknown): boolean => isNotFound(error) || reasonOf(error) === 'MethodNotAllowed';

function withPodsText(outcome: ResourceOutcome, namespace: Readonly<Namespace>): ResourceOutcome {
  if (outcome.error === undefined) return outcome;
  const text = outcome.error instanceof Error ? outcome.error.message : JSON.stringify(outcome.error);
  const message = `failed to delete pods for namespace: ${namespace.metadata.name}, err: ${text}`;
  return { ...outcome, error: new Error(message, { cause: outcome.error }) };
}

/** Deletions one by one that are under way at a time. */
const workers = 32;

/**
 * In the background: nobody is to be made an orphan, everything in here goes. By collection where that is to be had, else one
 * by one.
 */
async function deleteContents(resource: DiscoveredResource, contents: Contents): Promise<void> {
  if (resource.verbs.includes('deletecollection')) {
    await contents.deleteCollection({ propagationPolicy: 'Background' });
    return;
  }
  const { items } = await contents.list();
  const queue = items.values();
  await Promise.all(Array.from({ length: workers }, () => deleteEach(queue, contents)));
}

async function deleteEach(queue: Iterator<Readonly<ApiObject>>, contents: Contents): Promise<void> {
  for (let next = queue.next(); next.done !== true; next = queue.next()) {
    try {
      await contents.delete(next.value.metadata.name ?? '', { propagationPolicy: 'Background' });
    } catch (error) {
      if (!isGoneResource(error)) throw error;
    }
  }
}
