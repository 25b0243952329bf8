import { describe, expect, it } from 'vitest';
import type { ControllerDescriptor } from '../controller.ts';
import { ControllerFixture } from './controller-fixture.ts';
import { reconciler } from '../lib/reconciler.ts';
import { configMaps } from '@kubets/client/resources';
import { keyOf } from '@kubets/client';

/** Labels every config map: the smallest controller there is. */
const labeller: ControllerDescriptor = {
  name: 'labeller',
  create(context) {
    const queue = context.queue('labeller');
    const informer = context.informers.informer(configMaps);
    informer.addEventHandler({ onAdd: (object) => queue.add(keyOf(object)) });
    return reconciler(context, {
      queue,
      workers: 1,
      informers: [informer],
      async reconcile(key) {
        const [namespace = '', name = ''] = key.split('/');
        const body = { metadata: { labels: { seen: 'true' } } };
        await context.client.configMaps(namespace).patch(name, { type: 'application/merge-patch+json', body });
      },
    });
  },
};

describe('ControllerFixture', () => {
  it('runs a controller against a server in memory', async () => {
    await using fixture = await ControllerFixture.start([labeller]);
    await fixture.client.configMaps('default').create({ metadata: { name: 'a' } });
    await fixture.until(async () => {
      const { metadata } = await fixture.client.configMaps('default').get('a');
      return metadata.labels?.['seen'] === 'true';
    });
    expect(fixture.errors).toEqual([]);
  });
});
