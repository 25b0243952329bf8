/**
 * Loaded into a process with `--import`: writes a line of JSON for every turn of its event loop that took more than so many
 * milliseconds of the main thread's own CPU time, to the file that `KUBETS_LOOP_PROBE` names. Time in which other processes had the
 * processor does not count; collecting garbage does, and is told apart.
 */
import { appendFileSync } from 'node:fs';
import { PerformanceObserver } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';

/** What the probe writes. Times are of the machine's monotonic clock, as in CPU profiles. */
export type ProbeLine =
  | { readonly type: 'begin'; readonly micros: number }
  | { readonly type: 'turn'; readonly endMicros: number; readonly wallMs: number; readonly cpuMs: number }
  | { readonly type: 'gc'; readonly startMicros: number; readonly ms: number };

const thresholdMs = 10;

const monotonicMicros = (): number => Number(process.hrtime.bigint() / 1000n);

const mainThreadMicros = (): number => {
  const { user, system } = process.threadCpuUsage();
  return user + system;
};

function watch(file: string): void {
  const write = (line: ProbeLine): void => appendFileSync(file, `${JSON.stringify(line)}\n`);
  const origin = monotonicMicros() - performance.now() * 1000;
  new PerformanceObserver((list) => {
    for (const { startTime, duration } of list.getEntries()) {
      if (duration > 2) write({ type: 'gc', startMicros: Math.round(origin + startTime * 1000), ms: duration });
    }
  }).observe({ entryTypes: ['gc'] });
  let wall = monotonicMicros();
  write({ type: 'begin', micros: wall });
  let cpu = mainThreadMicros();
  // The loop comes by here once in each of its turns, but for turns shorter than a millisecond.
  const tick = (): void => {
    const cpuMs = (mainThreadMicros() - cpu) / 1000;
    if (cpuMs > thresholdMs) {
      const endMicros = monotonicMicros();
      write({ type: 'turn', endMicros, wallMs: (endMicros - wall) / 1000, cpuMs });
    }
    wall = monotonicMicros();
    cpu = mainThreadMicros();
    setTimeout(tick, 1).unref();
  };
  tick();
}

const file = process.env['KUBETS_LOOP_PROBE'];
if (file !== undefined && isMainThread) watch(file);
