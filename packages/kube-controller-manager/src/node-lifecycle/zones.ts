/**
 * How bad things are in each zone, and how fast nodes may be tainted there: when half a zone seems to be gone it is rather the
 * network than the nodes (upstream `handleDisruption`, `ComputeZoneState`, `scheduler/rate_limited_queue.go`).
 */
import type { Clock } from '@kubets/apimachinery/clock';
import { TokenBucket } from '@kubets/client';
import type { Node } from '@kubets/api/types/core-v1';

export type ZoneState = 'Initial' | 'Normal' | 'FullDisruption' | 'PartialDisruption';

export interface ZoneLimits {
  /** Nodes a second. */
  readonly evictionRate: number;
  readonly secondaryEvictionRate: number;
  readonly largeClusterSizeThreshold: number;
  readonly unhealthyZoneThreshold: number;
}

/** Ready and other nodes of a zone. */
export interface ZoneHealth {
  readonly ready: number;
  readonly notReady: number;
}

/** Region and zone in one key; '' when the node says neither (`GetZoneKey`). */
export function zoneKeyOf(node: Readonly<Node>): string {
  const labels = node.metadata.labels;
  if (labels === undefined) return '';
  const zone = labels['failure-domain.beta.kubernetes.io/zone'] ?? labels['topology.kubernetes.io/zone'] ?? '';
  const region = labels['failure-domain.beta.kubernetes.io/region'] ?? labels['topology.kubernetes.io/region'] ?? '';
  return zone === '' && region === '' ? '' : `${region}:\0:${zone}`;
}

/** The state that the numbers mean (`ComputeZoneState`). */
export function zoneStateOf({ ready, notReady }: ZoneHealth, unhealthyZoneThreshold: number): ZoneState {
  if (ready === 0 && notReady > 0) return 'FullDisruption';
  if (notReady > 2 && notReady / (notReady + ready) >= unhealthyZoneThreshold) return 'PartialDisruption';
  return 'Normal';
}

/** Nodes a second that may be tainted in a zone of that state and size (`setLimiterInZone`). */
export function rateOf(state: ZoneState, size: number, limits: ZoneLimits): number {
  if (state !== 'PartialDisruption') return limits.evictionRate;
  return size > limits.largeClusterSizeThreshold ? limits.secondaryEvictionRate : 0;
}

/** What is to happen after a look at all zones. */
export interface DisruptionPlan {
  readonly states: ReadonlyMap<string, ZoneState>;
  /** New rates; zones that are not in it keep theirs. */
  readonly rates: ReadonlyMap<string, number>;
  /** Every node seems to be gone: it is more likely that this controller sees nothing. Taints are taken off all. */
  readonly enterFull: boolean;
  /** Some are there again: all get a new chance to report. */
  readonly leaveFull: boolean;
}

/** What follows from the zones' health and their states before (`handleDisruption`). */
export function planDisruption(
  before: ReadonlyMap<string, ZoneState>,
  zones: ReadonlyMap<string, ZoneHealth>,
  limits: ZoneLimits,
): DisruptionPlan {
  const now = new Map<string, ZoneState>();
  for (const [zone, health] of zones) now.set(zone, zoneStateOf(health, limits.unhealthyZoneThreshold));
  const allFull = now.values().every((state) => state === 'FullDisruption');
  const wasFull = zones.keys().every((zone) => before.get(zone) === 'FullDisruption');
  if (allFull && wasFull) return { states: now, rates: new Map(), enterFull: false, leaveFull: false };
  if (allFull) {
    const rates = new Map(now.keys().map((zone) => [zone, 0]));
    return { states: now, rates, enterFull: true, leaveFull: false };
  }
  const rates = new Map<string, number>();
  for (const [zone, state] of now) {
    const { ready, notReady } = zones.get(zone) as ZoneHealth;
    if (wasFull || before.get(zone) !== state) rates.set(zone, rateOf(state, ready + notReady, limits));
  }
  return { states: now, rates, enterFull: false, leaveFull: wasFull };
}

/** Nodes of a zone that wait for their taint, at most so many a second (`RateLimitedTimedQueue`). */
export class TaintQueue {
  readonly #clock: Clock;
  #rate: number;
  #bucket: TokenBucket<string>;
  /** Waiting, in order of arrival. */
  readonly #waiting = new Set<string>();
  /** Waiting, or tainted since they were last removed. */
  readonly #known = new Set<string>();

  constructor(clock: Clock, rate: number) {
    this.#clock = clock;
    this.#rate = rate;
    this.#bucket = this.#makeBucket(rate);
  }

  /** How many wait, and may get their turn. */
  get pending(): number {
    return this.#rate > 0 ? this.#waiting.size : 0;
  }

  /** A node that has had its turn is not taken again before it was removed. */
  add(node: string): void {
    if (this.#known.has(node)) return;
    this.#known.add(node);
    this.#waiting.add(node);
  }

  remove(node: string): void {
    this.#known.delete(node);
    this.#waiting.delete(node);
  }

  /** Nodes whose turn it is. Put back with {@link retry} what did not work. */
  take(): string[] {
    const taken: string[] = [];
    for (const node of this.#waiting) {
      if (this.#rate <= 0 || !this.#bucket.tryTake()) break;
      this.#waiting.delete(node);
      taken.push(node);
    }
    return taken;
  }

  retry(node: string): void {
    if (this.#known.has(node)) this.#waiting.add(node);
  }

  /** 0: nobody gets a turn. What was used of the old rate counts for the new one. */
  setRate(rate: number): void {
    if (rate === this.#rate) return;
    const exhausted = this.#rate > 0 && !this.#bucket.tryTake();
    this.#rate = rate;
    this.#bucket = this.#makeBucket(rate);
    if (exhausted) this.#bucket.tryTake();
  }

  #makeBucket(rate: number): TokenBucket<string> {
    return new TokenBucket({ perSecond: rate, burst: 1, clock: this.#clock });
  }
}
