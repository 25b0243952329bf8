import { describe, expect, it } from 'vitest';
import { failure, newAlreadyExists } from '@kubets/apimachinery/status';
import { Selector } from '@kubets/apimachinery/labels';
import type { ControllerRevision } from '@kubets/api/types/apps-v1';
import { Indexer, keyOf, type KubeClient } from '@kubets/client';
import { byControllerUid, controllerUidIndex } from '../lib/owner-references.ts';
import { RevisionHistory } from './revision-history.ts';

const of = (name: string, data: object, revision = 1): ControllerRevision => ({
  metadata: { name, namespace: 'default', labels: { app: 'web' } },
  data,
  revision,
});

/** A server with these revisions; refuses so many updates as conflicts. */
function server(existing: ControllerRevision[], conflicts = 0) {
  const objects = new Map(existing.map((revision) => [revision.metadata.name, revision]));
  const client = {
    create: async (revision: ControllerRevision) => {
      const { name = '' } = revision.metadata;
      if (objects.has(name)) throw newAlreadyExists({ group: 'apps', resource: 'controllerrevisions' }, name);
      objects.set(name, revision);
      return revision;
    },
    get: async (name: string) => objects.get(name),
    update: async (revision: ControllerRevision) => {
      if (conflicts-- > 0) throw failure('Conflict', 'too late');
      objects.set(revision.metadata.name, revision);
      return revision;
    },
    delete: async (name: string) => {
      if (!objects.delete(name)) throw failure('NotFound', 'gone');
    },
  };
  const store = new Indexer<ControllerRevision>({ [controllerUidIndex]: byControllerUid });
  for (const revision of existing) store.set(keyOf(revision), revision);
  const kube = { controllerRevisions: () => client } as unknown as KubeClient;
  return { objects, history: new RevisionHistory({ client: kube, informer: { store } }) };
}

describe('RevisionHistory', () => {
  it('avoids names that other data has', async () => {
    const { history, objects } = server([of('web-0', { a: 1 }), of('web-1', { a: 2 })]);
    const created = await history.create((count) => of(`web-${count}`, { a: 3 }), 0);
    expect(created.collisionCount).toBe(2);
    expect([...objects.keys()]).toEqual(['web-0', 'web-1', 'web-2']);
  });

  it('takes a revision of the same data as made', async () => {
    const { history, objects } = server([of('web-0', { a: 1, b: 2 })]);
    const created = await history.create((count) => of(`web-${count}`, { b: 2, a: 1 }), 0);
    expect(created).toMatchObject({ collisionCount: 0, revision: { metadata: { name: 'web-0' } } });
    expect(objects.size).toBe(1);
  });

  it('renumbers, also after conflicts, and not for ever', async () => {
    const one = of('web-0', {});
    const { history, objects } = server([one], 3);
    expect((await history.renumber(one, 5)).revision).toBe(5);
    expect(objects.get('web-0')?.revision).toBe(5);
    await expect(server([one], 99).history.renumber(one, 5)).rejects.toThrow('too late');
  });

  it('deletes what may be gone already', async () => {
    const { history, objects } = server([of('web-0', {})]);
    await history.delete(of('web-0', {}));
    await history.delete(of('web-0', {}));
    expect(objects.size).toBe(0);
  });

  it('lists what the owner has and what nobody has', () => {
    const owned = of('web-1', {}, 2);
    owned.metadata.ownerReferences = [
      { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web', uid: 'u', controller: true },
    ];
    const other = of('web-2', {});
    other.metadata.labels = { app: 'other' };
    const { history } = server([of('web-0', {}), owned, other]);
    const owner = { metadata: { name: 'web', namespace: 'default', uid: 'u' } };
    const { owned: mine, orphans } = history.list(owner, Selector.fromLabels({ app: 'web' }));
    expect(mine.map(({ metadata }) => metadata.name)).toEqual(['web-1']);
    expect(orphans.map(({ metadata }) => metadata.name)).toEqual(['web-0']);
  });
});
