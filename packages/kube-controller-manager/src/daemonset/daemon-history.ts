/** The revisions of a DaemonSet (upstream `pkg/controller/daemon/update.go`, `constructHistory`). */
import type { ControllerRevision } from '@kubets/api/types/apps-v1';
import type { Pod } from '@kubets/api/types/core-v1';
import type { KubeClient } from '@kubets/client';
import { daemonSets } from '@kubets/client/resources';
import {
  dataText,
  newControllerRevision,
  podRevisionLabel,
  revisionHashLabel,
  sortRevisions,
  templatePatch,
} from '../history/controller-revision.ts';
import type { RevisionHistory } from '../history/revision-history.ts';
import type { Daemon } from './daemon-pod.ts';

type Revision = Readonly<ControllerRevision>;

export interface DaemonRevisions {
  /** The value of the revision label of pods of the present template. */
  readonly hash: string;
  /** Sorted. */
  readonly old: readonly Revision[];
  /** Higher than before when two templates have met under one name. */
  readonly collisionCount: number | undefined;
}

export interface DaemonHistoryOptions {
  readonly client: KubeClient;
  readonly history: RevisionHistory;
  /** Told of the server's answers. */
  wrote(daemon: Daemon, revision: Revision): void;
}

const hashOf = (revision: Revision): string | undefined => revision.metadata.labels?.[podRevisionLabel];

/** The revision of the present template as it is to be created. Its hash is that of its name, under the label of pods. */
function newDaemonRevision(daemon: Daemon, revision: number, collisionCount: number): ControllerRevision {
  const { template } = daemon.spec;
  const made = newControllerRevision({ owner: daemon, resource: daemonSets, template, revision, collisionCount });
  const { [revisionHashLabel]: hash = '', ...labels } = made.metadata.labels ?? {};
  made.metadata.labels = { ...labels, [podRevisionLabel]: hash };
  return made;
}

export class DaemonHistory {
  readonly #options: DaemonHistoryOptions;

  constructor(options: DaemonHistoryOptions) {
    this.#options = options;
  }

  /**
   * Sees to it that there is one revision of the present template and that it is the latest. `revisions` are those that the
   * DaemonSet owns. Undefined when one of several equal revisions went and `pods` were relabelled: they have to be read anew.
   */
  async construct(
    daemon: Daemon,
    revisions: readonly Revision[],
    pods: readonly Readonly<Pod>[],
  ): Promise<DaemonRevisions | undefined> {
    const labelled = await Promise.all(revisions.map((revision) => this.#labelled(daemon, revision)));
    const text = templatePatch(daemon.spec.template);
    const old = sortRevisions(labelled.filter((revision) => dataText(revision) !== text));
    const present = sortRevisions(labelled.filter((revision) => dataText(revision) === text));
    const number = (old.at(-1)?.revision ?? 0) + 1;
    const latest = present.at(-1);
    if (latest === undefined) return await this.#create(daemon, number, old);
    if (present.length > 1) {
      await this.#deduplicate(latest, present.slice(0, -1), pods);
      return undefined;
    }
    if (latest.revision < number) {
      this.#options.wrote(daemon, await this.#options.history.renumber(latest, number));
    }
    return { hash: hashOf(latest) ?? '', old, collisionCount: daemon.status?.collisionCount };
  }

  /** Deletes the oldest revisions beyond the limit that no pod is of (`cleanupHistory`). */
  async cleanUp(daemon: Daemon, old: readonly Revision[], pods: readonly Readonly<Pod>[]): Promise<void> {
    let surplus = old.length - (daemon.spec.revisionHistoryLimit ?? 10);
    if (surplus <= 0) return;
    const live = new Set(pods.map((pod) => pod.metadata.labels?.[podRevisionLabel]));
    for (const revision of old) {
      if (surplus <= 0) return;
      if (live.has(hashOf(revision))) continue;
      await this.#options.history.delete(revision);
      surplus--;
    }
  }

  async #create(daemon: Daemon, number: number, old: readonly Revision[]): Promise<DaemonRevisions> {
    const known = daemon.status?.collisionCount;
    const { history, wrote } = this.#options;
    const make = (count: number): ControllerRevision => newDaemonRevision(daemon, number, count);
    const { revision, collisionCount } = await history.create(make, known ?? 0);
    wrote(daemon, revision);
    return { hash: hashOf(revision) ?? '', old, collisionCount: collisionCount > 0 ? collisionCount : known };
  }

  /** Very old revisions have no label; the name then serves as the hash. */
  async #labelled(daemon: Daemon, revision: Revision): Promise<Revision> {
    if (hashOf(revision) !== undefined) return revision;
    const { name = '', namespace } = revision.metadata;
    const labels = { ...revision.metadata.labels, [podRevisionLabel]: name };
    const client = this.#options.client.controllerRevisions(namespace);
    const updated = await client.update({ ...revision, metadata: { ...revision.metadata, labels } });
    this.#options.wrote(daemon, updated);
    return updated;
  }

  /** Of revisions with the same template one stays, and pods are given its label (`dedupCurHistories`). */
  async #deduplicate(kept: Revision, others: readonly Revision[], pods: readonly Readonly<Pod>[]): Promise<void> {
    const { client, history } = this.#options;
    const hash = hashOf(kept) ?? '';
    const duplicates = new Set(others.map(hashOf));
    for (const { metadata } of pods) {
      if (!duplicates.has(metadata.labels?.[podRevisionLabel])) continue;
      const body = { metadata: { labels: { [podRevisionLabel]: hash } } };
      const { name = '', namespace } = metadata;
      await client.pods(namespace).patch(name, { type: 'application/merge-patch+json', body });
    }
    for (const revision of others) await history.delete(revision);
  }
}
