import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { CacheEntry, type EntryContext } from './cache-entry.ts';
import { ParsedObjects } from './parsed-objects.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function context(limit?: number): EntryContext {
  return {
    parsed: new ParsedObjects(limit),
    freeze: true,
    selectableFields: (object) => ({ 'spec.x': String(object['x']) }),
  };
}

function entry(shared: EntryContext, name = 'a'): CacheEntry {
  const json = JSON.stringify({ kind: 'A', metadata: { name, uid: 'u', labels: { l: '1' } }, x: 1, list: [{}] });
  return new CacheEntry({ key: `/a/n/${name}`, namespace: 'n', name, resourceVersion: 5 }, Buffer.from(json), shared);
}

describe('a cached object', () => {
  it('is made of its bytes', () => {
    const cached = entry(context());
    expect(JSON.parse(cached.json.toString())).toEqual(cached.object);
    expect(cached.json).toBe(cached.json);
    expect(cached.object.metadata.resourceVersion).toBe('5');
    expect(cached.labels).toEqual({ l: '1' });
    expect(cached.fields).toEqual({ 'spec.x': '1', 'metadata.name': 'a', 'metadata.namespace': 'n' });
  });

  it('cannot be changed', () => {
    const cached = entry(context());
    expect(() => ((cached.object as unknown as { x: unknown }).x = 2)).toThrow(TypeError);
    expect(() => (cached.object['list'] as unknown[]).push(1)).toThrow(TypeError);
  });

  it('knows the bytes that were stored, before and after they were completed', () => {
    const cached = entry(context());
    const stored = Buffer.from(
      JSON.stringify({ kind: 'A', metadata: { name: 'a', uid: 'u', labels: { l: '1' } }, x: 1, list: [{}] }),
    );
    const other = Buffer.from(stored.toString().replace('"x":1', '"x":2'));
    for (const final of [false, true]) {
      expect(final ? cached.json.length > stored.length : true).toBe(true);
      expect(cached.storedSize).toBe(stored.length);
      expect(cached.stores(stored)).toBe(true);
      expect(cached.stores(other)).toBe(false);
      expect(cached.stores(stored.subarray(1))).toBe(false);
    }
  });

  it('takes over the object of its writer', () => {
    const cached = entry(context());
    const object = { metadata: { name: 'a', labels: { l: '2' } } };
    cached.adopt(object);
    expect(cached.object).toBe(object);
    expect(cached.object.metadata.resourceVersion).toBe('5');
    expect(cached.labels).toEqual({ l: '2' });
  });

  it('is shown at another revision without a new parse of labels', () => {
    const cached = entry(context());
    expect(cached.labels).toBeDefined();
    const later = cached.atRevision(9);
    expect(later.object.metadata.resourceVersion).toBe('9');
    expect(later.labels).toBe(cached.labels);
  });

  /** Uses so many others that what is not used meanwhile is dropped. */
  function turnOver(shared: EntryContext, warm: CacheEntry): void {
    for (let i = 0; i < 20; i++) {
      expect(entry(shared, `other${i}`).object).toBeDefined();
      expect(warm.object).toBeDefined();
    }
  }

  it('forgets the parsed object when it has not been used for long', async () => {
    const shared = context(300);
    const cold = entry(shared, 'cold');
    const warm = entry(shared, 'warm');
    const kept = warm.object;
    const first = new WeakRef(cold.object);
    turnOver(shared, warm);
    // A WeakRef holds its target until the end of the turn in which it was made or read.
    await new Promise((resolve) => setImmediate(resolve));
    collectGarbage();
    expect(first.deref()).toBeUndefined();
    expect(warm.object).toBe(kept);
    expect(cold.object).toMatchObject({ metadata: { name: 'cold', resourceVersion: '5' } });
  });

  it('is not parsed again while somebody holds the object', () => {
    const shared = context(300);
    const cold = entry(shared, 'cold');
    const held = cold.object;
    turnOver(shared, entry(shared, 'warm'));
    expect(cold.object).toBe(held);
  });
});
