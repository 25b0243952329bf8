import { describe, expect, it } from 'vitest';
import type { ControllerRevision, StatefulSet } from '@kubets/api/types/apps-v1';
import type { PodTemplateSpec } from '@kubets/api/types/core-v1';
import { statefulSets } from '@kubets/client/resources';
import {
  chooseRevision,
  equalRevisions,
  newControllerRevision,
  nextRevisionNumber,
  revisionHashLabel,
  sortRevisions,
  templateOf,
} from './controller-revision.ts';
import { outdatedRevisions } from './revision-history.ts';

const owner: StatefulSet = { metadata: { name: 'web', namespace: 'default', uid: 'u', annotations: { why: 'x' } } };
const template = (image: string): PodTemplateSpec => ({
  metadata: { labels: { app: 'web' } },
  spec: { containers: [{ name: 'c', image }] },
});

const made = (image: string, revision: number): ControllerRevision =>
  newControllerRevision({ owner, resource: statefulSets, template: template(image), revision, collisionCount: 0 });

const choose = (revisions: readonly ControllerRevision[], image: string, exact?: boolean) =>
  chooseRevision(revisions, {
    owner,
    resource: statefulSets,
    template: template(image),
    collisionCount: 0,
    ...(exact !== undefined && { exact }),
  });

describe('newControllerRevision', () => {
  it('holds the template as a patch, the labels of its pods and the annotations of its owner', () => {
    const revision = made('i:1', 3);
    const hash = revision.metadata.labels?.[revisionHashLabel];
    expect(revision).toMatchObject({
      metadata: { name: `web-${hash}`, namespace: 'default', labels: { app: 'web' }, annotations: { why: 'x' } },
      data: { spec: { template: { $patch: 'replace', ...template('i:1') } } },
      revision: 3,
    });
    expect(revision.metadata.ownerReferences?.[0]).toMatchObject({ kind: 'StatefulSet', uid: 'u', controller: true });
    expect(templateOf(revision)).toEqual(template('i:1'));
    expect(JSON.stringify(revision.data)).toBe(
      '{"spec":{"template":{"$patch":"replace","metadata":{"labels":{"app":"web"}},"spec":{"containers":[{"image":"i:1","name":"c"}]}}}}',
    );
    expect(() => templateOf({ metadata: { name: 'x' }, revision: 1 })).toThrow('holds no pod template');
  });

  it('equals by data, whatever the order of its fields', () => {
    const { metadata, spec } = template('i:1');
    const turned = { ...made('i:1', 9), data: { spec: { template: { spec, metadata, $patch: 'replace' } } } };
    expect(equalRevisions(made('i:1', 1), turned)).toBe(true);
    expect(equalRevisions(made('i:1', 1), made('i:2', 1))).toBe(false);
  });
});

describe('chooseRevision', () => {
  const [one, two] = [made('i:1', 1), made('i:2', 2)];

  it('creates, keeps, and brings an older one back', () => {
    expect(choose([], 'i:1')).toMatchObject({ type: 'create', revision: { revision: 1 } });
    expect(choose([one], 'i:1')).toEqual({ type: 'keep', revision: one });
    expect(choose([one], 'i:2')).toMatchObject({ type: 'create', revision: { revision: 2 } });
    expect(choose([one, two], 'i:1')).toEqual({ type: 'renumber', revision: one, number: 3 });
  });

  it('keeps the latest one that differs in writing only', () => {
    const { metadata, spec } = template('i:1');
    const data = {
      spec: { template: { $patch: 'replace', metadata: { ...metadata, creationTimestamp: null }, spec } },
    };
    const written = { ...one, data };
    expect(choose([written], 'i:1')).toEqual({ type: 'keep', revision: written });
    expect(choose([written], 'i:1', true).type).toBe('create');
    // Somebody else's revision that was adopted.
    expect(choose([{ ...one, data: null }], 'i:1').type).toBe('create');
  });
});

describe('the order of revisions', () => {
  it('is by number, then creation, then name', () => {
    const at = (name: string, revision: number, creationTimestamp: string): ControllerRevision => ({
      metadata: { name, creationTimestamp },
      revision,
    });
    const sorted = sortRevisions([
      at('d', 2, '2026-01-01T00:00:00Z'),
      at('c', 1, '2026-01-02T00:00:00Z'),
      at('b', 1, '2026-01-01T00:00:00Z'),
      at('a', 1, '2026-01-01T00:00:00Z'),
    ]);
    expect(sorted.map(({ metadata }) => metadata.name)).toEqual(['a', 'b', 'c', 'd']);
    expect(nextRevisionNumber(sorted)).toBe(3);
    expect(nextRevisionNumber([])).toBe(1);
  });

  it('gives up the oldest that nothing lives on', () => {
    const all = ['a', 'b', 'c', 'd'].map((name, i) => ({ metadata: { name }, revision: i }));
    const outdated = (live: string[], limit: number) =>
      outdatedRevisions(all, new Set(live), limit).map(({ metadata }) => metadata.name);
    expect(outdated(['a'], 1)).toEqual(['b', 'c']);
    expect(outdated(['a', 'd'], 0)).toEqual(['b', 'c']);
    expect(outdated([], 4)).toEqual([]);
    expect(outdated([], -1)).toEqual([]);
  });
});
