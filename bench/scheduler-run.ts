/**
 * One measurement in a process of its own, so that nothing is left of the one before it: takes what to do as JSON in its only
 * argument, writes what came of it as JSON.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { percentile } from './measure.ts';
import { SchedulerCluster, type Store } from './scheduler-cluster.ts';
import { startChurn } from './scheduler-churn.ts';
import { shapes, type Scale, type Shape } from './scheduler-shapes.ts';

export interface RunOptions extends Scale {
  readonly shape: string;
  /** Pods come while the scheduler runs, as in upstream's measurements, or are there before it starts. */
  readonly arrival: 'during' | 'before';
  readonly store: Store;
}

export interface RunResult {
  readonly pods: number;
  /** From the first request for a pod, or from the scheduler's start when they are there already, to the last one bound. */
  readonly seconds: number;
  readonly perSecond: number;
  /** Of the whole process, for each pod: says more than the rate on a busy machine. */
  readonly cpuMicros: number;
  /** From the request for a pod to its binding being seen, milliseconds; of pods that come while the scheduler runs. */
  readonly bound?: { readonly p50: number; readonly p99: number };
  /** One attempt with its binding, milliseconds. */
  readonly attempt: { readonly p50: number; readonly p99: number };
  /** How long the event loop was held at a time, milliseconds. */
  readonly loop: { readonly p99: number; readonly max: number };
  readonly residentMegabytes: number;
  readonly heapMegabytes: number;
}

/** The quantile of a histogram of Prometheus' text, as `histogram_quantile` guesses it; milliseconds. */
function quantile(text: string, name: string, part: number): number {
  const counts = new Map<number, number>();
  for (const [, labels = '', count] of text.matchAll(new RegExp(`^${name}_bucket\\{(.*)\\} (\\d+)$`, 'gm'))) {
    const bound = Number(/(?:^|,)le="([^"]*)"/.exec(labels)?.[1]?.replace('+Inf', 'Infinity'));
    counts.set(bound, (counts.get(bound) ?? 0) + Number(count));
  }
  const buckets = [...counts].toSorted(([a], [b]) => a - b);
  const rank = part * (buckets.at(-1)?.[1] ?? 0);
  let [lower, below] = [0, 0];
  for (const [bound, count] of buckets) {
    if (count >= rank && count > below) {
      if (bound === Infinity) return lower * 1000;
      return (lower + ((bound - lower) * (rank - below)) / (count - below)) * 1000;
    }
    [lower, below] = [bound, count];
  }
  return 0;
}

async function prepare(cluster: SchedulerCluster, shape: Shape, scale: Scale): Promise<void> {
  await cluster.addNamespaces(shape);
  await cluster.addNodes(shape, shape.singleNode === true ? 1 : scale.nodes);
  cluster.startScheduler();
  for (const [i, { template, count, waits }] of (shape.initial ?? []).entries()) {
    const wanted = count(scale);
    await cluster.addPods(template, wanted, `initial-${i}`);
    if (waits !== true) await cluster.untilBound(`initial-${i}`, wanted);
  }
}

async function measure(options: RunOptions): Promise<RunResult> {
  const shape = shapes.find(({ name }) => name === options.shape);
  if (shape === undefined) throw new Error(`there is no shape ${options.shape}`);
  await using cluster = await SchedulerCluster.start(options.store);
  await prepare(cluster, shape, options);
  const pods = shape.count?.(options) ?? options.pods;
  if (shape.measured.volume === true) await cluster.addVolumes(pods, 'measured');
  const there = options.arrival === 'before';
  if (there) {
    await cluster.stopScheduler();
    await cluster.addPods(shape.measured, pods, 'measured');
  }
  global.gc?.();
  const loop = monitorEventLoopDelay({ resolution: 1 });
  loop.enable();
  using _churn = startChurn(cluster, shape, options);
  const cpuBefore = process.cpuUsage();
  const started = performance.now();
  const done = cluster.untilBound('measured', pods);
  if (there) cluster.startScheduler();
  else await cluster.addPods(shape.measured, pods, 'measured');
  await done;
  const seconds = (performance.now() - started) / 1000;
  const cpu = process.cpuUsage(cpuBefore);
  loop.disable();
  const cpuMicros = (cpu.user + cpu.system) / pods;
  return { pods, seconds, perSecond: pods / seconds, cpuMicros, ...figures(cluster, there), loop: held(loop) };
}

const held = (loop: ReturnType<typeof monitorEventLoopDelay>): RunResult['loop'] => ({
  p99: loop.percentile(99) / 1e6,
  max: loop.max / 1e6,
});

function figures(
  cluster: SchedulerCluster,
  there: boolean,
): Omit<RunResult, 'pods' | 'seconds' | 'perSecond' | 'cpuMicros' | 'loop'> {
  const latencies = Float64Array.from(
    [...cluster.boundAt]
      .filter(([name]) => name.startsWith('measured'))
      .map(([name, at]) => at - (cluster.asked.get(name) ?? at)),
  ).toSorted();
  const text = cluster.metrics.text();
  const attempt = 'scheduler_scheduling_attempt_duration_seconds';
  const { rss, heapUsed } = process.memoryUsage();
  return {
    ...(!there && { bound: { p50: percentile(latencies, 0.5), p99: percentile(latencies, 0.99) } }),
    attempt: { p50: quantile(text, attempt, 0.5), p99: quantile(text, attempt, 0.99) },
    residentMegabytes: Math.round(rss / 2 ** 20),
    heapMegabytes: Math.round(heapUsed / 2 ** 20),
  };
}

const result = await measure(JSON.parse(process.argv[2] ?? '{}') as RunOptions);
process.stdout.write(`${JSON.stringify(result)}\n`);
process.exit(0);
