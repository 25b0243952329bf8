/** `apiserver_flowcontrol_*` (`apiserver/pkg/util/flowcontrol/metrics/metrics.go`). */
import { labelText, type Cell, type Histogram, type MetricsRegistry, type Values } from '@kubets/apimachinery/metrics';
import type { Flow, FlowController } from './flow-controller.ts';
import type { RejectReason } from './priority-level.ts';

const waitBounds = [0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30];

interface FlowCells {
  readonly labels: string;
  readonly dispatched: Cell;
  readonly executing: Cell;
  readonly seats: Cell;
  readonly queued: Cell;
}

export class FlowMetrics {
  readonly #dispatched: Values;
  readonly #rejected: Values;
  readonly #executing: Values;
  readonly #seats: Values;
  readonly #queued: Values;
  readonly #waits: Histogram;
  readonly #cells = new WeakMap<Flow, FlowCells>();

  constructor(registry: MetricsRegistry, controller: FlowController) {
    const prefix = 'apiserver_flowcontrol_';
    this.#dispatched = registry.counter(`${prefix}dispatched_requests_total`, 'Requests that got a seat.');
    this.#rejected = registry.counter(`${prefix}rejected_requests_total`, 'Requests that got none, and why.');
    this.#executing = registry.gauge(`${prefix}current_executing_requests`, 'Requests that hold seats.');
    this.#seats = registry.gauge(`${prefix}current_executing_seats`, 'Seats held.');
    this.#queued = registry.gauge(`${prefix}current_inqueue_requests`, 'Requests that wait for a seat.');
    this.#waits = registry.histogram(
      `${prefix}request_wait_duration_seconds`,
      'Time spent waiting, in seconds.',
      waitBounds,
    );
    registry.collected(
      { name: `${prefix}nominal_limit_seats`, help: 'Seats of each level by its shares.', type: 'gauge' },
      () => [...controller.levels].map((l) => [labelText({ priority_level: l.config.name }), l.nominalSeats]),
    );
  }

  of(flow: Flow): FlowCells {
    return this.#cells.get(flow) ?? this.#make(flow);
  }

  #make(flow: Flow): FlowCells {
    const labels = labelText({ flow_schema: flow.schema.name, priority_level: flow.level.config.name });
    const cells = {
      labels,
      dispatched: this.#dispatched.cell(labels),
      executing: this.#executing.cell(labels),
      seats: this.#seats.cell(labels),
      queued: this.#queued.cell(labels),
    };
    this.#cells.set(flow, cells);
    return cells;
  }

  rejected(flow: Flow, reason: RejectReason): void {
    this.#rejected.add(1, `${this.of(flow).labels},reason="${reason}"`);
  }

  waited(flow: Flow, execute: boolean, seconds: number): void {
    this.#waits.observe(seconds, `execute="${execute}",${this.of(flow).labels}`);
  }
}
