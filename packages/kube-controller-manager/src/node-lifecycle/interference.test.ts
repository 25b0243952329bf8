/** Nodes that fall silent and come back while everything around the controller goes wrong. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { newServiceUnavailable } from '@kubets/apimachinery/status';
import type { Transport } from '@kubets/client';
import { FaultyTransport } from '@kubets/client/testing';
import { TestControlPlane } from '@kubets/kube-apiserver/testing/test-control-plane';
import { ControllerFixture } from '../testing/controller-fixture.ts';
import { countingTransport } from '../testing/counting-transport.ts';
import { Kubelets } from '../testing/kubelets.ts';
import { nodeLifecycleController } from './controller.ts';
import { nodeCondition } from './health.ts';

const actions = [
  'fall silent',
  'come back',
  'add taint',
  'drop taints',
  'cordon',
  'break watches',
  'refuse requests',
  'restart',
] as const;
type Action = (typeof actions)[number];
const names = ['n1', 'n2', 'n3'] as const;
type Name = (typeof names)[number];

/** These never fail: with more nodes gone than there, the controller would rather doubt itself. */
const steady = ['s1', 's2', 's3'] as const;

class Trial {
  readonly alive = new Set<string>(steady);
  fixture!: ControllerFixture;
  kubelets!: Kubelets;
  readonly #plane: TestControlPlane;
  #transport: FaultyTransport | undefined;

  constructor(plane: TestControlPlane) {
    this.#plane = plane;
  }

  async start(): Promise<void> {
    const wrap = (inner: Transport): Transport => (this.#transport = new FaultyTransport(inner));
    this.fixture = await ControllerFixture.start([nodeLifecycleController], { plane: this.#plane, wrap });
    this.kubelets = new Kubelets(this.fixture);
    for (const name of this.alive) this.kubelets.alive.add(name);
  }

  async stop(): Promise<void> {
    await this.fixture[Symbol.asyncDispose]();
  }

  async do(action: Action, name: Name): Promise<void> {
    const { client } = this.#plane;
    const merge = (body: object): Promise<unknown> =>
      client.nodes().patch(name, { type: 'application/merge-patch+json', body });
    switch (action) {
      case 'fall silent':
        this.alive.delete(name);
        this.kubelets.alive.delete(name);
        return;
      case 'come back':
        this.alive.add(name);
        this.kubelets.alive.add(name);
        await this.kubelets.report(name, 'True');
        return;
      case 'add taint':
        await merge({ spec: { taints: [{ key: 'mine', effect: 'NoSchedule' }] } });
        return;
      case 'drop taints':
        await merge({ spec: { taints: null } });
        return;
      case 'cordon':
        await merge({ spec: { unschedulable: true } });
        return;
      case 'break watches':
        this.#transport?.reset();
        return;
      case 'refuse requests':
        this.#transport?.faults.push(newServiceUnavailable('busy'), newServiceUnavailable('busy'));
        return;
      case 'restart':
        await this.stop();
        await this.start();
    }
  }

  /** Ready's status, and the taints that are the controller's. */
  async stateOf(name: string): Promise<string> {
    const node = await this.#plane.client.nodes().get(name);
    const mine = /^node\.kubernetes\.io\/(unreachable|not-ready)$/;
    const taints = (node.spec?.taints ?? [])
      .filter((t) => mine.test(t.key))
      .map((t) => `${t.key.slice(19)}:${t.effect}`);
    return [nodeCondition(node, 'Ready')?.status, ...taints.toSorted()].join(' ');
  }
}

describe('nodes', () => {
  it(
    'are tainted as they are in the end, whatever happens, and then nothing is written',
    { timeout: 60_000 },
    async () => {
      const step = fc.tuple(fc.constantFrom(...actions), fc.constantFrom(...names), fc.nat(6));
      const run = async (steps: readonly (readonly [Action, Name, number])[]): Promise<void> => {
        await using plane = await TestControlPlane.start();
        const trial = new Trial(plane);
        await trial.start();
        for (const name of [...steady, ...names]) {
          await trial.kubelets.join(name);
          trial.alive.add(name);
        }
        await trial.kubelets.advance(10_000);
        for (const [action, name, time] of steps) {
          await trial.do(action, name);
          await trial.kubelets.advance(time * 10_000);
        }
        await trial.kubelets.advance(150_000);
        for (const name of names) {
          const dead = 'Unknown unreachable:NoExecute unreachable:NoSchedule';
          expect([name, await trial.stateOf(name)]).toEqual([name, trial.alive.has(name) ? 'True' : dead]);
        }
        await trial.stop();
        const { writes, wrap } = countingTransport({ events: true });
        await using after = await ControllerFixture.start([nodeLifecycleController], { plane, wrap });
        const kubelets = new Kubelets(after);
        for (const name of trial.alive) kubelets.alive.add(name);
        await kubelets.advance(80_000);
        expect(writes.filter((write) => !write.includes('/events'))).toEqual([]);
      };
      await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 12 }), run), { numRuns: 6 });
    },
  );
});
