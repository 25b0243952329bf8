/** One function per row of the speed table. They run in this order: later ones use what earlier ones left. */
import type { ApiClient } from '../test/harness/api-client.ts';
import { run, summarise, type Measurement } from './measure.ts';
import { configMap, pod } from './objects.ts';

export interface BenchContext {
  readonly client: ApiClient;
  /** Opens a further connection: watchers should not queue behind the writers. */
  connect(): Promise<ApiClient>;
  readonly namespace: string;
  readonly pods: number;
  readonly callers: number;
}

export interface Row {
  readonly name: string;
  readonly title: string;
  /** Upstream's figure and the target, operations per second, from the design's section 9. */
  readonly upstream: number;
  readonly target: number;
  run(context: BenchContext): Promise<Measurement>;
}

const podPath = (c: BenchContext, i: number): string => `/api/v1/namespaces/${c.namespace}/pods/pod-${i}`;
const podsPath = (c: BenchContext): string => `/api/v1/namespaces/${c.namespace}/pods`;

async function createPods(c: BenchContext): Promise<Measurement> {
  const bodies = Array.from({ length: c.pods }, (_, i) => JSON.stringify(pod(`pod-${i}`, `item-${i}`)));
  return await run(c.pods, c.callers, (i) =>
    c.client.must({ method: 'POST', path: podsPath(c), body: bodies[i] ?? '' }),
  );
}

const getPods = (c: BenchContext): Promise<Measurement> =>
  run(4 * c.pods, c.callers, (i) => c.client.must({ method: 'GET', path: podPath(c, (i * 7919) % c.pods) }));

const list =
  (query: string, count: number, callers: number) =>
  (c: BenchContext): Promise<Measurement> =>
    run(count, callers, () => c.client.discard(`${podsPath(c)}${query}`));

const listByLabel = (c: BenchContext): Promise<Measurement> =>
  run(3000, c.callers, (i) =>
    c.client.must({
      method: 'GET',
      path: `${podsPath(c)}?labelSelector=bench.example%2Fitem%3Ditem-${(i * 7919) % c.pods}`,
    }),
  );

async function getUpdate(c: BenchContext): Promise<Measurement> {
  return await run(c.pods, c.callers, async (i) => {
    const { body } = await c.client.must({ method: 'GET', path: podPath(c, i) });
    const object = JSON.parse(body.toString()) as { metadata: { labels: Record<string, string> } };
    object.metadata.labels['bench.example/round'] = `update-${i}`;
    await c.client.must({ method: 'PUT', path: podPath(c, i), body: JSON.stringify(object) });
  });
}

const patch =
  (contentType: string) =>
  (c: BenchContext): Promise<Measurement> =>
    run(c.pods, c.callers, (i) =>
      c.client.must({
        method: 'PATCH',
        path: podPath(c, i),
        body: JSON.stringify({ metadata: { labels: { 'bench.example/round': `${contentType.length}-${i}` } } }),
        contentType,
      }),
    );

const apply = (c: BenchContext): Promise<Measurement> =>
  run(c.pods, c.callers, (i) =>
    c.client.must({
      method: 'PATCH',
      path: `/api/v1/namespaces/${c.namespace}/configmaps/applied-${i}?fieldManager=bench`,
      body: JSON.stringify(configMap(`applied-${i}`)),
      contentType: 'application/apply-patch+yaml',
    }),
  );

/** One object changed again and again; 100 watchers each see every change. Latency: from the write's call to a watcher's line. */
async function fanOut(c: BenchContext): Promise<Measurement> {
  const watchers = 100;
  const events = 3000;
  const path = `/api/v1/namespaces/${c.namespace}/configmaps`;
  const created = await c.client.must({ method: 'POST', path, body: JSON.stringify(configMap('watched')) });
  const { metadata } = JSON.parse(created.body.toString()) as { metadata: { resourceVersion: string } };
  const sentAt = new Float64Array(events);
  const latencies: number[] = [];
  let delivered = 0;
  const all = Promise.withResolvers<void>();
  const query = `watch=1&fieldSelector=metadata.name%3Dwatched&resourceVersion=${metadata.resourceVersion}`;
  const marker = Buffer.from('"round":"');
  const newline = 0x0a;
  await using watchClient = await c.connect();
  const closers = await Promise.all(
    Array.from({ length: watchers }, () =>
      watchClient.stream(`${path}?${query}`, (chunk) => {
        const now = performance.now();
        // A line is an event; a line's end, one byte, cannot be torn apart as a longer mark can.
        for (let at = chunk.indexOf(newline); at >= 0; at = chunk.indexOf(newline, at + 1)) delivered++;
        const at = chunk.lastIndexOf(marker);
        if (at >= 0 && at + marker.length + 8 <= chunk.length) {
          const round = Number.parseInt(chunk.toString('latin1', at + marker.length, at + marker.length + 8), 10);
          latencies.push(now - (sentAt[round] ?? now));
        }
        if (delivered >= watchers * events) all.resolve();
      }),
    ),
  );
  const started = performance.now();
  await run(events, 4, (i) => {
    sentAt[i] = performance.now();
    const body = `{"data":{"round":"${String(i).padStart(8, '0')}"}}`;
    return c.client.must({
      method: 'PATCH',
      path: `${path}/watched`,
      body,
      contentType: 'application/merge-patch+json',
    });
  });
  await all.promise;
  const seconds = (performance.now() - started) / 1000;
  for (const close of closers) close();
  return summarise(latencies, seconds, delivered);
}

const deletePods = (c: BenchContext): Promise<Measurement> =>
  run(c.pods, c.callers, (i) => c.client.must({ method: 'DELETE', path: `${podPath(c, i)}?gracePeriodSeconds=0` }));

const json = 'application/merge-patch+json';
const strategic = 'application/strategic-merge-patch+json';

export const rows: readonly Row[] = [
  { name: 'create', title: 'create pod', upstream: 759, target: 3000, run: createPods },
  { name: 'get', title: 'get pod', upstream: 1901, target: 9500, run: getPods },
  {
    name: 'list-cache',
    title: 'list all pods, resourceVersion=0',
    upstream: 5.5,
    target: 34,
    run: list('?resourceVersion=0', 100, 4),
  },
  { name: 'list', title: 'list all pods, fresh', upstream: 6.8, target: 34, run: list('', 100, 4) },
  { name: 'list-label', title: 'list one pod by label', upstream: 290, target: 1500, run: listByLabel },
  { name: 'update', title: 'get, then update', upstream: 409, target: 1600, run: getUpdate },
  { name: 'merge-patch', title: 'merge patch', upstream: 445, target: 1800, run: patch(json) },
  { name: 'strategic-patch', title: 'strategic merge patch', upstream: 451, target: 1800, run: patch(strategic) },
  { name: 'apply', title: 'server-side apply, new ConfigMap', upstream: 1157, target: 3500, run: apply },
  { name: 'watch', title: 'one event to 100 watchers (deliveries)', upstream: 43_000, target: 130_000, run: fanOut },
  { name: 'delete', title: 'delete pod', upstream: 486, target: 1900, run: deletePods },
];
