import { describe, expect, it } from 'vitest';
import { StatusError } from '@kubets/apimachinery/status';
import { featureGateLookup } from '@kubets/api/feature-gates';
import { TransportError, type Transport } from '@kubets/client';
import { TestControlPlane } from '@kubets/kube-apiserver/testing/test-control-plane';
import { loadSchedulerConfiguration } from './config/load.ts';
import { Status } from './framework/status.ts';
import type { PermitPlugin } from './framework/types.ts';
import { SchedulerFixture } from './testing/scheduler-fixture.ts';

/** A repeatable sequence between 0 and 1. */
function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Some writes are refused, some are carried out without an answer, some never arrive. */
function troubled(transport: Transport, roll: () => number): Transport {
  return {
    request: async (request) => {
      if (request.method === 'GET') return await transport.request(request);
      const value = roll();
      if (value < 0.1) {
        throw new StatusError({
          kind: 'Status',
          apiVersion: 'v1',
          metadata: {},
          code: 500,
          message: 'refused',
        } as never);
      }
      if (value < 0.2) throw new TransportError('did not arrive');
      const answer = await transport.request(request);
      if (value < 0.3) throw new TransportError('the answer was lost');
      return answer;
    },
    watch: (request) => transport.watch(request),
    [Symbol.asyncDispose]: () => transport[Symbol.asyncDispose](),
  };
}

const requests = (cpu: string) => ({ containers: [{ name: 'c', image: 'i', resources: { requests: { cpu } } }] });

describe('scheduler under interference', () => {
  it.each([1, 2, 3])('binds every pod once, through faults and restarts (%s)', async (seed) => {
    await using plane = await TestControlPlane.start();
    const roll = dice(seed);
    const start = (): Promise<SchedulerFixture> =>
      SchedulerFixture.start({ plane, wrap: (transport) => troubled(transport, roll) });
    let fixture = await start();
    for (let i = 0; i < 5; i++) await fixture.node(`n${i}`, { cpu: '2' });
    const count = 30;
    for (let i = 0; i < count; i++) {
      await fixture.pod(`p${i}`, requests('250m'), { app: `a${i % 3}` });
      if (i % 10 === 7) {
        // In the middle of things.
        await fixture[Symbol.asyncDispose]();
        fixture = await start();
      }
      if (i % 9 === 4) await fixture.client.pods('default').delete(`p${i - 2}`, { gracePeriodSeconds: 0 });
    }
    const pods = async () => (await fixture.client.pods('default').list()).items;
    await fixture.until(async () => (await pods()).every(({ spec }) => (spec?.nodeName ?? '') !== ''), {
      stepMs: 1000,
    });
    await fixture.settle();
    const used = new Map<string, number>();
    for (const { spec } of await pods()) {
      used.set(spec?.nodeName ?? '', (used.get(spec?.nodeName ?? '') ?? 0) + 1);
    }
    // Eight fit on each.
    expect(Math.max(...used.values())).toBeLessThanOrEqual(8);
    expect(Object.values(fixture.scheduler.compare()).flat()).toEqual([]);
    await fixture[Symbol.asyncDispose]();
  });

  it('goes on while many pods wait for somebody to permit them', async () => {
    const text = `
apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
leaderElection: { leaderElect: false }
profiles:
- schedulerName: default-scheduler
- schedulerName: asking
  plugins: { permit: { enabled: [{ name: Ask }] } }
`;
    const configuration = loadSchedulerConfiguration(text, featureGateLookup());
    const ask = () => ({ name: 'Ask', permit: () => ({ status: Status.wait(), timeoutMs: 600_000 }) }) as PermitPlugin;
    await using fixture = await SchedulerFixture.start({ configuration, plugins: { Ask: ask } });
    for (let i = 0; i < 3; i++) await fixture.node(`n${i}`);
    for (let i = 0; i < 200; i++) await fixture.pod(`asking-${i}`, { ...requests('1m'), schedulerName: 'asking' });
    await fixture.pod('other', requests('1m'));
    await fixture.until(async () => (await fixture.nodeOf('other')) !== '', { stepMs: 1 });
    expect(await fixture.nodeOf('asking-0')).toBe('');
  });
});
