import { FakeClock } from '@kubets/apimachinery/fake-clock';
import { newConflict } from '@kubets/apimachinery/status';
import { expect, it } from 'vitest';
import { FakeCacheDirectory } from '../authorization/testing/fake-cache.ts';
import { FlowSchemaConditions } from './flow-schema-conditions.ts';
import { FakeClient } from './testing/fake-client.ts';

const group = 'flowcontrol.apiserver.k8s.io';
const settle = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) await Promise.resolve();
};

function setup() {
  const caches = new FakeCacheDirectory();
  const client = new FakeClient(caches);
  const errors: unknown[] = [];
  caches.put(group, 'flowschemas', { metadata: { name: 's' }, spec: { priorityLevelConfiguration: { name: 'l' } } });
  const conditions = () =>
    (caches.of({ group, resource: 'flowschemas' }).get('', 's')?.object['status'] as { conditions: object[] })
      ?.conditions;
  const deps = { caches, client, clock: new FakeClock(), onError: (error: unknown) => void errors.push(error) };
  return { caches, client, errors, conditions, deps };
}

it('tells which flow schemas lack their priority level', async () => {
  const { caches, client, errors, conditions, deps } = setup();
  await using running = new FlowSchemaConditions(deps);
  running.start();
  await settle();
  const message =
    'This FlowSchema references the PriorityLevelConfiguration object named "l" but there is no such object';
  expect(conditions()).toEqual([
    { type: 'Dangling', status: 'True', lastTransitionTime: expect.any(String), reason: 'NotFound', message },
  ]);
  caches.put(group, 'prioritylevelconfigurations', { metadata: { name: 'l' }, spec: { type: 'Exempt' } });
  await settle();
  expect(conditions()).toMatchObject([{ status: 'False', reason: 'Found' }]);
  expect(client.log).toEqual(['updateStatus flowschemas /s', 'updateStatus flowschemas /s']);
  expect(errors).toEqual([]);
});

it('waits for the newer object after a conflict, and tells of other errors', async () => {
  const { caches, client, errors, conditions, deps } = setup();
  client.failNext = newConflict({ group, resource: 'flowschemas' }, 's', 'modified');
  await using running = new FlowSchemaConditions(deps);
  running.start();
  await settle();
  expect([conditions(), errors]).toEqual([undefined, []]);
  client.failNext = new Error('disk full');
  caches.put(group, 'prioritylevelconfigurations', { metadata: { name: 'l' }, spec: { type: 'Exempt' } });
  await settle();
  expect(errors).toEqual([new Error('disk full')]);
});
