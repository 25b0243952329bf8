import { FakeClock } from '@kubets/apimachinery/fake-clock';
import { describe, expect, it } from 'vitest';
import { configMaps, secrets } from '../generated/resources.ts';
import { FakeSource, settle } from '../testing/index.ts';
import type { Transport, TransportRequest } from '../transport.ts';
import { SharedInformerFactory } from './shared-informer-factory.ts';

function setUp() {
  const clock = new FakeClock();
  const source = new FakeSource();
  source.put('a', '1');
  const asked: TransportRequest[] = [];
  const transport: Transport = {
    request: () => Promise.reject(new Error('only watches are expected')),
    watch(request) {
      asked.push(request);
      const { signal } = request;
      return source.watch({ sendInitialEvents: true, ...(signal === undefined ? {} : { signal }) });
    },
    async [Symbol.asyncDispose]() {},
  };
  const random = { float: () => 0.5, uuid: () => '' };
  const errors: string[] = [];
  const onError = (_: unknown, text: string): void => void errors.push(text);
  return { source, asked, errors, factory: new SharedInformerFactory({ transport, clock, random, onError }) };
}

describe('SharedInformerFactory', () => {
  it('shares one informer for each resource and selection, and starts each once', async () => {
    const { factory, asked } = setUp();
    const all = factory.informer(configMaps);
    expect(factory.informer({ ...configMaps })).toBe(all);
    expect(factory.informer(configMaps, { namespace: 'ns' })).not.toBe(all);
    expect(factory.informer(configMaps, { labelSelector: 'a=b' })).not.toBe(all);
    const { signal } = new AbortController();
    factory.start(signal);
    factory.start(signal);
    await factory.waitForCacheSync(signal);
    factory.informer(secrets);
    factory.start(signal);
    await factory.waitForCacheSync(signal);
    expect(asked.map((r) => `${r.path} ${r.query?.['labelSelector'] ?? ''}`.trim())).toEqual([
      '/api/v1/configmaps',
      '/api/v1/namespaces/ns/configmaps',
      '/api/v1/configmaps a=b',
      '/api/v1/secrets',
    ]);
    const data: Record<string, string> | undefined = all.store.list()[0]?.data;
    expect(data).toEqual({ value: '1' });
    await factory[Symbol.asyncDispose]();
  });

  it('stops all together, handlers too', async () => {
    const { factory, source, errors } = setUp();
    const seen: string[] = [];
    factory.informer(configMaps).addEventHandler({ onAdd: (o) => void seen.push(o.metadata.name ?? '') });
    factory.informer(secrets);
    factory.start(new AbortController().signal);
    await factory.waitForCacheSync(new AbortController().signal);
    await settle();
    await factory[Symbol.asyncDispose]();
    expect(source.watchers).toBe(0);
    source.put('b', '1');
    await settle();
    expect(seen).toEqual(['a']);
    expect(errors).toEqual([]);
  });
});
