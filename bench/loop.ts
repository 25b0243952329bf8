/**
 * `npm run bench -- loop`: how long the event loop of a kubets is held up, by its main thread's own CPU time, while it does the
 * rows of `controllers`, and while it starts with 1,000 nodes and 20,000 pods in its store.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ApiClient, readKubeconfig } from '../test/harness/api-client.ts';
import { KubetsProcess, temporaryDirectory } from '../test/harness/kubets-process.ts';
import { controllerRows } from './controllers-rows.ts';
import type { ProbeLine } from './loop-probe.ts';
import { percentile, run } from './measure.ts';
import { PodCounter } from './pod-counter.ts';

const probe = fileURLToPath(new URL('loop-probe.ts', import.meta.url));

const usage = `npm run bench -- loop [flags]
  --only a,b  only these: start, ${controllerRows.map(({ name }) => name).join(', ')} (default: start, deployment, namespace, rollouts)
  --pods N    how many pods are there at the start (20000)`;

const say = (text: string): void => void process.stdout.write(`${text}\n`);

/** Loading modules and opening the store block what serves nobody yet. */
const startMs = 3000;

/** Turns of more than 10 ms, collecting garbage left out. */
export interface LoopFigures {
  /** In the first {@link startMs} of the process. */
  readonly atStart: number;
  readonly longestAtStartMs: number;
  /** From then on, as the rest. */
  readonly turns: number;
  readonly over20: number;
  readonly medianMs: number;
  readonly longestMs: number;
  readonly longestCollectionMs: number;
}

function summarise(file: string): LoopFigures {
  const lines = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as ProbeLine);
  const collections = lines.filter((line) => line.type === 'gc');
  const ready = (lines.find((line) => line.type === 'begin')?.micros ?? 0) + startMs * 1000;
  const own = lines
    .filter((line) => line.type === 'turn')
    .map(({ endMicros, wallMs, cpuMs }) => {
      const within = collections.filter(
        ({ startMicros }) => startMicros > endMicros - wallMs * 1000 - 500 && startMicros < endMicros,
      );
      // What is known of collections is how long they were on the clock, other processes' time included.
      const collecting = Math.min(1, within.reduce((sum, { ms }) => sum + ms, 0) / wallMs);
      return { ms: cpuMs * (1 - collecting), early: endMicros < ready };
    })
    .filter(({ ms }) => ms > 10)
    .toSorted((a, b) => a.ms - b.ms);
  const early = own.filter((turn) => turn.early);
  const later = own.filter((turn) => !turn.early);
  return {
    atStart: early.length,
    longestAtStartMs: early.at(-1)?.ms ?? 0,
    turns: later.length,
    over20: later.filter(({ ms }) => ms > 20).length,
    medianMs: percentile(
      Float64Array.from(later, ({ ms }) => ms),
      0.5,
    ),
    longestMs: later.at(-1)?.ms ?? 0,
    longestCollectionMs: Math.max(0, ...collections.map(({ ms }) => ms)),
  };
}

const nodes = ['--simulate-nodes', '1000'];

async function fill(dataDir: string, pods: number): Promise<void> {
  await using kubets = await KubetsProcess.start(dataDir, nodes);
  await using client = await ApiClient.connect(readKubeconfig(kubets.kubeconfig));
  using running = await PodCounter.start(client, 'default', 'status.phase=Running');
  const account = '/api/v1/namespaces/default/serviceaccounts/default';
  while ((await client.send({ method: 'GET', path: account })).status !== 200) await sleep(100);
  await run(pods, 32, async (i) => {
    const body = JSON.stringify({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: `p-${i}`, labels: { app: `app-${i % 100}` } },
      spec: { nodeName: `sim-${i % 1000}`, containers: [{ name: 'c', image: 'nginx:1' }] },
    });
    await client.must({ method: 'POST', path: '/api/v1/namespaces/default/pods', body });
  });
  await running.until(pods, 180);
}

async function start(pods: number, probed: () => void): Promise<void> {
  await using directory = await temporaryDirectory();
  const dataDir = join(directory.path, 'data');
  await fill(dataDir, pods);
  probed();
  await using kubets = await KubetsProcess.start(dataDir, nodes);
  await sleep(10_000);
  say(`  ready after ${kubets.startSeconds.toFixed(2)} s`);
}

function show(figures: LoopFigures): void {
  const { atStart, longestAtStartMs, turns, over20, medianMs, longestMs, longestCollectionMs } = figures;
  say(`  turns of more than 10 ms in the first 3 s   ${atStart}, the longest ${longestAtStartMs.toFixed(1)} ms`);
  say(`  turns of more than 10 ms from then on       ${turns} (of more than 20 ms: ${over20})`);
  say(`  their median, and the longest               ${medianMs.toFixed(1)} ms, ${longestMs.toFixed(1)} ms`);
  say(`  collecting garbage, the longest             ${longestCollectionMs.toFixed(1)} ms`);
}

/** Resolves to the figures of each row. */
export async function main(args: readonly string[]): Promise<Record<string, LoopFigures> | undefined> {
  const options = {
    only: { type: 'string' },
    pods: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  } as const;
  const { values } = parseArgs({ args: [...args], options });
  if (values.help === true) {
    say(usage);
    return undefined;
  }
  const figures: Record<string, LoopFigures> = {};
  await using directory = await temporaryDirectory();
  const flags = process.env['KUBETS_NODE_FLAGS'];
  for (const name of (values.only ?? 'start,deployment,namespace,rollouts').split(',')) {
    const row = controllerRows.find((candidate) => candidate.name === name);
    if (row === undefined && name !== 'start') throw new Error(`there is no row ${name}`);
    say(row?.title ?? `start with 1,000 nodes and ${values.pods ?? '20000'} pods`);
    const file = join(directory.path, `${name}.jsonl`);
    const probed = (): void => {
      process.env['KUBETS_LOOP_PROBE'] = file;
      process.env['KUBETS_NODE_FLAGS'] = `${flags === undefined ? '' : `${flags} `}--import ${probe}`;
    };
    if (row === undefined) await start(Number(values.pods ?? 20_000), probed);
    else {
      probed();
      await row.run();
    }
    if (flags === undefined) delete process.env['KUBETS_NODE_FLAGS'];
    else process.env['KUBETS_NODE_FLAGS'] = flags;
    show((figures[name] = summarise(file)));
  }
  return figures;
}
