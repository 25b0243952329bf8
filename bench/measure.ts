/** Running many calls at once, and what came of it. */

export interface Measurement {
  readonly operations: number;
  readonly seconds: number;
  readonly perSecond: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
}

export function percentile(sorted: Float64Array, part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
}

export function summarise(latencies: number[], seconds: number, operations = latencies.length): Measurement {
  const sorted = Float64Array.from(latencies).toSorted();
  return {
    operations,
    seconds,
    perSecond: operations / seconds,
    p50: percentile(sorted, 0.5),
    p99: percentile(sorted, 0.99),
  };
}

/** Runs `work(0) … work(count - 1)` with so many callers at a time. */
export async function run(count: number, callers: number, work: (i: number) => Promise<unknown>): Promise<Measurement> {
  const latencies: number[] = [];
  let next = 0;
  const caller = async (): Promise<void> => {
    while (next < count) {
      const i = next++;
      const started = performance.now();
      await work(i);
      latencies.push(performance.now() - started);
    }
  };
  const started = performance.now();
  await Promise.all(Array.from({ length: callers }, caller));
  return summarise(latencies, (performance.now() - started) / 1000);
}
