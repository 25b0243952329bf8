import { describe, expect, it } from 'vitest';
import { ApiFixture, eventsOf } from '../testing/api-fixture.ts';

const configMaps = '/api/v1/namespaces/default/configmaps';
const services = '/api/v1/namespaces/default/serviceaccounts';

const configMap = (name: string, metadata: object = {}): object => ({ metadata: { name, ...metadata } });

describe('delete', () => {
  it('answers with a Status, or with the object where upstream does', async () => {
    await using api = await ApiFixture.open();
    const { metadata } = await api.ok('POST', configMaps, { body: configMap('a') });
    const gone = await api.call('DELETE', `${configMaps}/a`);
    expect(gone.status).toBe(200);
    expect(gone.object).toEqual({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Success',
      details: { name: 'a', kind: 'configmaps', uid: metadata.uid },
    });
    await api.ok('POST', services, { body: configMap('s') });
    expect(await api.ok('DELETE', `${services}/s`)).toMatchObject({ kind: 'ServiceAccount', metadata: { name: 's' } });
    const missing = await api.call('DELETE', `${configMaps}/a`);
    expect(missing.object).toMatchObject({ message: 'configmaps "a" not found', code: 404 });
  });

  it('keeps to preconditions', async () => {
    await using api = await ApiFixture.open();
    const { metadata } = await api.ok('POST', configMaps, { body: configMap('a') });
    const uid = await api.call('DELETE', `${configMaps}/a`, { body: { preconditions: { uid: 'x' } } });
    expect(uid.object).toMatchObject({ reason: 'Conflict', code: 409 });
    expect(uid.object['message']).toContain(
      `the UID in the precondition (x) does not match the UID in record (${metadata.uid})`,
    );
    const revision = await api.call('DELETE', `${configMaps}/a`, { body: { preconditions: { resourceVersion: '9' } } });
    expect(revision.object['message']).toContain('the ResourceVersion in the precondition (9) does not match');
    const good = { kind: 'DeleteOptions', apiVersion: 'meta.k8s.io/v1', preconditions: { uid: metadata.uid } };
    expect((await api.call('DELETE', `${configMaps}/a`, { body: good })).status).toBe(200);
  });

  it('marks objects with finalizers, once', async () => {
    await using api = await ApiFixture.open();
    await api.ok('POST', configMaps, { body: configMap('a', { finalizers: ['x.io/y'] }) });
    const first = await api.ok('DELETE', `${configMaps}/a`);
    expect(first.metadata).toMatchObject({ deletionTimestamp: '2026-01-01T00:00:00Z', resourceVersion: '2' });
    api.clock.advance(10_000);
    const second = await api.ok('DELETE', `${configMaps}/a`);
    expect(second.metadata).toMatchObject({ deletionTimestamp: '2026-01-01T00:00:00Z', resourceVersion: '2' });
  });

  it.each([
    ['?propagationPolicy=Foreground', ['foregroundDeletion']],
    ['?propagationPolicy=Orphan', ['orphan']],
    ['?orphanDependents=true', ['orphan']],
  ])('adds the finalizers of %s', async (query, finalizers) => {
    await using api = await ApiFixture.open();
    await api.ok('POST', configMaps, { body: configMap('a') });
    const marked = await api.call('DELETE', `${configMaps}/a${query}`);
    expect(marked.status).toBe(200);
    expect(marked.object.metadata).toMatchObject({ finalizers, deletionGracePeriodSeconds: 0 });
  });

  it('goes at once in the background, and answers 202 to old clients when it does not', async () => {
    await using api = await ApiFixture.open();
    await api.ok('POST', configMaps, { body: configMap('a') });
    const background = await api.ok('DELETE', `${configMaps}/a`, { body: { propagationPolicy: 'Background' } });
    expect(background['status']).toBe('Success');
    await api.ok('POST', configMaps, { body: configMap('b', { finalizers: ['x.io/y'] }) });
    expect((await api.call('DELETE', `${configMaps}/b?orphanDependents=false`)).status).toBe(202);
  });

  it('refuses contradicting options', async () => {
    await using api = await ApiFixture.open();
    await api.ok('POST', configMaps, { body: configMap('a') });
    const both = { orphanDependents: true, propagationPolicy: 'Orphan' };
    const answer = await api.call('DELETE', `${configMaps}/a`, { body: both });
    expect(answer.object).toMatchObject({
      reason: 'Invalid',
      details: { kind: 'DeleteOptions', group: 'meta.k8s.io' },
    });
    expect((await api.call('DELETE', `${configMaps}/a`, { text: '{' })).status).toBe(400);
    expect((await api.call('DELETE', `${configMaps}/a`, { body: { gracePeriodSeconds: 'x' } })).status).toBe(400);
  });

  it('deletes nothing in a dry run', async () => {
    await using api = await ApiFixture.open();
    await api.ok('POST', configMaps, { body: configMap('a') });
    await api.ok('DELETE', `${configMaps}/a?dryRun=All`);
    expect((await api.call('GET', `${configMaps}/a`)).status).toBe(200);
  });

  it('deletes collections by selector', async () => {
    await using api = await ApiFixture.open();
    for (let i = 0; i < 6; i++) {
      await api.ok('POST', configMaps, { body: configMap(`a${i}`, { labels: { odd: String(i % 2) } }) });
    }
    const watch = await api.watch(`${configMaps}?watch=true&resourceVersion=6`);
    const list = await api.ok('DELETE', `${configMaps}?labelSelector=odd%3D1`);
    expect((list['items'] as unknown[]).length).toBe(3);
    const left = await api.ok('GET', configMaps);
    expect((left['items'] as { metadata: { name: string } }[]).map((o) => o.metadata.name)).toEqual(['a0', 'a2', 'a4']);
    expect(eventsOf(watch).toSorted()).toEqual(['DELETED a1@7', 'DELETED a3@8', 'DELETED a5@9']);
  });
});

describe('namespaces', () => {
  const namespaces = '/api/v1/namespaces';

  it('go in two steps', async () => {
    await using api = await ApiFixture.open();
    const sent = { metadata: { name: 'n' }, spec: { finalizers: ['kubernetes'] } };
    await api.ok('POST', namespaces, { body: sent });
    const terminating = await api.ok('DELETE', `${namespaces}/n`);
    expect(terminating).toMatchObject({
      metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' },
      status: { phase: 'Terminating' },
    });
    expect((await api.ok('DELETE', `${namespaces}/n`)).metadata.resourceVersion).toBe('2');
    const finalized = { ...terminating, spec: {} };
    const last = await api.call('PUT', `${namespaces}/n/finalize`, { body: finalized });
    expect(last.status).toBe(200);
    expect((await api.call('GET', `${namespaces}/n`)).status).toBe(404);
  });
});
