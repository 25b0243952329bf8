import { describe, expect, it } from 'vitest';
import { ControllerFixture } from '../testing/controller-fixture.ts';
import { ttlController } from './controller.ts';
import { ttlAnnotation, ttlSeconds, ttlStep } from './plan.ts';

describe('ttlStep', () => {
  it.each([
    [0, 100, 0],
    [0, 101, 15],
    [1, 95, 15],
    [1, 89, 0],
    [0, 600, 30],
    [0, 5000, 300],
    [4, 1900, 300],
    [4, 1799, 60],
    [4, 1, 0],
  ])('from step %d with %d nodes: %d s', (step, nodes, seconds) => {
    expect(ttlSeconds(ttlStep(step, nodes))).toBe(seconds);
  });
});

describe('the TTL controller', () => {
  it('annotates nodes by the size of the cluster', async () => {
    await using fixture = await ControllerFixture.start([ttlController], { ownAccounts: true });
    const nodes = fixture.client.nodes();
    for (let i = 0; i < 101; i++) await nodes.create({ metadata: { name: `n${i}` } });
    await fixture.settle();
    const ttlOf = async (name: string): Promise<string | undefined> =>
      (await nodes.get(name)).metadata.annotations?.[ttlAnnotation];
    expect(await ttlOf('n0')).toBe('0');
    expect(await ttlOf('n100')).toBe('15');
    const body = { metadata: { labels: { changed: 'yes' } } };
    await nodes.patch('n0', { type: 'application/merge-patch+json', body });
    await fixture.until(async () => (await ttlOf('n0')) === '15');
    expect(fixture.errors).toEqual([]);
  });
});
