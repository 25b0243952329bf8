/**
 * A micro-benchmark of the embedded store: durable creates, ranges, memory and opening.
 *
 *     node packages/etcd/scripts/bench.ts [--seconds 2] [--dir DIR]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { systemClock } from '@kubets/apimachinery/system-clock';
import { type EmbeddedStore, openEmbeddedStore } from '@kubets/etcd';

const valueBytes = 4300;
const { values: flags } = parseArgs({
  options: { seconds: { type: 'string', default: '2' }, dir: { type: 'string' } },
});
const parent = mkdtempSync(join(flags.dir ?? tmpdir(), 'kubets-bench-'));

/** As a pod's JSON would come: fresh bytes for each write. */
const template = Buffer.alloc(valueBytes, '{"kind":"Pod","apiVersion":"v1","metadata":{"name":"pod"}}');

const open = (name: string): Promise<EmbeddedStore> =>
  openEmbeddedStore({ dataDir: join(parent, name), clock: systemClock, compactionIntervalMs: 0 });

const percentile = (sorted: readonly number[], p: number): string =>
  (sorted[Math.floor(sorted.length * p)] ?? 0).toFixed(2);

async function creates(writers: number): Promise<void> {
  await using store = await open(`creates-${writers}`);
  const latencies: number[] = [];
  const seconds = Number(flags.seconds);
  const start = performance.now();
  const loop = performance.eventLoopUtilization();
  const cpu = process.cpuUsage();
  const writer = async (name: number): Promise<void> => {
    for (let i = 0; performance.now() < start + seconds * 1000; i++) {
      const before = performance.now();
      await store.create(`/registry/pods/default/${name}-${i}`, Buffer.from(template));
      latencies.push(performance.now() - before);
    }
  };
  await Promise.all(Array.from({ length: writers }, (_, i) => writer(i)));
  const { active } = performance.eventLoopUtilization(loop);
  const { user, system } = process.cpuUsage(cpu);
  const count = latencies.length;
  const sorted = latencies.toSorted((a, b) => a - b);
  console.log(
    `${String(writers).padStart(3)} writers: ${(count / seconds).toFixed(0)} creates/s, p50 ${percentile(sorted, 0.5)} ms, ` +
      `p99 ${percentile(sorted, 0.99)} ms, main thread ${((active * 1000) / count).toFixed(1)} µs each, ` +
      `all threads ${((user + system) / count).toFixed(1)} µs each`,
  );
}

function memory(): { rss: number; heap: number } {
  globalThis.gc?.();
  const { rss, heapUsed } = process.memoryUsage();
  return { rss: rss / 1e6, heap: heapUsed / 1e6 };
}

async function fill(store: EmbeddedStore, keys: number): Promise<void> {
  for (let at = 0; at < keys; at += 1000) {
    const batch = Array.from({ length: 1000 }, (_, i) =>
      store.create(`/registry/pods/namespace-${(at + i) % 50}/pod-${at + i}`, Buffer.from(template)),
    );
    await Promise.all(batch);
  }
}

async function sizes(keys: number): Promise<void> {
  const before = memory();
  {
    await using store = await open(`keys-${keys}`);
    await fill(store, keys);
  }
  const start = performance.now();
  await using store = await open(`keys-${keys}`);
  const opened = performance.now() - start;
  const after = memory();
  console.log(
    `${keys} keys: open ${opened.toFixed(0)} ms, heap +${(after.heap - before.heap).toFixed(1)} MB, ` +
      `RSS ${after.rss.toFixed(0)} MB (before: ${before.rss.toFixed(0)}), file ${(store.fileBytes / 1e6).toFixed(0)} MB`,
  );
  await ranges(store);
}

async function ranges(store: EmbeddedStore): Promise<void> {
  const report = async (name: string, run: () => Promise<unknown>): Promise<void> => {
    const start = performance.now();
    let count = 0;
    for (; performance.now() < start + 500; count++) await run();
    console.log(`  ${name}: ${((count * 1000) / (performance.now() - start)).toFixed(0)}/s`);
  };
  await report('get one', () => store.range('/registry/pods/namespace-7/pod-7', ''));
  await report('range of 500', () => store.range('/registry/pods/', '/registry/pods0', { limit: 500 }));
  await report('count all', () => store.range('/registry/', '/registry0', { countOnly: true }));
  const { rss } = memory();
  await store.trimMemory();
  console.log(`  RSS after ranges ${rss.toFixed(0)} MB, trimmed ${memory().rss.toFixed(0)} MB`);
}

console.log(`node ${process.version}, values of ${valueBytes} bytes, ${parent}`);
for (const writers of [1, 16, 64]) await creates(writers);
await sizes(10_000);
await sizes(100_000);
rmSync(parent, { recursive: true, force: true });
