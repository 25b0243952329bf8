import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { silentLog } from '@kubets/apimachinery/log';
import { systemClock } from '@kubets/apimachinery/system-clock';
import type { Node, Pod } from '@kubets/api/types/core-v1';
import { Diagnosis } from '../framework/diagnosis.ts';
import { NodeInfo } from '../framework/node-info.ts';
import { PodInfo } from '../framework/pod-info.ts';
import { ExtenderChain } from './extender-chain.ts';
import { extenderTransport } from './fetch-transport.ts';
import { HttpExtender, type ExtenderConfig } from './http-extender.ts';

type Handler = (path: string, body: Record<string, unknown>) => unknown;

/** A server on this machine; answers 500 when the handler answers nothing. */
class Loopback implements AsyncDisposable {
  readonly #server: Server;

  constructor(handler: Handler) {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const body = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Record<string, unknown>;
        const answer = handler(request.url ?? '', body);
        response.statusCode = answer === undefined ? 500 : 200;
        response.end(JSON.stringify(answer ?? {}));
      });
    });
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/x/`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

const nodes = ['n1', 'n2', 'n3'].map((name) => new NodeInfo(name, 0, { metadata: { name } } as Node));
const pod: Pod = {
  metadata: { name: 'a', namespace: 'default', uid: 'u' },
  spec: { containers: [{ name: 'c', resources: { requests: { 'example.com/gpu': '1' } } }] },
};

function extender(urlPrefix: string, config: Partial<ExtenderConfig>): HttpExtender {
  const whole = { urlPrefix, httpTimeoutMs: 2000, ...config };
  return new HttpExtender(whole, extenderTransport(whole, systemClock));
}

const diagnosisOf = (): Diagnosis => new Diagnosis(nodes);

describe('HttpExtender', () => {
  it('filters, by whole nodes', async () => {
    const asked: Record<string, unknown>[] = [];
    await using server = new Loopback((path, body) => {
      asked.push({ path, ...body });
      const { items } = body['nodes'] as { items: Node[] };
      return {
        nodes: { items: items.slice(2) },
        failedNodes: { n1: 'too blue', n2: 'too red' },
        failedAndUnresolvableNodes: { n2: 'never' },
      };
    });
    const url = await server.start();
    const chain = new ExtenderChain([extender(url, { filterVerb: 'filter' })], silentLog);
    const diagnosis = diagnosisOf();
    expect((await chain.filter(pod, nodes, diagnosis)).map(({ name }) => name)).toEqual(['n3']);
    expect(asked).toMatchObject([{ path: '/x/filter', pod: { metadata: { name: 'a' } }, nodenames: null }]);
    expect([diagnosis.get('n1').code, diagnosis.get('n2').code]).toEqual([
      'Unschedulable',
      'UnschedulableAndUnresolvable',
    ]);
  });

  it('scores by names, in proportion to its weight', async () => {
    await using server = new Loopback((_path, body) =>
      (body['nodenames'] as string[]).map((host, i) => ({ host, score: i })),
    );
    const url = await server.start();
    const chain = new ExtenderChain(
      [extender(url, { prioritizeVerb: 'prioritize', weight: 3, nodeCacheCapable: true })],
      silentLog,
    );
    expect([...(await chain.prioritize(pod, nodes))]).toEqual([
      ['n1', 0],
      ['n2', 30],
      ['n3', 60],
    ]);
  });

  it('is passed over when it fails and may be ignored', async () => {
    await using server = new Loopback(() => undefined);
    const url = await server.start();
    const needed = new ExtenderChain([extender(url, { filterVerb: 'f' })], silentLog);
    await expect(needed.filter(pod, nodes, diagnosisOf())).rejects.toThrow('code 500');
    const optional = new ExtenderChain([extender(url, { filterVerb: 'f', ignorable: true })], silentLog);
    expect(await optional.filter(pod, nodes, diagnosisOf())).toBe(nodes);
  });

  it('is asked only about pods with a resource that it manages', () => {
    const managed = extender('http://x', { filterVerb: 'f', managedResources: [{ name: 'example.com/gpu' }] });
    expect(managed.isInterested(pod)).toBe(true);
    expect(managed.isInterested({ metadata: {}, spec: { containers: [] } })).toBe(false);
    expect(extender('http://x', {}).isInterested({ metadata: {} })).toBe(true);
  });

  it('binds, or says why not', async () => {
    let error = '';
    await using server = new Loopback((_path, body) => ({ error, body }));
    const url = await server.start();
    const chain = new ExtenderChain([extender(url, { bindVerb: 'bind' })], silentLog);
    expect(await chain.bind(pod, 'n1')).toBe(true);
    error = 'no way';
    await expect(chain.bind(pod, 'n1')).rejects.toThrow('no way');
  });

  it('has a say in preemption', async () => {
    await using server = new Loopback((_path, body) => ({
      nodeNameToMetaVictims: { n1: (body['nodeNameToMetaVictims'] as Record<string, unknown>)['n1'] },
    }));
    const url = await server.start();
    const victim = new PodInfo({ metadata: { name: 'v', uid: 'v', namespace: 'default' } });
    const node = new NodeInfo('n1', 0, { metadata: { name: 'n1' } } as Node);
    node.addPod(victim);
    const lister = { get: (name: string) => (name === 'n1' ? node : undefined) } as never;
    const candidates = new Map([
      ['n1', { pods: [victim.pod], numPdbViolations: 1 }],
      ['n2', { pods: [], numPdbViolations: 0 }],
    ]);
    const asked = extender(url, { preemptVerb: 'preempt', nodeCacheCapable: true });
    expect(await asked.processPreemption(pod, candidates, lister)).toEqual(
      new Map([['n1', { pods: [victim.pod], numPdbViolations: 1 }]]),
    );
  });
});
