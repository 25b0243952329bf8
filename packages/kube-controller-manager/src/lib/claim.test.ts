import { describe, expect, it } from 'vitest';
import { Selector } from '@kubets/apimachinery/labels';
import type { ApiObject } from '@kubets/apimachinery/meta';
import { failure } from '@kubets/apimachinery/status';
import { replicaSets } from '@kubets/client/resources';
import { Claimer, type ClaimOptions } from './claim.ts';

type Meta = ApiObject['metadata'];

const owner = (more: Meta = {}): ApiObject => ({ metadata: { name: 'o', namespace: 'ns', uid: 'mine', ...more } });

function dependent(name: string, uid: string | undefined, more: Meta = {}): ApiObject {
  const reference = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'o', uid: uid ?? '', controller: true };
  return {
    metadata: {
      name,
      namespace: 'ns',
      uid: `uid-${name}`,
      labels: { app: 'web' },
      ...(uid !== undefined && { ownerReferences: [reference] }),
      ...more,
    },
  };
}

interface Scene {
  readonly patches: { readonly name: string; readonly body: object }[];
  reads: number;
  claim(candidates: readonly ApiObject[], options?: Partial<ClaimOptions<ApiObject, ApiObject>>): Promise<string[]>;
}

function setUp(by: ApiObject = owner(), refuse: (name: string) => Error | undefined = () => undefined): Scene {
  const scene: Scene = {
    patches: [],
    reads: 0,
    async claim(candidates, options = {}) {
      const dependents = {
        in: () => ({
          patch: async (name: string, { body }: { readonly body: object }) => {
            const error = refuse(name);
            if (error !== undefined) throw error;
            scene.patches.push({ name, body });
            return owner();
          },
        }),
      };
      const claimer = new Claimer<ApiObject, ApiObject>({
        owner: by,
        ownerResource: replicaSets as never,
        selector: Selector.fromLabels({ app: 'web' }),
        dependents,
        readOwner: async () => (scene.reads++, by),
        ...options,
      });
      return (await claimer.claim(candidates)).map(({ metadata }) => metadata.name ?? '');
    },
  };
  return scene;
}

const deletionTimestamp = '2026-01-01T00:00:00Z';

describe('Claimer', () => {
  it('keeps what it owns and selects, without asking anybody', async () => {
    const scene = setUp();
    const candidates = [
      dependent('a', 'mine'),
      dependent('b', 'other'),
      dependent('c', 'mine', { deletionTimestamp }),
      dependent('d', undefined, { labels: {} }),
    ];
    expect(await scene.claim(candidates)).toEqual(['a', 'c']);
    expect(scene.patches).toEqual([]);
    expect(scene.reads).toBe(0);
  });

  it('adopts orphans that it selects, after asking once whether it is still there', async () => {
    const scene = setUp();
    const candidates = [
      dependent('a', undefined),
      dependent('b', undefined),
      dependent('going', undefined, { deletionTimestamp }),
      dependent('elsewhere', undefined, { namespace: 'other' }),
    ];
    expect(await scene.claim(candidates, { finalizers: ['f'] })).toEqual(['a', 'b']);
    expect(scene.reads).toBe(1);
    expect(scene.patches[0]).toEqual({
      name: 'a',
      body: {
        metadata: {
          ownerReferences: [
            {
              apiVersion: 'apps/v1',
              kind: 'ReplicaSet',
              name: 'o',
              uid: 'mine',
              controller: true,
              blockOwnerDeletion: true,
            },
          ],
          uid: 'uid-a',
          finalizers: ['f'],
        },
      },
    });
  });

  it('lets go of what it selects no more', async () => {
    const scene = setUp();
    expect(await scene.claim([dependent('a', 'mine', { labels: {} })])).toEqual([]);
    const metadata = { ownerReferences: [{ $patch: 'delete', uid: 'mine' }], uid: 'uid-a' };
    expect(scene.patches).toEqual([{ name: 'a', body: { metadata } }]);
    expect(await scene.claim([dependent('b', 'mine')], { matches: () => false })).toEqual([]);
    expect(scene.patches).toHaveLength(2);
  });

  it('neither adopts nor releases when it is being deleted', async () => {
    const scene = setUp(owner({ deletionTimestamp }));
    const candidates = [dependent('a', 'mine'), dependent('b', 'mine', { labels: {} }), dependent('c', undefined)];
    expect(await scene.claim(candidates)).toEqual(['a']);
    expect(scene.patches).toEqual([]);
  });

  it('does not adopt in the name of an owner that is gone, or going', async () => {
    const gone = setUp();
    const renewed = { readOwner: async () => owner({ uid: 'new' }) };
    await expect(gone.claim([dependent('a', undefined)], renewed)).rejects.toThrow('original ReplicaSet ns/o is gone');
    const leaving = { readOwner: async () => owner({ deletionTimestamp }) };
    await expect(gone.claim([dependent('a', undefined)], leaving)).rejects.toThrow('has just been deleted');
    expect(gone.patches).toEqual([]);
  });

  it('passes over what has gone, and tries all before it fails', async () => {
    const errors: Record<string, Error> = {
      gone: failure('NotFound', 'gone'),
      another: failure('Invalid', 'uid'),
      broken: failure('InternalError', 'broken'),
    };
    const scene = setUp(owner(), (name) => errors[name]);
    const orphans = ['gone', 'another', 'a'].map((name) => dependent(name, undefined));
    expect(await scene.claim(orphans)).toEqual(['a']);
    const more = ['broken', 'b'].map((name) => dependent(name, undefined));
    await expect(scene.claim(more)).rejects.toThrow('broken');
    expect(scene.patches.map(({ name }) => name)).toEqual(['a', 'b']);
  });
});
