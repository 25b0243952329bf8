import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Node, Pod } from '@kubets/api/types/core-v1';
import { compareCache } from './cache/compare.ts';
import { nodeChanges } from './event-handlers.ts';
import { action } from './framework/types.ts';
import { QueuedPod } from './queue/queued-pod.ts';
import { QueueingHints, type Happening } from './queue/queueing-hints.ts';
import { defaultReferenceProfile, type ReferenceProfile } from './reference/cluster.ts';
import { silentLog } from '@kubets/apimachinery/log';
import { PodInfo } from './framework/pod-info.ts';
import { randomNode, randomPod } from './testing/random-cluster.ts';
import { disturb, disturbance, randomProfile, ReferencePair, type Disturbance } from './testing/reference-pair.ts';

interface Scenario {
  readonly nodes: readonly Node[];
  readonly steps: readonly { readonly pod: Pod; readonly before: Disturbance }[];
  readonly profile: ReferenceProfile;
}

const scenario = (profile: fc.Arbitrary<ReferenceProfile>): fc.Arbitrary<Scenario> =>
  fc.integer({ min: 1, max: 5 }).chain((count) =>
    fc.record({
      nodes: fc.tuple(...Array.from({ length: count }, (_, i) => randomNode(i))),
      steps: fc.tuple(
        ...Array.from({ length: 10 }, (_, i) => fc.record({ pod: randomPod(i), before: disturbance(count) })),
      ),
      profile,
    }),
  );

/** Everything that scheduler and reference disagree about. */
function disagreements({ nodes, steps, profile }: Scenario): string[] {
  const pair = new ReferencePair(nodes, profile);
  const found: string[] = [];
  for (const { pod, before } of steps) {
    disturb(pair, before);
    found.push(...pair.differences(pod));
  }
  const { cluster } = pair;
  const comparison = compareCache(
    { cache: pair.scheduler.cache, queued: [] },
    { nodes: cluster.nodes, pods: cluster.pods },
  );
  return [...found, ...Object.values(comparison).flat()];
}

describe('filters and scores', () => {
  it('agree with the reference, whatever happens in between', () => {
    fc.assert(
      fc.property(scenario(fc.constant(defaultReferenceProfile)), (given) => {
        expect(disagreements(given)).toEqual([]);
      }),
      { numRuns: 150 },
    );
  });

  it('agree with the reference in other profiles', () => {
    fc.assert(
      fc.property(scenario(randomProfile), (given) => {
        expect(disagreements(given)).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });
});

/** The event that a disturbance amounts to; undefined: the scheduler is not told, or not yet. */
function happeningOf(pair: ReferencePair, change: Disturbance): Happening | undefined {
  switch (change.type) {
    case 'remove': {
      const old = pair.pods.get(`p${change.pod}`);
      return old && { event: { resource: 'AssignedPod', actionType: action.delete }, old, now: undefined };
    }
    case 'node': {
      const old = pair.nodes.get(change.node.metadata.name ?? '');
      const actionType = old === undefined ? action.add : nodeChanges(old, change.node);
      return { event: { resource: 'Node', actionType }, old, now: change.node };
    }
    case 'namespace':
      return { event: { resource: 'Namespace', actionType: action.update }, old: undefined, now: undefined };
    case 'none':
    case 'terminate':
      return undefined;
  }
}

interface Waiting {
  readonly pod: Pod;
  readonly queued: QueuedPod;
}

/** Pods that have become schedulable although all hints said that they would not. */
class Watch {
  readonly lost: string[] = [];
  readonly #pair: ReferencePair;
  readonly #hints: QueueingHints;
  #waiting: Waiting[] = [];

  constructor(pair: ReferencePair) {
    this.#pair = pair;
    this.#hints = new QueueingHints(pair.scheduler.profile.plugins.values(), silentLog);
  }

  /** Tries the pod; it waits when it fits nowhere. Answers a node that it fits on. */
  try(pod: Pod): string | undefined {
    const { feasible, reasons } = this.#pair.scheduler.ask(pod);
    if (feasible[0] !== undefined) return feasible[0];
    const queued = new QueuedPod(new PodInfo(pod), 0);
    queued.unschedulablePlugins = new Set(Array.from(reasons.values(), ({ plugin }) => plugin));
    this.#waiting.push({ pod, queued });
    return undefined;
  }

  happens(happening: Happening | undefined, change: () => void): void {
    const skipped = this.#waiting.filter(
      ({ queued }) => happening !== undefined && this.#hints.strategy(queued, happening) === 'skip',
    );
    const others = this.#waiting.filter((one) => !skipped.includes(one));
    change();
    this.#waiting = [];
    // Those that were woken are tried; the others wait on, and that must be right.
    for (const { pod } of others) this.try(pod);
    for (const one of skipped) {
      if (happening !== undefined && this.#pair.scheduler.ask(one.pod).feasible.length > 0) {
        this.lost.push(one.pod.metadata.name ?? '');
      } else this.#waiting.push(one);
    }
  }
}

function lost({ nodes, steps, profile }: Scenario): string[] {
  const pair = new ReferencePair(nodes, profile);
  const watch = new Watch(pair);
  for (const { pod, before } of steps) {
    watch.happens(happeningOf(pair, before), () => disturb(pair, before));
    const node = watch.try(pod);
    if (node === undefined) continue;
    const event = { resource: 'AssignedPod', actionType: action.add };
    watch.happens({ event, old: undefined, now: pod }, () => pair.bind(pod, node));
  }
  return watch.lost;
}

describe('queueing hints', () => {
  it.each([
    ['never keep a pod waiting that an event has made schedulable', {}],
    // Found by this seed: then it need not be near another one.
    ['see that the last pod of a kind has gone', { seed: 350102257 }],
  ])('%s', (_what, seed) => {
    fc.assert(
      fc.property(scenario(fc.constant(defaultReferenceProfile)), (given) => {
        expect(lost(given)).toEqual([]);
      }),
      { numRuns: 200, ...seed },
    );
  });
});
