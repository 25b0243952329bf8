import { describe, expect, it } from 'vitest';
import type { ApiObject, OwnerReference } from '@kubets/apimachinery/meta';
import { Selector } from '@kubets/apimachinery/labels';
import { Indexer, keyOf } from '@kubets/client';
import { Dependents } from './dependents.ts';

const owner = (name: string): ApiObject => ({ metadata: { name, namespace: 'ns', uid: `uid-${name}` } });

function dependent(ownerName: string | undefined, more: Partial<ApiObject['metadata']> = {}): ApiObject {
  const reference = (name: string): OwnerReference => ({
    apiVersion: 'apps/v1',
    kind: 'Owner',
    name,
    uid: `uid-${name}`,
    controller: true,
  });
  const ownerReferences = ownerName === undefined ? undefined : [reference(ownerName)];
  return {
    metadata: {
      name: 'd',
      namespace: 'ns',
      resourceVersion: '1',
      ...(ownerReferences && { ownerReferences }),
      ...more,
    },
  };
}

function setUp() {
  const told: string[] = [];
  const owners = new Indexer<ApiObject>();
  for (const name of ['a', 'b']) owners.set(keyOf(owner(name)), owner(name));
  const handler = new Dependents<ApiObject, ApiObject>({
    owners,
    kind: 'Owner',
    selectorOf: ({ metadata }) => Selector.fromLabels({ app: metadata.name ?? '' }),
    enqueue: (key) => void told.push(key),
    added: (key) => void told.push(`+${key}`),
    deleted: (key) => void told.push(`-${key}`),
  }).handler();
  return { told, handler };
}

describe('Dependents', () => {
  it('tells the managing owner', () => {
    const { told, handler } = setUp();
    void handler.onAdd?.(dependent('a'), false);
    void handler.onUpdate?.(dependent('a'), dependent('a', { resourceVersion: '2' }));
    void handler.onDelete?.(dependent('a'), false);
    expect(told).toEqual(['+ns/a', 'ns/a', 'ns/a', '-ns/a', 'ns/a']);
  });

  it('takes a deletion for what it is as soon as it is asked for', () => {
    const { told, handler } = setUp();
    const deletionTimestamp = '2026-01-01T00:00:00Z';
    void handler.onAdd?.(dependent('a', { deletionTimestamp }), true);
    void handler.onUpdate?.(dependent('a'), dependent('a', { deletionTimestamp, resourceVersion: '2' }));
    expect(told).toEqual(['-ns/a', 'ns/a', '-ns/a', 'ns/a']);
  });

  it('tells both owners when an object moves', () => {
    const { told, handler } = setUp();
    void handler.onUpdate?.(dependent('a'), dependent('b', { resourceVersion: '2' }));
    expect(told).toEqual(['ns/a', 'ns/b']);
  });

  it('offers orphans to those who select them', () => {
    const { told, handler } = setUp();
    const orphan = dependent(undefined, { labels: { app: 'b' } });
    void handler.onAdd?.(orphan, false);
    void handler.onUpdate?.(orphan, { metadata: { ...orphan.metadata, resourceVersion: '2' } });
    expect(told).toEqual(['ns/b']);
    void handler.onUpdate?.(orphan, { metadata: { ...orphan.metadata, resourceVersion: '3', labels: { app: 'a' } } });
    expect(told).toEqual(['ns/b', 'ns/a']);
    void handler.onDelete?.(orphan, false);
    expect(told).toHaveLength(2);
  });

  it('passes over resyncs, strangers and owners of another uid', () => {
    const { told, handler } = setUp();
    void handler.onUpdate?.(dependent('a'), dependent('a'));
    void handler.onAdd?.(dependent('c'), false);
    const renewed = dependent('a');
    renewed.metadata.ownerReferences = [{ ...(renewed.metadata.ownerReferences?.[0] as OwnerReference), uid: 'old' }];
    void handler.onAdd?.(renewed, false);
    expect(told).toEqual([]);
  });
});
