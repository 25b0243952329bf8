/** How long queueing hints take: `scheduler_queueing_hint_execution_duration_seconds` (`pkg/scheduler/metrics/metrics.go`). */
import type { Clock } from '@kubets/apimachinery/clock';
import { labelText, type Histogram, type HistogramSeries, type MetricsRegistry } from '@kubets/apimachinery/metrics';

/** What a hint answered. */
export type HintResult = 'Queue' | 'QueueSkip' | 'Error';

const buckets = Array.from({ length: 20 }, (_, i) => 0.00001 * 1.5 ** i);

/** One for all profiles. */
export class HintDurations {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #histogram: Histogram;
  /** Hints run for thousands of pods in a row: their labels are put together once. */
  readonly #series = new Map<string, HistogramSeries>();

  constructor(registry: MetricsRegistry, clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
    this.#histogram = registry.histogram(
      'scheduler_queueing_hint_execution_duration_seconds',
      'Scheduling latency for running a queueing hint function of a plugin.',
      buckets,
    );
  }

  /** To be given to {@link ended}. */
  start(): number {
    return this.#clock.monotonic();
  }

  ended(started: number, { plugin, event, hint }: { plugin: string; event: string; hint: HintResult }): void {
    const key = `${plugin} ${event} ${hint}`;
    let series = this.#series.get(key);
    if (series === undefined) {
      series = this.#histogram.series(labelText({ event, hint, plugin }));
      this.#series.set(key, series);
    }
    series.observe((this.#clock.monotonic() - started) / 1000);
  }
}
