/** Priority and fairness in the pipeline (`apiserver/pkg/server/filters/priority-and-fairness.go`). */
import type { Clock } from '@kubets/apimachinery/clock';
import type { Flow, FlowController } from '../../flowcontrol/flow-controller.ts';
import type { FlowMetrics } from '../../flowcontrol/flow-metrics.ts';
import { distinguisherOf } from '../../flowcontrol/match.ts';
import type { RejectReason, Ticket } from '../../flowcontrol/priority-level.ts';
import { flowHash } from '../../flowcontrol/shuffle-shard.ts';
import { seatsOf, type ObjectCount } from '../../flowcontrol/width.ts';
import type { ApiRequest, ApiResult, Filter, Next } from '../types.ts';

export interface FlowControlOptions {
  readonly controller: FlowController;
  readonly clock: Clock;
  readonly metrics?: FlowMetrics;
  readonly objectCount: ObjectCount;
  /** A quarter of the request timeout: 15 s. */
  readonly waitLimitMs: number;
  /** Told of each refusal. */
  readonly onRejected?: () => void;
}

const rejection: ApiResult = {
  type: 'bytes',
  status: 429,
  contentType: 'text/plain; charset=utf-8',
  bytes: 'Too many requests, please try again later.\n',
  headers: { 'retry-after': '1', 'x-content-type-options': 'nosniff' },
};

/** One flow-controlled request after another goes through here. */
class FlowGate {
  readonly #options: FlowControlOptions;

  constructor(options: FlowControlOptions) {
    this.#options = options;
  }

  readonly filter: Filter = (request, next) => {
    const { controller } = this.#options;
    const flow = controller.classify(request.info, request.user);
    request.responseHeaders['x-kubernetes-pf-flowschema-uid'] = flow.schema.uid;
    request.responseHeaders['x-kubernetes-pf-prioritylevel-uid'] = flow.level.config.uid;
    if (flow.level.config.exempt) return this.#counted(flow, next(request));
    const seats = seatsOf(request, flow.level.nominalSeats, this.#options.objectCount);
    const ticket = flow.level.tryAcquire(seats);
    return ticket === undefined
      ? this.#wait(flow, { request, next, seats })
      : this.#run(flow, ticket, { request, next });
  };

  #counted(flow: Flow, result: ApiResult | Promise<ApiResult>): ApiResult | Promise<ApiResult> {
    const cells = this.#options.metrics?.of(flow);
    if (cells !== undefined) cells.dispatched.value++;
    return result;
  }

  /** A watch holds its seat only until it has started, all others until they are answered. */
  #run(flow: Flow, ticket: Ticket, call: { request: ApiRequest; next: Next }): ApiResult | Promise<ApiResult> {
    this.#entered(flow, ticket);
    let result: ApiResult | Promise<ApiResult>;
    try {
      result = call.next(call.request);
    } catch (error) {
      this.#left(flow, ticket);
      throw error;
    }
    if (result instanceof Promise) return this.#leaveAfter(flow, ticket, result);
    this.#left(flow, ticket);
    return result;
  }

  async #leaveAfter(flow: Flow, ticket: Ticket, result: Promise<ApiResult>): Promise<ApiResult> {
    try {
      return await result;
    } finally {
      this.#left(flow, ticket);
    }
  }

  #entered(flow: Flow, ticket: Ticket): void {
    const cells = this.#options.metrics?.of(flow);
    if (cells === undefined) return;
    cells.dispatched.value++;
    cells.executing.value++;
    cells.seats.value += ticket.seats;
  }

  #left(flow: Flow, ticket: Ticket): void {
    flow.level.release(ticket);
    const cells = this.#options.metrics?.of(flow);
    if (cells === undefined) return;
    cells.executing.value--;
    cells.seats.value -= ticket.seats;
  }

  async #wait(flow: Flow, call: { request: ApiRequest; next: Next; seats: number }): Promise<ApiResult> {
    const { controller, clock, metrics, waitLimitMs } = this.#options;
    const { request, seats } = call;
    const hash = flowHash(flow.schema.name, distinguisherOf(flow.schema.spec, request.info, request.user));
    const started = clock.monotonic();
    controller.contended();
    const { outcome, cancel } = flow.level.enqueue({ seats, hash, waitLimitMs });
    request.signal.addEventListener('abort', cancel, { once: true });
    const cells = metrics?.of(flow);
    if (cells !== undefined) cells.queued.value++;
    const settled = await outcome;
    if (cells !== undefined) cells.queued.value--;
    request.signal.removeEventListener('abort', cancel);
    metrics?.waited(flow, typeof settled !== 'string', (clock.monotonic() - started) / 1000);
    if (typeof settled === 'string') return this.#reject(flow, settled);
    return this.#run(flow, settled, call);
  }

  #reject(flow: Flow, reason: RejectReason): ApiResult {
    this.#options.metrics?.rejected(flow, reason);
    this.#options.onRejected?.();
    return rejection;
  }
}

export function withFlowControl(options: FlowControlOptions): Filter {
  return new FlowGate(options).filter;
}
