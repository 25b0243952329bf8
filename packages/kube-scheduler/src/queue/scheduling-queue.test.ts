import { describe, expect, it } from 'vitest';
import { FakeClock } from '@kubets/apimachinery/fake-clock';
import { silentLog } from '@kubets/apimachinery/log';
import type { Pod } from '@kubets/api/types/core-v1';
import { PodInfo } from '../framework/pod-info.ts';
import { Status } from '../framework/status.ts';
import { action, type AnyPlugin, type QueueingHint } from '../framework/types.ts';
import { PrioritySort } from '../plugins/queuesort/priority-sort.ts';
import { SchedulingGates } from '../plugins/schedulinggates/scheduling-gates.ts';
import type { QueuedPod } from './queued-pod.ts';
import { QueueingHints } from './queueing-hints.ts';
import { SchedulingQueue } from './scheduling-queue.ts';

const podOf = (name: string, spec: Partial<Pod['spec']> = {}): Pod => ({
  metadata: { name, uid: name, namespace: 'default' },
  spec: { containers: [], schedulerName: 'default-scheduler', ...spec },
});
const infoOf = (name: string, spec: Partial<Pod['spec']> = {}): PodInfo => new PodInfo(podOf(name, spec));

/** A plugin that lets pods be tried again when nodes come, and asks `hint` when pods go. */
const plugin = (hint: () => QueueingHint): AnyPlugin => ({
  name: 'P',
  eventsToRegister: () => [
    { event: { resource: 'Node', actionType: action.add } },
    { event: { resource: 'AssignedPod', actionType: action.delete }, hint },
  ],
});

const nodeAdded = { event: { resource: 'Node', actionType: action.add }, old: undefined, now: undefined };
const podDeleted = { event: { resource: 'AssignedPod', actionType: action.delete }, old: undefined, now: undefined };
const podAdded = { event: { resource: 'AssignedPod', actionType: action.add }, old: undefined, now: undefined };

function setUp(
  hint: () => QueueingHint = () => 'Queue',
  isShut: () => boolean = () => false,
): { queue: SchedulingQueue; clock: FakeClock } {
  const clock = new FakeClock();
  const gates = new SchedulingGates();
  const hints = new QueueingHints([plugin(hint), gates], silentLog);
  const queue = new SchedulingQueue({
    clock,
    sort: new PrioritySort(),
    preEnqueue: (pod) => (isShut() ? Status.unresolvable('shut').by('Gate') : gates.preEnqueue(pod)?.by(gates.name)),
    hints: () => hints,
    interested: (name, event) => hints.interested(name, event),
  });
  queue.start();
  return { queue, clock };
}

/** Fails the next pod, as rejected by the plugin. */
function failNext(queue: SchedulingQueue): QueuedPod {
  const pod = queue.pop() as QueuedPod;
  pod.unschedulablePlugins = new Set(['P']);
  queue.addUnschedulable(pod);
  return pod;
}

describe('SchedulingQueue', () => {
  it('gives pods by priority, then by age', () => {
    const { queue, clock } = setUp();
    queue.add(infoOf('low'));
    clock.advance(1);
    queue.add(infoOf('later'));
    queue.add(infoOf('high', { priority: 10 }));
    expect([queue.pop()?.key, queue.pop()?.key, queue.pop()?.key, queue.pop()]).toEqual([
      'default/high',
      'default/low',
      'default/later',
      undefined,
    ]);
  });

  it('keeps a rejected pod until something helps', () => {
    const { queue, clock } = setUp();
    queue.add(infoOf('a'));
    failNext(queue);
    expect(queue.sizes).toEqual({ active: 0, backoff: 0, unschedulable: 1, gated: 0 });
    queue.moveAll(podAdded);
    expect(queue.sizes.unschedulable).toBe(1);
    queue.moveAll(nodeAdded);
    expect(queue.sizes).toEqual({ active: 0, backoff: 1, unschedulable: 0, gated: 0 });
    clock.advance(1000);
    expect(queue.sizes.active).toBe(1);
  });

  it('asks the hint of the plugin that rejected the pod', () => {
    let answer: QueueingHint = 'QueueSkip';
    const { queue, clock } = setUp(() => answer);
    queue.add(infoOf('a'));
    failNext(queue);
    clock.advance(2000);
    queue.moveAll(podDeleted);
    expect(queue.sizes.unschedulable).toBe(1);
    answer = 'Queue';
    queue.moveAll(podDeleted);
    expect(queue.sizes.active).toBe(1);
  });

  it('doubles the back-off up to ten seconds', () => {
    const { queue, clock } = setUp();
    queue.add(infoOf('a'));
    const waits: number[] = [];
    for (let i = 0; i < 6; i++) {
      const pod = failNext(queue);
      waits.push(pod.backoffUntil - clock.monotonic());
      queue.moveAll(nodeAdded);
      clock.advance(10_000);
    }
    expect(waits).toEqual([1000, 2000, 4000, 8000, 10_000, 10_000]);
  });

  it('gives a pod in back-off when nothing else is to be done, but not after an error', () => {
    const { queue } = setUp();
    queue.add(infoOf('a'));
    failNext(queue);
    queue.moveAll(nodeAdded);
    expect(queue.sizes.backoff).toBe(1);
    const pod = queue.pop() as QueuedPod;
    expect(pod.key).toBe('default/a');
    pod.unschedulablePlugins = new Set();
    queue.addUnschedulable(pod);
    expect(queue.sizes.backoff).toBe(1);
    expect(queue.pop()).toBe(undefined);
  });

  it('remembers what happened while the pod was being tried', () => {
    const { queue } = setUp();
    queue.add(infoOf('a'));
    const pod = queue.pop() as QueuedPod;
    queue.moveAll(nodeAdded);
    pod.unschedulablePlugins = new Set(['P']);
    queue.addUnschedulable(pod);
    expect(queue.sizes).toMatchObject({ backoff: 1, unschedulable: 0 });
  });

  it('tries everything again after five minutes', () => {
    const { queue, clock } = setUp();
    queue.add(infoOf('a'));
    failNext(queue);
    clock.advance(299_000);
    expect(queue.sizes.unschedulable).toBe(1);
    clock.advance(31_000);
    expect(queue.sizes.active).toBe(1);
  });

  it('keeps gated pods out until the gates are gone', () => {
    const { queue } = setUp();
    const gated = infoOf('a', { schedulingGates: [{ name: 'g' }] });
    queue.add(gated);
    expect(queue.sizes).toEqual({ active: 0, backoff: 0, unschedulable: 0, gated: 1 });
    queue.moveAll(nodeAdded);
    expect(queue.sizes.gated).toBe(1);
    queue.update(gated.pod, infoOf('a'));
    expect(queue.sizes).toEqual({ active: 1, backoff: 0, unschedulable: 0, gated: 0 });
  });

  it('asks the gate of a rejected pod too, and heeds both the gate and who rejected it', () => {
    let shut = false;
    const { queue } = setUp(undefined, () => shut);
    queue.add(infoOf('a'));
    failNext(queue);
    shut = true;
    queue.moveAll(nodeAdded);
    expect(queue.sizes).toEqual({ active: 0, backoff: 0, unschedulable: 0, gated: 1 });
    expect(queue.pop()).toBe(undefined);
    shut = false;
    queue.moveAll(podDeleted);
    expect(queue.sizes.gated).toBe(0);
    expect(queue.pop()?.key).toBe('default/a');
  });

  it('forgets deleted pods wherever they are', () => {
    const { queue } = setUp();
    queue.add(infoOf('gated', { schedulingGates: [{ name: 'g' }] }));
    queue.add(infoOf('failed'));
    failNext(queue);
    queue.add(infoOf('active'));
    for (const name of ['gated', 'failed', 'active']) queue.delete(podOf(name));
    expect(queue.sizes).toEqual({ active: 0, backoff: 0, unschedulable: 0, gated: 0 });
  });

  it('brings pods forward that plugins activate', () => {
    const { queue } = setUp();
    queue.add(infoOf('a'));
    failNext(queue);
    queue.activate([podOf('a')]);
    expect(queue.sizes.active).toBe(1);
  });

  it('keeps nominations', () => {
    const { queue } = setUp();
    const pod = infoOf('a');
    queue.add(pod);
    queue.nominator.addNominatedPod(pod, 'n1');
    queue.update(pod.pod, infoOf('a'));
    expect(queue.nominator.nominatedPodsFor('n1').map(({ key }) => key)).toEqual(['default/a']);
    queue.delete(pod.pod);
    expect(queue.nominator.isEmpty).toBe(true);
  });

  it('gives pending pods another try at once', () => {
    const { queue } = setUp();
    queue.add(infoOf('a'));
    const pod = queue.pop() as QueuedPod;
    pod.pendingPlugins = new Set(['P']);
    queue.addUnschedulable(pod);
    queue.moveAll(nodeAdded);
    expect(queue.sizes).toMatchObject({ active: 1, backoff: 0 });
  });
});

describe('Status', () => {
  it('is rejected for the reasons that a cluster may do away with', () => {
    expect(
      [Status.unschedulable('x'), Status.unresolvable('x'), Status.pending('x')].map((one) => one.rejected),
    ).toEqual([true, true, true]);
    expect(Status.error(new Error('x')).rejected).toBe(false);
  });
});
