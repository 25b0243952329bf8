import { describe, expect, it } from 'vitest';
import { ApiFixture, eventsOf, type Answer } from '../testing/api-fixture.ts';

const configMaps = '/api/v1/namespaces/default/configmaps';

function configMap(name: string, data: Record<string, string> = {}, metadata: object = {}): object {
  return { kind: 'ConfigMap', apiVersion: 'v1', metadata: { name, ...metadata }, data };
}

describe('create', () => {
  it('stores, and shows the object to get, list and watch', async () => {
    await using api = await ApiFixture.open();
    const watch = await api.watch(`${configMaps}?watch=true`);
    const created = await api.call('POST', configMaps, { body: configMap('a', { k: 'v' }) });
    expect(created.status).toBe(201);
    expect(created.object).toMatchObject({
      kind: 'ConfigMap',
      apiVersion: 'v1',
      metadata: { name: 'a', namespace: 'default', resourceVersion: '1' },
      data: { k: 'v' },
    });
    expect(created.object.metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
    const got = await api.call('GET', `${configMaps}/a`);
    expect(got.object).toEqual(created.object);
    const fields = ['name', 'namespace', 'uid', 'resourceVersion', 'creationTimestamp', 'managedFields'];
    expect(Object.keys(got.object.metadata)).toEqual(fields);
    const list = await api.ok('GET', '/api/v1/configmaps');
    expect(list['items']).toEqual([created.object]);
    expect(eventsOf(watch)).toEqual(['ADDED a@1']);
  });

  it('records who manages the fields', async () => {
    await using api = await ApiFixture.open();
    const { metadata } = await api.ok('POST', `${configMaps}?fieldManager=me`, { body: configMap('a', { k: 'v' }) });
    expect(metadata.managedFields).toMatchObject([
      { manager: 'me', operation: 'Update', apiVersion: 'v1', fieldsV1: { 'f:data': { 'f:k': {} } } },
    ]);
  });

  it('refuses a taken name', async () => {
    await using api = await ApiFixture.open();
    await api.ok('POST', configMaps, { body: configMap('a') });
    const again = await api.call('POST', configMaps, { body: configMap('a') });
    expect(again.object).toMatchObject({
      status: 'Failure',
      message: 'configmaps "a" already exists',
      reason: 'AlreadyExists',
      details: { name: 'a', kind: 'configmaps' },
      code: 409,
    });
  });

  it('says so when the taken name is being deleted', async () => {
    await using api = await ApiFixture.open();
    await api.ok('POST', configMaps, { body: configMap('a', {}, { finalizers: ['x.io/y'] }) });
    await api.ok('DELETE', `${configMaps}/a`);
    const again = await api.call('POST', configMaps, { body: configMap('a') });
    expect(again.object['message']).toBe('object is being deleted: configmaps "a" already exists');
    expect(again.status).toBe(409);
  });

  it('makes up names', async () => {
    await using api = await ApiFixture.open();
    const { metadata } = await api.ok('POST', configMaps, {
      body: { metadata: { generateName: 'x-' }, data: {} },
    });
    expect(metadata.name).toMatch(/^x-[a-z0-9]{5}$/);
    expect(metadata.generateName).toBe('x-');
  });

  it('tries other names when one is taken, and gives up in the end', async () => {
    const random = { float: () => 0, uuid: () => '00000000-0000-4000-8000-000000000000' };
    await using api = await ApiFixture.open({ random });
    await api.ok('POST', configMaps, { body: { metadata: { generateName: 'x-' } } });
    const answer = await api.call('POST', configMaps, { body: { metadata: { generateName: 'x-' } } });
    expect(answer.object).toMatchObject({
      message: 'configmaps "x-bbbbb" already exists, the server was not able to generate a unique name for the object',
      reason: 'AlreadyExists',
      details: { retryAfterSeconds: 1 },
    });
  });

  it('refuses other namespaces, missing and bad names, and resource versions', async () => {
    await using api = await ApiFixture.open();
    const other = await api.call('POST', configMaps, { body: configMap('a', {}, { namespace: 'other' }) });
    expect(other.object['message']).toBe(
      'the namespace of the provided object does not match the namespace sent on the request',
    );
    const nameless = await api.call('POST', configMaps, { body: { metadata: {} } });
    expect(nameless.object).toMatchObject({
      message: 'ConfigMap "" is invalid: metadata.name: Required value: name or generateName is required',
      code: 422,
    });
    const bad = await api.call('POST', configMaps, { body: configMap('A_b') });
    expect(bad.object['message']).toMatch(
      /^ConfigMap "A_b" is invalid: metadata.name: Invalid value: "A_b": a lowercase/,
    );
    const versioned = await api.call('POST', configMaps, { body: configMap('a', {}, { resourceVersion: '7' }) });
    expect(versioned.object['message']).toBe('resourceVersion should not be set on objects to be created');
  });

  it('ignores what a client may not set', async () => {
    await using api = await ApiFixture.open();
    const wished = {
      uid: 'mine',
      creationTimestamp: '2001-01-01T00:00:00Z',
      deletionTimestamp: '2001-01-01T00:00:00Z',
    };
    const { metadata } = await api.ok('POST', configMaps, { body: configMap('a', {}, wished) });
    expect(metadata.uid).not.toBe('mine');
    expect(metadata.creationTimestamp).toBe('2026-01-01T00:00:00Z');
    expect(metadata.deletionTimestamp).toBeUndefined();
  });

  it('tells about unknown fields as asked', async () => {
    await using api = await ApiFixture.open();
    const body = { ...configMap('a'), foo: 1 };
    const strict = await api.call('POST', `${configMaps}?fieldValidation=Strict`, { body });
    expect(strict.object['message']).toBe(
      'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "foo"',
    );
    const warned = await api.call('POST', configMaps, { body });
    expect(warned.warnings).toEqual(['unknown field "foo"']);
    const text = 'metadata:\n  name: b\n  name: b\ndata:\n  a: b\n  a: c\nfoo: 1\n';
    const yaml = await api.call('POST', configMaps, { contentType: 'application/yaml', text });
    expect(yaml.warnings).toEqual([
      'line 3: key "name" already set in map',
      'line 6: key "a" already set in map',
      'unknown field "foo"',
    ]);
    const bad = await api.call('POST', `${configMaps}?fieldValidation=Loud`, { body });
    expect(bad.object).toMatchObject({ reason: 'Invalid', details: { kind: 'CreateOptions', group: 'meta.k8s.io' } });
  });

  it('leaves no trace of a dry run', async () => {
    await using api = await ApiFixture.open();
    const dry = await api.call('POST', `${configMaps}?dryRun=All`, { body: configMap('a') });
    expect(dry.status).toBe(201);
    expect(dry.object.metadata.uid).toBeDefined();
    expect(dry.object.metadata.resourceVersion).toBeUndefined();
    expect((await api.call('GET', `${configMaps}/a`)).status).toBe(404);
    const bad = await api.call('POST', `${configMaps}?dryRun=Some`, { body: configMap('a') });
    expect(bad.status).toBe(422);
  });

  it('drops repeated owners with a warning', async () => {
    await using api = await ApiFixture.open();
    const owner = { apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'u' };
    const answer = await api.call('POST', configMaps, {
      body: configMap('a', {}, { ownerReferences: [owner, owner] }),
    });
    expect(answer.object.metadata.ownerReferences).toHaveLength(1);
    expect(answer.warnings[0]).toContain('contains duplicate entries');
  });
});

describe('update', () => {
  it('replaces, and keeps what is immutable', async () => {
    await using api = await ApiFixture.open();
    const created = await api.ok('POST', configMaps, { body: configMap('a', { k: '1' }) });
    const updated = await api.call('PUT', `${configMaps}/a`, { body: configMap('a', { k: '2' }) });
    expect(updated.status).toBe(200);
    expect(updated.object).toMatchObject({
      metadata: {
        uid: created.metadata.uid,
        creationTimestamp: created.metadata.creationTimestamp,
        resourceVersion: '2',
      },
      data: { k: '2' },
    });
  });

  it('refuses stale resource versions and other uids', async () => {
    await using api = await ApiFixture.open();
    await api.ok('POST', configMaps, { body: configMap('a') });
    await api.ok('PUT', `${configMaps}/a`, { body: configMap('a', { k: '2' }, { resourceVersion: '1' }) });
    const stale = await api.call('PUT', `${configMaps}/a`, {
      body: configMap('a', { k: '3' }, { resourceVersion: '1' }),
    });
    expect(stale.object).toMatchObject({
      message:
        'Operation cannot be fulfilled on configmaps "a": the object has been modified; please apply your changes to the latest version and try again',
      reason: 'Conflict',
      code: 409,
    });
    const other = await api.call('PUT', `${configMaps}/a`, { body: configMap('a', {}, { uid: 'x' }) });
    expect(other.object['message']).toContain('Precondition failed: UID in precondition: x, UID in object meta: 0000');
    const broken = await api.call('PUT', `${configMaps}/a`, { body: configMap('a', {}, { resourceVersion: 'abc' }) });
    expect(broken.status).toBe(400);
  });

  it('writes nothing when nothing changes', async () => {
    await using api = await ApiFixture.open();
    const created = await api.ok('POST', configMaps, { body: configMap('a', { k: '1' }) });
    api.clock.advance(5_000);
    const again = await api.ok('PUT', `${configMaps}/a`, { body: created });
    expect(again.metadata.resourceVersion).toBe('1');
    const bare = await api.ok('PUT', `${configMaps}/a`, { body: configMap('a', { k: '1' }) });
    expect(bare.metadata.resourceVersion).toBe('1');
    expect(await api.storage.currentRevision()).toBe(1);
  });

  it('refuses other names than that of the URL, and missing objects', async () => {
    await using api = await ApiFixture.open();
    const other = await api.call('PUT', `${configMaps}/a`, { body: configMap('b') });
    expect(other.object['message']).toBe('the name of the object (b) does not match the name on the URL (a)');
    const missing = await api.call('PUT', `${configMaps}/a`, { body: configMap('a') });
    expect(missing.object['message']).toBe('configmaps "a" not found');
  });

  it('deletes when the last finalizer goes', async () => {
    await using api = await ApiFixture.open();
    await api.ok('POST', configMaps, { body: configMap('a', {}, { finalizers: ['x.io/y'] }) });
    const watch = await api.watch(`${configMaps}?watch=true&resourceVersion=1`);
    const deleted = await api.ok('DELETE', `${configMaps}/a`);
    expect(deleted.metadata).toMatchObject({
      deletionTimestamp: '2026-01-01T00:00:00Z',
      deletionGracePeriodSeconds: 0,
    });
    const more = await api.call('PATCH', `${configMaps}/a`, {
      contentType: 'application/merge-patch+json',
      body: { metadata: { finalizers: ['x.io/y', 'x.io/z'] } },
    });
    expect(more.object['message']).toContain('no new finalizers can be added if the object is being deleted');
    const last = await api.call('PATCH', `${configMaps}/a`, {
      contentType: 'application/merge-patch+json',
      body: { metadata: { finalizers: null } },
    });
    expect(last.status).toBe(200);
    expect((await api.call('GET', `${configMaps}/a`)).status).toBe(404);
    expect(eventsOf(watch)).toEqual(['MODIFIED a@2', 'DELETED a@3']);
  });

  it('retries an unconditional update that lost a race', async () => {
    await using api = await ApiFixture.open();
    await api.ok('POST', configMaps, { body: configMap('a') });
    const puts = await Promise.all(
      Array.from({ length: 20 }, (_, i) => api.call('PUT', `${configMaps}/a`, { body: configMap('a', { i: `${i}` }) })),
    );
    expect(puts.map((put) => put.status)).toEqual(Array.from({ length: 20 }, () => 200));
    expect(new Set(puts.map((put) => put.object.metadata.resourceVersion)).size).toBe(20);
  });
});

describe('patch', () => {
  const merge = 'application/merge-patch+json';

  it('takes all four kinds', async () => {
    await using api = await ApiFixture.open();
    await api.ok('POST', configMaps, { body: configMap('a', { k: '1', old: 'x' }) });
    const a = `${configMaps}/a`;
    await api.ok('PATCH', a, { contentType: merge, body: { data: { k: '2', old: null } } });
    await api.ok('PATCH', a, {
      contentType: 'application/json-patch+json',
      body: [{ op: 'add', path: '/data/json', value: 'y' }],
    });
    await api.ok('PATCH', a, {
      contentType: 'application/strategic-merge-patch+json',
      body: { metadata: { labels: { l: '1' } } },
    });
    const applied = await api.ok('PATCH', `${a}?fieldManager=me`, {
      contentType: 'application/apply-patch+yaml',
      text: 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  applied: z\n',
    });
    expect(applied['data']).toEqual({ applied: 'z', json: 'y', k: '2' });
    expect(applied.metadata.labels).toEqual({ l: '1' });
    expect(applied.metadata.managedFields?.map((m) => m.operation)).toContain('Apply');
  });

  it('creates by apply, and reports conflicts', async () => {
    await using api = await ApiFixture.open();
    const text = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  k: "1"\n';
    const contentType = 'application/apply-patch+yaml';
    const created = await api.call('PATCH', `${configMaps}/a?fieldManager=one`, { contentType, text });
    expect(created.status).toBe(201);
    const again = await api.ok('PATCH', `${configMaps}/a?fieldManager=one`, { contentType, text });
    expect(again.metadata.resourceVersion).toBe('1');
    const other = text.replace('"1"', '"2"');
    const conflict = await api.call('PATCH', `${configMaps}/a?fieldManager=two`, { contentType, text: other });
    expect(conflict.object['message']).toBe('Apply failed with 1 conflict: conflict with "one": .data.k');
    const forced = await api.ok('PATCH', `${configMaps}/a?fieldManager=two&force=true`, { contentType, text: other });
    expect(forced['data']).toEqual({ k: '2' });
    const nobody = await api.call('PATCH', `${configMaps}/a`, { contentType, text });
    expect(nobody.object['message']).toContain('fieldManager: Required value: is required for apply patch');
  });

  it('applies twice when two clients create at the same time', async () => {
    await using api = await ApiFixture.open();
    const apply = (key: string): Promise<Answer> =>
      api.call('PATCH', `${configMaps}/a?fieldManager=${key}`, {
        contentType: 'application/apply-patch+yaml',
        text: `{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {${key}: v}}`,
      });
    const answers = await Promise.all([apply('k1'), apply('k2'), apply('k3')]);
    expect(answers.map((answer) => String(answer.status)).toSorted()).toEqual(['200', '200', '201']);
    expect((await api.ok('GET', `${configMaps}/a`))['data']).toEqual({ k1: 'v', k2: 'v', k3: 'v' });
  });

  it('refuses other media types, bad documents and too many operations', async () => {
    await using api = await ApiFixture.open();
    await api.ok('POST', configMaps, { body: configMap('a') });
    const a = `${configMaps}/a`;
    const json = await api.call('PATCH', a, { contentType: 'application/json', body: {} });
    expect(json.object).toMatchObject({
      message:
        'the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json, application/apply-patch+yaml',
      code: 415,
    });
    expect((await api.call('PATCH', a, { contentType: merge, text: '{' })).status).toBe(400);
    expect((await api.call('PATCH', a, { contentType: merge, body: { data: 5 } })).status).toBe(422);
    const body = Array.from({ length: 10_001 }, () => ({ op: 'test', path: '/kind', value: 'ConfigMap' }));
    const many = await api.call('PATCH', a, { contentType: 'application/json-patch+json', body });
    expect(many.object).toMatchObject({
      message: 'Request entity too large: The allowed maximum operations in a JSON patch is 10000, got 10001',
      code: 413,
    });
  });

  it('refuses a stale resource version in the patch, and missing objects', async () => {
    await using api = await ApiFixture.open();
    await api.ok('POST', configMaps, { body: configMap('a') });
    const stale = { metadata: { resourceVersion: '99' }, data: { k: 'v' } };
    expect((await api.call('PATCH', `${configMaps}/a`, { contentType: merge, body: stale })).status).toBe(409);
    expect((await api.call('PATCH', `${configMaps}/b`, { contentType: merge, body: {} })).status).toBe(404);
    const renamed = { metadata: { name: 'b' } };
    expect((await api.call('PATCH', `${configMaps}/a`, { contentType: merge, body: renamed })).status).toBe(400);
  });

  it('loses no concurrent patch', async () => {
    await using api = await ApiFixture.open();
    await api.ok('POST', configMaps, { body: configMap('a') });
    await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        api.ok('PATCH', `${configMaps}/a`, { contentType: merge, body: { data: { [`k${i}`]: 'v' } } }),
      ),
    );
    const { data } = await api.ok('GET', `${configMaps}/a`);
    expect(Object.keys(data as object)).toHaveLength(20);
  });

  it('changes nothing in a dry run', async () => {
    await using api = await ApiFixture.open();
    await api.ok('POST', configMaps, { body: configMap('a') });
    const dry = await api.ok('PATCH', `${configMaps}/a?dryRun=All`, { contentType: merge, body: { data: { k: 'v' } } });
    expect(dry['data']).toEqual({ k: 'v' });
    expect((await api.ok('GET', `${configMaps}/a`))['data']).toBeUndefined();
  });
});
