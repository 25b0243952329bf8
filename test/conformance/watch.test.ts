/** Watches: who sees what, in which order, from where. And lists in chunks. */
import { describe, expect } from 'vitest';
import { covers, coversSlowly, useCluster } from './covers.ts';
import type { Draft, Obj } from './cluster.ts';
import { Refused, type Collection } from './collection.ts';

useCluster();

const configMap = (name: string, labels: Record<string, string> = {}, data: Record<string, string> = {}): Draft => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, labels },
  data,
});

const setMutation = (maps: Collection, name: string, value: number): Promise<Obj> =>
  maps.patch(name, 'merge', { data: { mutation: `${value}` } });

const mutation = ({ data }: Obj): string | undefined => (data as Record<string, string> | undefined)?.['mutation'];

describe('watchers', () => {
  covers(
    '[sig-api-machinery] Watchers should observe add, update, and delete watch notifications on configmaps',
    async (cluster) => {
      const maps = cluster.of('v1/configmaps', await cluster.namespace());
      using watchA = await maps.watch({ labelSelector: 'watch=A' });
      using watchB = await maps.watch({ labelSelector: 'watch=B' });
      using watchBoth = await maps.watch({ labelSelector: 'watch in (A, B)' });
      await maps.create(configMap('a', { watch: 'A' }));
      await setMutation(maps, 'a', 1);
      await setMutation(maps, 'a', 2);
      await maps.delete('a');
      await maps.create(configMap('b', { watch: 'B' }));
      await maps.delete('b');
      const ofA = ['ADDED a', 'MODIFIED a', 'MODIFIED a', 'DELETED a'];
      const ofB = ['ADDED b', 'DELETED b'];
      await watchBoth.event('DELETED', 'b');
      await watchA.event('DELETED', 'a');
      await watchB.event('DELETED', 'b');
      expect(watchA.summary()).toEqual(ofA);
      expect(watchB.summary()).toEqual(ofB);
      expect(watchBoth.summary()).toEqual([...ofA, ...ofB]);
      expect(watchA.events.map(({ object }) => mutation(object))).toEqual([undefined, '1', '2', '2']);
    },
  );

  covers(
    '[sig-api-machinery] Watchers should be able to start watching from a specific resource version',
    async (cluster) => {
      const maps = cluster.of('v1/configmaps', await cluster.namespace());
      await maps.create(configMap('m'));
      const first = await setMutation(maps, 'm', 1);
      await setMutation(maps, 'm', 2);
      await maps.delete('m');
      using watching = await maps.watch({ resourceVersion: first.metadata.resourceVersion });
      await watching.event('DELETED', 'm');
      expect(watching.summary()).toEqual(['MODIFIED m', 'DELETED m']);
      expect(mutation(watching.events[0]!.object)).toBe('2');
      const last = watching.events[1]!.object;
      expect(Number(last.metadata.resourceVersion)).toBeGreaterThan(
        Number(watching.events[0]!.object.metadata.resourceVersion),
      );
    },
  );

  covers(
    '[sig-api-machinery] Watchers should be able to restart watching from the last resource version observed by the previous watch',
    async (cluster) => {
      const maps = cluster.of('v1/configmaps', await cluster.namespace());
      const first = await maps.watch();
      await maps.create(configMap('m'));
      await setMutation(maps, 'm', 1);
      const { object } = await first.event('MODIFIED', 'm');
      first[Symbol.dispose]();
      await setMutation(maps, 'm', 2);
      await maps.delete('m');
      using second = await maps.watch({ resourceVersion: object.metadata.resourceVersion });
      await second.event('DELETED', 'm');
      expect(second.summary()).toEqual(['MODIFIED m', 'DELETED m']);
    },
  );

  covers(
    '[sig-api-machinery] Watchers should observe an object deletion if it stops meeting the requirements of the selector',
    async (cluster) => {
      const maps = cluster.of('v1/configmaps', await cluster.namespace());
      using watching = await maps.watch({ labelSelector: 'watch=original' });
      const relabel = (value: string): Promise<Obj> =>
        maps.patch('m', 'merge', { metadata: { labels: { watch: value } } });
      await maps.create(configMap('m', { watch: 'original' }));
      await setMutation(maps, 'm', 1);
      await relabel('other');
      await setMutation(maps, 'm', 2);
      await relabel('original');
      await setMutation(maps, 'm', 3);
      await maps.delete('m');
      await watching.until((events) => events.length >= 6, 'six events');
      expect(watching.summary()).toEqual(['ADDED m', 'MODIFIED m', 'DELETED m', 'ADDED m', 'MODIFIED m', 'DELETED m']);
      expect(watching.events.map(({ object }) => mutation(object))).toEqual([undefined, '1', '1', '2', '3', '3']);
    },
  );

  covers('[sig-api-machinery] Watchers should receive events on concurrent watches in same order', async (cluster) => {
    const maps = cluster.of('v1/configmaps', await cluster.namespace());
    const { metadata } = await maps.list();
    using reference = await maps.watch({ resourceVersion: metadata.resourceVersion });
    const writers = Array.from({ length: 4 }, async (_, writer) => {
      for (let round = 0; round < 12; round++) {
        const name = `m-${writer}-${round % 3}`;
        await maps.create(configMap(name));
        await setMutation(maps, name, round);
        await maps.delete(name);
      }
    });
    const total = 4 * 12 * 3;
    await reference.until((events) => events.length > 10, 'the first events');
    const starts = reference.events.slice(0, 10);
    await Promise.all(writers);
    await reference.until((events) => events.length >= total, `${total} events`);
    const versions = reference.events.map(({ object }) => Number(object.metadata.resourceVersion));
    expect(versions).toEqual(versions.toSorted((a, b) => a - b));
    for (const [index, start] of starts.entries()) {
      using other = await maps.watch({ resourceVersion: start.object.metadata.resourceVersion });
      const expected = reference.events.slice(index + 1);
      await other.until((events) => events.length >= expected.length, `the events after ${index}`);
      expect(other.events).toEqual(expected);
    }
  });
});

describe('chunks', () => {
  covers(
    '[sig-api-machinery] Servers with support for API chunking should return chunks of results for list calls',
    async (cluster) => {
      const templates = cluster.of('v1/podtemplates', await cluster.namespace());
      const total = 100;
      const create = async (index: number): Promise<void> => {
        const name = `template-${String(index).padStart(4, '0')}`;
        const template = { spec: { containers: [{ name: 'test', image: 'test2' }] } };
        await templates.create({ apiVersion: 'v1', kind: 'PodTemplate', metadata: { name }, template });
      };
      await Promise.all(Array.from({ length: total }, (_, index) => create(index)));
      for (const limit of [1, 17, 99, 100]) {
        const names: string[] = [];
        let next = '';
        let version: string | undefined;
        do {
          const page = await templates.list({ limit: `${limit}`, ...(next === '' ? {} : { continue: next }) });
          expect(page.items.length).toBeLessThanOrEqual(limit);
          version ??= page.metadata.resourceVersion;
          expect(page.metadata.resourceVersion).toBe(version);
          names.push(...page.items.map(({ metadata }) => metadata.name));
          next = page.metadata.continue ?? '';
          const remaining = total - names.length;
          expect(page.metadata.remainingItemCount).toBe(remaining === 0 ? undefined : remaining);
          expect(next === '').toBe(remaining === 0);
        } while (next !== '');
        expect(names).toEqual(
          Array.from({ length: total }, (_, index) => `template-${String(index).padStart(4, '0')}`),
        );
      }
      const whole = await templates.list();
      expect(whole.items).toHaveLength(total);
      expect(whole.metadata.continue).toBeUndefined();
    },
  );

  coversSlowly(
    '[sig-api-machinery] Servers with support for API chunking should support continue listing from the last key if the original version has been compacted away, though the list is inconsistent [Slow]',
    15,
    async (cluster) => {
      const templates = cluster.of('v1/podtemplates', await cluster.namespace());
      const total = 30;
      for (let index = 0; index < total; index++) {
        const name = `template-${String(index).padStart(4, '0')}`;
        const template = { spec: { containers: [{ name: 'test', image: 'test2' }] } };
        await templates.create({ apiVersion: 'v1', kind: 'PodTemplate', metadata: { name }, template });
      }
      const limit = '8';
      const first = await templates.list({ limit });
      let token = first.metadata.continue ?? '';
      for (;;) {
        // Compaction runs every few minutes; something has to change for it to have anything to do.
        await new Promise((resolve) => setTimeout(resolve, 10_000));
        await templates.patch('template-0000', 'merge', { metadata: { annotations: { at: `${performance.now()}` } } });
        const failure = await templates.list({ limit, continue: token }).catch((error: unknown) => error);
        if (!(failure instanceof Refused)) continue;
        expect(failure).toMatchObject({ code: 410, reason: 'Expired' });
        token = (failure.status['metadata'] as { continue: string }).continue;
        break;
      }
      const names = first.items.map(({ metadata }) => metadata.name);
      let version: string | undefined;
      while (token !== '') {
        const page = await templates.list({ limit, continue: token });
        version ??= page.metadata.resourceVersion;
        expect(page.metadata.resourceVersion).toBe(version);
        expect(version).not.toBe(first.metadata.resourceVersion);
        names.push(...page.items.map(({ metadata }) => metadata.name));
        expect(page.metadata.remainingItemCount ?? 0).toBe(total - names.length);
        token = page.metadata.continue ?? '';
      }
      expect(names).toEqual(Array.from({ length: total }, (_, index) => `template-${String(index).padStart(4, '0')}`));
    },
  );
});
