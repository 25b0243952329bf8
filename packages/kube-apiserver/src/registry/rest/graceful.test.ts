import { describe, expect, it } from 'vitest';
import { ApiFixture, eventsOf } from '../testing/api-fixture.ts';

const pods = '/api/v1/namespaces/default/pods';
const pod = (name: string, metadata: object = {}): object => ({
  metadata: { name, ...metadata },
  spec: { containers: [{ name: 'c', image: 'i' }] },
});

async function scheduled(metadata: object = {}): Promise<ApiFixture> {
  const api = await ApiFixture.open();
  await api.ok('POST', pods, { body: pod('p', metadata) });
  await api.ok('POST', `${pods}/p/binding`, { body: { target: { name: 'n' } } });
  return api;
}

describe('graceful deletion of pods', () => {
  it('is at once while the pod has no node', async () => {
    await using api = await ApiFixture.open();
    await api.ok('POST', pods, { body: pod('p') });
    const gone = await api.ok('DELETE', `${pods}/p`);
    expect(gone).toMatchObject({ kind: 'Pod', metadata: { deletionGracePeriodSeconds: 0 } });
    expect((await api.call('GET', `${pods}/p`)).status).toBe(404);
  });

  it('leaves a scheduled pod its time, which may only get shorter', async () => {
    await using api = await scheduled();
    const marked = await api.ok('DELETE', `${pods}/p`);
    expect(marked.metadata).toMatchObject({
      deletionTimestamp: '2026-01-01T00:00:30Z',
      deletionGracePeriodSeconds: 30,
      resourceVersion: '3',
    });
    const longer = await api.ok('DELETE', `${pods}/p?gracePeriodSeconds=60`);
    expect(longer.metadata.resourceVersion).toBe('3');
    const shorter = await api.ok('DELETE', `${pods}/p?gracePeriodSeconds=5`);
    expect(shorter.metadata).toMatchObject({
      deletionTimestamp: '2026-01-01T00:00:05Z',
      deletionGracePeriodSeconds: 5,
      resourceVersion: '4',
    });
    const watch = await api.watch(`${pods}?watch=true&resourceVersion=4`);
    await api.ok('DELETE', `${pods}/p`, { body: { gracePeriodSeconds: 0 } });
    expect(eventsOf(watch)).toEqual(['DELETED p@5']);
  });

  it('waits for finalizers even without grace', async () => {
    await using api = await scheduled({ finalizers: ['x.io/y'] });
    const marked = await api.ok('DELETE', `${pods}/p?gracePeriodSeconds=0`);
    expect(marked.metadata).toMatchObject({ deletionGracePeriodSeconds: 0, finalizers: ['x.io/y'] });
    const body = { metadata: { finalizers: null } };
    await api.ok('PATCH', `${pods}/p`, { contentType: 'application/merge-patch+json', body });
    expect((await api.call('GET', `${pods}/p`)).status).toBe(404);
  });
});
