import { describe, expect, it } from 'vitest';
import { SchedulerFixture } from './testing/scheduler-fixture.ts';

describe('scheduler', () => {
  it('binds a pod, and says so', async () => {
    await using fixture = await SchedulerFixture.start();
    await fixture.node('n1');
    await fixture.pod('a');
    await fixture.until(async () => (await fixture.nodeOf('a')) === 'n1');
    await fixture.settle();
    expect(await fixture.events('a')).toEqual([
      { reason: 'Scheduled', type: 'Normal', note: 'Successfully assigned default/a to n1' },
    ]);
    expect(fixture.errors).toEqual([]);
  });

  it('says why a pod fits nowhere', async () => {
    await using fixture = await SchedulerFixture.start();
    await fixture.node('n1', { cpu: '100m' });
    await fixture.node('n2', { taints: [{ key: 'a', value: 'b', effect: 'NoSchedule' }] });
    await fixture.node('n3', { taints: [{ key: 'a', value: 'b', effect: 'NoSchedule' }] });
    await fixture.pod('a', {
      containers: [{ name: 'c', image: 'i', resources: { requests: { cpu: '1' } } }],
    });
    await fixture.until(async () => (await fixture.message('a')) !== '');
    expect(await fixture.message('a')).toBe(
      '0/3 nodes are available: 1 Insufficient cpu, 2 node(s) had untolerated taint {a: b}. preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.',
    );
    expect(fixture.errors).toEqual([]);
  });
});
