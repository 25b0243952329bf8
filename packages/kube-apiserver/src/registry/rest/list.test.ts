import type { ApiObject } from '@kubets/apimachinery/meta';
import { describe, expect, it } from 'vitest';
import { ApiFixture, type Answer } from '../testing/api-fixture.ts';

const configMaps = '/api/v1/namespaces/default/configmaps';

async function filled(count: number): Promise<ApiFixture> {
  const api = await ApiFixture.open();
  for (let i = 0; i < count; i++) {
    const labels = { app: i === 3 ? 'one' : 'many', index: String(i) };
    await api.ok('POST', configMaps, { body: { metadata: { name: `c${i}`, labels } } });
  }
  return api;
}

function names(answer: Answer | Answer['object']): string[] {
  const object = ('object' in answer ? answer.object : answer) as Answer['object'];
  return (object['items'] as ApiObject[]).map((item) => item.metadata.name ?? '');
}

function metadata(answer: Answer): Record<string, unknown> {
  return answer.object.metadata as Record<string, unknown>;
}

describe('list', () => {
  it('is in key order and shows the newest revision', async () => {
    await using api = await filled(0);
    for (const name of ['b', 'c', 'a']) await api.ok('POST', configMaps, { body: { metadata: { name } } });
    await api.ok('POST', '/api/v1/namespaces/alpha/configmaps', { body: { metadata: { name: 'z' } } });
    const all = await api.call('GET', '/api/v1/configmaps');
    expect(names(all)).toEqual(['z', 'a', 'b', 'c']);
    expect(metadata(all)).toEqual({ resourceVersion: '4' });
    expect(names(await api.call('GET', configMaps))).toEqual(['a', 'b', 'c']);
    await api.ok('DELETE', `${configMaps}/b`);
    expect(names(await api.call('GET', configMaps))).toEqual(['a', 'c']);
  });

  it.each([
    ['labelSelector=app%3Done', ['c3']],
    ['labelSelector=app%3Dmany,index%20in%20(1,2,3)', ['c1', 'c2']],
    ['labelSelector=!app', []],
    ['fieldSelector=metadata.name%3Dc2', ['c2']],
    ['fieldSelector=metadata.name!%3Dc2,metadata.namespace%3Ddefault', ['c0', 'c1', 'c3', 'c4']],
    ['fieldSelector=metadata.namespace%3Dother', []],
    ['labelSelector=app%3Done&fieldSelector=metadata.name%3Dc2', []],
  ])('selects by %s', async (query, expected) => {
    await using api = await filled(5);
    expect(names(await api.call('GET', `${configMaps}?${query}`))).toEqual(expected);
    expect(names(await api.call('GET', `/api/v1/configmaps?${query}`))).toEqual(expected);
  });

  it('follows label changes', async () => {
    await using api = await filled(5);
    expect(names(await api.call('GET', `${configMaps}?labelSelector=app%3Done`))).toEqual(['c3']);
    const body = { metadata: { name: 'c1', labels: { app: 'one' } } };
    await api.ok('PUT', `${configMaps}/c1`, { body });
    await api.ok('DELETE', `${configMaps}/c3`);
    expect(names(await api.call('GET', `${configMaps}?labelSelector=app%3Done`))).toEqual(['c1']);
  });

  it('refuses unknown fields and broken selectors', async () => {
    await using api = await filled(0);
    const field = await api.call('GET', `${configMaps}?fieldSelector=data%3Dx`);
    expect(field.object['message']).toBe(
      '"data" is not a known field selector: only "metadata.name", "metadata.namespace"',
    );
    expect((await api.call('GET', `${configMaps}?labelSelector=a%3D%3D%3Db`)).status).toBe(400);
    expect((await api.call('GET', `${configMaps}?limit=x`)).object).toMatchObject({
      message: 'strconv.ParseInt: parsing "x": invalid syntax',
      code: 400,
    });
    expect((await api.call('GET', `${configMaps}?resourceVersion=x`)).status).toBe(400);
  });
});

describe('paging', () => {
  it('shows one state over all pages', async () => {
    await using api = await filled(5);
    const first = await api.call('GET', `${configMaps}?limit=2`);
    expect(names(first)).toEqual(['c0', 'c1']);
    const { continue: token, remainingItemCount, resourceVersion } = metadata(first);
    expect({ remainingItemCount, resourceVersion }).toEqual({ remainingItemCount: 3, resourceVersion: '5' });
    expect(JSON.parse(Buffer.from(token as string, 'base64url').toString())).toEqual({
      v: 'meta.k8s.io/v1',
      rv: 5,
      start: 'c1\0',
    });
    await api.ok('DELETE', `${configMaps}/c2`);
    await api.ok('POST', configMaps, { body: { metadata: { name: 'c9' } } });
    const second = await api.call('GET', `${configMaps}?limit=2&continue=${token as string}`);
    expect(names(second)).toEqual(['c2', 'c3']);
    expect(metadata(second)).toMatchObject({ resourceVersion: '5', remainingItemCount: 1 });
    const third = await api.call('GET', `${configMaps}?limit=2&continue=${metadata(second)['continue'] as string}`);
    expect(names(third)).toEqual(['c4']);
    expect(metadata(third)).toEqual({ resourceVersion: '5' });
  });

  it('counts nothing that remains when it selects', async () => {
    await using api = await filled(5);
    const page = await api.call('GET', `${configMaps}?limit=2&labelSelector=app%3Dmany`);
    expect(names(page)).toEqual(['c0', 'c1']);
    expect(metadata(page)['remainingItemCount']).toBeUndefined();
    await api.ok('DELETE', `${configMaps}/c0`);
    const next = await api.call(
      'GET',
      `${configMaps}?limit=2&labelSelector=app%3Dmany&continue=${metadata(page)['continue'] as string}`,
    );
    expect(names(next)).toEqual(['c2', 'c4']);
    expect(metadata(next)).toEqual({ resourceVersion: '5' });
  });

  it('hands out a token to go on with when the state is compacted', async () => {
    await using api = await filled(5);
    const first = await api.call('GET', `${configMaps}?limit=2`);
    await api.ok('DELETE', `${configMaps}/c2`);
    await api.storage.compact(6);
    const gone = await api.call('GET', `${configMaps}?limit=2&continue=${metadata(first)['continue'] as string}`);
    expect(gone.object).toMatchObject({ reason: 'Expired', code: 410 });
    expect(gone.object['message']).toContain('The provided continue parameter is too old');
    const token = metadata(gone)['continue'] as string;
    const rest = await api.call('GET', `${configMaps}?continue=${token}`);
    expect(names(rest)).toEqual(['c3', 'c4']);
  });

  it('refuses bad tokens', async () => {
    await using api = await filled(1);
    const encode = (token: object): string => Buffer.from(JSON.stringify(token)).toString('base64url');
    const bad = [
      'x y',
      encode({}),
      encode({ v: 'v2', rv: 1, start: 'a' }),
      encode({ v: 'meta.k8s.io/v1', rv: 0, start: 'a' }),
      encode({ v: 'meta.k8s.io/v1', rv: 1, start: '' }),
      encode({ v: 'meta.k8s.io/v1', rv: 1, start: '../secrets' }),
    ];
    for (const token of bad) {
      const answer = await api.call('GET', `${configMaps}?continue=${encodeURIComponent(token)}`);
      expect(answer.object).toMatchObject({ reason: 'BadRequest', code: 400 });
      expect(answer.object['message']).toMatch(/^invalid continue token: continue key is not valid: /);
    }
    const both = await api.call('GET', `${configMaps}?resourceVersion=1&continue=${encode({})}`);
    expect(both.object['message']).toBe('specifying resource version is not allowed when using continue');
  });

  it('ignores the limit with resource version 0', async () => {
    await using api = await filled(5);
    expect(names(await api.call('GET', `${configMaps}?limit=2&resourceVersion=0`))).toHaveLength(5);
  });
});

describe('resource versions', () => {
  it('shows exactly the state asked for', async () => {
    await using api = await filled(5);
    const old = await api.call('GET', `${configMaps}?resourceVersion=3&resourceVersionMatch=Exact`);
    expect(names(old)).toEqual(['c0', 'c1', 'c2']);
    expect(metadata(old)).toEqual({ resourceVersion: '3' });
    const legacy = await api.call('GET', `${configMaps}?resourceVersion=3&limit=2`);
    expect(names(legacy)).toEqual(['c0', 'c1']);
    expect(metadata(legacy)).toMatchObject({ resourceVersion: '3', remainingItemCount: 1 });
    await api.storage.compact(5);
    const gone = await api.call('GET', `${configMaps}?resourceVersion=3&resourceVersionMatch=Exact`);
    expect(gone.object).toMatchObject({ message: 'The resourceVersion for the provided list is too old.', code: 410 });
  });

  it('shows no older state than asked for, and waits for the future a while', async () => {
    await using api = await filled(5);
    const fresh = await api.call('GET', `${configMaps}?resourceVersion=3&resourceVersionMatch=NotOlderThan`);
    expect(names(fresh)).toHaveLength(5);
    const waiting = api.call('GET', `${configMaps}?resourceVersion=7`);
    await api.ok('DELETE', `${configMaps}/c0`);
    await api.ok('DELETE', `${configMaps}/c1`);
    expect(names(await waiting)).toEqual(['c2', 'c3', 'c4']);
    const future = api.call('GET', `${configMaps}?resourceVersion=99`);
    api.clock.advance(3_000);
    expect((await future).object).toMatchObject({
      message: 'Timeout: Too large resource version: 99, current: 7',
      reason: 'Timeout',
      details: {
        retryAfterSeconds: 1,
        causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
      },
      code: 504,
    });
  });

  it.each([
    ['resourceVersionMatch=Exact', 'resourceVersionMatch is forbidden unless resourceVersion is provided'],
    [
      'resourceVersionMatch=Exact&resourceVersion=0',
      'resourceVersionMatch "exact" is forbidden for resourceVersion "0"',
    ],
    ['resourceVersionMatch=Some&resourceVersion=1', 'supported values: "Exact", "NotOlderThan", ""'],
    ['sendInitialEvents=true', 'sendInitialEvents is forbidden for list'],
  ])('refuses %s', async (query, message) => {
    await using api = await filled(1);
    const answer = await api.call('GET', `${configMaps}?${query}`);
    expect(answer.object).toMatchObject({ reason: 'Invalid', details: { kind: 'ListOptions', group: 'meta.k8s.io' } });
    expect(answer.object['message']).toContain(message);
  });

  it('gets at least the version asked for', async () => {
    await using api = await filled(1);
    expect((await api.call('GET', `${configMaps}/c0?resourceVersion=0`)).status).toBe(200);
    const future = api.call('GET', `${configMaps}/c0?resourceVersion=9`);
    api.clock.advance(3_000);
    expect((await future).status).toBe(504);
  });
});
