import { describe, expect, it } from 'vitest';
import { newForbidden, newNotFound, StatusError } from '@kubets/apimachinery/status';
import { keyOf } from '@kubets/client';
import { configMaps } from '@kubets/client/resources';
import type { ControllerDescriptor } from '../controller.ts';
import { ControllerFixture } from '../testing/controller-fixture.ts';
import { reconciler } from './reconciler.ts';

/** Fails once for every config map, in the way that its name says. */
function failing(failures: Readonly<Record<string, Error>>): { descriptor: ControllerDescriptor; done: Set<string> } {
  const done = new Set<string>();
  const tried = new Set<string>();
  const descriptor: ControllerDescriptor = {
    name: 'failing',
    create(context) {
      const queue = context.queue('failing');
      const informer = context.informers.informer(configMaps);
      informer.addEventHandler({ onAdd: (object) => queue.add(keyOf(object)) });
      return reconciler(context, {
        queue,
        workers: 1,
        informers: [informer],
        async reconcile(key) {
          const failure = failures[key.slice(key.indexOf('/') + 1)];
          if (failure !== undefined && !tried.has(key)) {
            tried.add(key);
            throw failure;
          }
          done.add(key);
          return await Promise.resolve();
        },
      });
    },
  };
  return { descriptor, done };
}

/** What the server says of things to be made in a namespace that goes. */
function terminating(): StatusError {
  const { status } = newForbidden({ group: '', resource: 'pods' }, 'a', 'it is being terminated');
  const causes = [
    { reason: 'NamespaceTerminating', message: 'namespace x is being terminated', field: 'metadata.namespace' },
  ];
  return new StatusError({ ...status, details: { ...status.details, causes } });
}

describe('reconciler', () => {
  it('tries again what failed, and reports it unless it is in the way of things', async () => {
    const gone = newNotFound({ group: '', resource: 'pods' }, 'a');
    const { descriptor, done } = failing({ broken: new Error('broken'), leaving: terminating(), gone });
    await using fixture = await ControllerFixture.start([descriptor]);
    const names = ['broken', 'leaving', 'gone'];
    for (const name of names) await fixture.client.configMaps('default').create({ metadata: { name } });
    await fixture.until(() => Promise.resolve(names.every((name) => done.has(`default/${name}`))));
    expect(fixture.errors).toEqual([expect.stringContaining('default/broken')]);
  });
});
