/** Deployments end in the specified state whatever happens on the way. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isConflict, isNotFound, newConflict } from '@kubets/apimachinery/status';
import { isPodActive } from '@kubets/api/core/helpers/pod';
import type { Pod } from '@kubets/api/types/core-v1';
import { FaultyTransport } from '@kubets/client/testing';
import { TestControlPlane } from '@kubets/kube-apiserver/testing/test-control-plane';
import { replicaSetController } from '../replicaset/controller.ts';
import { ControllerFixture } from '../testing/controller-fixture.ts';
import { countingTransport } from '../testing/counting-transport.ts';
import { finishDeleted, makeReady } from '../testing/pod-simulator.ts';
import { deploymentController } from './controller.ts';

type Step =
  | { readonly type: 'scale'; readonly replicas: number }
  | { readonly type: 'image'; readonly image: string }
  | { readonly type: 'pause'; readonly paused: boolean }
  | { readonly type: 'strategy'; readonly recreate: boolean }
  | { readonly type: 'deletePod' | 'failPod' | 'relabelPod' | 'deleteSet' | 'scaleSet'; readonly pick: number }
  | { readonly type: 'ready'; readonly share: number }
  | { readonly type: 'conflicts'; readonly count: number }
  | { readonly type: 'restart' | 'wait' | 'race' | 'reset' | 'duplicate' | 'stall' };

const pick = fc.nat(20);

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ type: fc.constant('scale' as const), replicas: fc.integer({ min: 0, max: 8 }) }),
  fc.record({ type: fc.constant('image' as const), image: fc.constantFrom('a', 'b', 'c') }),
  fc.record({ type: fc.constant('pause' as const), paused: fc.boolean() }),
  fc.record({ type: fc.constant('strategy' as const), recreate: fc.boolean() }),
  fc.record({
    type: fc.constantFrom(
      'deletePod' as const,
      'failPod' as const,
      'relabelPod' as const,
      'deleteSet' as const,
      'scaleSet' as const,
    ),
    pick,
  }),
  fc.record({ type: fc.constant('ready' as const), share: fc.double({ min: 0, max: 1, noNaN: true }) }),
  fc.record({ type: fc.constant('conflicts' as const), count: fc.integer({ min: 1, max: 5 }) }),
  fc.record({ type: fc.constantFrom('restart' as const, 'wait' as const, 'race' as const) }),
  fc.record({ type: fc.constantFrom('reset' as const, 'duplicate' as const, 'stall' as const) }),
);

const labels = { app: 'web' };

class World implements AsyncDisposable {
  readonly #plane: TestControlPlane;
  #fixture: ControllerFixture | undefined;
  #faulty: FaultyTransport | undefined;
  #conflicts = 0;
  /** Refuses what controllers write as long as conflicts are left. */
  readonly transport = countingTransport({
    refuse: ({ method, path }) => {
      if (method !== 'PUT' || this.#conflicts === 0) return undefined;
      this.#conflicts--;
      return newConflict({ group: '', resource: 'things' }, path, 'the object has been modified');
    },
  });

  private constructor(plane: TestControlPlane) {
    this.#plane = plane;
  }

  static async start(): Promise<World> {
    const world = new World(await TestControlPlane.start());
    await world.restart();
    await world.fixture.client.deployments('default').create({
      metadata: { name: 'web' },
      spec: {
        replicas: 3,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { nodeName: 'n', containers: [{ name: 'c', image: 'a' }] } },
      },
    });
    return world;
  }

  get fixture(): ControllerFixture {
    if (this.#fixture === undefined) throw new Error('not started');
    return this.#fixture;
  }

  async restart(): Promise<void> {
    await this.#fixture?.[Symbol.asyncDispose]();
    this.#fixture = await ControllerFixture.start([deploymentController, replicaSetController], {
      plane: this.#plane,
      wrap: (transport) => (this.#faulty = new FaultyTransport(this.transport.wrap(transport))),
    });
  }

  async pods(): Promise<readonly Readonly<Pod>[]> {
    const { items } = await this.fixture.client.pods('default').list({ labelSelector: 'app=web' });
    return items;
  }

  async run(move: Step): Promise<void> {
    try {
      await this.#run(move);
    } catch (error) {
      // Between reading and writing the controllers were faster.
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
  }

  async #run(move: Step): Promise<void> {
    const { fixture } = this;
    switch (move.type) {
      case 'scale':
        return await this.#patch({ replicas: move.replicas });
      case 'image':
        return await this.#patch({ template: { spec: { containers: [{ name: 'c', image: move.image }] } } });
      case 'pause':
        return await this.#patch({ paused: move.paused });
      case 'strategy':
        return await this.#patch({
          strategy: move.recreate ? { $retainKeys: ['type'], type: 'Recreate' } : { type: 'RollingUpdate' },
        });
      case 'ready':
        return void (await makeReady(fixture, ({ metadata }) => hash(metadata.uid ?? '') <= move.share));
      case 'conflicts':
        this.#conflicts = move.count;
        return;
      case 'restart':
        return await this.restart();
      case 'wait':
        return await fixture.advance(2000);
      case 'race':
        return;
      case 'reset':
        return this.#faulty?.reset();
      case 'duplicate':
        if (this.#faulty) this.#faulty.filter = (event) => [event, event];
        return;
      case 'stall':
        return this.#faulty?.stallOpen();
      default:
        return await this.#disturb(move.type, move.pick);
    }
  }

  async #disturb(what: 'deletePod' | 'failPod' | 'relabelPod' | 'deleteSet' | 'scaleSet', at: number): Promise<void> {
    const { client } = this.fixture;
    const pods = await this.pods();
    const sets = (await client.replicaSets('default').list()).items;
    const pod = pods[at % Math.max(1, pods.length)];
    const set = sets[at % Math.max(1, sets.length)];
    const { name = '' } = (what.endsWith('Pod') ? pod : set)?.metadata ?? {};
    if (name === '') return;
    if (what === 'deletePod') await client.pods('default').delete(name, { gracePeriodSeconds: 0 });
    if (what === 'failPod' && pod) await client.pods('default').updateStatus({ ...pod, status: { phase: 'Failed' } });
    if (what === 'relabelPod')
      await client.pods('default').patch(name, {
        type: 'application/merge-patch+json',
        body: { metadata: { labels: { 'pod-template-hash': null } } },
      });
    if (what === 'deleteSet') await client.replicaSets('default').delete(name);
    if (what === 'scaleSet')
      await client.replicaSets('default').patch(name, {
        type: 'application/merge-patch+json',
        body: { spec: { replicas: at % 4 } },
      });
  }

  async #patch(spec: object): Promise<void> {
    const client = this.fixture.client.deployments('default');
    await client.patch('web', { type: 'application/strategic-merge-patch+json', body: { spec } });
  }

  /** Plays the garbage collector: pods go with their ReplicaSet. */
  async collectGarbage(): Promise<void> {
    const { client } = this.fixture;
    const { items } = await client.replicaSets('default').list();
    const uids = new Set(items.map(({ metadata }) => metadata.uid));
    for (const { metadata } of await this.pods()) {
      const [owner] = metadata.ownerReferences ?? [];
      if (owner === undefined || uids.has(owner.uid)) continue;
      await client.pods('default').delete(metadata.name ?? '', { gracePeriodSeconds: 0 });
    }
  }

  /** Every pod of the Deployment that counts is new and available, there are as many as asked for, and it says so. */
  async converged(): Promise<boolean> {
    const deployment = await this.fixture.client.deployments('default').get('web');
    const { spec, status, metadata } = deployment;
    const owned = (await this.pods()).filter((pod) => isPodActive(pod) && pod.metadata.ownerReferences?.length === 1);
    const wanted = spec?.replicas ?? 0;
    const image = spec?.template.spec?.containers[0]?.image;
    return (
      status?.observedGeneration === metadata.generation &&
      owned.length === wanted &&
      owned.every((pod) => pod.spec?.containers[0]?.image === image && pod.status?.phase === 'Running') &&
      [status?.replicas, status?.updatedReplicas, status?.availableReplicas].every((n) => (n ?? 0) === wanted) &&
      status?.unavailableReplicas === undefined
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#fixture?.[Symbol.asyncDispose]();
    await this.#plane[Symbol.asyncDispose]();
  }
}

/** Spreads uids over 0 … 1. */
function hash(text: string): number {
  let sum = 0;
  for (const char of text) sum = (sum * 31 + char.charCodeAt(0)) % 997;
  return sum / 997;
}

async function scenario(steps: readonly Step[]): Promise<void> {
  await using world = await World.start();
  for (const move of steps) {
    await world.run(move);
    if (move.type !== 'race') await world.fixture.settle();
  }
  await world.run({ type: 'pause', paused: false });
  // What is stalled comes to an end some time.
  await world.run({ type: 'reset' });
  await world.fixture.until(
    async () => {
      await makeReady(world.fixture);
      await finishDeleted(world.fixture);
      await world.collectGarbage();
      return await world.converged();
    },
    { stepMs: 1000, steps: 400 },
  );
  // Broken watches are opened again after a while.
  await world.fixture.advance(60_000);
  const { writes } = world.transport;
  writes.length = 0;
  await world.restart();
  await world.fixture.advance(5000);
  expect(writes).toEqual([]);
}

describe('random interference', () => {
  it('ends in the specified state, and then nothing is written', async () => {
    await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 14 }), scenario), { numRuns: 20 });
  }, 60_000);
});
