import type { ApiObject } from '@kubets/apimachinery/meta';
import { FakeClock } from '@kubets/apimachinery/fake-clock';
import { failure, newAlreadyExists, newNotFound } from '@kubets/apimachinery/status';
import type { Event as CoreEvent } from '@kubets/api/types/core-v1';
import type { Event as SeriesEvent } from '@kubets/api/types/events-v1';
import { describe, expect, it } from 'vitest';
import { settle } from '../testing/index.ts';
import { EventRecorder } from './event-recorder.ts';
import { EventSeriesRecorder } from './event-series-recorder.ts';

const gr = { group: '', resource: 'events' };

/** Keeps events as the server does; fails on demand. */
class Events<E extends ApiObject> {
  readonly stored = new Map<string, E>();
  readonly writes: string[] = [];
  readonly faults: Error[] = [];

  in(namespace: string) {
    const step = async (text: string): Promise<void> => {
      await Promise.resolve();
      this.writes.push(text);
      const fault = this.faults.shift();
      if (fault !== undefined) throw fault;
    };
    return {
      create: async (event: E) => {
        await step(`create ${namespace}`);
        const name = event.metadata.name ?? '';
        if (this.stored.has(name)) throw newAlreadyExists(gr, name);
        this.stored.set(name, event);
        return event;
      },
      patch: async (name: string, { body }: { readonly body: object }) => {
        await step(`patch ${namespace}`);
        const event = this.stored.get(name);
        if (event === undefined) throw newNotFound(gr, name);
        const patched: E = { ...event, ...body };
        this.stored.set(name, patched);
        return patched;
      },
    };
  }

  get list(): E[] {
    return [...this.stored.values()];
  }
}

function randoms() {
  let next = 0;
  return { float: () => (next = (next + 0.137) % 1), uuid: () => '' };
}

const pod: ApiObject = {
  kind: 'Pod',
  apiVersion: 'v1',
  metadata: { name: 'p', namespace: 'ns', uid: 'u1', resourceVersion: '7' },
};

function setUp() {
  const clock = new FakeClock();
  const events = new Events<CoreEvent>();
  const dropped: string[] = [];
  const onDropped = (reason: string): void => void dropped.push(reason);
  const recorder = new EventRecorder({ events, component: 'kubelet', host: 'n1', clock, random: randoms(), onDropped });
  return { clock, events, dropped, recorder };
}

describe('EventRecorder', () => {
  it('writes what happened to whom', async () => {
    const { events, recorder } = setUp();
    recorder.record(pod, { type: 'Warning', reason: 'BackOff', message: 'no luck', annotations: { a: 'b' } });
    await recorder.flush();
    expect(events.list).toEqual([
      {
        kind: 'Event',
        apiVersion: 'v1',
        metadata: { name: expect.stringMatching(/^p\.[0-9a-f]{16}$/), namespace: 'ns', annotations: { a: 'b' } },
        involvedObject: { kind: 'Pod', namespace: 'ns', name: 'p', uid: 'u1', apiVersion: 'v1', resourceVersion: '7' },
        reason: 'BackOff',
        message: 'no luck',
        source: { component: 'kubelet', host: 'n1' },
        firstTimestamp: '2026-01-01T00:00:00Z',
        lastTimestamp: '2026-01-01T00:00:00Z',
        count: 1,
        type: 'Warning',
        reportingComponent: 'kubelet',
        reportingInstance: 'n1',
      },
    ]);
  });

  it('counts repeats on the same event', async () => {
    const { clock, events, recorder } = setUp();
    for (let i = 0; i < 5; i++) {
      recorder.event(pod, 'Normal', 'Pulled', 'image');
      clock.advance(1000);
    }
    recorder.event(pod, 'Normal', 'Started', 'container');
    await recorder.flush();
    expect(events.list).toMatchObject([
      { reason: 'Pulled', count: 5, firstTimestamp: '2026-01-01T00:00:00Z', lastTimestamp: '2026-01-01T00:00:04Z' },
      { reason: 'Started', count: 1 },
    ]);
  });

  it('combines ten different messages of one kind, until ten quiet minutes have passed', async () => {
    const { clock, events, recorder } = setUp();
    for (let i = 1; i <= 12; i++) recorder.event(pod, 'Warning', 'Unhealthy', `message ${i}`);
    await recorder.flush();
    expect(events.list).toHaveLength(10);
    expect(events.list[9]).toMatchObject({ message: '(combined from similar events): message 12', count: 3 });
    clock.advance(600_001);
    recorder.event(pod, 'Warning', 'Unhealthy', 'message 13');
    await recorder.flush();
    expect(events.list[10]).toMatchObject({ message: 'message 13', count: 1 });
  });

  it('holds back more than 25 at once about one object, but counts them', async () => {
    const { clock, events, dropped, recorder } = setUp();
    for (let i = 0; i < 30; i++) recorder.event(pod, 'Warning', 'BackOff', 'again');
    recorder.event({ ...pod, metadata: { ...pod.metadata, name: 'other' } }, 'Warning', 'BackOff', 'again');
    await recorder.flush();
    expect(events.list).toMatchObject([{ count: 25 }, { count: 1 }]);
    expect(dropped).toEqual(Array.from({ length: 5 }, () => 'BackOff about Pod p: too many events about it'));
    clock.advance(300_000);
    recorder.event(pod, 'Warning', 'BackOff', 'again');
    await recorder.flush();
    expect(events.list[0]?.count).toBe(31);
  });

  it('makes an event again that has expired on the server, with its count', async () => {
    const { events, recorder } = setUp();
    recorder.event(pod, 'Normal', 'Pulled', 'image');
    await recorder.flush();
    const name = events.list[0]?.metadata.name;
    events.stored.clear();
    recorder.event(pod, 'Normal', 'Pulled', 'image');
    await recorder.flush();
    expect(events.list).toMatchObject([{ count: 2, metadata: { name } }]);
    expect(events.writes).toEqual(['create ns', 'patch ns', 'create ns']);
  });

  it('tries again when the server cannot be reached, in order, twelve times', async () => {
    const { clock, events, dropped, recorder } = setUp();
    events.faults.push(new Error('unreachable'), new Error('unreachable'));
    recorder.event(pod, 'Normal', 'A', 'a');
    recorder.event(pod, 'Normal', 'B', 'b');
    await settle();
    clock.advance(10_000);
    await settle();
    clock.advance(10_000);
    await recorder.flush();
    expect(events.list.map((e) => e.reason)).toEqual(['A', 'B']);
    for (let i = 0; i < 12; i++) events.faults.push(new Error('unreachable'));
    recorder.event(pod, 'Normal', 'C', 'c');
    for (let i = 0; i < 12; i++) {
      await settle(3);
      clock.advance(10_000);
    }
    await recorder.flush();
    expect(dropped).toEqual(['C about Pod p']);
    expect(clock.timers).toBe(0);
  });

  it('does not repeat what the server refuses', async () => {
    const { events, dropped, recorder } = setUp();
    events.faults.push(failure('Forbidden', 'namespace is being terminated'));
    recorder.event(pod, 'Normal', 'A', 'a');
    await recorder.flush();
    expect(dropped).toEqual(['A about Pod p']);
    expect(events.writes).toHaveLength(1);
  });

  it('keeps at most a thousand while the server is away, and gives up when it is closed', async () => {
    const { clock, events, dropped, recorder } = setUp();
    for (let i = 0; i < 2000; i++) events.faults.push(new Error('unreachable'));
    for (let i = 0; i < 1002; i++) recorder.event({ kind: 'Node', name: `n${i}` }, 'Normal', 'A', 'a');
    expect(dropped).toHaveLength(2);
    await settle();
    await recorder[Symbol.asyncDispose]();
    expect(dropped).toHaveLength(1002);
    expect(clock.timers).toBe(0);
    expect(events.writes[0]).toBe('create default');
    recorder.event(pod, 'Normal', 'A', 'a');
    expect(dropped.at(-1)).toBe('A about Pod p: the recorder is closed');
  });
});

function setUpSeries() {
  const clock = new FakeClock();
  const events = new Events<SeriesEvent>();
  const dropped: string[] = [];
  const recorder = new EventSeriesRecorder({
    events,
    reportingController: 'default-scheduler',
    reportingInstance: 'default-scheduler-n1',
    clock,
    random: randoms(),
    onDropped: (reason) => void dropped.push(reason),
  });
  const note = { type: 'Warning', reason: 'FailedScheduling', action: 'Scheduling', note: '0/3 nodes' } as const;
  return { clock, events, dropped, recorder, note };
}

describe('EventSeriesRecorder', () => {
  it('makes an event, then a series of it, and counts on in memory', async () => {
    const { clock, events, recorder, note } = setUpSeries();
    recorder.event(pod, { ...note, related: { kind: 'Node', name: 'n1' }, note: 'x'.repeat(2000) });
    await recorder.flush();
    expect(events.list).toEqual([
      {
        kind: 'Event',
        apiVersion: 'events.k8s.io/v1',
        metadata: { name: expect.stringMatching(/^p\.[0-9a-f]{16}$/), namespace: 'ns' },
        eventTime: '2026-01-01T00:00:00.000000Z',
        reportingController: 'default-scheduler',
        reportingInstance: 'default-scheduler-n1',
        action: 'Scheduling',
        reason: 'FailedScheduling',
        regarding: expect.objectContaining({ kind: 'Pod', name: 'p', uid: 'u1' }),
        related: { kind: 'Node', name: 'n1' },
        note: 'x'.repeat(1024),
        type: 'Warning',
      },
    ]);
    const again = setUpSeries();
    for (let i = 0; i < 4; i++) {
      again.recorder.event(pod, { ...note, note: `${i} nodes` });
      again.clock.advance(1000);
    }
    await again.recorder.flush();
    expect(again.events.writes).toEqual(['create ns', 'patch ns']);
    expect(again.events.list).toMatchObject([
      { note: '0 nodes', series: { count: 2, lastObservedTime: '2026-01-01T00:00:01.000000Z' } },
    ]);
    await again.recorder[Symbol.asyncDispose]();
    expect(again.events.list[0]?.series?.count).toBe(4);
    expect(again.clock.timers).toBe(0);
    expect(clock.timers).toBe(2);
  });

  it('writes a running series every half hour, and finishes it after six quiet minutes', async () => {
    const { clock, events, recorder, note } = setUpSeries();
    for (let minute = 0; minute < 31; minute++) {
      recorder.event(pod, note);
      clock.advance(60_000);
    }
    await recorder.flush();
    expect(events.list[0]?.series?.count).toBe(30);
    clock.advance(12 * 60_000);
    await recorder.flush();
    expect(events.list[0]?.series?.count).toBe(31);
    recorder.event(pod, note);
    await recorder.flush();
    expect(events.list).toHaveLength(2);
    clock.advance(60 * 60_000);
    expect(clock.timers).toBe(0);
  });

  it('makes a series again that has expired on the server', async () => {
    const { events, recorder, note } = setUpSeries();
    recorder.event(pod, note);
    await recorder.flush();
    events.stored.clear();
    recorder.event(pod, note);
    recorder.event(pod, { ...note, reason: 'Preempted' });
    await recorder.flush();
    expect(events.list).toMatchObject([{ series: { count: 2 } }, { reason: 'Preempted' }]);
  });
});
