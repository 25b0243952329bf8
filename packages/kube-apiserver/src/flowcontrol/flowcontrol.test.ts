import { flowcontrolBootstrap } from '@kubets/api/facts';
import type { ApiObject } from '@kubets/apimachinery/meta';
import { FakeClock } from '@kubets/apimachinery/fake-clock';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { withFlowControl } from '../server/filters/flow-control.ts';
import { requestInfoOf } from '../server/request-info.ts';
import type { ApiRequest, ApiResult, UserInfo } from '../server/types.ts';
import { flowSchemaOf, priorityLevelOf } from './config.ts';
import { FlowController } from './flow-controller.ts';
import { deal, flowHash } from './shuffle-shard.ts';

const ok: ApiResult = { type: 'bytes', status: 200, contentType: 'text/plain', bytes: '' };

function bootstrapped(clock = new FakeClock(), serverSeats = 600): FlowController {
  const controller = new FlowController({ clock, serverSeats });
  const objects = flowcontrolBootstrap().objects.map((o): ApiObject => ({
    kind: o.kind,
    metadata: { name: o.name, uid: `uid-${o.name}` },
    spec: o.spec,
  }));
  controller.configure(
    objects.filter((o) => o.kind === 'FlowSchema').map(flowSchemaOf),
    objects.filter((o) => o.kind !== 'FlowSchema').map(priorityLevelOf),
  );
  return controller;
}

const authenticated = 'system:authenticated';
const user = (name: string, ...groups: string[]): UserInfo => ({ name, groups: [...groups, authenticated] });

function requestOf(who: UserInfo, url = '/api/v1/namespaces/default/pods/a', method = 'GET'): ApiRequest {
  const { pathname, searchParams } = new URL(url, 'https://x');
  return {
    method,
    path: pathname,
    query: searchParams,
    headers: {},
    peer: { transport: 'in-process', user: who },
    body: () => ({ type: 'none' }),
    signal: new AbortController().signal,
    receivedAt: 0,
    id: '',
    info: requestInfoOf({ method, path: pathname, query: searchParams }),
    user: who,
    warnings: [],
    responseHeaders: {},
  };
}

const lease = '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/x';

describe('classification with the built-in objects', () => {
  const controller = bootstrapped();
  it.each([
    [user('admin', 'system:masters'), '/api/v1/pods', 'exempt', 'exempt'],
    [user('jane'), '/api/v1/pods', 'global-default', 'global-default'],
    [user('jane'), '/livez', 'probes', 'exempt'],
    [user('system:node:a', 'system:nodes'), '/api/v1/nodes/a', 'system-node-high', 'node-high'],
    [user('system:node:a', 'system:nodes'), '/api/v1/pods', 'system-nodes', 'system'],
    [user('system:kube-scheduler'), lease, 'system-leader-election', 'leader-election'],
    [user('system:kube-scheduler'), '/api/v1/pods', 'kube-scheduler', 'workload-high'],
    [
      user('system:serviceaccount:kube-system:x', 'system:serviceaccounts'),
      '/api/v1/pods',
      'kube-system-service-accounts',
      'workload-high',
    ],
    [user('system:serviceaccount:a:x', 'system:serviceaccounts'), '/api/v1/pods', 'service-accounts', 'workload-low'],
    [{ name: 'nobody', groups: [] }, '/api/v1/pods', 'catch-all', 'catch-all'],
  ])('%o %s is %s at %s', (who, url, schema, level) => {
    const { info } = requestOf(who, url);
    const flow = controller.classify(info, who);
    expect([flow.schema.name, flow.level.config.name]).toEqual([schema, level]);
  });

  it('divides the seats by shares', () => {
    const seats = Object.fromEntries([...controller.levels].map((l) => [l.config.name, l.nominalSeats]));
    expect(seats).toEqual({
      exempt: 0,
      'catch-all': 13,
      system: 74,
      'node-high': 98,
      'leader-election': 25,
      'workload-high': 98,
      'workload-low': 245,
      'global-default': 49,
    });
  });
});

describe('shuffle sharding', () => {
  it('deals different cards below the deck size, the same for the same flow', () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.string(),
        fc.integer({ min: 1, max: 128 }),
        fc.integer({ min: 1, max: 10 }),
        (s, d, queues, hand) => {
          const cards = deal(flowHash(s, d), queues, hand);
          expect(cards).toHaveLength(Math.min(hand, queues));
          expect(new Set(cards).size).toBe(cards.length);
          expect(cards.every((card) => card >= 0 && card < queues)).toBe(true);
          expect(deal(flowHash(s, d), queues, hand)).toEqual(cards);
        },
      ),
    );
  });
});

/** A gate whose requests run until they are let go. */
function gate(seats: number, { count = 0, waitLimitMs = 15_000 } = {}) {
  const clock = new FakeClock();
  const controller = bootstrapped(clock, seats);
  const filter = withFlowControl({ controller, clock, objectCount: () => count, waitLimitMs });
  const running: (() => void)[] = [];
  const next = (): Promise<ApiResult> => {
    const { promise, resolve } = Promise.withResolvers<ApiResult>();
    running.push(() => resolve(ok));
    return promise;
  };
  const status = async (result: ApiResult | Promise<ApiResult>): Promise<number> => {
    const settled = await result;
    return settled.type === 'watch' ? 0 : settled.status;
  };
  const ask = (who: UserInfo, url?: string) => status(filter(requestOf(who, url), next));
  return { clock, controller, running, ask };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('seats', () => {
  it('queues what finds none, and serves it in turn', async () => {
    const { running, ask } = gate(12);
    // global-default has one seat of these twelve.
    const answers = [ask(user('a')), ask(user('a')), ask(user('b'))];
    await turn();
    expect(running).toHaveLength(1);
    running.shift()?.();
    await turn();
    expect(running).toHaveLength(1);
    running.shift()?.();
    await turn();
    running.shift()?.();
    expect(await Promise.all(answers)).toEqual([200, 200, 200]);
  });

  it('refuses at once where there is no queue, and after the wait where there is', async () => {
    // Shorter than the time after which idle levels lend.
    const { clock, ask } = gate(12, { waitLimitMs: 5_000 });
    const stranger = { name: 'x', groups: [] };
    void ask(stranger);
    expect(await ask(stranger)).toBe(429);
    void ask(user('a'));
    const waiting = ask(user('a'));
    await turn();
    clock.advance(5_000);
    expect(await waiting).toBe(429);
  });

  it('refuses when the queues of a flow are full', async () => {
    const { ask } = gate(12);
    void ask(user('a'));
    const answers: number[] = [];
    for (let i = 0; i < 6 * 50 + 10; i++) void ask(user('a')).then((code) => answers.push(code));
    await turn();
    expect(answers).toEqual(Array.from({ length: 10 }, () => 429));
  });

  it('is fair: a heavy flow does not hold up a light one', async () => {
    const { running, ask } = gate(12);
    const order: string[] = [];
    const send = (name: string): void => void ask(user(name)).then(() => order.push(name));
    for (let i = 0; i < 40; i++) send('heavy');
    send('light');
    for (let i = 0; i < 20; i++) {
      await turn();
      running.shift()?.();
    }
    await turn();
    expect(order).toContain('light');
  });

  it('counts lists by what they look at, and lets the exempt through', async () => {
    const { controller, ask, running } = gate(600, { count: 5_000 });
    void ask(user('a'), '/api/v1/pods');
    const level = [...controller.levels].find((l) => l.config.name === 'global-default');
    expect(level?.seatsInUse).toBe(8);
    for (let i = 0; i < 2000; i++) void ask(user('admin', 'system:masters'));
    expect(running).toHaveLength(2001);
  });

  it('lends the seats of idle levels to busy ones', async () => {
    const { clock, controller, running, ask } = gate(600);
    for (let i = 0; i < 120; i++) void ask(user('a'));
    await turn();
    expect(running).toHaveLength(49);
    clock.advance(10_000);
    await turn();
    expect(running.length).toBeGreaterThan(100);
    const total = [...controller.levels].reduce((sum, l) => sum + (l.config.exempt ? 0 : l.limit), 0);
    expect(total).toBeLessThanOrEqual(608);
  });

  it('gives its seat back when the handler throws', () => {
    const controller = bootstrapped();
    const filter = withFlowControl({ controller, clock: new FakeClock(), objectCount: () => 0, waitLimitMs: 1 });
    const fail = (): ApiResult => {
      throw new Error('no');
    };
    expect(() => filter(requestOf(user('a')), fail)).toThrow('no');
    expect([...controller.levels].every((l) => l.seatsInUse === 0)).toBe(true);
  });

  it('names its objects in the answer', () => {
    const controller = bootstrapped();
    const filter = withFlowControl({ controller, clock: new FakeClock(), objectCount: () => 0, waitLimitMs: 1 });
    const request = requestOf(user('a'));
    void filter(request, () => ok);
    expect(request.responseHeaders).toEqual({
      'x-kubernetes-pf-flowschema-uid': 'uid-global-default',
      'x-kubernetes-pf-prioritylevel-uid': 'uid-global-default',
    });
  });
});
