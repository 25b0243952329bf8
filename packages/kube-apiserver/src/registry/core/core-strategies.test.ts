import { describe, expect, it } from 'vitest';
import { ApiFixture } from '../testing/api-fixture.ts';

const merge = 'application/merge-patch+json';
const namespaced = '/api/v1/namespaces/default';

describe('namespaces', () => {
  it('are active, labelled and held by a finalizer', async () => {
    await using api = await ApiFixture.open();
    const made = await api.ok('POST', '/api/v1/namespaces', { body: { metadata: { generateName: 'a-' } } });
    expect(made).toMatchObject({ spec: { finalizers: ['kubernetes'] }, status: { phase: 'Active' } });
    expect(made.metadata.labels).toEqual({ 'kubernetes.io/metadata.name': made.metadata.name });
    const url = `/api/v1/namespaces/${made.metadata.name}`;
    const changes = { spec: { finalizers: [] }, metadata: { labels: { a: 'b' } } };
    const patched = await api.ok('PATCH', url, { contentType: merge, body: changes });
    expect(patched).toMatchObject({ spec: { finalizers: ['kubernetes'] }, metadata: { labels: { a: 'b' } } });
    const list = await api.ok('GET', '/api/v1/namespaces?fieldSelector=status.phase%3DActive');
    expect(list['items']).toHaveLength(1);
  });

  it('go when they are finalized', async () => {
    await using api = await ApiFixture.open();
    await api.ok('POST', '/api/v1/namespaces', { body: { metadata: { name: 'a' } } });
    await api.ok('DELETE', '/api/v1/namespaces/a');
    const body = { metadata: { name: 'a' }, spec: { finalizers: [] } };
    await api.ok('PUT', '/api/v1/namespaces/a/finalize', { body });
    expect((await api.call('GET', '/api/v1/namespaces/a')).status).toBe(404);
  });

  it('have names that are DNS labels', async () => {
    await using api = await ApiFixture.open();
    const answer = await api.call('POST', '/api/v1/namespaces', { body: { metadata: { name: 'a.b' } } });
    expect(answer.object['message']).toBe(
      'Namespace "a.b" is invalid: metadata.name: Invalid value: "a.b": must not contain dots',
    );
  });
});

describe('secrets', () => {
  it('take stringData into data, in order', async () => {
    await using api = await ApiFixture.open();
    const body = { metadata: { name: 'a' }, data: { b: 'AAAA', c: 'AAAA' }, stringData: { a: 'x', c: 'y' } };
    const made = await api.ok('POST', `${namespaced}/secrets`, { body });
    expect(JSON.stringify(made['data'])).toBe('{"a":"eA==","b":"AAAA","c":"eQ=="}');
    expect(made).not.toHaveProperty('stringData');
    expect(made['type']).toBe('Opaque');
    const patch = { stringData: { a: 'z' } };
    const patched = await api.ok('PATCH', `${namespaced}/secrets/a`, { contentType: merge, body: patch });
    expect(patched['data']).toEqual({ a: 'eg==', b: 'AAAA', c: 'eQ==' });
    const list = await api.ok('GET', `${namespaced}/secrets?fieldSelector=type%3DOpaque`);
    expect(list['items']).toHaveLength(1);
  });
});

describe('nodes', () => {
  it('may be created with a status, which only the status endpoint changes', async () => {
    await using api = await ApiFixture.open();
    const body = { metadata: { name: 'n' }, spec: { podCIDR: '10.1.0.0/24' }, status: { capacity: { cpu: '1' } } };
    const made = await api.ok('POST', '/api/v1/nodes', { body });
    expect(made).toMatchObject({ spec: { podCIDRs: ['10.1.0.0/24'] }, status: { capacity: { cpu: '1' } } });
    const both = { spec: { unschedulable: true }, status: { capacity: { cpu: '2' } } };
    const spec = await api.ok('PATCH', '/api/v1/nodes/n', { contentType: merge, body: both });
    expect(spec).toMatchObject({ spec: { unschedulable: true }, status: { capacity: { cpu: '1' } } });
    const list = await api.ok('GET', '/api/v1/nodes?fieldSelector=spec.unschedulable%3Dtrue');
    expect(list['items']).toHaveLength(1);
    const status = await api.ok('PATCH', '/api/v1/nodes/n/status', { contentType: merge, body: both });
    expect(status).toMatchObject({ status: { capacity: { cpu: '2' } } });
  });
});

describe('events', () => {
  const event = {
    metadata: { name: 'n.1' },
    regarding: { kind: 'Pod', name: 'p', namespace: 'default' },
    eventTime: '2026-01-01T00:00:00.000000Z',
    reason: 'R',
    action: 'A',
    type: 'Normal',
    reportingController: 'c',
    reportingInstance: 'c-1',
    note: 'n',
  };

  it('of events.k8s.io follow more rules', async () => {
    await using api = await ApiFixture.open();
    const url = '/apis/events.k8s.io/v1/namespaces/default/events';
    const { eventTime: _, ...untimed } = event;
    const refused = await api.call('POST', url, { body: untimed });
    expect(refused.object['message']).toBe('Event "n.1" is invalid: eventTime: Required value');
  });

  it('are found by what they are about', async () => {
    await using api = await ApiFixture.open();
    const body = { metadata: { name: 'e' }, involvedObject: { kind: 'Pod', namespace: 'default' }, type: 'Normal' };
    await api.ok('POST', `${namespaced}/events`, { body });
    const list = await api.ok('GET', `${namespaced}/events?fieldSelector=involvedObject.kind%3DPod,type%3DNormal`);
    expect(list['items']).toHaveLength(1);
  });
});

describe('config maps and service accounts', () => {
  it('are checked', async () => {
    await using api = await ApiFixture.open();
    const answer = await api.call('POST', `${namespaced}/configmaps`, {
      body: { metadata: { name: 'a', finalizers: ['x'] }, data: { 'a b': '' } },
    });
    expect(answer.object['message']).toMatch(
      /^ConfigMap "a" is invalid: \[metadata.finalizers\[0\]: Invalid value: "x": name is neither .*, data\[a b\]: Invalid value/,
    );
    const account = { metadata: { name: 'a' }, secrets: [{ name: 's', namespace: 'other', kind: 'X' }] };
    const made = await api.ok('POST', `${namespaced}/serviceaccounts`, { body: account });
    expect(made['secrets']).toEqual([{ name: 's' }]);
  });
});
