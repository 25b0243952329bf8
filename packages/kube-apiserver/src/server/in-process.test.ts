import { systemClock } from '@kubets/apimachinery/system-clock';
import { newNotFound } from '@kubets/apimachinery/status';
import { describe, expect, it, vi } from 'vitest';
import { inProcessTransport } from './in-process.ts';
import { silentLog } from '@kubets/apimachinery/log';
import { fakeEntry, fakePod, FakeWatchSource } from './testing/fake-objects.ts';
import type { ApiRequest, ApiResult, Next } from './types.ts';

const gvk = { group: '', version: 'v1', kind: 'Pod' };
const entry = fakeEntry(fakePod('a', 7));
const user = { name: 'system:kube-scheduler', groups: ['system:authenticated'] };

function transport(pipeline: Next, log = silentLog) {
  const abort = new AbortController();
  const server = { pipeline, clock: systemClock, log, stopping: abort.signal };
  return { transport: inProcessTransport(server, { user, userAgent: 'kube-scheduler/v1' }), stop: () => abort.abort() };
}

const get = { method: 'GET', path: '/api/v1/pods' } as const;

describe('inProcessTransport', () => {
  it('hands over the cached object itself', async () => {
    const seen: ApiRequest[] = [];
    const { transport: t } = transport((request) => {
      seen.push(request);
      request.warnings.push('careful');
      return { type: 'cached', status: 200, entry, gvk };
    });
    const body = fakePod('b', 1);
    const answer = await t.request({ ...get, method: 'POST', query: { dryRun: 'All' }, headers: { 'x-a': '1' }, body });
    expect(answer.object).toBe(entry.object);
    expect(answer.warnings).toEqual(['careful']);
    const [request] = seen;
    expect(request?.peer).toEqual({ transport: 'in-process', user });
    expect(request?.headers['user-agent']).toBe('kube-scheduler/v1');
    expect(request?.query.get('dryRun')).toBe('All');
    expect(await request?.body()).toEqual({ type: 'object', object: body, contentType: 'application/json' });
  });

  it('makes lists of the cached objects, and parses ready bytes', async () => {
    const list: ApiResult = {
      type: 'list',
      status: 200,
      gvk,
      entries: [entry],
      resourceVersion: '9',
      continue: '',
      remainingItemCount: undefined,
    };
    const { object } = await transport(() => list).transport.request(get);
    expect(object).toEqual({
      kind: 'PodList',
      apiVersion: 'v1',
      metadata: { resourceVersion: '9' },
      items: [entry.object],
    });
    const bytes: ApiResult = { type: 'bytes', status: 200, contentType: 'application/json', bytes: '{"major":"1"}' };
    expect((await transport(() => bytes).transport.request(get)).object).toEqual({ major: '1' });
  });

  it('rejects with Statuses', async () => {
    const missing: Next = () => {
      throw newNotFound({ group: '', resource: 'pods' }, 'x');
    };
    await expect(transport(missing).transport.request(get)).rejects.toMatchObject({ status: { code: 404 } });
    const error = vi.fn<(fields: object, message: string) => void>();
    const broken: Next = () => Promise.reject(new TypeError('oops'));
    await expect(transport(broken, { ...silentLog, error }).transport.request(get)).rejects.toMatchObject({
      status: { code: 500, reason: 'InternalError' },
    });
    expect(error).toHaveBeenCalledOnce();
    const refused: ApiResult = { type: 'bytes', status: 429, contentType: 'text/plain', bytes: 'Too many requests' };
    await expect(transport(() => refused).transport.request(get)).rejects.toMatchObject({
      status: { code: 429, reason: 'TooManyRequests' },
    });
  });

  it('iterates over watches, and closes them', async () => {
    const source = new FakeWatchSource();
    const { transport: t } = transport(() => ({ type: 'watch', gvk, source }));
    source.push({ type: 'ADDED', entry, eventRevision: 7 });
    const seen: string[] = [];
    const stream = await t.watch(get);
    for await (const { type, object } of stream) {
      seen.push(`${type} ${object.metadata.resourceVersion}`);
      if (type === 'ADDED') source.push({ type: 'DELETED', entry, eventRevision: 8 });
      if (type === 'DELETED') source.push({ type: 'BOOKMARK', resourceVersion: 9, initialEventsEnd: false });
      if (type === 'BOOKMARK') break;
    }
    expect(seen).toEqual(['ADDED 7', 'DELETED 8', 'BOOKMARK 9']);
    expect(source.closed).toBe(true);
  });

  it('ends watches when the server stops or the caller goes', async () => {
    const sources = [new FakeWatchSource(), new FakeWatchSource()];
    let next = 0;
    const { transport: t, stop } = transport(() => ({ type: 'watch', gvk, source: sources[next++]! }));
    const caller = new AbortController();
    const streams = [await t.watch({ ...get, signal: caller.signal }), await t.watch(get)];
    const ended = streams.map(async (stream) => {
      for await (const _ of stream) throw new Error('no events are expected');
    });
    caller.abort();
    await ended[0];
    expect(sources.map((s) => s.closed)).toEqual([true, false]);
    stop();
    await ended[1];
    expect(sources[1]?.closed).toBe(true);
    await expect(t.request(get)).rejects.toThrow('the server has stopped');
  });
});
