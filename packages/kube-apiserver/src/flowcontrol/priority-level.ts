/**
 * The seats of one priority level, and the queues of those who wait for one
 * (`apiserver/pkg/util/flowcontrol/fairqueuing/queueset/queueset.go`). Queues are served by
 * start-time fair queueing: each has a virtual time that moves on by the seat-seconds it uses, and
 * the one that is furthest behind comes next.
 */
import type { Clock, Timer } from '@kubets/apimachinery/clock';
import type { PriorityLevelConfig } from './config.ts';
import { deal } from './shuffle-shard.ts';

export type RejectReason = 'queue-full' | 'concurrency-limit' | 'time-out' | 'cancelled';

/** Until a request has shown how long it takes (`queueset`, `requestServiceDuration`). */
const estimatedSeconds = 0.003;

interface Waiter {
  readonly seats: number;
  readonly queue: FlowQueue;
  readonly settle: (outcome: Ticket | RejectReason) => void;
  timer: Timer | undefined;
  settled: boolean;
}

class FlowQueue {
  virtualTime = 0;
  readonly waiting: Waiter[] = [];
  seatsInUse = 0;

  get load(): number {
    let load = this.seatsInUse;
    for (const waiter of this.waiting) load += waiter.seats;
    return load;
  }
}

/** A right to run, to be given back to {@link PriorityLevel.release}. */
export interface Ticket {
  readonly seats: number;
  readonly queue: FlowQueue | undefined;
  readonly startedAt: number;
}

export interface Admission {
  readonly seats: number;
  /** From `flowHash`. */
  readonly hash: number;
  readonly waitLimitMs: number;
}

export class PriorityLevel {
  config: PriorityLevelConfig;
  /** Seats to give out now; changes as levels lend to each other. */
  limit = 1;
  nominalSeats = 1;
  seatsInUse = 0;
  executing = 0;
  waiting = 0;
  /** The most seats wanted at once since it was last reset. */
  peakDemand = 0;
  smoothDemand = 0;
  readonly #clock: Clock;
  #queues: FlowQueue[];
  #virtualTime = 0;

  constructor(config: PriorityLevelConfig, clock: Clock) {
    this.config = config;
    this.#clock = clock;
    this.#queues = PriorityLevel.#makeQueues(config);
  }

  static #makeQueues(config: PriorityLevelConfig): FlowQueue[] {
    return Array.from({ length: config.queuing?.queues ?? 0 }, () => new FlowQueue());
  }

  /** Takes over a changed configuration. Those who wait in queues that are no more are served first come, first served. */
  reconfigure(config: PriorityLevelConfig): void {
    const wanted = config.queuing?.queues ?? 0;
    this.config = config;
    if (wanted === this.#queues.length) return;
    const waiters = this.#queues.flatMap((queue) => queue.waiting);
    this.#queues = PriorityLevel.#makeQueues(config);
    for (const waiter of waiters) this.#reject(waiter, 'cancelled');
  }

  #fits(seats: number): boolean {
    // A request wider than the level may run alone.
    return seats > this.limit ? this.executing === 0 : this.seatsInUse + seats <= this.limit;
  }

  /** The way without waiting; undefined when there is no free seat or others wait already. */
  tryAcquire(seats: number): Ticket | undefined {
    if (this.waiting > 0 || !this.#fits(seats)) return undefined;
    return this.#start(seats, undefined);
  }

  #start(seats: number, queue: FlowQueue | undefined): Ticket {
    this.seatsInUse += seats;
    this.executing++;
    if (this.seatsInUse > this.peakDemand) this.peakDemand = this.seatsInUse;
    if (queue !== undefined) {
      queue.seatsInUse += seats;
      queue.virtualTime += seats * estimatedSeconds;
    }
    return { seats, queue, startedAt: this.#clock.monotonic() };
  }

  /** Waits in a queue. Settles with a ticket, or with why there is none. */
  enqueue(admission: Admission): { readonly outcome: Promise<Ticket | RejectReason>; cancel(): void } {
    const { promise, resolve } = Promise.withResolvers<Ticket | RejectReason>();
    const queue = this.#chooseQueue(admission.hash);
    const limit = this.config.queuing?.queueLengthLimit ?? 0;
    if (queue === undefined || queue.waiting.length >= limit) {
      resolve(queue === undefined ? 'concurrency-limit' : 'queue-full');
      return { outcome: promise, cancel() {} };
    }
    const waiter: Waiter = { seats: admission.seats, queue, settle: resolve, timer: undefined, settled: false };
    waiter.timer = this.#clock.setTimer(admission.waitLimitMs, () => this.#drop(waiter, 'time-out'));
    if (queue.waiting.length === 0) queue.virtualTime = Math.max(queue.virtualTime, this.#virtualTime);
    queue.waiting.push(waiter);
    this.waiting++;
    this.peakDemand = Math.max(this.peakDemand, this.seatsInUse + this.#waitingSeats());
    this.#dispatch();
    return { outcome: promise, cancel: () => this.#drop(waiter, 'cancelled') };
  }

  #waitingSeats(): number {
    let seats = 0;
    for (const queue of this.#queues) for (const waiter of queue.waiting) seats += waiter.seats;
    return seats;
  }

  #chooseQueue(hash: number): FlowQueue | undefined {
    const queuing = this.config.queuing;
    if (queuing === undefined) return undefined;
    let best: FlowQueue | undefined;
    for (const card of deal(hash, this.#queues.length, queuing.handSize)) {
      const queue = this.#queues[card];
      if (queue !== undefined && (best === undefined || queue.load < best.load)) best = queue;
    }
    return best;
  }

  #drop(waiter: Waiter, reason: RejectReason): void {
    if (waiter.settled) return;
    const at = waiter.queue.waiting.indexOf(waiter);
    if (at >= 0) waiter.queue.waiting.splice(at, 1);
    this.#reject(waiter, reason);
    this.#dispatch();
  }

  #reject(waiter: Waiter, reason: RejectReason): void {
    this.waiting--;
    waiter.settled = true;
    waiter.timer?.cancel();
    waiter.settle(reason);
  }

  #nextQueue(): FlowQueue | undefined {
    let best: FlowQueue | undefined;
    for (const queue of this.#queues) {
      if (queue.waiting.length > 0 && (best === undefined || queue.virtualTime < best.virtualTime)) best = queue;
    }
    return best;
  }

  #dispatch(): void {
    while (this.waiting > 0) {
      const queue = this.#nextQueue();
      const waiter = queue?.waiting[0];
      if (queue === undefined || waiter === undefined || !this.#fits(waiter.seats)) return;
      queue.waiting.shift();
      this.waiting--;
      this.#virtualTime = queue.virtualTime;
      waiter.settled = true;
      waiter.timer?.cancel();
      waiter.settle(this.#start(waiter.seats, queue));
    }
  }

  release(ticket: Ticket): void {
    this.seatsInUse -= ticket.seats;
    this.executing--;
    if (ticket.queue !== undefined) {
      const seconds = (this.#clock.monotonic() - ticket.startedAt) / 1000;
      ticket.queue.seatsInUse -= ticket.seats;
      ticket.queue.virtualTime += ticket.seats * (seconds - estimatedSeconds);
    }
    if (this.waiting > 0) this.#dispatch();
  }

  /** A new number of seats; those who wait may start at once. */
  setLimit(seats: number): void {
    this.limit = Math.max(1, seats);
    this.#dispatch();
  }
}
