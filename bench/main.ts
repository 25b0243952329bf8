/**
 * `npm run bench`: the rows of the speed table, against the API server a kubeconfig names, or against
 * a kubets of its own. Prints operations/s, p50 and p99 and resident memory; writes JSON.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ApiClient, readKubeconfig } from '../test/harness/api-client.ts';
import { run, type Measurement } from './measure.ts';
import { configMap } from './objects.ts';
import { cpuSeconds, KubetsProcess, residentMegabytes, temporaryDirectory } from '../test/harness/kubets-process.ts';
import { rows, type BenchContext, type Row } from './rows.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** `npm run bench -- controllers …`: other things than the API server alone, each with flags of its own. */
const topics: Readonly<Record<string, string>> = {
  controllers: './controllers.ts',
  loop: './loop.ts',
  scheduler: './scheduler.ts',
};
const [topic = '', ...topicArgs] = process.argv.slice(2);
const topicModule = topics[topic];

const { values: flags } = parseArgs({
  args: topicModule === undefined ? process.argv.slice(2) : [],
  options: {
    kubeconfig: { type: 'string' },
    pid: { type: 'string', multiple: true },
    only: { type: 'string' },
    pods: { type: 'string', default: '5000' },
    callers: { type: 'string', default: '16' },
    json: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  },
});

const usage = `npm run bench -- [flags], or one of ${Object.keys(topics).join(', ')} with flags of its own (--help)
  --kubeconfig FILE  the API server to measure (default: a kubets of the benchmark's own)
  --pid N            a process whose resident memory to print (repeat for several; own kubets: known)
  --only a,b         only these rows: ${rows.map((r) => r.name).join(', ')}, start, idle
  --pods N           how many pods (5000); --callers N  how many at a time (16)
  --json FILE        where the figures go (bench-results/<time>.json)`;

interface Figures {
  rows: Record<string, Measurement & { upstream: number; target: number; cpuMicros?: number }>;
  residentMegabytes: Record<string, number>;
  startSeconds: Record<string, number>;
  idleCorePercent?: number;
  topics?: Record<string, unknown>;
}

const figures: Figures = { rows: {}, residentMegabytes: {}, startSeconds: {} };
const wanted = flags.only?.split(',');
const wants = (name: string): boolean => wanted === undefined || wanted.includes(name);
const say = (text: string): void => void process.stdout.write(`${text}\n`);
const cell = (text: string | number, width: number): string => String(text).padStart(width);

function show(row: Row, m: Measurement, cpuMicros: number | undefined): void {
  const { title, upstream, target } = row;
  const rate = m.perSecond >= 100 ? m.perSecond.toFixed(0) : m.perSecond.toFixed(1);
  const ratio = `${(m.perSecond / upstream).toFixed(1)}x`;
  const verdict = m.perSecond >= target ? 'reached' : 'below';
  say(
    `${title.padEnd(42)}${cell(rate, 9)}/s${cell(m.p50.toFixed(2), 9)}${cell(m.p99.toFixed(2), 9)}${cell(cpuMicros === undefined ? '' : cpuMicros.toFixed(0), 9)}${cell(ratio, 8)}  ${target}/s ${verdict}`,
  );
}

function memory(when: string, pids: readonly number[]): void {
  if (pids.length === 0) return;
  const megabytes = pids.reduce((sum, pid) => sum + residentMegabytes(pid), 0);
  figures.residentMegabytes[when] = Math.round(megabytes);
  say(`resident, ${when}: ${megabytes.toFixed(0)} MB`);
}

/** CPU time of the servers so far, all threads: per operation it says more than the rate on a busy machine. */
const cpuOf = (pids: readonly number[]): number => pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0);

async function measureRows(kubeconfig: string, pids: readonly number[]): Promise<void> {
  const credentials = readKubeconfig(kubeconfig);
  await using client = await ApiClient.connect(credentials);
  const namespace = `bench-${process.pid}`;
  const context: BenchContext = {
    client,
    connect: () => ApiClient.connect(credentials),
    namespace,
    pods: Number(flags.pods),
    callers: Number(flags.callers),
  };
  const body = JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
  await client.must({ method: 'POST', path: '/api/v1/namespaces', body });
  if (flags.kubeconfig !== undefined) await ready(client, namespace);
  memory('idle', pids);
  say(
    `${''.padEnd(42)}${cell('rate', 11)}${cell('p50 ms', 9)}${cell('p99 ms', 9)}${cell('CPU µs', 9)}${cell('ratio', 8)}  target`,
  );
  for (const row of rows) {
    if (!wants(row.name)) continue;
    const before = cpuOf(pids);
    const measurement = await row.run(context);
    const cpuMicros = pids.length === 0 ? undefined : ((cpuOf(pids) - before) / measurement.operations) * 1e6;
    figures.rows[row.name] = {
      ...measurement,
      upstream: row.upstream,
      target: row.target,
      ...(cpuMicros !== undefined && { cpuMicros }),
    };
    show(row, measurement, cpuMicros);
  }
  memory('after the work', pids);
  await client.send({ method: 'DELETE', path: `/api/v1/namespaces/${namespace}` });
}

/** Pods need the namespace's default service account, which a controller makes. */
async function ready(client: ApiClient, namespace: string): Promise<void> {
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/default`;
  for (let i = 0; i < 200; i++) {
    if ((await client.send({ method: 'GET', path })).status === 200) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`the namespace ${namespace} got no default service account within 10 s`);
}

async function measureIdle(pid: number): Promise<void> {
  const seconds = 10;
  const before = cpuSeconds(pid);
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  figures.idleCorePercent = ((cpuSeconds(pid) - before) / seconds) * 100;
  say(`idle: ${figures.idleCorePercent.toFixed(1)} % of a core over ${seconds} s`);
}

async function measureStarts(dataDir: string): Promise<void> {
  {
    await using server = await KubetsProcess.start(dataDir);
    figures.startSeconds['10,000 objects to add'] = server.startSeconds;
    await using client = await ApiClient.connect(readKubeconfig(server.kubeconfig));
    await run(10_000, 64, (i) =>
      client.must({
        method: 'POST',
        path: '/api/v1/namespaces/default/configmaps',
        body: JSON.stringify(configMap(`c-${i}`)),
      }),
    );
  }
  await using server = await KubetsProcess.start(dataDir);
  figures.startSeconds['10,000 objects'] = server.startSeconds;
  say(`from the process's start to ready, 10,000 objects there: ${server.startSeconds.toFixed(2)} s`);
}

/** The whole control plane, controllers and scheduler included. */
async function measureEmpty(dataDir: string): Promise<void> {
  await using server = await KubetsProcess.start(dataDir);
  figures.startSeconds['nothing'] = server.startSeconds;
  say(
    `from the process's start to ready, nothing there: ${server.startSeconds.toFixed(2)} s (upstream 2.6 to 5 s, target 1 s)`,
  );
  if (!wants('idle')) return;
  await measureIdle(server.pid);
  memory('idle, with controllers and scheduler', [server.pid]);
}

/** The rows are of upstream's API server and etcd alone: so they are here. */
async function measureServer(dataDir: string): Promise<void> {
  await using server = await KubetsProcess.start(dataDir, ['--no-controllers', '--no-scheduler']);
  await measureRows(server.kubeconfig, [server.pid]);
}

async function measureOwn(): Promise<void> {
  await using temporary = await temporaryDirectory();
  if (wants('idle') || wants('start')) await measureEmpty(join(temporary.path, 'empty'));
  await measureServer(join(temporary.path, 'rows'));
  if (wants('start')) await measureStarts(join(temporary.path, 'start'));
}

function write(): void {
  const now = new Date().toISOString();
  const path = flags.json ?? join(root, 'bench-results', `${now.replaceAll(':', '-')}.json`);
  mkdirSync(dirname(path), { recursive: true });
  const machine = { cpus: cpus().length, model: cpus()[0]?.model, memory: totalmem(), node: process.version };
  writeFileSync(path, `${JSON.stringify({ time: now, machine, ...figures }, undefined, 2)}\n`);
  say(`figures written to ${path}`);
}

if (topicModule !== undefined) {
  const { main } = (await import(topicModule)) as { main(args: readonly string[]): Promise<unknown> };
  const found = await main(topicArgs);
  if (found !== undefined) {
    figures.topics = { [topic]: found };
    write();
  }
} else if (flags.help) {
  say(usage);
} else {
  if (flags.kubeconfig === undefined) await measureOwn();
  else await measureRows(flags.kubeconfig, (flags.pid ?? []).map(Number));
  write();
}
