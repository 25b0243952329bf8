/** The revisions of one kind of owner on the API server (upstream `pkg/controller/history/controller_history.go`, `realHistory`). */
import type { ApiObject } from '@kubets/apimachinery/meta';
import type { Selector } from '@kubets/apimachinery/labels';
import { isAlreadyExists, isConflict, isNotFound } from '@kubets/apimachinery/status';
import type { ControllerRevision } from '@kubets/api/types/apps-v1';
import type { KubeClient, SharedInformer } from '@kubets/client';
import { controllerUidIndex, orphansOf } from '../lib/owner-references.ts';
import { dataText, sortRevisions } from './controller-revision.ts';

type Revision = Readonly<ControllerRevision>;

/** As client-go's `retry.DefaultBackoff` counts. */
const conflictRetries = 4;

export interface RevisionHistoryOptions {
  readonly client: KubeClient;
  /** Indexed by {@link controllerUidIndex}. */
  readonly informer: Pick<SharedInformer<ControllerRevision>, 'store'>;
}

export class RevisionHistory {
  readonly #options: RevisionHistoryOptions;

  constructor(options: RevisionHistoryOptions) {
    this.#options = options;
  }

  /** Revisions of the owner, and those that nobody owns, as far as the selector matches; sorted, from the cache. */
  list(owner: Readonly<ApiObject>, selector: Selector): { owned: Revision[]; orphans: Revision[] } {
    const { store } = this.#options.informer;
    const { uid = '', namespace = '' } = owner.metadata;
    const matching = (index: string): Revision[] =>
      sortRevisions(
        store.byIndex(controllerUidIndex, index).filter((revision) => selector.matches(revision.metadata.labels)),
      );
    return { owned: matching(uid), orphans: matching(orphansOf(namespace)) };
  }

  /**
   * Creates the revision that `make` makes up for a count of collisions. A name that is taken by the same data is the same
   * revision: another run has made it. Taken by other data it is a collision: the count goes up and gives another name.
   * Resolves to the revision and the count.
   */
  async create(
    make: (collisionCount: number) => ControllerRevision,
    collisionCount: number,
  ): Promise<{ readonly revision: Revision; readonly collisionCount: number }> {
    for (let count = collisionCount; ; count++) {
      const wanted = make(count);
      const client = this.#options.client.controllerRevisions(wanted.metadata.namespace);
      try {
        return { revision: await client.create(wanted), collisionCount: count };
      } catch (error) {
        if (!isAlreadyExists(error)) throw error;
      }
      const existing = await client.get(wanted.metadata.name ?? '');
      if (dataText(existing) === dataText(wanted)) return { revision: existing, collisionCount: count };
    }
  }

  /** Gives a revision another number; tried again on conflicts, from a fresh read. */
  async renumber(revision: Revision, number: number): Promise<Revision> {
    const { name = '', namespace = '' } = revision.metadata;
    const client = this.#options.client.controllerRevisions(namespace);
    for (let tries = 0, latest = revision; ; tries++) {
      if (latest.revision === number) return latest;
      try {
        return await client.update({ ...latest, revision: number });
      } catch (error) {
        if (!isConflict(error) || tries >= conflictRetries) throw error;
        latest = await client.get(name);
      }
    }
  }

  /** A revision that is gone already is no failure. */
  async delete(revision: Revision): Promise<void> {
    const { name = '', namespace = '' } = revision.metadata;
    try {
      await this.#options.client.controllerRevisions(namespace).delete(name);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}

/** Of `revisions`, which are sorted, those beyond the limit: the oldest ones that nothing lives on (`truncateHistory`). */
export function outdatedRevisions(
  revisions: readonly Revision[],
  live: ReadonlySet<string>,
  limit: number,
): readonly Revision[] {
  const historic = revisions.filter((revision) => !live.has(revision.metadata.name ?? ''));
  if (limit < 0 || historic.length <= limit) return [];
  return historic.slice(0, historic.length - limit);
}
