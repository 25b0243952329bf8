import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isConflict, isNotFound, isTooManyRequests } from '@kubets/apimachinery/status';
import { isPodActive, isPodReady } from '@kubets/api/core/helpers/pod';
import type { Pod } from '@kubets/api/types/core-v1';
import { statefulSetController } from '../statefulset/controller.ts';
import { DisturbedController, troubles, type Trouble } from '../testing/disturbed-controller.ts';
import { finishDeleted, makeReady } from '../testing/pod-simulator.ts';
import { disruptionController } from './controller.ts';

const minAvailable = 3;
const labels = { app: 'web' };

/** What happens while nodes are drained. */
type Step =
  | { readonly type: 'evict'; readonly pod: number }
  | { readonly type: 'end' | 'ready' | 'time' }
  | { readonly type: 'trouble'; readonly trouble: Trouble };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ type: fc.constant('evict' as const), pod: fc.integer({ min: 0, max: 4 }) }) },
  fc.record({ type: fc.constantFrom('end' as const, 'ready' as const, 'time' as const) }),
  fc.record({ type: fc.constant('trouble' as const), trouble: fc.constantFrom(...troubles) }),
);

const podsOf = async ({ base }: DisturbedController): Promise<readonly Pod[]> =>
  (await base.client.pods('default').list()).items;

async function healthy(scene: DisturbedController): Promise<number> {
  return (await podsOf(scene)).filter((pod) => isPodActive(pod) && isPodReady(pod)).length;
}

async function take(scene: DisturbedController, what: Step): Promise<void> {
  const { base } = scene;
  switch (what.type) {
    case 'evict': {
      const name = `web-${what.pod}`;
      const eviction = base.client.pods('default').createSubresource(name, 'eviction', { metadata: { name } });
      await eviction.catch((error: unknown) => {
        if (!isTooManyRequests(error) && !isNotFound(error) && !isConflict(error)) throw error;
      });
      return;
    }
    case 'end':
      return void (await finishDeleted(base));
    case 'ready':
      return void (await makeReady(base));
    case 'time':
      return await base.advance(3000);
    case 'trouble':
      return await scene.trouble(what.trouble);
  }
}

async function play(steps: readonly Step[]): Promise<void> {
  await using scene = await DisturbedController.start([disruptionController, statefulSetController]);
  const { base } = scene;
  const budgets = base.client.podDisruptionBudgets('default');
  await budgets.create({ metadata: { name: 'web' }, spec: { minAvailable, selector: { matchLabels: labels } } });
  await base.client.statefulSets('default').create({
    metadata: { name: 'web' },
    spec: {
      replicas: 5,
      podManagementPolicy: 'Parallel',
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { nodeName: 'n', containers: [{ name: 'c', image: 'i' }] } },
    },
  });
  const settled = async (): Promise<boolean> => {
    await makeReady(base);
    const { status } = await budgets.get('web');
    return status?.currentHealthy === 5 && status.disruptionsAllowed === 2 && (await healthy(scene)) === 5;
  };
  await base.until(settled);
  for (const what of steps) {
    await take(scene, what);
    expect(await healthy(scene)).toBeGreaterThanOrEqual(minAvailable);
    await base.settle();
  }
  scene.calm();
  await base.until(async () => (await finishDeleted(base), await settled()), { steps: 600 });
  expect((await budgets.get('web')).status?.disruptedPods).toBeUndefined();
  await base.advance(3000);
  scene.writes.length = 0;
  await base.advance(3000);
  expect(scene.writes).toEqual([]);
}

describe('disruption-controller, at random', () => {
  it('never lets evictions take more than the budget allows, and recovers', async () => {
    const property = fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 20 }), play);
    await expect(fc.assert(property, { numRuns: 8, endOnFailure: true })).resolves.toBeUndefined();
  });
});
