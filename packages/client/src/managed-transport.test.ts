import { FakeClock } from '@kubets/apimachinery/fake-clock';
import { failure, newTooManyRequests } from '@kubets/apimachinery/status';
import { describe, expect, it } from 'vitest';
import { ManagedTransport, type RequestPolicy } from './managed-transport.ts';
import { settle } from './testing/index.ts';
import {
  TransportError,
  type Transport,
  type TransportRequest,
  type TransportResponse,
  type WatchStream,
} from './transport.ts';

const answer: TransportResponse = { status: 200, object: { metadata: {} }, warnings: [] };

/** Answers each request by the next step; the last one stays. */
function setUp(steps: ((request: TransportRequest) => Promise<TransportResponse>)[], policy: Partial<RequestPolicy>) {
  const clock = new FakeClock();
  const asked: { at: number; path: string }[] = [];
  const inner: Transport = {
    request(request) {
      asked.push({ at: clock.monotonic(), path: request.path });
      const step = steps.length > 1 ? steps.shift() : steps[0];
      return step === undefined ? Promise.resolve(answer) : step(request);
    },
    async watch(request) {
      await this.request(request);
      return { warnings: ['old API'] } as unknown as WatchStream;
    },
    async [Symbol.asyncDispose]() {},
  };
  return { clock, asked, transport: new ManagedTransport(inner, { clock, ...policy }) };
}

const fails = (error: Error) => () => Promise.reject(error);
const succeeds = () => Promise.resolve(answer);
const get = { method: 'GET', path: '/x' } as const;
const post = { method: 'POST', path: '/x', body: {} } as const;

async function advance(clock: FakeClock, ms: number): Promise<void> {
  await settle(2);
  clock.advance(ms);
  await settle(2);
}

describe('ManagedTransport', () => {
  it('waits as long as the server asks for, on overload', async () => {
    const busy = fails(newTooManyRequests('slow down', 2));
    const { clock, asked, transport } = setUp([busy, busy, succeeds], {});
    const asking = transport.request(post);
    await advance(clock, 1999);
    expect(asked).toHaveLength(1);
    await advance(clock, 1);
    await advance(clock, 2000);
    expect((await asking).status).toBe(200);
    expect(asked.map((a) => a.at)).toEqual([0, 2000, 4000]);
  });

  it('gives up after ten retries', async () => {
    const { clock, asked, transport } = setUp([fails(newTooManyRequests('slow down', 1))], {});
    const asking = transport.request(get).catch((error: unknown) => error);
    for (let i = 0; i < 20; i++) await advance(clock, 1000);
    expect(await asking).toMatchObject({ status: { reason: 'TooManyRequests' } });
    expect(asked).toHaveLength(11);
  });

  it('does not retry what names no time, nor other refusals', async () => {
    for (const error of [newTooManyRequests('no', 0), failure('Conflict', 'no'), failure('InternalError', 'no')]) {
      const { asked, transport } = setUp([fails(error)], {});
      await expect(transport.request(get)).rejects.toBe(error);
      expect(asked).toHaveLength(1);
    }
  });

  it('asks again after a lost connection, if only reading', async () => {
    const lost = fails(new TransportError('reset', { lost: true }));
    const reading = setUp([lost, succeeds], {});
    const asking = reading.transport.request(get);
    await advance(reading.clock, 1000);
    expect((await asking).status).toBe(200);
    await expect(setUp([lost], {}).transport.request(post)).rejects.toThrow('reset');
    await expect(setUp([fails(new TransportError('refused'))], {}).transport.request(get)).rejects.toThrow('refused');
  });

  it('limits the rate of requests, not of watches', async () => {
    const { clock, asked, transport } = setUp([succeeds], { qps: 10, burst: 2 });
    const all = [1, 2, 3, 4].map(() => transport.request(get));
    await transport.watch({ method: 'GET', path: '/watch' });
    await settle(2);
    expect(asked.map((a) => a.path)).toEqual(['/x', '/x', '/watch']);
    await advance(clock, 100);
    await advance(clock, 100);
    await Promise.all(all);
    expect(asked.map((a) => a.at)).toEqual([0, 0, 0, 100, 200]);
  });

  it('limits the time of a request, retries included, and leaves no timer', async () => {
    const { clock, transport } = setUp([fails(newTooManyRequests('slow down', 8))], { timeoutMs: 10_000 });
    const asking = transport.request(get).catch((error: unknown) => error);
    for (let i = 0; i < 5; i++) await advance(clock, 4000);
    expect(await asking).toMatchObject({ name: 'TransportError', message: 'GET /x: no answer within 10 s' });
    expect(clock.timers).toBe(0);
    const abort = new AbortController();
    const own = transport.request({ ...get, signal: abort.signal });
    await settle(2);
    abort.abort(new Error('mine'));
    await expect(own).rejects.toThrow('mine');
    expect(clock.timers).toBe(0);
  });

  it('hands warnings on', async () => {
    const warnings: string[] = [];
    const onWarning = (text: string, request: TransportRequest): void =>
      void warnings.push(`${request.method} ${text}`);
    const { transport } = setUp([() => Promise.resolve({ ...answer, warnings: ['a', 'b'] })], { onWarning });
    await transport.request(post);
    await transport.watch(get);
    expect(warnings).toEqual(['POST a', 'POST b', 'GET old API']);
  });
});
